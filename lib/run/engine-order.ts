/** The preferred engine of a pool for each build, as far as it is known without querying engines. */
import type { Build, Plan } from '../model/mod.ts';
import { cacheIdentity, type Member, rankMembers, whoCan } from '../pool/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';

/** An engine as configured. */
export type NamedMember = Pick<Member, 'id' | 'jobs' | 'platforms' | 'labels'>;

/** Engines of one build, or of some of its platforms. */
export interface EngineOrder {
  /** The platforms that are built there, if other engines build the rest; empty: all. */
  readonly platforms: readonly string[];
  /** Ids in the order in which the engines are tried; empty: there is none. */
  readonly engines: readonly string[];
}

/**
 * Returns the engines that can run each build of a plan, in the order in which they are tried if none is full and there are no
 * earlier runs. A build for which no single engine has all platforms has one order for each group of platforms.
 *
 * @param members those without configured platforms are assumed to have the platforms of the build
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
