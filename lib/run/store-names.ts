/**
 * Where results lie. Names in the engine's own image store for results that no tag names: one stable name for each build
 * of a project, so that a later result replaces the earlier one and nothing piles up.
 *
 * The host refuses connections at once, which is the point: BuildKit asks the registry first and falls back to its
 * store on any error (buildkit util/resolver/pool.go), so the lookup costs nothing and ordinary `FROM` lines stay fresh.
 */
import { createHash } from 'node:crypto';
import {
  type Digest,
  formatImageRef,
  type ImageLocation,
  type ImageRef,
  type PlanNode,
  repositoriesOf,
} from '../model/mod.ts';
import type { StoreNaming } from './context.ts';
import { wantedTags } from './publish.ts';

const STORE_HOST = '127.0.0.1:1';

/** Whose names they are. */
type Project = Pick<StoreNaming, 'root' | 'isolated'>;
/** And whether others see them. */
type Naming = Project & Pick<StoreNaming, 'isListed'>;

/** What a project is called in store names; what is untrusted has names of its own. */
export function storeProject({ root, isolated }: Project): string {
  return createHash('sha256')
    .update(isolated ? `untrusted\n${root}` : root)
    .digest('hex')
    .slice(0, 12);
}

/** The store name of a build's result. */
export function storeName(project: Project, build: string): ImageRef {
  const safe = build
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const mark = safe === build ? '' : `-${createHash('sha256').update(build).digest('hex').slice(0, 8)}`;
  return {
    registry: STORE_HOST,
    repository: `bake/${safe === '' ? 'build' : safe}${mark}`,
    tag: storeProject(project),
  };
}

/**
 * Names that a build which is not pushed has in the engine's store. Where that cannot be listed, each has one of bake-ts: a tag that
 * is gone from it may be found in its registry instead, and ours is nowhere else.
 */
export function storeNames(project: Naming, node: PlanNode): readonly string[] {
  const tags = node.role === 'asked' && !project.isolated ? wantedTags(node) : [];
  const needsOwn = tags.length === 0 || node.neededBy.length > 0 || !project.isListed();
  const names = needsOwn ? [...tags, storeName(project, node.build.name)] : tags;
  return names.map(formatImageRef);
}

/**
 * Where the result of a build lies, by what the plan does with it; undefined: nowhere that lasts (an OCI worker keeps no
 * images).
 *
 * @param confirmed see {@link ImageLocation}
 */
export function locationOf(
  naming: StoreNaming,
  node: PlanNode,
  digest: Digest,
  confirmed: boolean,
): ImageLocation | undefined {
  const [first] = node.pushes ? repositoriesOf(wantedTags(node)) : [];
  if (first !== undefined) return { kind: 'registry', ref: { ...first, digest } };
  if (naming.worker() === 'oci') return undefined;
  return { kind: 'store', ref: { ...storeName(naming, node.build.name), digest }, confirmed };
}
