/**
 * The paths that the builds of a plan depend on, and which builds a changed path affects. Decided by paths alone, and
 * in doubt yes: the run that follows decides by hashes.
 */
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  type ContextReads,
  type DockerfileFacts,
  type IgnoreRules,
  isIgnored,
  MAIN_CONTEXT,
  NO_RULES,
} from '../dockerfile/mod.ts';
import { ignoreFilesOf, readIgnore } from '../inputs/mod.ts';
import { areNested, type DiskLocation, isRead, linkTarget, locateOnDisk, mayReadIn } from '../inspect/mod.ts';
import type { Build, Plan, PlanNode } from '../model/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';

/** Build → context → what it actually read of it at the last check. */
export type LearnedReads = ReadonlyMap<string, ReadonlyMap<string, ContextReads>>;

/** Input for judging changes of paths. */
export interface InterestRequest {
  readonly plan: Plan;
  readonly dockerfiles: DockerfileLibrary;
  /** Absolute paths of the files that the builds were read from. */
  readonly definition: ReadonlySet<string>;
  /** Absolute path of builds.lock, even if it does not exist. */
  readonly lock: string;
  readonly learned: LearnedReads;
}

/** The effect of a change. */
export interface Touch {
  readonly builds: ReadonlySet<string>;
  /** The definition of the builds changed. */
  readonly definition: boolean;
  readonly lock: boolean;
  /** A Dockerfile, ignore rules, or the path to something changed: other directories may have to be watched now. */
  readonly reshapes: boolean;
}

/** A relevant single path. */
interface Mark {
  readonly kind: 'definition' | 'lock' | 'build';
  readonly build: string;
  readonly reshapes: boolean;
}

/** Builds that read the same part of a context. */
class Reader {
  readonly builds = new Set<string>();
  readonly #reads: ContextReads;
  readonly #ignore: IgnoreRules;
  /** Targets of the symlinks that are read. */
  readonly #targets = new Set<string>();

  constructor(reads: ContextReads, ignore: IgnoreRules) {
    this.#reads = reads;
    this.#ignore = ignore;
  }

