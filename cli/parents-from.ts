/** `--parents-from`: what earlier runs made, as their `--metadata-file`s say. */
import { isDigest, type Outcome, ok, type Plan, type Problem, type Result } from '../lib/model/mod.ts';
import type { EarlierResult } from '../lib/run/mod.ts';
import type { ParsedArgs } from './args.ts';
import type { Io } from './io.ts';
import { type MetadataFile, readMetadataFiles, recordOf, unusable } from './metadata-files.ts';

const MADE: ReadonlySet<unknown> = new Set(['built', 'retagged', 'unchanged']);

/**
 * How a run that writes metadata came to what it says of a build, the most telling first: it was asked for it, it decided
 * about it since others needed it, or it took it from metadata itself, which may be older than what else there is.
 */
const ROLES = ['asked', 'needed', 'given'] as const;
type Role = (typeof ROLES)[number];

/** What was pushed by digest alone is one platform of a build, mostly, and counts where nothing is said of the whole. */
const PART_RANK = ROLES.length;

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
  const files = await readMetadataFiles('parents-from', args, io);
  if (!files.ok) return files;
  for (const { file, builds } of files.value) {
    for (const [build, entry] of readEntries(file, builds)) {
      const known = best.get(build);
      if (known === undefined || entry.rank < known.rank) {
        best.set(build, entry);
        disputed.delete(build);
      } else if (entry.rank === known.rank && entry.digest !== known.digest) {
        const why = `it has ${entry.digest} for ${build}, but ${known.file} has ${known.digest}`;
        disputed.set(build, unusable('parents-from', file, why));
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

/** What of a file counts. */
function readEntries(file: string, builds: MetadataFile['builds']): readonly (readonly [string, Entry])[] {
  return builds.flatMap(([build, { result, digest, key, role, tags }]): [string, Entry][] => {
    if (!MADE.has(result) || typeof digest !== 'string' || !isDigest(digest)) return [];
    const rank = ROLES.indexOf(role as Role);
    // What went to no tag is in the engine of the machine that made it, and is made anew by each that needs it.
    if (rank !== ROLES.indexOf('given') && Array.isArray(tags) && tags.length === 0) return [];
    const made = { digest, ...(typeof key === 'string' ? { key } : {}), file };
    if (isPart(tags)) return [[build, { ...made, rank: PART_RANK }]];
    return [[build, { ...made, rank: rank === -1 ? ROLES.indexOf('needed') : rank }]];
  });
}

/** Whether what is said of tags is that all of them are digests. */
function isPart(tags: unknown): boolean {
  return (
    Array.isArray(tags) && tags.length > 0 && tags.every((tag) => String(recordOf(tag)['ref']).includes('@'))
  );
}
