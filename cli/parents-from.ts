/** `--parents-from`: results of earlier runs, from their `--metadata-file`s. */
import { isDigest, type Outcome, ok, type Plan, type Problem, type Result } from '../lib/model/mod.ts';
import type { EarlierResult } from '../lib/run/mod.ts';
import type { ParsedArgs } from './args.ts';
import type { Io } from './io.ts';
import { type MetadataFile, readMetadataFiles, recordOf, unusable } from './metadata-files.ts';

const MADE: ReadonlySet<unknown> = new Set(['built', 'retagged', 'unchanged']);

/**
 * Why a run has a build in its metadata, the most reliable first: it was requested, it was a dependency, or the run
 * read it from metadata itself, which may be outdated.
 */
const ROLES = ['asked', 'needed', 'given'] as const;
type Role = (typeof ROLES)[number];

/** A build pushed only by digest is usually a single platform. It is used only if no file has the whole build. */
const PART_RANK = ROLES.length;

/** The entry of a build in a file. */
interface Entry extends EarlierResult {
  readonly rank: number;
  readonly file: string;
}

/** The combined entries of all files. */
export interface Parents {
  readonly parents: ReadonlyMap<string, EarlierResult>;
  /** Builds for which equally reliable files have different digests, with the problem; they are not in `parents`. */
  readonly disputed: ReadonlyMap<string, Problem>;
}

/**
 * Reads the files of `--parents-from`; in a directory all `.json` files.
 *
 * @returns their results of pushed builds. Problem: `run/metadata-unusable`
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

/** Disagreements of files that affect this plan, in the direct or indirect dependencies of requested builds. */
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
      // The dependencies of a build with a given result are not read.
      else if (!parents.has(to)) queue.push(read);
    }
  }
  return found;
}

/** The role of a build in the metadata of a run; the counterpart of reading it. */
export function roleOf({ nodes }: Plan, { build, reason }: Outcome): Role {
  return reason?.code === 'given' ? 'given' : (nodes.get(build)?.role ?? 'needed');
}

/** The usable entries of a file. */
function readEntries(file: string, builds: MetadataFile['builds']): readonly (readonly [string, Entry])[] {
  return builds.flatMap(([build, { result, digest, key, role, tags }]): [string, Entry][] => {
    if (!MADE.has(result) || typeof digest !== 'string' || !isDigest(digest)) return [];
    const rank = ROLES.indexOf(role as Role);
    // A build without tags is only in the engine that built it, so each run that needs it builds it again.
    if (rank !== ROLES.indexOf('given') && Array.isArray(tags) && tags.length === 0) return [];
    const made = { digest, ...(typeof key === 'string' ? { key } : {}), file };
    if (isPart(tags)) return [[build, { ...made, rank: PART_RANK }]];
    return [[build, { ...made, rank: rank === -1 ? ROLES.indexOf('needed') : rank }]];
  });
}

/** Whether all of the tags are digests. */
function isPart(tags: unknown): boolean {
  return (
    Array.isArray(tags) && tags.length > 0 && tags.every((tag) => String(recordOf(tag)['ref']).includes('@'))
  );
}
