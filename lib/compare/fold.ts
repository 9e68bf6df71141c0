/** Summarises many file differences in few lines, by directory, as deep as the space allows. */
import type { FileChange } from './layer.ts';

/** Differences that are shown together. */
export interface FoldedChanges {
  /** The file, or a directory followed by `/**` (everything below it) or `/*` (files directly in it). */
  readonly path: string;
  /** Sorted by path, never empty. */
  readonly changes: readonly FileChange[];
}

/** A group while folding. */
interface Group {
  /** Empty: the root. */
  readonly dir: string;
  readonly changes: readonly FileChange[];
  /** Only files directly in the directory. */
  readonly isFlat: boolean;
}

/**
 * Folds differences into a limited number of groups: the largest group is split into the entries of its directory while
 * there is space.
 *
 * @param changes sorted by path
 * @param most maximum number of groups; at least 1
 */
export function foldChanges(changes: readonly FileChange[], most: number): readonly FoldedChanges[] {
  if (changes.length === 0) return [];
  const done: Group[] = [];
  let open = [groupOf(changes)];
  for (;;) {
    const [largest, ...others] = open.sort((one, other) => other.changes.length - one.changes.length);
    if (largest === undefined) break;
    const room = most - done.length - others.length;
    const parts = cut(largest, room, false) ?? cut(largest, room, true);
    if (parts === undefined) {
      done.push(largest);
      open = others;
    } else open = [...others, ...parts];
  }
  return done
    .map(({ dir, changes, isFlat }) => ({ path: nameOf(dir, changes, isFlat), changes }))
    .sort((one, other) => (firstPath(one) < firstPath(other) ? -1 : 1));
}

function firstPath({ changes }: FoldedChanges): string {
  return changes[0]?.path ?? '';
}

function nameOf(dir: string, changes: readonly FileChange[], isFlat: boolean): string {
  const [only, ...others] = changes;
  if (only !== undefined && others.length === 0) return only.path;
  return `${dir === '' ? '' : `${dir}/`}${isFlat ? '*' : '**'}`;
}

/**
 * Splits a group by the entries of its directory: each subdirectory, and each file, or all files together if
 * `joinsFiles`.
 *
 * @returns undefined if that needs more than `room` groups, or results in the group itself
 */
function cut({ dir, changes }: Group, room: number, joinsFiles: boolean): readonly Group[] | undefined {
  const start = dir === '' ? 0 : dir.length + 1;
  // A directory that itself differs is in the group of its content.
  const dirs = new Set(changes.flatMap(({ path }) => nextPart(path, start) ?? []));
  const parts = new Map<string, FileChange[]>();
  const files: FileChange[] = [];
  for (const change of changes) {
    const part = nextPart(change.path, start) ?? change.path.slice(start);
    const known = parts.get(part);
    if (!dirs.has(part) && joinsFiles) files.push(change);
    else if (known !== undefined) known.push(change);
    else parts.set(part, [change]);
  }
  const count = parts.size + (files.length === 0 ? 0 : 1);
  if (count < 2 || count > room) return undefined;
  const joined = files.length === 0 ? [] : [{ dir, changes: files, isFlat: true }];
  return [...[...parts.values()].map(groupOf), ...joined];
}

/** The name of the next directory on a path; undefined: there is none. */
function nextPart(path: string, start: number): string | undefined {
  const end = path.indexOf('/', start);
  return end === -1 ? undefined : path.slice(start, end);
}

/** The group of some differences, with their common directory. */
function groupOf(changes: readonly FileChange[]): Group {
  const [first = '', ...others] = changes.map(({ path }) => path);
  const isAround = (dir: string): boolean => others.every((path) => path.startsWith(`${dir}/`));
  let dir = '';
  for (let end = first.indexOf('/'); end !== -1; end = first.indexOf('/', end + 1))
    if (isAround(first.slice(0, end))) dir = first.slice(0, end);
  // Paths are sorted, so a directory comes before its content.
  if (others.length > 0 && isAround(first)) dir = first;
  return { dir, changes, isFlat: false };
}
