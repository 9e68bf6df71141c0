/** Resolves real paths: symlinks must not hide where a path leads, also for files that do not exist yet. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** The limit of Linux (path_resolution(7)). */
const MOST_LINKS = 40;

/** Marks a path that leads nowhere; no directory's path starts with it. */
const NOWHERE = '\0';

class TooManyLinks extends Error {}

/** From this many paths in one directory, reading the directory is cheaper. */
const FEW_IN_A_DIRECTORY = 8;

/** Resolves paths. Each directory is checked once, so many paths are cheap. */
export class RealPaths {
  readonly #known = new Map<string, string>();
  /** Directory → the number of checked entries, or, once it was read, the entries that are not symlinks. */
  readonly #entries = new Map<string, number | ReadonlySet<string>>();

  /**
   * The path without symlinks, as far as it exists; the rest is kept as written. What cannot be checked (no permission)
   * is treated as missing: opening it reports the error. A path with too many symlinks, or a cycle of them, leads
   * nowhere, into no directory. That is not cached, because a path that joins the chain further down may lead
   * somewhere.
   *
   * @param file absolute and normalized, as `path.resolve` returns it
   */
  of(file: string): string {
    const known = this.#known.get(file);
    if (known !== undefined) return known;
    try {
      return this.#resolve(file, { left: MOST_LINKS });
    } catch (error) {
      if (!(error instanceof TooManyLinks)) throw error;
      return NOWHERE + file;
    }
  }

  /** @throws TooManyLinks */
  #resolve(file: string, links: { left: number }): string {
    const known = this.#known.get(file);
    if (known !== undefined) return known;
    const parent = parentOf(file);
    if (parent === file) return file;
    const name = file.slice(parent.endsWith(path.sep) ? parent.length : parent.length + 1);
    const realParent = this.#resolve(parent, links);
    const plain = realParent === parent ? file : path.join(realParent, name);
    const target = this.#isPlain(realParent, name) ? undefined : linkTarget(plain);
    if (target !== undefined) {
      links.left -= 1;
      if (links.left < 0) throw new TooManyLinks();
    }
    const real =
      target === undefined ? plain : this.#resolve(path.resolve(path.dirname(plain), target), links);
    this.#known.set(file, real);
    return real;
  }

  /** Whether an entry is known not to be a symlink. */
  #isPlain(directory: string, name: string): boolean {
    const entries = this.#entries.get(directory) ?? 0;
    if (typeof entries !== 'number') return entries.has(name);
    if (entries < FEW_IN_A_DIRECTORY) {
      this.#entries.set(directory, entries + 1);
      return false;
    }
    const plain = readPlainEntries(directory);
    this.#entries.set(directory, plain);
    return plain.has(name);
  }
}

/** Like `path.dirname`, but faster, for absolute and normalized paths. */
function parentOf(file: string): string {
  return path.sep === '/' ? file.slice(0, file.lastIndexOf('/')) || '/' : path.dirname(file);
}

function readPlainEntries(directory: string): ReadonlySet<string> {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return new Set(entries.flatMap((entry) => (entry.isSymbolicLink() ? [] : [entry.name])));
  } catch {
    return new Set();
  }
}

function linkTarget(file: string): string | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true
      ? readlinkSync(file)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a result of {@link RealPaths.of} leads nowhere. */
export function leadsNowhere(real: string): boolean {
  return real.startsWith(NOWHERE);
}

/** Whether a path is one of these, or below one of them; all are real paths. */
export function isWithin(file: string, directories: readonly string[]): boolean {
  return directories.some(
    (one) =>
      file.startsWith(one) &&
      (file.length === one.length || file[one.length] === path.sep || one.endsWith(path.sep)),
  );
}

/** Whether a real path is in the git directory of one of these repositories; also for file systems that ignore case. */
export function isInGitDirectory(real: string, repositories: readonly string[]): boolean {
  return repositories.some(
    (one) => isWithin(real, [one]) && real.slice(one.length).toLowerCase().split(path.sep).includes('.git'),
  );
}

/** The root of the git repository with this directory, or the directory itself if there is none. */
export function repositoryOf(directory: string): string {
  for (let dir = directory; ; dir = path.dirname(dir)) {
    if (exists(path.join(dir, '.git'))) return dir;
    if (path.dirname(dir) === dir) return directory;
  }
}

function exists(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
