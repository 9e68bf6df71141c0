/**
 * Scratch builds: builds into a directory, to inspect their results. Their dependencies are used unchanged and never
 * built, because that could move what others use.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Built, Link } from '../buildctl/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import {
  type Build,
  fail,
  type ImageLocation,
  type ImageResult,
  ok,
  type Plan,
  type PlanNode,
  type Result,
  repositoriesOf,
  withoutFiles,
} from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import {
  type Calling,
  callUntilDone,
  type LayersOnlySource,
  layersOnlyFault,
  linkTo,
  type NodeContext,
  type NotBuilt,
  wantedTags,
} from '../run/mod.ts';

/** The input of a scratch build. */
export interface ScratchRequest {
  readonly node: PlanNode;
  readonly inputs: NodeInputs;
  /** The build to make; its outputs and cache exports are ignored. */
  readonly build: Build;
  /** From `linkScratch`. */
  readonly links: readonly Link[];
}

/** The result of a scratch build: an OCI image layout, removed at the end of the run at the latest. */
export type ScratchBuilt = NotBuilt | { readonly kind: 'done'; readonly built: Built; readonly dir: string };

/** Makes a scratch build. */
export async function buildScratch(calling: Calling, request: ScratchRequest): Promise<ScratchBuilt> {
  const { node, inputs, build, links } = request;
  const dir = path.join(calling.newWorkDir(), 'layout');
  let isPlain = false;
  const called = await callUntilDone(calling, {
    node,
    inputs,
    // Sends all files again, so that the comparison does not rely on the engine's copies of them.
    sendsAnew: true,
    prepare: async () =>
      ok({
        build: { ...build, outputs: [], cacheTo: [], buildctlOptions: withoutFiles(build.buildctlOptions) },
        links: isPlain ? links.map(plainLink) : links,
        outputs: [{ kind: 'layout', dir }],
        workDir: calling.newWorkDir(),
      }),
    // A lost layers-only image is not put again, because a scratch build writes nothing.
    mend: (failure, attempt) => {
      if (layersOnlyFault(failure, attempt.links) !== 'not-split') return undefined;
      isPlain = true;
      return failure.message;
    },
  });
  if (called.kind !== 'done') return called;
  await rm(called.attempt.workDir, { recursive: true, force: true });
  return { kind: 'done', built: called.built, dir };
}

/** The link without a layers-only image. */
function plainLink(link: Link): Link {
  if (link.kind !== 'image') return link;
  const { layersOnly: _, ...plain } = link;
  return plain;
}

/** What linking needs from a run. */
export type Linking = Pick<NodeContext, 'resultOf'> & {
  readonly registry: RegistryClient;
  /** Bases steps on layers-only images, so that they come from the cache; undefined: on the images themselves. */
  readonly layersOnly?: LayersOnlySource;
};

/**
 * The dependencies of a build by digest: from their registry if they were ever pushed, else from the engine's store; or
 * why one is not available.
 */
export async function linkScratch(
  { resultOf, registry, layersOnly }: Linking,
  plan: Plan,
  node: PlanNode,
): Promise<Result<readonly Link[], string>> {
  const links: Link[] = [];
  for (const { contextName, to } of node.edges) {
    if (contextName === undefined) continue;
    const image = resultOf(to)?.image;
    const location = image === undefined ? undefined : await locate(registry, plan.nodes.get(to), image);
    if (image === undefined || location === undefined)
      return fail(`the image of \`${to}\`, which it is based on, is not available`);
    const { digest } = image;
    links.push(await linkTo({ contextName, digest, location, mayPut: false }, layersOnly));
  }
  return ok(links);
}

/** A run that does not push a result has it in the engine's store, but a registry may have it from an earlier push. */
async function locate(
  registry: RegistryClient,
  parent: PlanNode | undefined,
  { digest, location }: ImageResult,
): Promise<ImageLocation | undefined> {
  const isSure = location !== undefined && (location.kind !== 'store' || location.confirmed);
  if (isSure || parent === undefined || parent.build.push === 'never') return location;
  for (const repository of repositoriesOf(wantedTags(parent))) {
    const ref = { ...repository, digest };
    const presence = await registry.head(ref);
    if (presence.kind === 'present') return { kind: 'registry', ref };
  }
  return location;
}
