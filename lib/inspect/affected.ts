/**
 * Which builds are affected by file changes: through the files of their contexts that their Dockerfiles read, their
 * Dockerfiles, their definitions in builds.yaml, builds.lock, and their dependencies. When in doubt, a build counts as
 * affected. Changed files are passed as paths, so that callers need not get them from git.
 */
import { printBuilds } from '../config/mod.ts';
import { type ContextReads, type DockerfileFacts, MAIN_CONTEXT, NO_RULES } from '../dockerfile/mod.ts';
import { ignoreFilesOf, inspectNode, type Keying, readIgnore } from '../inputs/mod.ts';
import type { Lock } from '../lock/mod.ts';
import {
  type BuildSet,
  type ContextRef,
  ok,
  type PlanNode,
  type Problem,
  type Result,
} from '../model/mod.ts';
import { type NodeResult, type SessionOptions, withSession } from '../run/mod.ts';
import { type DiskLocation, isLinked, isRead, locateOnDisk, relativeTo } from './touches.ts';

/** What changed, and what it may affect: every build of the plan. */
export interface AffectedOptions
  extends Pick<SessionOptions, 'plan' | 'dockerfiles' | 'env' | 'signal' | 'hostArchitecture' | 'engines'> {
  /**
   * Real absolute paths of files that were changed, added or removed; both paths of a renamed file. A directory means
   * everything below it.
   */
  readonly changed: readonly string[];
  /** Set if a file that defines the builds changed; undefined `set`: its earlier content is not known. */
  readonly before?: { readonly set: BuildSet | undefined };
  /** Set if builds.lock changed: its earlier content; undefined `lock`: there was none. */
  readonly lockBefore?: { readonly lock: Lock | undefined };
}

/** Why a build is affected. */
export interface AffectedReason {
  /**
   * What changed: its entry in builds.yaml, its Dockerfile, its ignore file, a file it reads, a locked image, a
   * dependency. `unknown`: it is not known what the build reads.
   */
  readonly code: 'definition' | 'dockerfile' | 'ignore-file' | 'file' | 'image' | 'needs' | 'unknown';
  /** The same as text. */
  readonly text: string;
  /** The file, as you passed it. */
  readonly path?: string;
  /** With `needs`: the dependency. */
  readonly build?: string;
}

/** A build that is affected. */
export interface AffectedBuild {
  /** Name of the build. */
  readonly build: string;
  /** `asked`: it was selected. `needed`: it is only a dependency of another build. */
  readonly role: 'asked' | 'needed';
  /** At most 100 of them are files. */
  readonly reasons: readonly AffectedReason[];
}

/** Files that are listed for one build; nobody reads longer lists. */
const MOST_REASONS = 100;

/** Finds the builds of a plan that changes affect, in the plan's order. Problem: `run/no-temp`. */
export async function findAffected(
  options: AffectedOptions,
): Promise<Result<readonly AffectedBuild[], Problem>> {
  const { plan, changed, before, lockBefore } = options;
  // Nothing to query registries for.
  if (changed.length === 0 && before === undefined && lockBefore === undefined) return ok([]);
  const offline = plan.set.grants.untrusted ? { offline: 'the files are untrusted' } : {};
  return withSession({ ...options, ...offline, dryRun: true }, async (session) => {
    const lock = session.lock.ok ? session.lock.value : undefined;
    const { context, results } = await session.startPass(true);
    const finder = new Finder(context.keying, options, lock);
    const found = new Map<string, AffectedBuild>();
    for (const [name, node] of plan.nodes) {
      const inspected = await inspectNode(context.keying, node);
      const facts = inspected?.ok === true ? inspected.value.facts : undefined;
      // Builds based on it need its variables and triggers.
      results.set(name, resultOf(name, facts));
      const reasons = [
        ...finder.changesOfDefinition(node),
        ...finder.changesOfImages(node),
        ...(await finder.changesOfFiles(node, inspected)),
        ...finder.changesBelow(node, found),
      ];
      if (reasons.length > 0) found.set(name, { build: name, role: node.role, reasons });
    }
    return [...found.values()];
  });
}

