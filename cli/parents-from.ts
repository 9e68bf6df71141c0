/** `--parents-from`: what earlier runs made, as their `--metadata-file`s say. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  fail,
  isDigest,
  type Outcome,
  ok,
  type Plan,
  type Problem,
  problem,
  type Result,
} from '../lib/model/mod.ts';
import type { EarlierResult } from '../lib/run/mod.ts';
import { describeFileFault, readRegularFile } from '../lib/system/mod.ts';
import { parseJson } from '../lib/util/json.ts';
import { listOf, type ParsedArgs } from './args.ts';
import type { Io } from './io.ts';

/** Some kilobytes for each build. */
const LIMIT_BYTES = 64 * 1024 * 1024;

const MADE: ReadonlySet<unknown> = new Set(['built', 'retagged', 'unchanged']);

/**
 * How a run that writes metadata came to what it says of a build, the most telling first: it was asked for it, it decided
 * about it since others needed it, or it took it from metadata itself, which may be older than what else there is.
 */
const ROLES = ['asked', 'needed', 'given'] as const;
type Role = (typeof ROLES)[number];

/** What a file says of a build. */
interface Entry extends EarlierResult {
  readonly rank: number;
  readonly file: string;
}

/** What the files say together. */
export interface Parents {
  readonly parents: ReadonlyMap<string, EarlierResult>;
  /** Builds of which files that tell as much say different things, and what; they are not in `parents`. */
  readonly disputed: ReadonlyMap<string, Problem>;
}

/**
 * Reads the files that `--parents-from` names; of a directory all its `.json` files.
 *
 * @returns what they say of the builds that were pushed. Problem: `run/metadata-unusable`
 */
export async function readParents(args: ParsedArgs, io: Io): Promise<Result<Parents>> {
  const best = new Map<string, Entry>();
  const disputed = new Map<string, Problem>();
  for (const written of listOf(args, 'parents-from')) {
    const files = await filesAt(path.resolve(io.cwd, written));
    if (typeof files === 'string') return fail([unusable(written, files)]);
    for (const file of files) {
      const read = readMetadata(file);
      if (typeof read === 'string') return fail([unusable(file, read)]);
      for (const [build, entry] of read) {
        const known = best.get(build);
        if (known === undefined || entry.rank < known.rank) {
          best.set(build, entry);
          disputed.delete(build);
        } else if (entry.rank === known.rank && entry.digest !== known.digest) {
          const why = `it says that ${build} is ${entry.digest}, and ${known.file} that it is ${known.digest}`;
          disputed.set(build, unusable(file, why));
        }
      }
    }
  }
  const parents = [...best].flatMap(([build, { digest, key }]): [string, EarlierResult][] =>
    disputed.has(build) ? [] : [[build, { digest, ...(key === undefined ? {} : { key }) }]],
  );
  return ok({ parents: new Map(parents), disputed });
}

/** What files disagree about that a run of this plan would take from them: what is asked for reads it, at any distance. */
export function disputedIn({ nodes }: Plan, { parents, disputed }: Parents): readonly Problem[] {
  if (disputed.size === 0) return [];
  const found: Problem[] = [];
  const queue = [...nodes.values()].filter(({ role }) => role === 'asked');
  const seen = new Set(queue);
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    for (const { to } of node.edges) {
      const read = nodes.get(to);
      if (read === undefined || seen.has(read)) continue;
      seen.add(read);
      const dispute = read.build.push === 'never' ? undefined : disputed.get(to);
      if (dispute !== undefined) found.push(dispute);
      // Nothing below what is given is looked at.
      else if (!parents.has(to)) queue.push(read);
    }
  }
  return found;
}

/** How a build comes into the metadata of a run: the opposite of reading it. */
export function roleOf({ nodes }: Plan, { build, reason }: Outcome): Role {
  return reason?.code === 'given' ? 'given' : (nodes.get(build)?.role ?? 'needed');
}

function unusable(file: string, why: string): Problem {
  return problem('run/metadata-unusable', `--parents-from cannot take ${file}: ${why}`, {
    hint: 'It takes what `bake-ts run --metadata-file FILE` wrote for the same files, or a directory of such files',
  });
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
function readMetadata(file: string): ReadonlyMap<string, Entry> | string {
  let parsed: unknown;
  try {
    parsed = parseJson(readRegularFile(file, LIMIT_BYTES));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { version, builds } = recordOf(parsed);
  if (version !== 1 || typeof builds !== 'object' || builds === null) return 'it is no metadata of a run';
  return new Map(
    Object.entries(builds).flatMap(([build, one]): [string, Entry][] => {
      const { result, digest, key, role, tags } = recordOf(one);
      if (!MADE.has(result) || typeof digest !== 'string' || !isDigest(digest)) return [];
      const rank = ROLES.indexOf(role as Role);
      // What went to no tag is in the engine of the machine that made it, and is made anew by each that needs it.
      if (rank !== ROLES.indexOf('given') && Array.isArray(tags) && tags.length === 0) return [];
      const made = { digest, ...(typeof key === 'string' ? { key } : {}) };
      return [[build, { ...made, rank: rank === -1 ? ROLES.indexOf('needed') : rank, file }]];
    }),
  );
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
