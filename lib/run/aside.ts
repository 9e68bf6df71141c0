/**
 * Builds beside the run, for looking at their results: what they stand on is taken as it is, and never built for them,
 * since that could move what others rely on.
 */
import type { Link } from '../buildctl/mod.ts';
import { type Build, fail, formatImageRef, ok, type Plan, type PlanNode, type Result } from '../model/mod.ts';
import type { ImageLocation, ImageResult, RunContext } from './context.ts';
import { repositoriesOf, wantedTags } from './publish.ts';

/** A build whose result goes nowhere else. */
export interface Aside {
  /** The build as it is to be made; its own outputs and cache exports are left out. */
  readonly build: Build;
  readonly links: readonly Link[];
  /** Where its OCI layout is to be written. */
  readonly dir: string;
}

/** What a build stands on, by digest: in its registry if it was ever pushed, else in the engine's store; or why not. */
export async function linkAside(
  context: RunContext,
  plan: Plan,
  node: PlanNode,
): Promise<Result<readonly Link[], string>> {
  const links: Link[] = [];
  for (const edge of node.edges) {
    const { contextName } = edge;
    if (contextName === undefined) continue;
    const image = context.resultOf(edge.to)?.image;
    const parent = plan.nodes.get(edge.to);
    const location = image === undefined ? undefined : await locate(context, parent, image);
    if (image === undefined || location === undefined)
      return fail(`the image of \`${edge.to}\`, which it stands on, is not at hand`);
    links.push(
      location.kind === 'image'
        ? { contextName, kind: 'image', ref: location.ref }
        : { contextName, kind: 'layout', dir: location.dir, digest: image.digest },
    );
  }
  return ok(links);
}

/** In a run that does not push it, the place of a result is the engine's store, but a registry may have it from before. */
async function locate(
  context: RunContext,
  parent: PlanNode | undefined,
  { digest, location }: ImageResult,
): Promise<ImageLocation | undefined> {
  const isSure = location?.kind === 'layout' || location?.sure === true;
  if (isSure || parent === undefined || parent.build.push === 'never') return location;
  for (const repository of repositoriesOf(wantedTags(parent))) {
    const presence = await context.registry.head({ ...repository, digest });
    if (presence.kind === 'present')
      return { kind: 'image', ref: formatImageRef({ ...repository, digest }), sure: true };
  }
  return location;
}
