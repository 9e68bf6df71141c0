/**
 * Local source cache keys: the names under which the engine keeps its copies of local directories.
 *
 * BuildKit keeps one copy per name, and sends a file again only if its mode, size or modification time differ from the
 * copy. buildctl calls the context of every project `context`. So a file with the same path, size and time in another
 * directory, or a file that was edited without changing its time, is used from the old copy: the image gets the wrong
 * content, with exit code 0 (measured with buildkit 0.34; open upstream as moby/buildkit#2592, #4817, #4950). Equal times
 * are common: files written within one tick of the kernel's clock (a checkout), unpacked archives, SOURCE_DATE_EPOCH,
 * caches of CI systems. Directories are also affected: one that is in the copy gets its new mode there, but keeps the
 * hash of the old one (fsutil's diskwriter.go returns before it notifies).
 *
 * So the name of a copy is derived from its content. No state has to be stored that could be lost, damaged or out of
 * date: the copy with the name of these files contains these files, whoever sent them. The files' stat signatures are
 * part of the name as well: if a file changes between hashing and sending, the copy does not contain what its name says,
 * but the file then has another inode or ctime, so that name is never used again. If the clock of these times may not
 * have advanced since (a tick of the kernel's, a whole second with Deno), everything is sent again.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import type { HashedContext } from './hasher.ts';
import { sentMode } from './sent-mode.ts';

/** Resolution of ctime, with a margin: kernel ticks last up to ten milliseconds, Deno reports seconds. */
const CLOCK_MS = 'Deno' in globalThis ? 1_000 : 20;

/**
 * A name (lowercase letters and digits) for exactly the current files of a context; a new random one if a file changed
 * just before it was checked.
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
  // These are sent too, although they are not part of the key.
  for (const directory of above) {
    if (counted.has(directory)) continue;
    const found = lstatSync(`${root}/${directory}`, { throwIfNoEntry: false });
    hash.update(`${directory}\0above\0${sentMode(found?.mode ?? 0)}\0`);
  }
  return `bake${hash.digest('hex').slice(0, 32)}`;
}

/** A new name, for which everything is sent. */
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
