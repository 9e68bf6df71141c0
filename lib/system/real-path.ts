/** Where paths really lead: what a symlink hides counts, also of files that are still to be made. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** As many as Linux follows (path_resolution(7)). */
const MOST_LINKS = 40;

/** Begins what a path leads to that leads nowhere: no directory's path does. */
const NOWHERE = '\0';

class TooManyLinks extends Error {}

/** From so many paths of one directory on it is cheaper to read the directory. */
const FEW_IN_A_DIRECTORY = 8;

/** Resolves paths; each directory is checked once, so that many paths cost little. */
export class RealPaths {
  readonly #known = new Map<string, string>();
  /** Directory → how many of its entries were checked, or, once it was read, those that are not symlinks. */
  readonly #entries = new Map<string, number | ReadonlySet<string>>();

  /**
   * The path without symlinks, as far as it exists; what does not exist is kept as written. What cannot be checked
   * (no permission) counts as not existing: whoever opens it gets the error. A path with too many symlinks, or a circle of
   * them, leads nowhere: to what lies in no directory. Nothing is remembered of it, since a path that joins it further
   * down may lead somewhere.
   *
   * @param file absolute and normalized, as `path.resolve` gives it
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

  /** Whether an entry is known to be no symlink. */
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

/** As `path.dirname` has it, in less time for what is absolute and normalized. */
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

/** Whether {@link RealPaths.of} found that a path leads nowhere. */
export function leadsNowhere(real: string): boolean {
  return real.startsWith(NOWHERE);
}

/** Whether a path is one of these, or lies in one of them; all of them real paths. */
export function isWithin(file: string, directories: readonly string[]): boolean {
  return directories.some(
    (one) =>
      file.startsWith(one) &&
      (file.length === one.length || file[one.length] === path.sep || one.endsWith(path.sep)),
  );
}

/** Whether a real path is a git directory of one of these repositories, or in it; names of files may ignore case. */
export function isInGitDirectory(real: string, repositories: readonly string[]): boolean {
  return repositories.some(
    (one) => isWithin(real, [one]) && real.slice(one.length).toLowerCase().split(path.sep).includes('.git'),
  );
}

/** The root of the git repository that a directory lies in, or the directory itself where there is none. */
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
