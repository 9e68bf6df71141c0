/**
 * Finds the paths of a context that a build reads: sources of COPY, ADD and bind mounts, following symlinks inside the
 * context, directories with everything below them, without ignored paths. Files are not opened here.
 */
import { type Dirent, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import {
  type ContextReads,
  cleanPath,
  compileRules,
  type IgnoreRules,
  judgePath,
  mayHoldExceptions,
  type ParentMatches,
  type PathRead,
  UNMATCHED,
  type Verdict,
} from '../dockerfile/mod.ts';
import { isExactName } from '../system/mod.ts';
import { directoriesAbove, withSlashes } from '../util/path.ts';
import { codeOf } from './batch.ts';
import { compilePart, hasWildcard, unescapePart } from './glob.ts';

/** The type of a path's directory entry; `special` is a pipe, a device or a socket. */
export type EntryKind = 'file' | 'dir' | 'symlink' | 'special';

/** The result of a walk. */
export interface Found {
  /** Distinct relative paths in the order of the walk. */
  readonly paths: readonly string[];
  /** Type of each. */
  readonly kinds: readonly EntryKind[];
  /** Result of `onEntry` for each. */
  readonly rows: readonly number[];
  /** Path of a symlink → its target. */
  readonly links: ReadonlyMap<string, string>;
  /** Directories and links that exist but cannot be read. */
  readonly failures: readonly { readonly path: string; readonly code: string }[];
  /**
   * Paths whose names or link targets are not UTF-8. The engine gets their bytes; here no text distinguishes them, so
   * their content is not known. They contain U+FFFD and are not in `paths`.
   */
  readonly odd: ReadonlySet<string>;
}

/**
 * Called with every path when it is found, so that it can be checked at once; also with `.` if everything below it is
 * read. The path is also passed in parts, its directory (with `/` at the end; empty for the root) and its name, because
 * joining paths that share a directory is cheaper in parts.
 */
export type OnEntry = (path: string, directory: string, name: string) => number;

/** Symlinks that are followed before a path counts as a cycle (as in buildkit's contenthash). */
const MAX_LINKS = 255;

/** The part of a directory that one instruction reads. */
interface Filter {
  readonly include: IgnoreRules | undefined;
  readonly exclude: IgnoreRules;
}

/** Walks a context. `root` is absolute and must exist. */
export function walkContext(root: string, reads: ContextReads, ignore: IgnoreRules, onEntry: OnEntry): Found {
  const mayOverlap = reads !== 'all' && reads.some((read) => filterOf(read) !== undefined);
  const walker = new Walker(root, ignore, mayOverlap, onEntry);
  if (reads === 'all') walker.tree('.', undefined);
  else {
    // Whole directories first: their content need not be walked again.
    const roots = reads.flatMap((read) =>
      walker.resolve(read).map((path) => ({ path, filter: filterOf(read) })),
    );
    const whole = new Set(roots.filter(({ filter }) => filter === undefined).map(({ path }) => path));
    const covered = (path: string): boolean =>
      whole.has('.') || directoriesAbove(path).some((one) => whole.has(one));
    for (const path of whole) if (path === '.' || !covered(path)) walker.tree(path, undefined);
    for (const { path, filter } of roots) {
      if (filter !== undefined && !whole.has(path) && !covered(path)) walker.tree(path, filter);
    }
  }
  return walker;
}

function filterOf(read: PathRead): Filter | undefined {
  if (read.include.length === 0 && read.exclude.length === 0) return undefined;
  return {
    include: read.include.length === 0 ? undefined : compileRules(read.include),
    exclude: compileRules(read.exclude),
  };
}

/** A path in the two parts that {@link OnEntry} expects. */
function split(path: string): readonly [directory: string, name: string] {
  const at = path.lastIndexOf('/') + 1;
  return [path.slice(0, at), path.slice(at)];
}

interface Matches {
  readonly ignored: ParentMatches;
  readonly included: ParentMatches;
  readonly excluded: ParentMatches;
}

const NO_MATCHES: Matches = { ignored: [], included: [], excluded: [] };

interface Judgement {
  readonly counts: boolean;
  readonly matches: Matches;
  /** For an ignored directory: something in it may be included. */
  readonly mayHold: boolean;
}

/** The result for a path that no rule matches; a shared record. */
const COUNTS: Judgement = { counts: true, matches: NO_MATCHES, mayHold: true };

class Walker implements Found {
  readonly paths: string[] = [];
  readonly kinds: EntryKind[] = [];
  readonly rows: number[] = [];
  readonly links: Map<string, string> = new Map();
  readonly failures: { path: string; code: string }[] = [];
  readonly odd: Set<string> = new Set();
  readonly #root: string;
  readonly #ignore: IgnoreRules;
  readonly #onEntry: OnEntry;
  /** Only if trees may overlap: for one whole tree it would cost more than the walk. */
  readonly #seen: Set<string> | undefined;
  #isRootMet = false;

  constructor(root: string, ignore: IgnoreRules, mayOverlap: boolean, onEntry: OnEntry) {
    this.#root = root;
    this.#ignore = ignore;
    this.#onEntry = onEntry;
    this.#seen = mayOverlap ? new Set() : undefined;
  }

  /** The real paths of a source; links on the way are recorded. */
  resolve(read: PathRead): readonly string[] {
    const found = new Set<string>();
    this.#descend('', partsOf(read.source), 0, found);
    return [...found];
  }

  #descend(directory: string, parts: readonly string[], followed: number, found: Set<string>): void {
    const [part, ...rest] = parts;
    if (part === undefined) {
      found.add(directory === '' ? '.' : directory);
      return;
    }
    if (part === '..') {
      this.#descend(
        directory.includes('/') ? directory.slice(0, directory.lastIndexOf('/')) : '',
        rest,
        followed,
        found,
      );
      return;
    }
    for (const name of this.#candidates(directory, part)) {
      const path = directory === '' ? name : `${directory}/${name}`;
      const kind = this.#kindOf(path);
      if (kind === undefined || !this.#isCalled(directory, name)) continue;
      if (kind !== 'symlink') {
        if (rest.length === 0 || kind === 'dir') this.#descend(path, rest, followed, found);
        continue;
      }
      this.#addLink(path);
      const target = this.links.get(path);
      if (target === undefined || followed >= MAX_LINKS) continue;
      const start = target.startsWith('/') ? '' : directory;
      const targetParts = target.split('/').filter((one) => one !== '' && one !== '.');
      this.#descend(start, [...targetParts.map(escapePart), ...rest], followed + 1, found);
    }
  }

  /** Possible names of a path component. A bind mount uses it literally, COPY as a pattern: both are tried. */
  #candidates(directory: string, part: string): readonly string[] {
    if (!hasWildcard(part)) {
      const plain = unescapePart(part);
      return plain === part ? [part] : [plain, part];
    }
    const matches = compilePart(part);
    const names = this.#list(directory === '' ? '.' : directory, true).map((entry) => entry.name);
    return names.filter((name) => name === part || matches(name));
  }

  #kindOf(path: string): EntryKind | undefined {
    try {
      const stats = lstatSync(`${this.#root}/${path}`, { throwIfNoEntry: false });
      return stats === undefined ? undefined : kindOf(stats);
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENOTDIR' && !this.#isIgnored(path)) this.failures.push({ path, code });
      return undefined;
    }
  }

  /** Whether the engine finds an entry by this name, as this system does. */
  #isCalled(directory: string, name: string): boolean {
    try {
      return isExactName(directory === '' ? this.#root : `${this.#root}/${directory}`, name);
    } catch {
      // Reading it reports the reason.
      return true;
    }
  }

  #isIgnored(path: string): boolean {
    return this.#matchesAbove(path).ignoredPath;
  }

  /** Checks the directories above a path, then the path itself. */
  #matchesAbove(path: string): { readonly matches: ParentMatches; readonly ignoredPath: boolean } {
    let matches: ParentMatches = [];
    let ignoredPath = false;
    if (path === '.') return { matches, ignoredPath };
    for (const one of [...directoriesAbove(path), path]) {
      const judged = judgePath(this.#ignore, one, matches);
      matches = judged.matches;
      ignoredPath = judged.ignored;
    }
    return { matches, ignoredPath };
  }

  #addLink(path: string): void {
    if (this.links.has(path)) return;
    try {
      const file = `${this.#root}/${path}`;
      const text = readlinkSync(file);
      // In the form in which it is sent (tonistiigi/fsutil send.go).
      this.links.set(path, withSlashes(text));
      if (text.includes(REPLACED) && !hasText(file, text)) this.#addOdd(path);
      if (!this.#isIgnored(path)) this.#note(path, 'symlink', ...split(path));
    } catch (error) {
      const code = codeOf(error);
      // Deno returns no text for it.
      if (code === 'InvalidData') this.#addOdd(path);
      else this.failures.push({ path, code });
    }
  }

  /**
   * Excluded only if a rule is certain to match: a pattern that counts characters, or is not UTF-8 itself, may match the
   * bytes differently, and something below an excluded directory may be included again.
   */
  #addOdd(path: string): void {
    const countsCharacters = this.#ignore.rules.some(({ pattern }) => /[?[\uFFFD]/.test(pattern));
    const isLeftOut = this.#isIgnored(path) && !countsCharacters && !mayHoldExceptions(this.#ignore, path);
    if (!isLeftOut) this.odd.add(path);
  }

  /** Adds a path and everything below it. */
  tree(path: string, filter: Filter | undefined): void {
    const { matches, ignoredPath } = this.#matchesAbove(path);
    const kind = path === '.' ? 'dir' : this.#kindOf(path);
    if (kind === undefined) return;
    if (kind !== 'dir') {
      if (!ignoredPath) this.#add(path, kind, ...split(path));
      return;
    }
    if (ignoredPath && !mayHoldExceptions(this.#ignore, path)) return;
    const isFull = filter === undefined && !ignoredPath;
    if (path === '.') this.#addRoot();
    else if (isFull) this.#add(path, 'dir', ...split(path));
    this.#directory(
      path,
      path === '.' ? '' : `${path}/`,
      { ...NO_MATCHES, ignored: matches },
      filter,
      path,
      isFull,
    );
  }

  /** True if something in it is included; the directory itself has been added then. */
  #directory(
    path: string,
    prefix: string,
    above: Matches,
    filter: Filter | undefined,
    top: string,
    isAdded: boolean,
  ): boolean {
    let added = isAdded;
    const addSelf = (): void => {
      if (!added && path !== '.') this.#add(path, 'dir', ...split(path));
      added = true;
    };
    for (const entry of this.#list(path, isAdded || filter !== undefined)) {
      const child = prefix + entry.name;
      const kind = kindOf(entry);
      const { counts, matches, mayHold } = this.#judge(child, above, filter, top);
      if (kind !== 'dir') {
        if (!counts) continue;
        addSelf();
        this.#add(child, kind, prefix, entry.name);
      } else if (counts) {
        addSelf();
        this.#add(child, 'dir', prefix, entry.name);
        this.#directory(child, `${child}/`, matches, filter, top, true);
      } else if (mayHold && this.#directory(child, `${child}/`, matches, filter, top, false)) addSelf();
    }
    return added;
  }

  #judge(path: string, above: Matches, filter: Filter | undefined, top: string): Judgement {
    const judged = judgePath(this.#ignore, path, above.ignored);
    if (judged === UNMATCHED && filter === undefined) return COUNTS;
    let mayHold = !judged.ignored || mayHoldExceptions(this.#ignore, path);
    if (filter === undefined) {
      return { counts: !judged.ignored, matches: { ...NO_MATCHES, ignored: judged.matches }, mayHold };
    }
    const below = top === '.' ? path : path.slice(top.length + 1);
    const included =
      filter.include === undefined ? INCLUDED : judgePath(filter.include, below, above.included);
    const excluded = judgePath(filter.exclude, below, above.excluded);
    if (excluded.ignored && !filter.exclude.hasExceptions) mayHold = false;
    return {
      counts: !judged.ignored && included.ignored && !excluded.ignored,
      matches: { ignored: judged.matches, included: included.matches, excluded: excluded.matches },
      mayHold,
    };
  }

  #add(path: string, kind: EntryKind, directory: string, name: string): void {
    if (kind === 'symlink') {
      this.#addLink(path);
      return;
    }
    if (this.#seen !== undefined) {
      if (this.#seen.has(path)) return;
      this.#seen.add(path);
    }
    this.#note(path, kind, directory, name);
  }

  #note(path: string, kind: EntryKind, directory: string, name: string): void {
    this.paths.push(path);
    this.kinds.push(kind);
    this.rows.push(this.#onEntry(path, directory, name));
  }

  /** The root is not an entry of a context, but has a signature like one. */
  #addRoot(): void {
    if (!this.#isRootMet) this.#onEntry('.', '', '.');
    this.#isRootMet = true;
  }

  /** A name that is not UTF-8 is changed by decoding: it cannot be opened, or another file has the decoded name. */
  #withoutOdd(directory: string, entries: Dirent[]): Dirent[] {
    const replaced = entries.flatMap(({ name }) => (name.includes(REPLACED) ? name : []));
    if (replaced.length === 0) return entries;
    const odd = new Set(
      replaced.filter((name, at) => {
        const path = directory === '.' ? name : `${directory}/${name}`;
        const isOdd = replaced.indexOf(name) !== at || this.#kindOf(path) === undefined;
        if (isOdd) this.#addOdd(path);
        return isOdd;
      }),
    );
    return entries.filter(({ name }) => !odd.has(name));
  }

  #list(path: string, isNeeded: boolean): readonly Dirent[] {
    try {
      const entries = readdirSync(path === '.' ? this.#root : `${this.#root}/${path}`, {
        withFileTypes: true,
      });
      return this.#withoutOdd(path, entries).sort((one, other) => (one.name < other.name ? -1 : 1));
    } catch (error) {
      const code = codeOf(error);
      // A directory that was deleted between two calls is empty; other errors must not be treated as empty.
      if (isNeeded && code !== 'ENOENT' && code !== 'ENOTDIR') this.failures.push({ path, code });
      return [];
    }
  }
}

/** Whether the text of a link is its exact content. Deno returns text if possible, whatever is requested. */
function hasText(file: string, text: string): boolean {
  const bytes: unknown = readlinkSync(file, { encoding: 'buffer' });
  return !(bytes instanceof Uint8Array) || Buffer.from(text).equals(bytes);
}

/** Replaces invalid UTF-8 when bytes are decoded; may also be a character of a real name. */
const REPLACED = '\uFFFD';

/** Include rules are inverted ignore rules: a path that they match is read. */
const INCLUDED: Verdict = { ignored: true, matches: [] };

function kindOf(entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'dir';
  return entry.isSymbolicLink() ? 'symlink' : 'special';
}

function partsOf(source: string): readonly string[] {
  const cleaned = cleanPath(source);
  return cleaned === '.' ? [] : cleaned.split('/');
}

/** The target of a link contains names, not patterns. */
function escapePart(part: string): string {
  return part.replace(/[\\*?[]/g, '\\$&');
}
