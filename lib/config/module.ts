/** Builds files that are programs: runs `builds.ts`. */
import { statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Json, type Problem, problem } from '../model/mod.ts';
import { defineBuilds } from './define.ts';
import type { OwnLibrary } from './own-library.ts';
import type { Problems } from './problems.ts';
import { fromData, type Node, type Origin } from './tree.ts';

const NEEDS_NEWER_NODE = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
]);

/** Surroundings of a module. */
export interface ModuleSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The exports of `bake-ts` for modules if it is not installed; absent: only `defineBuilds`. */
  readonly library?: () => Promise<OwnLibrary>;
}

/** Runs a `builds.ts` and returns its default export; undefined: a problem was reported. */
export async function runModule(
  origin: Origin,
  path: string,
  { env, library = async () => ({ defineBuilds }) }: ModuleSurroundings,
  problems: Problems,
): Promise<Node | undefined> {
  const { path: shown } = origin.source;
  try {
    const { size, mtimeMs } = statSync(path);
    const address = `${pathToFileURL(path).href}?v=${size}-${mtimeMs}`;
    // Loaded only if needed: node:module loads Node's whole loader.
    const { importModule } = await import('./own-library.ts');
    const loaded = await importModule(address, origin.source.text, library);
    const exported: unknown =
      typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
    const value: unknown = typeof exported === 'function' ? await exported({ env }) : exported;
    if (typeof value !== 'object' || value === null) {
      problems.add(
        problem(
          'config/module',
          `${shown} has no default export that is an object or a function returning one`,
          {
            hint: "Write: export default defineBuilds({ builds: { … } }), with defineBuilds from 'bake-ts'.",
          },
        ),
      );
      return undefined;
    }
    return readDefinition(value, origin, problems);
  } catch (thrown) {
    problems.add(failureOf(thrown, shown));
    return undefined;
  }
}

function failureOf(thrown: unknown, shown: string): Problem {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = 'code' in error ? String(error.code) : '';
  if (NEEDS_NEWER_NODE.has(code)) {
    return problem('config/module-runtime', `This runtime cannot run TypeScript: ${shown}`, {
      hint: 'Use Node 22.18 or newer, Deno, or a builds.mjs.',
    });
  }
  return problem('config/module', `${shown} failed: ${error.message.split('\n')[0] ?? ''}`, {
    hint: 'Correct the error in the module.',
    ...(error.stack === undefined ? {} : { detail: ownPart(error.stack) }),
  });
}

/** Converts a definition from a program to a tree; undefined: a problem was reported. */
export function readDefinition(value: object, origin: Origin, problems: Problems): Node | undefined {
  try {
    return fromData(plainData(value, [], new Set()), origin);
  } catch (thrown) {
    if (!(thrown instanceof NotData)) throw thrown;
    const { path: shown } = origin.source;
    problems.add(
      problem('config/module', `${shown} exports a value that a builds file cannot hold: ${thrown.message}`, {
        hint: 'Use text, numbers, true, false, null, lists and plain objects.',
      }),
    );
    return undefined;
  }
}

/** A value that is not plain data; the message says which part. */
class NotData extends Error {}

function plainData(value: unknown, path: readonly string[], open: Set<object>): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'number':
      return value;
    case 'undefined':
      return null;
    case 'bigint':
      return String(value);
    case 'object': {
      if (value === null) return null;
      if (value instanceof Date) return value.toISOString();
      // They have no keys of their own, so they would silently be empty.
      if (value instanceof Map || value instanceof Set)
        throw new NotData(`${path.join('.')} is a ${value instanceof Map ? 'Map' : 'Set'}`);
      if (open.has(value) || path.length > 100) throw new NotData(`${path.join('.')} contains itself`);
      open.add(value);
      const result: Json = Array.isArray(value)
        ? value.map((item, index) => plainData(item, [...path, String(index)], open))
        : Object.fromEntries(
            Object.entries(value)
              .filter(([, inner]) => inner !== undefined)
              .map(([key, inner]) => [key, plainData(inner, [...path, key], open)]),
          );
      open.delete(value);
      return result;
    }
    default:
      throw new NotData(`${path.join('.')} is a ${typeof value}`);
  }
}

/** A stack without bake-ts's and the runtime's frames, and without the query that prevents caching of modules. */
function ownPart(stack: string): string {
  const lines = stack.split('\n');
  const ours = lines.findIndex((line) => /^\s+at .*\brunModule\b/.test(line));
  return lines
    .slice(0, ours === -1 ? undefined : ours)
    .filter((line) => !/^\s+at .*\b(?:node|ext):/.test(line))
    .map((line) => line.replace(/\?v=\d+-[\d.]+(?:&again)?/, ''))
    .join('\n');
}
