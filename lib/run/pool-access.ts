/** How the engines of a pool are got at; tests put others in their place. */
import type { MemberState as AskedState, MemberAddress } from '../engine/mod.ts';
import type { BuildSet, EngineSettings, PoolEntry, Problem, Result, WorkerInfo } from '../model/mod.ts';

/** What an engine of a pool says of itself, as far as runs go by it. */
export type MemberState = Pick<AskedState, 'version' | 'platforms'> & {
  /** Its worker's platforms, its own first. */
  readonly worker: Pick<WorkerInfo, 'platforms'>;
};

/** How the engines of a pool are got at; tests put others in their place. */
export interface PoolAccess {
  /** Which they are now. */
  readonly list: (
    entries: readonly PoolEntry[],
    options: PoolQuestion,
  ) => Promise<{ readonly members: readonly MemberAddress[]; readonly problems: readonly Problem[] }>;
  /** Asks one what it is; bounded in time. */
  readonly ask: (
    member: MemberAddress,
    options: PoolQuestion & { readonly buildctl: string; readonly timeoutMs?: number },
  ) => Promise<Result<MemberState>>;
  /** How many builds run on one, of whichever client; undefined where it does not say. Absent: nobody else uses them. */
  readonly running?: (
    member: MemberAddress,
    options: PoolQuestion & { readonly buildctl: string },
  ) => Promise<number | undefined>;
  /** Milliseconds that a list of pods stands at least; default: 10 s. */
  readonly listMs?: number;
  /** What to do where an engine cannot use a registry that bake-ts can, by `registries:` of builds.yaml. Absent: nothing is known. */
  readonly registryHint?: (registries: BuildSet['registries']) => Promise<string | undefined>;
  /** The buildctl to use. */
  readonly findBuildctl: (env: PoolQuestion['env']) => Promise<Result<string, Problem>>;
}

/** What questions to engines go by. */
export interface PoolQuestion {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings?: EngineSettings;
  readonly signal?: AbortSignal;
}