function resultOf(build: string, facts: DockerfileFacts | undefined): NodeResult {
  return {
    outcome: { build, kind: 'unchanged', tags: [], durationMs: 0 },
    ...(facts?.produces === undefined ? {} : { produces: facts.produces }),
  };
}

type Printed = ReturnType<typeof printBuilds>['builds'];

class Finder {
  readonly #keying: Keying;
  readonly #options: AffectedOptions;
  readonly #lockNow: Lock | undefined;
  readonly #now: Printed;
  readonly #before: Printed | undefined;
  readonly #locations = new Map<string, Promise<DiskLocation>>();

  constructor(keying: Keying, options: AffectedOptions, lockNow: Lock | undefined) {
    this.#keying = keying;
    this.#options = options;
    this.#lockNow = lockNow;
    this.#now = options.before === undefined ? {} : printBuilds(options.plan.set).builds;
    this.#before = options.before?.set === undefined ? undefined : printBuilds(options.before.set).builds;
  }

  /** The file that defines a build, as text. */
  #fileOf({ span }: PlanNode['build']): string {
    const { isBake, files } = this.#options.plan.set;
    return isBake === true ? (span?.source.path ?? files.join(', ')) : 'builds.yaml';
  }

  /** Changes of its evaluated definition; how it is written does not matter. */
  changesOfDefinition({ build }: PlanNode): readonly AffectedReason[] {
    if (this.#options.before === undefined) return [];
    const reason = (text: string): readonly AffectedReason[] => [{ code: 'definition', text }];
    const file = this.#fileOf(build);
    if (this.#before === undefined) return reason(`${file} changed, and its previous version cannot be read`);
    const [before, now] = [this.#before[build.name], this.#now[build.name]];
    if (before === undefined || now === undefined) return reason(`it is new in ${file}`);
    const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
    const changed = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
    return changed.length === 0 ? [] : reason(`${file} changed its ${changed.join(', ')}`);
  }

  /** External images that builds.lock now pins to another digest. */
  changesOfImages(node: PlanNode): readonly AffectedReason[] {
    const { lockBefore } = this.#options;
    if (lockBefore === undefined) return [];
    const images = new Map(node.externalImages.map((image) => [image.written, image]));
    return [...images.values()]
      .filter(
        ({ ref }) => ref !== undefined && lockBefore.lock?.digestOf(ref) !== this.#lockNow?.digestOf(ref),
      )
      .map(({ written }) => ({ code: 'image', text: `builds.lock pins ${written} to another digest` }));
  }

  /** All its dependencies, including those that only affect the order. */
  changesBelow(node: PlanNode, found: ReadonlyMap<string, AffectedBuild>): readonly AffectedReason[] {
    const needs = new Set(node.edges.map((edge) => edge.to).filter((name) => found.has(name)));
    return [...needs].map((build) => ({ code: 'needs', text: `its dependency ${build} is affected`, build }));
  }

  async changesOfFiles(
    node: PlanNode,
    inspected: Awaited<ReturnType<typeof inspectNode>>,
  ): Promise<readonly AffectedReason[]> {
    const reasons: AffectedReason[] = [];
    const { dockerfile, context, contexts } = node.build;
    if (inspected !== undefined && !inspected.ok) {
      reasons.push({
        code: 'unknown',
        text: `its Dockerfile cannot be read: ${inspected.error[0]?.message ?? ''}`,
      });
    }
    // Otherwise it is in a remote context.
    if (dockerfile.kind === 'file' && inspected !== undefined) {
      const read = this.#keying.dockerfiles.pathOf(node.build) ?? dockerfile.path;
      // A file that was removed may have been read instead of the current one.
      for (const file of new Set([dockerfile.path, read]))
        reasons.push(...(await this.#onTheWay(file, 'dockerfile', 'its Dockerfile')));
    }
    const known = inspected?.ok === true ? inspected.value.facts : undefined;
    const sources: (readonly [string, ContextRef])[] = [[MAIN_CONTEXT, context.ref]];
    for (const [name, source] of contexts) sources.push([name, source.ref]);
    for (const [name, ref] of sources) {
      if (ref.kind === 'oci-layout') reasons.push(...(await this.#inside(ref.path, name)));
      if (ref.kind !== 'local') continue;
      const reads = known === undefined || known.unknowns.length > 0 ? 'all' : known.reads.get(name);
      if (reads !== undefined) reasons.push(...(await this.#inContext(node, name, ref.path, reads)));
    }
    const rest = reasons.length - MOST_REASONS;
    if (rest <= 0) return reasons;
    return [...reasons.slice(0, MOST_REASONS), { code: 'file', text: `and ${rest} more files changed` }];
  }

  async #inContext(
    node: PlanNode,
    name: string,
    root: string,
    reads: ContextReads,
  ): Promise<readonly AffectedReason[]> {
    const isMain = name === MAIN_CONTEXT;
    const reasons: AffectedReason[] = [];
    for (const file of ignoreFilesOf(node, root, isMain)) {
      reasons.push(...(await this.#onTheWay(file, 'ignore-file', 'its ignore file', root)));
    }
    const moved = await this.#onTheWay(root, 'file', 'a parent directory of its context');
    if (moved.length > 0) return [...reasons, ...moved];
    const location = await this.#locate(root);
    const here = this.#options.changed.flatMap((file) => {
      const relative = relativeTo(location, file);
      return relative === undefined ? [] : [{ file, relative }];
    });
    if (here.length === 0) return reasons;
    const ignore = await readIgnore(node, root, isMain);
    const rules = ignore.ok ? ignore.rules : NO_RULES;
    const unread: typeof here = [];
    for (const change of here) {
      if (isRead(reads, rules, change.relative)) reasons.push(fileReason(name, change));
      else unread.push(change);
    }
    // Link targets can only be found by reading the files.
    if (reads === 'all' || unread.length === 0 || reasons.length > 0) return reasons;
    const hashed = await this.#keying.hasher.hash({
      root,
      written: root,
      reads,
      ignore: rules,
      signal: this.#keying.signal,
    });
    if (!hashed.ok) {
      return [{ code: 'unknown', text: `its context cannot be read: ${hashed.error[0]?.message ?? ''}` }];
    }
    const { files, odd } = hashed.value;
    if (odd.length > 0)
      return [{ code: 'unknown', text: 'files of its context have names that are not UTF-8' }];
    return unread
      .filter(({ relative }) => isLinked(files, relative))
      .map((change) => fileReason(name, change));
  }

  async #inside(directory: string, name: string): Promise<readonly AffectedReason[]> {
    const location = await this.#locate(directory);
    return this.#options.changed.flatMap((file) => {
      const relative = relativeTo(location, file);
      if (relative === undefined)
        return location.way.has(file) ? [fileReason(name, { file, relative: '.' })] : [];
      return [fileReason(name, { file, relative })];
    });
  }

  /** A change of the file itself, or of a directory or link on the way to it (below `from`, if given). */
  async #onTheWay(
    file: string,
    code: AffectedReason['code'],
    what: string,
    from?: string,
  ): Promise<readonly AffectedReason[]> {
    const { way } = await this.#locate(file);
    const before = from === undefined ? undefined : (await this.#locate(from)).way;
    return this.#options.changed
      .filter((changed) => way.has(changed) && before?.has(changed) !== true)
      .map((changed) => ({ code, text: `${what} changed`, path: changed }));
  }

  #locate(file: string): Promise<DiskLocation> {
    const known = this.#locations.get(file) ?? locateOnDisk(file);
    this.#locations.set(file, known);
    return known;
  }
}

function fileReason(
  context: string,
  change: { readonly file: string; readonly relative: string },
): AffectedReason {
  const where = context === MAIN_CONTEXT ? 'its context' : `the context ${context}`;
  return { code: 'file', text: `${change.relative} in ${where} changed`, path: change.file };
}
