/** How a build reads the results of other builds: each by digest, from where it lies. */
import type { Link } from '../buildctl/mod.ts';
import {
  type Digest,
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
import type { Building } from './context.ts';

/** Why there are no links. */
export type NotLinked =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/**
 * Links a build to what it reads. A build that was up to date and whose image is gone is built now.
 *
 * @param rebuildUnconfirmed also where the image should be in the engine's store, since it was found not to be there
 */
export async function linkParents(
  { registry, resultOf, rebuild }: Pick<Building, 'registry' | 'resultOf' | 'rebuild'>,
  node: PlanNode,
  rebuildUnconfirmed: boolean,
): Promise<Result<readonly Link[], NotLinked>> {
  const links: Link[] = [];
  for (const { contextName, to, span } of node.edges) {
    if (contextName === undefined) continue;
    let image = resultOf(to)?.image;
    let location = await locate(registry, image);
    if (location === undefined || (rebuildUnconfirmed && location.kind === 'store' && !location.confirmed)) {
      const again = await rebuild(to);
      if (again.outcome.kind === 'cancelled') return fail({ kind: 'cancelled' });
      image = again.image;
      location = image?.location;
    }
    if (image === undefined || location === undefined) {
      const missing = problem(
        'build/parent-missing',
        `\`${to}\` gives no image that \`${node.build.name}\` could read`,
        { build: node.build.name, ...(span === undefined ? {} : { span }) },
      );
      return fail({ kind: 'failed', problem: missing });
    }
    links.push(linkTo(contextName, location, image.digest));
  }
  return ok(links);
}

/** The link to an image at a location. */
export function linkTo(contextName: string, location: ImageLocation, digest: Digest): Link {
  return location.kind === 'layout'
    ? { contextName, kind: 'layout', dir: location.dir, digest }
    : { contextName, kind: 'image', ref: location.ref };
}

/** A repository that an earlier run published the image to is better than a store that may no longer have it. */
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
