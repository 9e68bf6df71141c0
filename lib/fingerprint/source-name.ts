/**
 * Names under which the engine keeps its copies of local directories.
 *
 * Why: BuildKit keeps one copy for each name, and re-sends a file only where its mode, size or time of change differ from
 * that copy. With buildctl all contexts of all projects are called `context`, so a file of the same path, size and time
 * in another directory, or the same file edited with its time kept, is taken from the copy: the image gets the other
 * file's bytes, exit code 0 (measured with buildkit 0.34; open upstream as moby/buildkit#2592, #4817, #4950). Equal times
 * are common: files written within one tick of the kernel's clock (a checkout), unpacked archives, SOURCE_DATE_EPOCH,
 * caches of CI systems. Directories have it too: one that is in the copy gets its new mode there, but keeps the hash of
 * the old one (fsutil's diskwriter.go returns before it notifies).
 *
 * So a copy is named by what it holds. Nothing has to be remembered, so nothing can be lost, torn or out of date: what is
 * there under the name of these files are these files, whoever sent them. The files' stat signatures count as well: a file
 * that changes between hashing and sending leaves a copy that does not hold what its name says. It has another inode or
 * time of status change then, so that nobody asks for that name again. Where the clock of these times may not have moved
 * on since (a tick of the kernel's, a whole second with Deno), everything is sent anew.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import type { HashedContext } from './hasher.ts';
import { sentMode } from './sent-mode.ts';

/** How exact times of status change are, with room: ticks of kernels last up to ten milliseconds, Deno gives seconds. */
const CLOCK_MS = 'Deno' in globalThis ? 1_000 : 20;

/**
 * A name (lowercase letters and digits) for the files of a context as they are now, and for nothing else; a fresh one where
 * a file changed just before it was looked at.
 */
export function sourceName({ root, files, stats }: Pick<HashedContext, 'root' | 'files' | 'stats'>): string {
  const hash = createHash('sha256');
  const above = new Set<string>();
  const counted = new Set<string>();
  for (const { path, kind, mode, content } of files) {
    noteAbove(path, above);
    if (kind === 'dir') counted.add(path);
    hash.update(`${path}\0${kind}\0${mode}\0${content}\0`);
    const row = kind === 'file' ? stats.row(path) : undefined;
    if (row === undefined) continue;
    if (stats.changedMs(row) + CLOCK_MS > stats.createdAtMs) return freshSourceName();
    hash.update(stats.signature(row));
  }
  // These are sent, too, though they do not count.
  for (const directory of above) {
    if (counted.has(directory)) continue;
    const found = lstatSync(`${root}/${directory}`, { throwIfNoEntry: false });
    hash.update(`${directory}\0above\0${sentMode(found?.mode ?? 0)}\0`);
  }
  return `bake${hash.digest('hex').slice(0, 32)}`;
}

/** A name that nothing has yet: everything is sent. */
export function freshSourceName(): string {
  return `bake${randomBytes(16).toString('hex')}`;
}

/** Adds the directories above a path. */
function noteAbove(file: string, into: Set<string>): void {
  for (let at = file.lastIndexOf('/'); at > 0; at = file.lastIndexOf('/', at - 1)) {
    const directory = file.slice(0, at);
    if (into.has(directory)) return;
    into.add(directory);
  }
}
