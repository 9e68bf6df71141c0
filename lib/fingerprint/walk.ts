/**
 * Finds the paths of a context that a build reads: what COPY, ADD and bind mounts name, symlinks on the way followed
 * inside the context, directories with all below them, ignored paths left out. Files are not opened here.
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

/** A path that counts. Kinds are those of the directory entry; `special` is a pipe, a device or a socket. */
export type EntryKind = 'file' | 'dir' | 'symlink' | 'special';

/** What a walk found. */
export interface Found {
  /** Relative paths in the order in which they were met, each once. */
  readonly paths: readonly string[];
  /** Kind of each of them. */
  readonly kinds: readonly EntryKind[];
  /** What `onEntry` answered for each of them. */
  readonly rows: readonly number[];
  /** Path of a symlink → its text. */
  readonly links: ReadonlyMap<string, string>;
  /** Directories and links that are there and cannot be read. */
  readonly failures: readonly { readonly path: string; readonly code: string }[];
  /**
   * Paths whose names, or links whose texts, are not UTF-8. The engine gets them byte for byte; here they have no text that
   * tells them apart, so what they hold is not known. They are written with U+FFFD, and no paths of the walk.
   */
  readonly odd: ReadonlySet<string>;
}

/**
 * Called with every path as it is met, so that looking at them can begin at once; with `.` too where everything below it
 * is read. The path comes in pieces as well: its directory (with `/` at the end; empty for the root) and its name,
 * because joining paths that share a directory costs less piece by piece.
 */
export type OnEntry = (path: string, directory: string, name: string) => number;

/** Symlinks followed before a path counts as a cycle (as in buildkit's contenthash). */
const MAX_LINKS = 255;

/** Which part of a directory one instruction reads. */
interface Filter {
  readonly include: IgnoreRules | undefined;
  readonly exclude: IgnoreRules;
}

/** Walks a context. `root` is absolute and must be there. */
export function walkContext(root: string, reads: ContextReads, ignore: IgnoreRules, onEntry: OnEntry): Found {
  const mayOverlap = reads !== 'all' && reads.some((read) => filterOf(read) !== undefined);
  const walker = new Walker(root, ignore, mayOverlap, onEntry);
  if (reads === 'all') walker.tree('.', undefined);
  else {
    // Whole directories first: what lies in them needs not be walked again.
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

/** A path in the two pieces that {@link OnEntry} wants. */
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
  /** Of a directory that does not count itself: something in it may. */
  readonly mayHold: boolean;
}

/** Of a path that no rule says anything of; the same record for all of them. */
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
  /** Only where trees may overlap: for one whole tree it would cost more than the walk. */
  readonly #seen: Set<string> | undefined;
  #isRootMet = false;

  constructor(root: string, ignore: IgnoreRules, mayOverlap: boolean, onEntry: OnEntry) {
    this.#root = root;
    this.#ignore = ignore;
    this.#onEntry = onEntry;
    this.#seen = mayOverlap ? new Set() : undefined;
  }

  /** The real paths that a source means; links that lead there are noted on the way. */
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

  /** Names a part may mean. A bind mount takes it as it is written, COPY as a pattern: both count. */
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

  /** Whether the engine finds an entry by this name as well as this system does. */
  #isCalled(directory: string, name: string): boolean {
    try {
      return isExactName(directory === '' ? this.#root : `${this.#root}/${directory}`, name);
    } catch {
      // Whoever reads it says why.
      return true;
    }
  }

  #isIgnored(path: string): boolean {
    return this.#matchesAbove(path).ignoredPath;
  }

  /** Judges the directories above a path, then the path itself. */
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
      // As it is sent (tonistiigi/fsutil send.go).
      this.links.set(path, withSlashes(text));
      if (text.includes(REPLACED) && !hasText(file, text)) this.#addOdd(path);
      if (!this.#isIgnored(path)) this.#note(path, 'symlink', ...split(path));
    } catch (error) {
      const code = codeOf(error);
      // Deno gives no text for it.
      if (code === 'InvalidData') this.#addOdd(path);
      else this.failures.push({ path, code });
    }
  }

  /**
   * Left out only where a rule surely says so: a pattern that counts characters, or is not UTF-8 itself, may see others in
   * the bytes, and below a directory that is left out something may be taken back.
   */
  #addOdd(path: string): void {
    const countsCharacters = this.#ignore.rules.some(({ pattern }) => /[?[\uFFFD]/.test(pattern));
    const isLeftOut = this.#isIgnored(path) && !countsCharacters && !mayHoldExceptions(this.#ignore, path);
    if (!isLeftOut) this.odd.add(path);
  }

  /** Takes a path and everything below it. */
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

  /** True where something in it counts; the directory itself is added by then. */
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

  /** The root is no entry of a context, but has a signature like one. */
  #addRoot(): void {
    if (!this.#isRootMet) this.#onEntry('.', '', '.');
    this.#isRootMet = true;
  }

  /** A name that is not UTF-8 comes out changed: it cannot be found again, or another file has it, too. */
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
      // A directory that went away between two calls has nothing in it; anything else must not pass for empty.
      if (isNeeded && code !== 'ENOENT' && code !== 'ENOTDIR') this.failures.push({ path, code });
      return [];
    }
  }
}

/** Whether the text of a link is all that it holds. Deno gives a text where there is one, whatever it is asked for. */
function hasText(file: string, text: string): boolean {
  const bytes: unknown = readlinkSync(file, { encoding: 'buffer' });
  return !(bytes instanceof Uint8Array) || Buffer.from(text).equals(bytes);
}

/** Stands for what is not UTF-8 where bytes are made a text; it may be a character of a name as well. */
const REPLACED = '\uFFFD';

/** The include rules are ignore rules turned round: a path that they match is taken. */
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

/** The text of a link holds names, not patterns. */
function escapePart(part: string): string {
  return part.replace(/[\\*?[]/g, '\\$&');
}
