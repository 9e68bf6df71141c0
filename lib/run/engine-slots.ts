/**
 * Slots of engines: each call of buildctl uses one while it runs. Callers need not know whether there is one engine or a pool.
 */
import type { Buildctl } from '../buildctl/mod.ts';
import { type Build, ok, type Plan, type Problem, type Result } from '../model/mod.ts';
import type { EngineReturn } from './engine-return.ts';
import type { Semaphore } from './scheduler.ts';

/** An engine that answers. */
export interface ReadyEngine {
  readonly buildctl: Buildctl;
  /** The engine of a pool; absent: there is no pool. */
  readonly member?: string;
  /** What to do if the engine cannot use a registry that our own client can. */
  readonly registryHint?: string;
  /** Hosts with mirrors in `registries`, which the engine may not have. */
  readonly mirrored?: ReadonlySet<string>;
}

/** Hosts for which our own client has mirrors, and the engine may not. */
export function mirroredHosts({ set }: Pick<Plan, 'set'>): ReadonlySet<string> {
  return new Set([...set.registries].flatMap(([host, { mirrors = [] }]) => (mirrors.length > 0 ? host : [])));
}

/** A request for a slot. */
export interface SlotRequest {
  readonly build: Build;
  /** Higher runs first; evaluated if the call has to wait. */
  readonly priority: () => Promise<number>;
  /** Engines that made the build fail; used only if there is no other. */
  readonly avoid: ReadonlySet<string>;
}

/** What to do after a failure of the engine. */
export type AfterLoss =
  /** It is back: try again. */
  | { readonly kind: 'back' }
  /** It did not come back, and there is no other engine. */
  | { readonly kind: 'gone'; readonly problem: Problem }
  /** Another engine can run it. */
  | { readonly kind: 'elsewhere' };

/** A slot of an engine, for one call. */
export interface Turn {
  /** From 0; unique among the current calls of a run. */
  readonly slot: number;
  /** Frees the slot before the call ends. */
  readonly giveBack: () => void;
  readonly engine: ReadyEngine;
  /** Resolves when no wait for the engine is in progress. */
  readonly settled: () => Promise<void>;
  /** Whether it answers a short request within a time limit. */
  readonly answers: () => Promise<boolean>;
  /** Whether a silent call is moved to another engine if this one does not answer. */
  readonly isLeft: boolean;
  /**
   * Called with a failure before the slot is released, so that the next call does not fail in the same way.
   *
   * @returns undefined: it is not a failure of the engine
   */
  readonly lost: (failure: Problem) => Promise<AfterLoss> | undefined;
}

/** The slots of a run. */
export interface EngineSlots {
  /**
   * Runs a task with a slot.
   *
   * @param onWait called if none is free
   * @returns problems: no engine can run it (any more)
   */
  readonly with: <T>(
    request: SlotRequest,
    task: (turn: Turn) => Promise<T>,
    onWait: () => void,
  ) => Promise<Result<T, Problem>>;
}

/** Problem codes of an engine that went away. */
const ENGINE_AWAY: ReadonlySet<string> = new Set(['engine/lost', 'engine/unreachable']);

/** Whether a failure means that the engine went away. */
export function isEngineAway({ code }: Problem): boolean {
  return ENGINE_AWAY.has(code);
}

/** Whether a failed step reported a full disk: most likely the engine's, or one of its own. */
export function speaksOfFullDisk({ code, detail = '' }: Problem): boolean {
  return code === 'build/step-failed' && /no space left on device/i.test(detail);
}

/** The slots of a run with one engine. */
export function slotsOfOne(options: {
  readonly permits: Semaphore;
  readonly engine: () => Promise<Result<ReadyEngine>>;
  readonly engineReturn: Pick<EngineReturn, 'wait' | 'settled' | 'waitMs' | 'answers'>;
  /** Hides credentials in a text. */
  readonly hide: (text: string) => string;
}): EngineSlots {
  const { permits, engine, engineReturn, hide } = options;
  const lost = (failure: Problem): Promise<AfterLoss> | undefined =>
    isEngineAway(failure)
      ? engineReturn.wait(hide(failure.message)).then((isBack) => {
          if (isBack) return { kind: 'back' };
          const message = `${failure.message}, and no engine answered within ${engineReturn.waitMs / 1_000} s`;
          return { kind: 'gone', problem: { ...failure, message, temporary: true } };
        })
      : undefined;
  return {
    with: ({ priority }, task, onWait) =>
      permits.with(
        priority,
        async (giveBack, slot) => {
          const ready = await engine();
          if (!ready.ok) return { ok: false, error: ready.error[0] as Problem };
          return ok(
            await task({
              slot,
              giveBack,
              engine: ready.value,
              settled: () => engineReturn.settled(),
              answers: () => engineReturn.answers(),
              isLeft: false,
              lost,
            }),
          );
        },
        onWait,
      ),
  };
}
