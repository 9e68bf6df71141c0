/** Files of `--metadata-file`: finds, reads and writes them. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Problem, problem, type Result } from '../lib/model/mod.ts';
import { describeFileFault, readRegularFile, writeNamedFile } from '../lib/system/mod.ts';
import { parseJson } from '../lib/util/json.ts';
import { listOf, type ParsedArgs } from './args.ts';
import type { Io } from './io.ts';

/** Some kilobytes for each build. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** One file, with its unchecked entry for each build. */
export interface MetadataFile {
  readonly file: string;
  readonly builds: readonly (readonly [build: string, said: Readonly<Record<string, unknown>>])[];
}

/**
 * Reads the files that an option names; in a directory all `.json` files.
 *
 * @returns problem: `run/metadata-unusable`
 */
export async function readMetadataFiles(
  option: string,
  args: ParsedArgs,
  io: Io,
): Promise<Result<readonly MetadataFile[]>> {
  const read: MetadataFile[] = [];
  for (const written of listOf(args, option)) {
    const files = await filesAt(path.resolve(io.cwd, written));
    if (typeof files === 'string') return fail([unusable(option, written, files)]);
    for (const file of files) {
      const builds = readMetadata(file);
      if (typeof builds === 'string') return fail([unusable(option, file, builds)]);
      read.push({ file, builds });
    }
  }
  return ok(read);
}

/** A file that cannot be used. */
export function unusable(option: string, file: string, why: string): Problem {
  return problem('run/metadata-unusable', `--${option} cannot use ${file}: ${why}`, {
    hint: 'Give a file that `bake-ts run --metadata-file FILE` wrote for the same builds.yaml, or a directory of such files.',
  });
}

/** The value if it is an object, else an empty one. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** The files to read, sorted, or why there are none. */
async function filesAt(target: string): Promise<readonly string[] | string> {
  try {
    if (!(await stat(target)).isDirectory()) return [target];
    const names = (await readdir(target)).filter((name) => name.endsWith('.json')).sort();
    return names.length === 0 ? 'it contains no .json file' : names.map((name) => path.join(target, name));
  } catch (error) {
    return describeFileFault(error, target);
  }
}

/** The entries of a file, or what is wrong with it. */
function readMetadata(file: string): MetadataFile['builds'] | string {
  let parsed: unknown;
  try {
    parsed = parseJson(readRegularFile(file, LIMIT_BYTES));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { version, builds } = recordOf(parsed);
  if (version !== 1 || typeof builds !== 'object' || builds === null)
    return 'it is not a valid metadata file of a run';
  return Object.entries(builds).map(([build, said]) => [build, recordOf(said)] as const);
}

/** Writes a metadata file. Problem: `run/metadata-unwritten`. */
export async function writeMetadataFile(
  file: string,
  document: Readonly<Record<string, unknown>>,
  io: Io,
): Promise<Problem | undefined> {
  const target = path.resolve(io.cwd, file);
  try {
    await writeNamedFile(target, `${JSON.stringify(document, undefined, 2)}\n`);
    return undefined;
  } catch (error) {
    const why = await describeFileFault(error, target);
    return problem('run/metadata-unwritten', `the metadata file ${file} cannot be written (${why})`, {
      hint: 'Choose a path for --metadata-file whose directory exists, has free space, and is writable for you.',
      ...(error instanceof Error ? { detail: error.message } : {}),
    });
  }
}