  seesFile(file: string): boolean {
    return isRead(this.#reads, this.#ignore, file) || this.#isTarget(file);
  }

  seesIn(directory: string): boolean {
    return mayReadIn(this.#reads, this.#ignore, directory) || this.#isTarget(directory);
  }

  /** Adds a symlink; true if its target was not known to be read. */
  follow(link: string, text: string): boolean {
    if (this.#reads === 'all' || !this.seesFile(link)) return false;
    const target = linkTarget(link, text);
    if (this.#targets.has(target)) return false;
    this.#targets.add(target);
    return true;
  }

  #isTarget(file: string): boolean {
    if (this.#targets.size === 0 || isIgnored(this.#ignore, file)) return false;
    return [...this.#targets].some((target) => areNested(file, target));
  }
}

/** A context on disk, with all builds that read it. */
export class WatchedTree {
  /** Real path. */
  readonly root: string;
  readonly #below: string;
  readonly #readers = new Map<string, Reader>();

  constructor(root: string) {
    this.root = root;
    this.#below = root.endsWith(path.sep) ? root : `${root}${path.sep}`;
  }

  add(build: string, reads: ContextReads, ignore: IgnoreRules): void {
    const rules = ignore.rules.map(({ pattern, isException }) => [pattern, isException]);
    const key = JSON.stringify([textOf(reads), rules]);
    const reader = this.#readers.get(key) ?? new Reader(reads, ignore);
    this.#readers.set(key, reader);
    reader.builds.add(build);
  }

  /** The path relative to the context, with `/`; undefined: outside. */
  relative(file: string): string | undefined {
    if (!file.startsWith(this.#below)) return undefined;
    const relative = file.slice(this.#below.length);
    return path.sep === '/' ? relative : relative.split(path.sep).join('/');
  }

  /** Whether a directory (relative) contains, or leads to, anything that is read. */
  mattersIn(directory: string): boolean {
    return [...this.#readers.values()].some((one) => one.seesIn(directory));
  }

  /** Adds a symlink; true if more is read than was known. */
  follow(link: string, text: string): boolean {
    return [...this.#readers.values()].map((one) => one.follow(link, text)).includes(true);
  }

  /** Adds the builds that read a path. */
  collect(relative: string, isDirectory: boolean, builds: Set<string>): void {
    for (const reader of this.#readers.values()) {
      if (isDirectory ? !reader.seesIn(relative) : !reader.seesFile(relative)) continue;
      for (const build of reader.builds) builds.add(build);
    }
  }
}

interface Found {
  readonly trees: readonly WatchedTree[];
  readonly paths: ReadonlyMap<string, readonly Mark[]>;
  readonly ends: ReadonlySet<string>;
  readonly reads: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Nothing at all. */
export const NO_INTEREST: Found = { trees: [], paths: new Map(), ends: new Set(), reads: new Map() };

/** Resolution of the clock for file times. */
const CLOCK_MS = 10;

/** Everything on the disk that a plan depends on. */
export class Interest {
  readonly trees: readonly WatchedTree[];
  /** Relevant single paths: files, and the steps on the way to them and to contexts. */
  readonly paths: ReadonlyMap<string, readonly Mark[]>;
  /** Files and contexts themselves, as written and as real paths. */
  readonly ends: ReadonlySet<string>;
  /** Build and context → the assumed reads, as texts. */
  readonly #reads: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(found: Found) {
    this.trees = found.trees;
    this.paths = found.paths;
    this.ends = found.ends;
    this.#reads = found.reads;
  }

  /** Whether the actual reads of a build are covered by the assumed ones. */
  covers(build: string, reads: ReadonlyMap<string, ContextReads>): boolean {
    return [...reads].every(([context, read]) => {
      const known = this.#reads.get(keyOf(build, context));
      return known?.has(textOf('all')) === true || known?.has(textOf(read)) === true;
    });
  }

  /** Single relevant files that changed since a time (milliseconds since 1970), or shortly before. */
  async touchedSince(timeMs: number): Promise<readonly string[]> {
    const files = [...this.ends];
    const found = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
    return files.filter((_, at) => {
      const one = found[at];
      return one?.isFile() === true && one.ctimeMs >= timeMs - CLOCK_MS;
    });
  }

  /** The effect of a change of a path (absolute, in a real directory); undefined: none. */
  touch(file: string, isDirectory: boolean): Touch | undefined {
    const marks = this.paths.get(file) ?? [];
    const builds = new Set(marks.flatMap((mark) => (mark.kind === 'build' ? [mark.build] : [])));
    for (const tree of this.trees) {
      const relative = tree.relative(file);
      if (relative !== undefined) tree.collect(relative, isDirectory, builds);
    }
    if (builds.size === 0 && marks.length === 0) return undefined;
    return {
      builds,
      definition: marks.some((mark) => mark.kind === 'definition'),
      lock: marks.some((mark) => mark.kind === 'lock'),
      reshapes: marks.some((mark) => mark.reshapes),
    };
  }
}

/** Determines what a plan depends on. */
export async function findInterest(request: InterestRequest): Promise<Interest> {
  const finder = new Finder(request);
  for (const file of request.definition) await finder.mark(file, { kind: 'definition', reshapes: false });
  await finder.mark(request.lock, { kind: 'lock', reshapes: false });
  for (const node of request.plan.nodes.values()) await finder.addNode(node);
  return finder.finish();
}

class Finder {
  readonly #request: InterestRequest;
  readonly #trees = new Map<string, WatchedTree>();
  readonly #paths = new Map<string, Mark[]>();
  readonly #ends = new Set<string>();
  readonly #reads = new Map<string, Set<string>>();
  readonly #realPaths = new Map<string, Promise<string>>();
  readonly #locations = new Map<string, Promise<DiskLocation>>();

  constructor(request: InterestRequest) {
    this.#request = request;
  }

  finish(): Interest {
    return new Interest({
      trees: [...this.#trees.values()],
      paths: this.#paths,
      ends: this.#ends,
      reads: this.#reads,
    });
  }

  async mark(
    file: string,
    { kind, reshapes, build = '' }: Omit<Mark, 'build'> & { readonly build?: string },
  ): Promise<DiskLocation> {
    const location = await this.#locate(file);
    this.#ends.add(file).add(location.real);
    for (const step of location.way) {
      const marks = this.#paths.get(step) ?? [];
      this.#paths.set(step, marks);
      // When a directory on the way is replaced, the same path leads to another place.
      const mark: Mark = { kind, build, reshapes: reshapes || step !== location.real };
      const isKnown = marks.some(
        (one) => one.kind === kind && one.build === build && one.reshapes === mark.reshapes,
      );
      if (!isKnown) marks.push(mark);
    }
    return location;
  }

  async addNode(node: PlanNode): Promise<void> {
    const { build } = node;
    const { name } = build;
    const { dockerfiles, learned } = this.#request;
    if (build.dockerfile.kind === 'file' && path.isAbsolute(build.dockerfile.path)) {
      const read = dockerfiles.pathOf(build) ?? build.dockerfile.path;
      // If a preferred Dockerfile does not exist, it may be created and then replace the one that is read now.
      for (const file of new Set([build.dockerfile.path, read]))
        await this.mark(file, { kind: 'build', build: name, reshapes: true });
    }
    for (const file of handedFiles(build))
      await this.mark(file, { kind: 'build', build: name, reshapes: false });
    const readsOf = this.#readsOf(build);
    for (const [context, ref] of [
      [MAIN_CONTEXT, build.context.ref] as const,
      ...[...build.contexts].map(([one, source]) => [one, source.ref] as const),
    ]) {
      if (ref.kind === 'oci-layout') await this.#addTree(node, ref.path, 'all', NO_RULES);
      if (ref.kind !== 'local') continue;
      const isMain = context === MAIN_CONTEXT;
      const all: readonly ContextReads[] = [readsOf(context), learned.get(name)?.get(context)].filter(
        (one) => one !== undefined,
      );
      if (all.length === 0) continue;
      this.#reads.set(keyOf(name, context), new Set(all.map(textOf)));
      for (const file of ignoreFilesOf(node, ref.path, isMain))
        await this.mark(file, { kind: 'build', build: name, reshapes: true });
      const ignore = await readIgnore(node, ref.path, isMain);
      for (const reads of all)
        await this.#addTree(node, ref.path, reads, ignore.ok ? ignore.rules : NO_RULES);
    }
  }

  /** The reads according to the Dockerfile alone; reads of its base images become known during the build. */
  #readsOf(build: Build): (context: string) => ContextReads | undefined {
    const { dockerfiles } = this.#request;
    const dockerfile = dockerfiles.dockerfileOf(build);
    const facts: DockerfileFacts | undefined = dockerfiles.factsOf(build);
    // If the Dockerfile cannot be read, nothing else affects the build's result.
    if (facts === undefined) return () => (dockerfile?.ok === false ? undefined : 'all');
    return (context) => (facts.unknowns.length > 0 ? 'all' : facts.reads.get(context));
  }

  async #addTree({ build }: PlanNode, root: string, reads: ContextReads, ignore: IgnoreRules): Promise<void> {
    const location = await this.mark(root, { kind: 'build', build: build.name, reshapes: true });
    const tree = this.#trees.get(location.real) ?? new WatchedTree(location.real);
    this.#trees.set(location.real, tree);
    tree.add(build.name, reads, ignore);
  }

  #locate(file: string): Promise<DiskLocation> {
    const known =
      this.#locations.get(file) ??
      locateOnDisk(file, (one) => {
        const real = this.#realPaths.get(one) ?? realpath(one);
        this.#realPaths.set(one, real);
        return real;
      });
    this.#locations.set(file, known);
    return known;
  }
}

function keyOf(build: string, context: string): string {
  return `${build}\0${context}`;
}

function textOf(reads: ContextReads): string {
  if (reads === 'all') return reads;
  return JSON.stringify(reads.map(({ source, include, exclude }) => [source, include, exclude]));
}

/** Files passed to RUN: they are not part of any key, but a build that uses them may have another result with others. */
function handedFiles({ secrets, ssh }: Build): readonly string[] {
  return [
    ...secrets.flatMap(({ from }) => (from.kind === 'file' ? [from.path] : [])),
    ...ssh.flatMap(({ paths }) => paths),
  ];
}
