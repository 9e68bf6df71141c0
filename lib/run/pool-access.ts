/** How the engines of a pool are got at; tests put others in their place. */
import type { EngineSettings, EngineTarget, PoolEntry, Problem, Result } from '../model/mod.ts';

/** An engine of a pool, as it is named. */
export interface MemberAddress extends EngineTarget {
  /** The same for every client of the pool: its address, or namespace and name of a pod. */
  readonly id: string;
  /** What is built there, as somebody said it; empty: what its own architecture runs. */
  readonly platforms: readonly string[];
  /** Builds at a time. */
  readonly jobs: number;
  readonly labels: readonly string[];
}

/** What an engine of a pool says of itself. */
export interface MemberState {
  readonly version?: string;
  /** Normalised: what is built there. */
  readonly platforms: readonly string[];
  /** Its worker's platforms, its own first. */
  readonly worker: { readonly platforms: readonly string[] };
}

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
  /** The buildctl to use. */
  readonly findBuildctl: (env: PoolQuestion['env']) => Promise<Result<string, Problem>>;
}

/** What questions to engines go by. */
export interface PoolQuestion {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings?: EngineSettings;
  readonly signal?: AbortSignal;
}
