/** Builds for simulations of pools: how they need one another, and how long they take. */
import type { Random } from './random.ts';

/** A build of a simulation. */
export interface SimulatedBuild {
  readonly name: string;
  readonly identity: string;
  /** Places of others in the list, all of them before its own. */
  readonly needs: readonly number[];
  /** How long it takes without and with its cache. */
  readonly coldMs: number;
  readonly warmMs: number;
  readonly sizeBytes: number;
}

interface Graph {
  readonly needs: readonly (readonly number[])[];
  /** Number of the identity of each; absent: each has its own. */
  readonly identities?: readonly number[];
}

const MEDIAN_MS = 60_000;
/** Of the logarithm: one build in 20 takes more than 4.4 times the median, one in 1000 16 times. */
const SPREAD = 0.9;
const MEDIAN_BYTES = 200_000_000;

/** Bake files of real repositories: what each target needs, and which of them have Dockerfile and context in common. */
const REPOSITORIES: readonly Graph[] = [
  {
    needs: [[], [0], [], [0], [0], [0], ...times(9, [1, 2, 3, 4, 5])],
    identities: [0, 0, 1, 0, 0, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  },
  {
    needs: [[], ...times(5, [0]), [3, 5], [1, 2, 5], [3, 5], [1, 2, 5], [3, 5], [1, 2, 5]],
    identities: [0, 1, 1, 2, 2, 2, 3, 4, 3, 4, 3, 4],
  },
  { needs: [[], [0], [1], [], [], [4], [5], []] },
  { needs: [[], [0], [0], [1, 2]] },
  { needs: times(21, []) },
  {
    needs: times(25, []),
    identities: [0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 1, 4, 4, 4, 4, 4, 4, 4],
  },
  { needs: times(15, []), identities: [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1] },
];

export const POOL_SHAPES = ['independent', 'layers', 'chains', 'fan', 'repositories'] as const;

/** How builds need one another. */
export type PoolShape = (typeof POOL_SHAPES)[number];

const SHAPES: Readonly<Record<PoolShape, (count: number, random: Random) => Graph>> = {
  /** Not at all. */
  independent: (count) => ({ needs: times(count, []) }),
  /** Bases, images for languages on them, and applications on one or two of these. */
  layers: (count, random) => {
    const bases = Math.max(1, Math.floor(count * 0.02));
    const languages = Math.max(2, Math.floor(count * 0.12));
    const language = () => bases + random.below(languages - bases);
    const needsOf = (at: number) => {
      if (at < bases) return [];
      if (at < languages) return [random.below(bases)];
      return random.below(10) < 3 ? [...new Set([language(), language()])] : [language()];
    };
    return { needs: Array.from({ length: count }, (_, at) => needsOf(at)) };
  },
  /** One after another, up to seven of them. */
  chains: (count, random) => {
    let left = 0;
    const needsOf = (at: number) => {
      if (left > 0) {
        left--;
        return [at - 1];
      }
      left = random.below(7);
      return [];
    };
    return { needs: Array.from({ length: count }, (_, at) => needsOf(at)) };
  },
  /** One base, three on it, all others on these. */
  fan: (count) => ({
    needs: Array.from({ length: count }, (_, at) => (at === 0 ? [] : at < 4 ? [0] : [1 + (at % 3)])),
  }),
  /** Many repositories as they are. */
  repositories: (count, random) => {
    const needs: number[][] = [];
    const identities: number[] = [];
    for (let repository = 0; needs.length < count; repository++) {
      const graph = random.pick(REPOSITORIES);
      const start = needs.length;
      for (const [at, own] of graph.needs.entries()) {
        needs.push(own.map((need) => need + start));
        identities.push(repository * 100 + (graph.identities?.[at] ?? at));
      }
    }
    return { needs: needs.slice(0, count), identities: identities.slice(0, count) };
  },
};

/** Builds of that shape, with durations of a log-normal distribution; a cache saves 20 to 90 % of them. */
export function simulateBuilds(shape: PoolShape, count: number, random: Random): readonly SimulatedBuild[] {
  const { needs, identities } = SHAPES[shape](count, random);
  return needs.map((own, at) => {
    const coldMs = MEDIAN_MS * Math.exp(SPREAD * normal(random));
    return {
      name: `build-${at}`,
      identity: `identity-${identities?.[at] ?? at}`,
      needs: own,
      coldMs,
      warmMs: coldMs * (0.1 + 0.7 * fraction(random)),
      sizeBytes: MEDIAN_BYTES * Math.exp(normal(random)),
    };
  });
}

/** Builds of which something changed: that share, and all that need one of them. */
export function changeBuilds(
  builds: readonly SimulatedBuild[],
  share: number,
  random: Random,
): ReadonlySet<number> {
  const changed = new Set<number>();
  for (const [at, { needs }] of builds.entries())
    if (fraction(random) < share || needs.some((need) => changed.has(need))) changed.add(at);
  return changed;
}

/** Between 0 and 1, neither of them. */
export function fraction(random: Random): number {
  return (random.below(2 ** 30) + 0.5) / 2 ** 30;
}

/** Normally distributed, with mean 0 and deviation 1 (Box and Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(fraction(random))) * Math.cos(2 * Math.PI * fraction(random));
}

function times<T>(count: number, item: T): readonly T[] {
  return Array.from({ length: count }, () => item);
}
