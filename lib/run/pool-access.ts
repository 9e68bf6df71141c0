/** How the engines of a pool are got at; tests put others in their place. */
import type { MemberState as AskedState, MemberAddress } from '../engine/mod.ts';
import type { BuildSet, EngineSettings, PoolEntry, Problem, Result, WorkerInfo } from '../model/mod.ts';

/** The state of a pool's engine, as far as runs use it. */
export type MemberState = Pick<AskedState, 'version' | 'platforms'> & {
  /** Its worker's platforms, its own first. */
  readonly worker: Pick<WorkerInfo, 'platforms'>;
};

/** How the engines of a pool are got at; tests put others in their place. */
export interface PoolAccess {
  /** Lists the current engines. */
  readonly list: (
    entries: readonly PoolEntry[],
    options: PoolQuestion,
  ) => Promise<{ readonly members: readonly MemberAddress[]; readonly problems: readonly Problem[] }>;
  /** Queries the state of one within a time limit. */
  readonly ask: (
    member: MemberAddress,
    options: PoolQuestion & { readonly buildctl: string; readonly timeoutMs?: number },
  ) => Promise<Result<MemberState>>;
  /** How many builds of all clients run on one; undefined if it does not answer. Absent: there are no other clients. */
  readonly running?: (
    member: MemberAddress,
    options: PoolQuestion & { readonly buildctl: string },
  ) => Promise<number | undefined>;
  /** Minimum milliseconds between two lists of pods; default: 10 s. */
  readonly listMs?: number;
  /** What to do if an engine cannot use a registry that bake-ts can, from `registries:` of builds.yaml. */
  readonly registryHint?: (registries: BuildSet['registries']) => Promise<string | undefined>;
  /** The buildctl to use. */
  readonly findBuildctl: (env: PoolQuestion['env']) => Promise<Result<string, Problem>>;
}

/** Options of queries to engines. */
export interface PoolQuestion {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings?: EngineSettings;
  readonly signal?: AbortSignal;
}
