/** What bake and Compose files may access: environment variables and the files that they name. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import {
  allowOption,
  type Grants,
  type Json,
  needsGrant,
  notUntrusted,
  type Problem,
  problem,
  type SourceFile,
  type Span,
  sensitiveForms,
  soundsSecret,
} from '../model/mod.ts';
import { type RealPaths, readNamedFile, readRegularFile, UnreadableFile } from '../system/mod.ts';
import { withSlashes } from '../util/path.ts';
import { deniedProblem } from '../util/permission.ts';
import { mayRead } from './grants.ts';
import { MAX_FILE_CHARS } from './parse.ts';
import type { Problems } from './problems.ts';
import { shownPath } from './shown-path.ts';
import type { Origin } from './tree.ts';
import type { VariableInputs } from './var-files.ts';
import { isVisible } from './variable.ts';

/** The environment as the files see it, and which withheld names they requested. */
export function visibleEnvironment(
  env: VariableInputs['env'],
  grants: Grants,
): {
  readonly env: VariableInputs['env'];
  readonly withheld: ReadonlySet<string>;
  /** Records that a name which `env` does not have was requested. */
  readonly onUnset: (name: string) => void;
} {
  const withheld = new Set<string>();
  if (!grants.untrusted) return { env, withheld, onUnset: () => undefined };
  const visible: Record<string, string | undefined> = Object.create(null);
  const hidden = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (isVisible(name, value, grants)) visible[name] = value;
    else hidden.add(name);
  }
  const onUnset = (name: string): void => {
    if (hidden.has(name)) withheld.add(name);
  };
  const watched = new Proxy(visible, {
    get: (target, name) => {
      if (typeof name === 'string') onUnset(name);
      return typeof name === 'string' ? target[name] : undefined;
    },
  });
  return { env: watched, withheld, onUnset };
}

export function withheldVariable(variable: string): Problem {
  return notUntrusted(
    `The value of ${variable} is withheld: its name or value looks like a secret, and the file is untrusted`,
    `If that is meant, allow it: ${allowOption(`env:${variable}`)}`,
    { severity: 'warning' },
  );
}

/** `NAME=value` and `NAME: value` in files of variables. */
const SETTING = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[:=][ \t]*(["']?)(.+?)\2[ \t]*\r?$/gm;

/**
 * Values that must not appear in problems: values from outside for names in the files that sound like secrets. Values in
 * the files themselves are hidden line by line.
 *
 * @param given values by name
 */
export function secretsIn(
  files: readonly Origin[],
  given: readonly VariableInputs['env'][],
): readonly string[] {
  const texts = files.map(({ source }) => source.text);
  const found: Json[] = [];
  for (const values of given)
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined || !soundsSecret(name)) continue;
      const isJson = name.endsWith('_JSON');
      const written = isJson ? name.slice(0, -'_JSON'.length) : name;
      if (texts.some((text) => text.includes(written))) found.push(isJson ? parseJson(value) : value);
    }
  for (const { source } of files) {
    if (!/(?:^|\/)[^/]*\.env(?:\.[^/]*)?$/.test(source.path)) continue;
    for (const [, name = '', , value = ''] of source.text.matchAll(SETTING))
      if (soundsSecret(name)) found.push(value);
  }
  return found.flatMap(sensitiveForms);
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

interface NamedFiles {
  /** Null: the file could not be read, and a problem was reported. */
  readonly read: (path: string) => Promise<string | undefined | null>;
  readonly isDirectory: (path: string) => Promise<boolean>;
  readonly origins: Origin[];
  readonly absent: string[];
}

/**
 * Reads files that Compose files name: `include`, `extends`, files of variables. Paths are relative to where bake would
 * run.
 */
export function createReader(
  cwd: string,
  runDir: string,
  grants: Grants,
  realPaths: RealPaths,
  problems: Problems,
): NamedFiles {
  const origins: Origin[] = [];
  const absent: string[] = [];
  const known = new Map<string, Promise<string | undefined | null>>();
  const readOne = async (file: string): Promise<string | undefined | null> => {
    const shown = shownPath(cwd, file);
    if (!mayRead(file, grants, realPaths)) {
      // Optional files next to it, such as its .env, need not exist.
      if (basename(file) !== '.env' || existsSync(file))
        problems.add(needsGrant({ what: `${shown} would be read`, grant: `read:${shown}` }));
      return null;
    }
    try {
      const bytes = grants.untrusted ? readRegularFile(file, MAX_FILE_CHARS) : await readTrusted(file);
      const text = bytes.toString('utf8');
      origins.push({ source: { path: shown, text }, dir: dirname(file) });
      return text;
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
      // Compose treats a directory as a missing file.
      if (code !== 'ENOENT' && code !== 'EISDIR') {
        problems.add(
          deniedProblem(thrown) ??
            problem('config/unreadable-file', `${shown} cannot be read: ${code}`, {
              hint: 'Name a file that you may read.',
            }),
        );
        return null;
      }
      absent.push(shown);
      return undefined;
    }
  };
  return {
    origins,
    absent,
    read: (path) => {
      const file = resolve(runDir, path);
      const reading = known.get(file) ?? readOne(file);
      known.set(file, reading);
      return reading;
    },
    isDirectory: async (path) => {
      const file = resolve(runDir, path);
      // A file that may not be read is reported when something in it is used.
      if (!mayRead(file, grants, realPaths)) return true;
      const found = statSync(file, { throwIfNoEntry: false });
      if (found === undefined) absent.push(shownPath(cwd, file));
      return found?.isDirectory() === true;
    },
  };
}

/** Also reads files that are not regular, except those that could block forever. */
async function readTrusted(file: string): Promise<Buffer> {
  const found = statSync(file);
  if (found.isFIFO() || found.isSocket()) throw new UnreadableFile('not-regular', `${file} is a pipe`);
  return readNamedFile(file);
}

/** Names of files: bake's, relative to where it would run, and those for messages, relative to the user's directory. */
export interface BakeSources {
  readonly given: (source: SourceFile) => SourceFile;
  readonly shown: (source: SourceFile) => SourceFile;
  /** A problem with its places in files as named in messages. */
  readonly place: (found: Problem) => Problem;
}

/** See {@link BakeSources}; usually both are the same. */
export function createSources(files: readonly Origin[], cwd: string, runDir: string): BakeSources {
  if (cwd === runDir && sep === '/')
    return { given: (source) => source, shown: (source) => source, place: (found) => found };
  const known = new Map<SourceFile, SourceFile>();
  const given = new Map(
    files.map(({ source }): [SourceFile, SourceFile] => {
      if (source.path === '-') return [source, source];
      return [source, { ...source, path: withSlashes(relative(runDir, resolve(cwd, source.path))) }];
    }),
  );
  for (const [source, renamed] of given) known.set(renamed, source);
  const shown = (source: SourceFile): SourceFile => {
    if (source.isCommandLine === true || source.path === '-') return source;
    const found = known.get(source) ?? { ...source, path: shownPath(cwd, resolve(runDir, source.path)) };
    known.set(source, found);
    known.set(found, found);
    return found;
  };
  const moved = <T extends { readonly span?: Span }>(one: T): T =>
    one.span === undefined ? one : { ...one, span: { ...one.span, source: shown(one.span.source) } };
  return {
    given: (source) => given.get(source) ?? source,
    shown,
    place: (found) => {
      const { related } = found;
      return { ...moved(found), ...(related === undefined ? {} : { related: related.map(moved) }) };
    },
  };
}
