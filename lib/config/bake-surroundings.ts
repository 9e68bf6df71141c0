/** What bake and Compose files may see of the machine: variables of the environment, and the files that they name. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { allowOption, type Grants, needsGrant, notUntrusted, type Problem, problem } from '../model/mod.ts';
import { type RealPaths, readRegularFile } from '../system/mod.ts';
import { mayRead } from './grants.ts';
import { MAX_FILE_CHARS } from './parse.ts';
import type { Problems } from './problems.ts';
import { shownPath } from './shown-path.ts';
import type { Origin } from './tree.ts';
import type { VariableInputs } from './var-files.ts';
import { isVisible } from './variable.ts';

/** The environment as the files see it; of names that are withheld, those that were asked for. */
export function visibleEnvironment(
  env: VariableInputs['env'],
  grants: Grants,
): { readonly env: VariableInputs['env']; readonly withheld: ReadonlySet<string> } {
  const withheld = new Set<string>();
  if (!grants.untrusted) return { env, withheld };
  const visible: Record<string, string | undefined> = Object.create(null);
  const hidden = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (isVisible(name, value, grants)) visible[name] = value;
    else hidden.add(name);
  }
  const watched = new Proxy(visible, {
    get: (target, name) => {
      if (typeof name === 'string' && hidden.has(name)) withheld.add(name);
      return typeof name === 'string' ? target[name] : undefined;
    },
  });
  return { env: watched, withheld };
}

export function withheldVariable(variable: string): Problem {
  return notUntrusted(
    `The value of ${variable} is withheld: it sounds or looks like a secret, and the file is untrusted`,
    `If that is meant, allow it: ${allowOption(`env:${variable}`)}`,
    { severity: 'warning' },
  );
}

export interface NamedFiles {
  readonly read: (path: string) => Promise<string | undefined>;
  readonly origins: Origin[];
  readonly absent: string[];
}

/** Reads what Compose files name: `include`, `extends`, files of variables. */
export function createReader(
  cwd: string,
  grants: Grants,
  realPaths: RealPaths,
  problems: Problems,
): NamedFiles {
  const origins: Origin[] = [];
  const absent: string[] = [];
  const known = new Map<string, Promise<string | undefined>>();
  const readOne = async (file: string): Promise<string | undefined> => {
    const shown = shownPath(cwd, file);
    if (!mayRead(file, grants, realPaths)) {
      problems.add(needsGrant({ what: `${shown} would be read`, grant: `read:${shown}` }));
      return undefined;
    }
    try {
      const bytes = grants.untrusted ? readRegularFile(file, MAX_FILE_CHARS) : await readFile(file);
      const text = bytes.toString('utf8');
      origins.push({ source: { path: shown, text }, dir: dirname(file) });
      return text;
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
      if (code !== 'ENOENT') {
        problems.add(
          problem('config/unreadable-file', `${shown} cannot be read: ${code}`, {
            hint: 'Name a file that this user may read.',
          }),
        );
      }
      absent.push(shown);
      return undefined;
    }
  };
  return {
    origins,
    absent,
    read: (path) => {
      const file = resolve(cwd, path);
      const reading = known.get(file) ?? readOne(file);
      known.set(file, reading);
      return reading;
    },
  };
}
