/**
 * Where results lie. Names in the engine's own image store for results that no tag names: one stable name for each build of a project, so
 * that a later result replaces the earlier one and nothing piles up.
 *
 * The host refuses connections at once, which is the point: BuildKit asks the registry first and falls back to its
 * store on any error (buildkit util/resolver/pool.go), so the lookup costs nothing and ordinary `FROM` lines stay fresh.
 */
import { createHash } from 'node:crypto';
import { type Digest, formatImageRef, type PlanNode } from '../model/mod.ts';
import type { ImageLocation, RunContext } from './context.ts';
import { repositoriesOf, wantedTags } from './publish.ts';

export const STORE_HOST = '127.0.0.1:1';

/** The store name of a build's result. */
export function storeName(root: string, build: string): string {
  const project = createHash('sha256').update(root).digest('hex').slice(0, 12);
  const safe = build
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const mark = safe === build ? '' : `-${createHash('sha256').update(build).digest('hex').slice(0, 8)}`;
  return `${STORE_HOST}/bake/${safe === '' ? 'build' : safe}${mark}:${project}`;
}

/** Names that a build which is not pushed has in the engine's store. */
export function storeNames(context: RunContext, node: PlanNode): readonly string[] {
  const tags = node.role === 'asked' ? wantedTags(node).map(formatImageRef) : [];
  const isRead = node.neededBy.length > 0;
  return tags.length === 0 || isRead ? [...tags, storeName(context.root, node.build.name)] : tags;
}

/** Where a result of this build lies, by what the plan does with it. */
export function locationOf(
  context: RunContext,
  node: PlanNode,
  digest: Digest,
  sure: boolean,
): ImageLocation | undefined {
  const [first] = node.pushes ? repositoriesOf(wantedTags(node)) : [];
  if (first !== undefined) return { kind: 'image', ref: formatImageRef({ ...first, digest }), sure: true };
  if (context.worker === 'oci') return undefined;
  return { kind: 'image', ref: `${storeName(context.root, node.build.name)}@${digest}`, sure };
}
