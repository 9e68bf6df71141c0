/** Links a build to the results of other builds, each by digest at its location. */
import type { Link } from '../buildctl/mod.ts';
import {
  type Digest,
  type DigestRef,
  fail,
  type ImageLocation,
  type ImageResult,
  ok,
  type PlanNode,
  type Problem,
  problem,
  type Result,
} from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import type { Building, LayersOnlySource, OnWait } from './context.ts';

/** Why there are no links. */
export type NotLinked =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** How a build is to be linked. */
export interface LinkRequest {
  readonly node: PlanNode;
  /** Rebuild parents whose images should be in the engine's store but were not found. */
  readonly rebuildUnconfirmed: boolean;
  /** Whether steps may be based on layers-only images; see `mayUseLayersOnly`. */
  readonly mayUseLayersOnly: boolean;
}

/** Links a build to what it reads. An up-to-date parent whose image is gone is rebuilt. */
export async function linkParents(
  {
    registry,
    resultOf,
    rebuild,
    layersOnly,
    scratch,
    calling: { phases },
  }: Pick<Building, 'registry' | 'resultOf' | 'rebuild' | 'layersOnly' | 'scratch'> & {
    readonly calling: Pick<Building['calling'], 'phases'>;
  },
  { node, rebuildUnconfirmed, mayUseLayersOnly }: LinkRequest,
): Promise<Result<readonly Link[], NotLinked>> {
  const build = node.build.name;
  const onWait: OnWait = (isWaiting) => phases.enter(build, isWaiting ? 'queued' : 'checking');
  const parents: LocatedParent[] = [];
  for (const { contextName, to, span } of node.edges) {
    if (contextName === undefined) continue;
    let image = resultOf(to)?.image;
    let location = await locate(registry, image);
    const isUnsure =
      location?.kind === 'store' ? !location.confirmed : location !== undefined && scratch?.has(location);
    if (location === undefined || (rebuildUnconfirmed && isUnsure === true)) {
      const again = await phases.waiting(build, rebuild(to));
      onWait(false);
      if (again.outcome.kind === 'cancelled') return fail({ kind: 'cancelled' });
      image = again.image;
      location = image?.location;
    }
    if (image === undefined || location === undefined) {
      const missing = problem(
        'build/parent-missing',
        `\`${to}\` makes no image that \`${build}\` could read`,
        { build, ...(span === undefined ? {} : { span }) },
      );
      return fail({ kind: 'failed', problem: missing });
    }
    // If a registry has it only from an earlier run, this run was not asked to push there.
    const mayPut = location.kind !== 'registry' || image.location?.kind === 'registry';
    parents.push({ contextName, digest: image.digest, location, mayPut });
  }
  const links = await Promise.all(
    parents.map((parent) => linkTo(parent, mayUseLayersOnly ? layersOnly : undefined, onWait)),
  );
  for (const link of links) {
    if (link.kind === 'image' && link.layersOnly !== undefined && scratch?.has(locationIn(link.ref)) === true)
      scratch.note(link.layersOnly.digest);
  }
  return ok(links);
}

function locationIn(ref: DigestRef): ImageLocation {
  return { kind: 'registry', ref };
}

/** The image of a parent, its context name in the Dockerfile, and its location. */
export interface LocatedParent {
  readonly contextName: string;
  readonly digest: Digest;
  readonly location: ImageLocation;
  /** Whether other images may be put beside it. */
  readonly mayPut: boolean;
}

/** The link to an image at a location. */
export async function linkTo(
  { contextName, digest, location, mayPut }: LocatedParent,
  layersOnly: LayersOnlySource | undefined,
  onWait?: OnWait,
): Promise<Link> {
  if (location.kind === 'layout') return { contextName, kind: 'layout', dir: location.dir, digest };
  const layers = await layersOnly?.of(location, mayPut, onWait);
  return {
    contextName,
    kind: 'image',
    ref: location.ref,
    ...(layers === undefined ? {} : { layersOnly: layers }),
  };
}

/** A repository to which an earlier run published the image is preferred to a store that may no longer have it. */
async function locate(
  registry: RegistryClient,
  image: ImageResult | undefined,
): Promise<ImageLocation | undefined> {
  const location = image?.location;
  if (image === undefined || (location !== undefined && (location.kind !== 'store' || location.confirmed)))
    return location;
  for (const published of image.published ?? []) {
    const ref = { registry: published.registry, repository: published.repository, digest: image.digest };
    const presence = await registry.head(ref);
    if (presence.kind === 'present') return { kind: 'registry', ref };
  }
  return location;
}
