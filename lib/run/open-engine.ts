/** Opens the engine or the pool of a session. */
import { MEMBER_JOBS, namedPool, type PoolEntry } from '../model/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';
import { defaultJobs } from '../system/mod.ts';
import type { Building } from './context.ts';
import { EnginePool } from './engine-pool.ts';
import { type EngineSlots, slotsOfOne } from './engine-slots.ts';
import type { Memory } from './memory.ts';
import type { Semaphore } from './scheduler.ts';
import { type RunEngine, SessionEngine, type SessionEngineOptions } from './session-engine.ts';

/** What opening takes. */
export interface OpenEngineOptions extends Omit<SessionEngineOptions, 'address'> {
  /** `--addr`, once or several times. */
  readonly address: string | readonly string[] | undefined;
  /** The requested number of concurrent builds. */
  readonly jobs?: number;
  /** Limits what one engine does at a time. */
  readonly permits: Semaphore;
  readonly memory: Memory;
  readonly dockerfiles: Pick<DockerfileLibrary, 'cacheMountsOf'>;
  /** Keeps credentials out of what is said. */
  readonly hide: (text: string) => string;
}

/** What is open. */
export interface OpenEngine {
  readonly engine: RunEngine;
  readonly slots: EngineSlots;
  /** Of a pool: which platforms of a build go together, where no single engine has all of them. */
  readonly split: Building['split'];
  /** Stops repeated queries. */
  readonly close: () => void;
}

/** Opens it; nothing is queried before it is needed. */
export function openEngine(options: OpenEngineOptions): OpenEngine {
  const { address, permits, hide, memory, dockerfiles, jobs, access, plan, env, ...rest } = options;
  const entries = poolOf({ plan, env, address });
  if (entries !== undefined && access.pool !== undefined) {
    const { pool: poolAccess, run } = access;
    const pool = new EnginePool({
      ...rest,
      access: poolAccess,
      entries,
      plan,
      env,
      figuresOf: (build) => memory.lastFigures(build),
      cacheMountsOf: (build) => dockerfiles.cacheMountsOf(build),
      sizeOf: (build) => memory.notedSize(build),
      jobs: poolJobs(entries, jobs),
      ...(run === undefined ? {} : { run }),
    });
    return {
      engine: pool,
      slots: pool.slots,
      split: (build) => pool.split(build),
      close: () => pool.close(),
    };
  }
  const engine = new SessionEngine({
    ...rest,
    access,
    plan,
    env,
    ...(address === undefined ? {} : { address }),
  });
  const slots = slotsOfOne({ permits, engine: () => engine.ready(), engineReturn: engine.return, hide });
  return { engine, slots, split: undefined, close: () => undefined };
}

/** Factor on the default number of jobs: a call is a buildctl process on this machine, with some 40 MB and little CPU time. */
const MOST_CALLS = 16;

/**
 * How many builds of a pool run at a time: as many as its engines allow, at most the requested number or this machine's limit of
 * calls.
 */
export function poolJobs(entries: readonly PoolEntry[], jobs: number = MOST_CALLS * defaultJobs()): number {
  const taken = entries.reduce((sum, one) => sum + (one.jobs ?? MEMBER_JOBS), 0);
  // Pods are not counted, since there may be any number.
  return entries.some(({ kubernetes }) => kubernetes !== undefined) ? jobs : Math.min(taken, jobs);
}

/** The entries of the configured pool; undefined: there is none. */
export function poolOf({
  plan,
  env,
  address,
}: Pick<OpenEngineOptions, 'plan' | 'env' | 'address'>): ReturnType<typeof namedPool> {
  return namedPool({ flagAddresses: address, env, settings: plan.set.engine });
}
