/** The watched directories: relevant ones in contexts, and the parents of single files. */
import { type Dirent, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers';
import { isWithin, RealPaths, WATCHES_TREES, watchDirectory } from '../system/mod.ts';
import type { Interest, WatchedTree } from './interest.ts';

/** Options for watching directories. */
export interface DirectoriesOptions {
  /** Real path of the repository; directories above it are not watched. */
  readonly repository: string;
  /** Receives the absolute path of a change, undefined if unknown; `isDirectory`: it is or was a directory. */
  readonly onChange: (file: string | undefined, isDirectory: boolean) => void;
  /** A directory cannot be watched: a code such as `ENOSPC`, or a text. */
  readonly onFault: (directory: string, code: string) => void;
  /** Whether contexts are watched as trees; default: depends on the runtime. */
  readonly trees?: boolean;
}

/** Codes for missing or unreadable directories; reading them reports the problem. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP']);

/** Links may lead to further links. */
const MOST_TURNS = 20;

/** Delay before a directory is watched again, because Deno otherwise reuses the closed watch of the deleted directory. */
const REOPEN_MS = 100;

/**
 * Watches the directories of an {@link Interest}: each one separately, or contexts as trees (`WATCHES_TREES`). A tree
 * also reports excluded paths, which are ignored like all irrelevant ones. Must be closed.
 */
export class Directories {
  readonly #options: DirectoriesOptions;
  readonly #watchesTrees: boolean;
  /** Directory → closes its watch. */
  readonly #watches = new Map<string, () => void>();
  /** Directories watched as trees. */
  readonly #roots = new Set<string>();
  /** Relevant directories of contexts, with the number of files in each. */
  #known = new Map<string, number>();
  #interest: Interest | undefined;
  #isClosed = false;

  constructor(options: DirectoriesOptions) {
    this.#options = options;
    this.#watchesTrees = options.trees ?? WATCHES_TREES;
  }

  /** Number of files in watched directories of contexts. */
  get files(): number {
    let files = 0;
    for (const count of this.#known.values()) files += count;
    return files;
  }

  /** Watches the directories of an interest, replacing the one before. */
  follow(interest: Interest): void {
    this.#interest = interest;
    if (this.#watchesTrees) {
      const roots = interest.trees.map((tree) => tree.root);
      for (const root of roots) if (!isBelow(root, roots) && !this.#isInTree(root)) this.#open(root, true);
    }
    const wanted = new Set(this.#directoriesOfPaths(interest));
    for (const directory of wanted) this.#watch(directory);
    this.#known = new Map();
    for (const tree of interest.trees) this.#watchTree(tree, tree.root);
    // In Deno, closing the watch of a directory may also close that of the tree around it, so none is closed before the end.
    if (this.#watchesTrees) return;
    for (const [directory, close] of [...this.#watches]) {
      if (wanted.has(directory) || this.#known.has(directory)) continue;
      close();
      this.#watches.delete(directory);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const close of this.#watches.values()) close();
    this.#watches.clear();
  }

  /** The parent directories of single relevant paths. */
  #directoriesOfPaths({ paths, ends }: Interest): readonly string[] {
    const { repository } = this.#options;
    return [...paths.keys()].flatMap((file) => {
      const isInside = file !== repository && isWithin(file, [repository]);
      // Directories on the way to the repository are not watched, because too much happens there.
      if (!isInside && (!ends.has(file) || isWithin(repository, [file]))) return [];
      return [path.dirname(file)];
    });
  }

  /** Watches the relevant part of a tree; repeats while links lead to more. */
  #watchTree(tree: WatchedTree, from: string): void {
    for (let turn = 0; turn < MOST_TURNS; turn += 1) if (!this.#walk(tree, from)) return;
  }

  /**
   * Watches a directory before reading it, so that no change is missed. True if a link leads to paths that were not
   * known to be read.
   */
  #walk(tree: WatchedTree, directory: string): boolean {
    this.#watch(directory);
    let hasMore = false;
    let files = 0;
    for (const entry of readEntries(directory)) {
      if (entry.isDirectory()) {
        const inside = path.join(directory, entry.name);
        if (tree.mattersIn(tree.relative(inside) ?? '') && this.#walk(tree, inside)) hasMore = true;
        continue;
      }
      files += 1;
      if (!entry.isSymbolicLink()) continue;
      const link = path.join(directory, entry.name);
      const text = readLink(link);
      if (text !== undefined && tree.follow(tree.relative(link) ?? '', text)) hasMore = true;
    }
    this.#known.set(directory, files);
    return hasMore;
  }

  #watch(directory: string): void {
    if (!this.#watches.has(directory) && !this.#isInTree(directory)) this.#open(directory, false);
  }

  #isInTree(directory: string): boolean {
    return this.#roots.size > 0 && isWithin(directory, [...this.#roots]);
  }

  #open(directory: string, asTree: boolean): void {
    if (this.#isClosed) return;
    let isOpen = true;
    let isDead = false;
    const watch = watchDirectory(directory, asTree, {
      onChange: (entry, came) => {
        if (isOpen) this.#see(directory, entry, came);
      },
      onFault: (code) => {
        if (!isOpen) return;
        isDead = true;
        this.#watches.delete(directory);
        this.#roots.delete(directory);
        if (!GONE.has(code)) this.#options.onFault(directory, code);
      },
    });
    if (isDead) return;
    if (asTree) this.#roots.add(directory);
    this.#watches.set(directory, () => {
      isOpen = false;
      watch.close();
    });
  }

  #see(directory: string, entry: string | undefined, came: boolean): void {
    const { onChange } = this.#options;
    if (entry === undefined) {
      onChange(undefined, true);
      return;
    }
    const file = this.#pathOf(path.join(directory, entry));
    if (!came) {
      const isKnown = this.#known.has(file);
      // It may have been inaccessible before.
      if (isKnown && !this.#watchesTrees && !this.#watches.has(file)) this.#appear(file);
      onChange(file, isKnown);
      return;
    }
    // A deleted directory reports itself by name; its parent reports it, too.
    if (entry === path.basename(directory) && kindOf(file) === 'none' && kindOf(directory) === 'none') return;
    const wasDirectory = this.#forget(file);
    const kind = kindOf(file);
    if (kind === 'directory') this.#appear(file);
    if (kind === 'link') this.#followLink(file);
    onChange(file, wasDirectory || kind === 'directory');
  }

  /** A tree's watch may report a directory under a symlink to it. */
  #pathOf(file: string): string {
    if (!this.#watchesTrees) return file;
    return path.join(new RealPaths().of(path.dirname(file)), path.basename(file));
  }

  /** Closes the watches of a deleted or replaced directory and everything below; false: there were none. */
  #forget(gone: string): boolean {
    if (!this.#known.has(gone) && !this.#watches.has(gone)) return false;
    for (const [directory, close] of [...this.#watches]) {
      if (!isWithin(directory, [gone]) || this.#roots.has(directory)) continue;
      close();
      this.#watches.delete(directory);
    }
    for (const directory of [...this.#known.keys()])
      if (isWithin(directory, [gone])) this.#known.delete(directory);
    return true;
  }

  /** Watches the relevant part of a new directory. */
  #appear(directory: string): void {
    const interest = this.#interest;
    if (interest === undefined || this.#isClosed) return;
    for (const root of this.#roots) if (isWithin(root, [directory])) this.#reopen(root);
    for (const one of this.#directoriesOfPaths(interest)) if (isWithin(one, [directory])) this.#watch(one);
    for (const tree of interest.trees) {
      const relative = tree.relative(directory);
      if (isWithin(tree.root, [directory])) this.#watchTree(tree, tree.root);
      else if (relative !== undefined && tree.mattersIn(relative)) this.#watchTree(tree, directory);
    }
  }

  /** Watches a tree again whose root was replaced. Changes in between count as a change of the whole tree. */
  #reopen(root: string): void {
    this.#watches.get(root)?.();
    this.#watches.delete(root);
    const timer = setTimeout(() => {
      if (this.#isClosed || this.#watches.has(root)) return;
      this.#open(root, true);
      this.#options.onChange(root, true);
    }, REOPEN_MS);
    timer.unref();
  }

  #followLink(link: string): void {
    const text = readLink(link);
    if (text === undefined) return;
    for (const tree of this.#interest?.trees ?? []) {
      const relative = tree.relative(link);
      if (relative !== undefined && tree.follow(relative, text)) this.#watchTree(tree, tree.root);
    }
  }
}

function isBelow(directory: string, others: readonly string[]): boolean {
  return others.some((one) => one !== directory && isWithin(directory, [one]));
}

function readEntries(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

function readLink(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}

function kindOf(file: string): 'none' | 'directory' | 'link' | 'file' {
  try {
    const found = lstatSync(file);
    if (found.isDirectory()) return 'directory';
    return found.isSymbolicLink() ? 'link' : 'file';
  } catch {
    return 'none';
  }
}
