/** Reads `--var-file`: dotenv, or YAML or JSON by extension. */
import { extname, resolve } from 'node:path';
import { type Grants, type Json, needsGrant, problem } from '../model/mod.ts';
import { type RealPaths, readNamedFile, readRegularFile } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { deniedProblem } from '../util/permission.ts';
import { suggest } from '../util/suggest.ts';
import { mayRead } from './grants.ts';
import { MAX_FILE_CHARS, parseText } from './parse.ts';
import type { Problems } from './problems.ts';
import { shownPath } from './shown-path.ts';
import { at, atKey, isNull, type Node, toJson } from './tree.ts';

/** Values from outside. */
export interface VariableInputs {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From `--var NAME=VALUE`. */
  readonly vars?: ReadonlyMap<string, string>;
  /** Paths from `--var-file`: dotenv, or YAML or JSON by extension. Later ones take precedence. */
  readonly varFiles?: readonly string[];
}

/** A value and the file that it comes from. */
export interface FileValue {
  readonly value: Json;
  readonly path: string;
  /** Its node, in YAML and JSON. */
  readonly node?: Node;
}

/**
 * Reads the `--var-file`s: name to value.
 *
 * @param declared the declared names; undefined: not known yet
 */
export async function readVarFiles(
  inputs: VariableInputs,
  declared: ReadonlySet<string> | undefined,
  problems: Problems,
  { grants, realPaths }: { readonly grants: Grants; readonly realPaths: RealPaths },
): Promise<ReadonlyMap<string, FileValue>> {
  const values = new Map<string, FileValue>();
  for (const file of inputs.varFiles ?? []) {
    const path = resolve(inputs.cwd, file);
    const shown = shownPath(inputs.cwd, path);
    if (grants.untrusted && !mayRead(path, grants, realPaths)) {
      problems.add(needsGrant({ what: `${shown} would be read`, grant: `read:${shown}` }));
      continue;
    }
    // The user named it, so it may be a pipe; in an untrusted repository the path may lead to anything.
    const reading = grants.untrusted
      ? Promise.resolve().then(() => readRegularFile(path, MAX_FILE_CHARS).toString('utf8'))
      : readNamedFile(path).then((bytes) => bytes.toString('utf8'));
    const text = await reading.catch((thrown: unknown) => {
      const denied = deniedProblem(thrown);
      if (denied !== undefined) {
        problems.add(denied);
        return undefined;
      }
      const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
      const why = code === 'ENOENT' ? `There is no file ${shown}` : `${shown} cannot be read: ${code}`;
      problems.add(
        problem('config/missing-file', why, {
          hint: `Check the name after ${option('--var-file')}.`,
        }),
      );
      return undefined;
    });
    // Some names are not from the environment: `__proto__` is an object's.
    if (typeof text !== 'string') continue;
    const origin = { source: { path: shown, text }, dir: inputs.cwd };
    if (/^\.(?:ya?ml|json)$/.test(extname(path))) {
      const parsed = await parseText(origin);
      problems.addAll(parsed.problems);
      if (parsed.node?.kind === 'map') {
        for (const [name, entry] of parsed.node.entries) {
          noteUnknown(name, declared, shown, problems, atKey(parsed.node, entry));
          if (!isNull(entry.value))
            values.set(name, { value: toJson(entry.value), path: shown, node: entry.value });
        }
      } else if (parsed.node !== undefined) {
        problems.add(
          problem('config/var-file', `${shown} must be a map of names to values`, { ...at(parsed.node) }),
        );
      }
      continue;
    }
    readDotenv(text, (name, value, start, end) => {
      if (name === undefined) {
        problems.add(
          problem('config/var-file', 'A line of a variables file must be NAME=VALUE', {
            hint: 'Comments start with #.',
            span: { source: origin.source, start, end },
          }),
        );
        return;
      }
      noteUnknown(name, declared, shown, problems, { span: { source: origin.source, start, end } });
      values.set(name, { value, path: shown });
    });
  }
  return values;
}

function noteUnknown(
  name: string,
  declared: ReadonlySet<string> | undefined,
  file: string,
  problems: Problems,
  location: object,
): void {
  if (declared === undefined || declared.has(name)) return;
  const near = suggest(name, declared);
  problems.add({
    ...problem('config/unknown-variable', `${file} sets "${name}", which no builds file declares`, {
      hint: near === undefined ? 'Declare it below `vars:`, or remove the line.' : `Did you mean "${near}"?`,
      ...location,
    }),
    severity: 'warning',
  });
}

/** NAME=VALUE lines with comments, `export `, and quotes around values. */
function readDotenv(
  text: string,
  visit: (name: string | undefined, value: string, start: number, end: number) => void,
): void {
  let start = 0;
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    const end = start + line.trimEnd().length;
    if (trimmed !== '' && !trimmed.startsWith('#')) {
      const found = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(trimmed);
      const raw = found?.[2] ?? '';
      const quoted = /^(["'])(.*)\1\s*(?:#.*)?$/.exec(raw);
      const value = quoted === null ? raw.replace(/(?:^|\s+)#.*$/, '') : (quoted[2] ?? '');
      visit(
        found?.[1],
        quoted?.[1] === '"' ? value.replaceAll('\\n', '\n').replaceAll('\\"', '"') : value,
        start,
        end,
      );
    }
    start += line.length + 1;
  }
}
