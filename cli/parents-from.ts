/** `--parents-from`: what earlier runs made, as their `--metadata-file`s say. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fail, isDigest, ok, problem, type Result } from '../lib/model/mod.ts';
import type { EarlierResult } from '../lib/run/mod.ts';
import { describeFileFault, readRegularFile } from '../lib/system/mod.ts';
import { parseJson } from '../lib/util/json.ts';
import { listOf, type ParsedArgs } from './args.ts';
import type { Io } from './io.ts';

/** Some kilobytes for each build. */
const LIMIT_BYTES = 64 * 1024 * 1024;

const MADE: ReadonlySet<unknown> = new Set(['built', 'retagged', 'unchanged']);

/**
 * Reads the files that `--parents-from` names; of a directory all its `.json` files.
 *
 * @returns what they say of the builds that succeeded. Problem: `run/metadata-unusable`
 */
export async function readParents(
  args: ParsedArgs,
  io: Io,
): Promise<Result<ReadonlyMap<string, EarlierResult>>> {
  const parents = new Map<string, EarlierResult>();
  for (const written of listOf(args, 'parents-from')) {
    const files = await filesAt(path.resolve(io.cwd, written));
    if (typeof files === 'string') return unusable(written, files);
    for (const file of files) {
      const read = readMetadata(file);
      if (typeof read === 'string') return unusable(file, read);
      for (const [build, made] of read) {
        const known = parents.get(build)?.digest;
        const { digest } = made;
        if (known !== undefined && known !== digest)
          return unusable(file, `it says that ${build} is ${digest}, and another file that it is ${known}`);
        parents.set(build, made);
      }
    }
  }
  return ok(parents);
}

function unusable(file: string, why: string): Result<never> {
  return fail([
    problem('run/metadata-unusable', `--parents-from cannot take ${file}: ${why}`, {
      hint: 'It takes what `bake-ts run --metadata-file FILE` wrote for the same files, or a directory of such files',
    }),
  ]);
}

/** The files to read, sorted, or why there are none. */
async function filesAt(target: string): Promise<readonly string[] | string> {
  try {
    if (!(await stat(target)).isDirectory()) return [target];
    const names = (await readdir(target)).filter((name) => name.endsWith('.json')).sort();
    return names.length === 0 ? 'there is no .json file in it' : names.map((name) => path.join(target, name));
  } catch (error) {
    return describeFileFault(error, target);
  }
}

/** What a file says, or what is wrong with it. */
function readMetadata(file: string): ReadonlyMap<string, EarlierResult> | string {
  let parsed: unknown;
  try {
    parsed = parseJson(readRegularFile(file, LIMIT_BYTES));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { version, builds } = recordOf(parsed);
  if (version !== 1 || typeof builds !== 'object' || builds === null) return 'it is no metadata of a run';
  return new Map(
    Object.entries(builds).flatMap(([build, one]): [string, EarlierResult][] => {
      const { result, digest, key } = recordOf(one);
      if (!MADE.has(result) || typeof digest !== 'string' || !isDigest(digest)) return [];
      return [[build, { digest, ...(typeof key === 'string' ? { key } : {}) }]];
    }),
  );
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
