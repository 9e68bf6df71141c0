/** Which engine of a pool each build goes to first, as far as that is known without asking any engine. */
import type { Build, Plan } from '../model/mod.ts';
import { cacheIdentity, type Member, rankMembers, whoCan } from '../pool/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';

/** An engine as it is named. */
export type NamedMember = Pick<Member, 'id' | 'jobs' | 'platforms' | 'labels'>;

/**
 * The engines that can build each build of a plan, in the order in which they are tried where none of them is full.
 *
 * @param members of those that do not say their platforms it is taken that they have those of the build
 */
export function engineOrders(
  { nodes, set }: Plan,
  members: readonly NamedMember[],
  dockerfiles: Pick<DockerfileLibrary, 'cacheMountsOf'>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...nodes.values()].map(({ build }) => {
      const identity = cacheIdentity(build, set.root, dockerfiles.cacheMountsOf(build));
      return [build.name, orderOf(build, identity, members)] as const;
    }),
  );
}

function orderOf(build: Build, identity: string, members: readonly NamedMember[]): readonly string[] {
  const demands = { labels: build.engineLabels ?? [] };
  // A build that no single one has all platforms of is split: each that has some is one of them.
  const platforms = build.platforms.length === 0 ? [[]] : build.platforms.map((one) => [one]);
  const able = members.filter((member) =>
    platforms.some((some) => whoCan({ ...demands, platforms: some }, [member]).length > 0),
  );
  return rankMembers(identity, able).map(({ id }) => id);
}
