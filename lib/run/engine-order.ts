/** Which engine of a pool each build goes to first, as far as that is known without asking any engine. */
import type { Build, Plan } from '../model/mod.ts';
import { cacheIdentity, type Member, rankMembers, whoCan } from '../pool/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';

/** An engine as it is named. */
export type NamedMember = Pick<Member, 'id' | 'jobs' | 'platforms' | 'labels'>;

/** Engines of one build, or of some of its platforms. */
export interface EngineOrder {
  /** Built there where other engines build the rest; empty: all of it is. */
  readonly platforms: readonly string[];
  /** Their ids in the order in which they are tried; empty: there is none. */
  readonly engines: readonly string[];
}

/**
 * The engines that can build each build of a plan, in the order in which they are tried where none of them is full and nothing is remembered
 * of earlier runs. A build that no single one has all platforms of has an order for each group of platforms that go together.
 *
 * @param members of those that do not say their platforms it is taken that they have those of the build
 */
export function engineOrders(
  { nodes, set }: Plan,
  members: readonly NamedMember[],
  dockerfiles: Pick<DockerfileLibrary, 'cacheMountsOf'>,
): ReadonlyMap<string, readonly EngineOrder[]> {
  return new Map(
    [...nodes.values()].map(({ build }) => {
      const identity = cacheIdentity(build, set.root, dockerfiles.cacheMountsOf(build));
      return [build.name, ordersOf(build, identity, members)] as const;
    }),
  );
}

function ordersOf(
  { platforms, engineLabels: labels = [] }: Build,
  identity: string,
  members: readonly NamedMember[],
): readonly EngineOrder[] {
  const order = (able: readonly NamedMember[]) => rankMembers(identity, able).map(({ id }) => id);
  const whole = [{ platforms: [], engines: order(whoCan({ labels, platforms }, members)) }];
  if (platforms.length < 2 || whole[0]?.engines.length !== 0) return whole;
  const groups = new Map<string, { platforms: string[]; readonly engines: readonly string[] }>();
  for (const platform of platforms) {
    const engines = order(whoCan({ labels, platforms: [platform] }, members));
    if (engines.length === 0) return whole;
    const group = groups.get(engines.join(' ')) ?? { platforms: [], engines };
    group.platforms.push(platform);
    groups.set(engines.join(' '), group);
  }
  return [...groups.values()];
}
