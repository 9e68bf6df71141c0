/**
 * Slots of engines: each call of buildctl takes one for as long as it runs. Who calls does not know whether there is one
 * engine or a pool of them.
 */
import type { Buildctl } from '../buildctl/mod.ts';
import { type Build, ok, type Plan, type Problem, type Result } from '../model/mod.ts';
import type { EngineReturn } from './engine-return.ts';
import type { Semaphore } from './scheduler.ts';

/** An engine that answers. */
export interface ReadyEngine {
  readonly buildctl: Buildctl;
  /** Which engine of a pool it is; absent: there is one. */
  readonly member?: string;
  /** What to do where the engine does not trust or understand a registry that our own client does. */
  readonly registryHint?: string;
  /** Hosts with mirrors in `registries`, which the engine may not know. */
  readonly mirrored?: ReadonlySet<string>;
}

/** Hosts of which our own client knows mirrors, and the engine may not. */
export function mirroredHosts({ set }: Pick<Plan, 'set'>): ReadonlySet<string> {
  return new Set([...set.registries].flatMap(([host, { mirrors = [] }]) => (mirrors.length > 0 ? host : [])));
}

/** What a slot is wanted for. */
export interface SlotRequest {
  readonly build: Build;
  /** Higher goes first; evaluated when the call has to wait. */
  readonly priority: () => Promise<number>;
  /** Engines on which it failed for their sake; taken only where there is no other. */
  readonly avoid: ReadonlySet<string>;
}

/** What is to be done after a failure that is the engine's. */
export type AfterLoss =
  /** It is back: the same once more. */
  | { readonly kind: 'back' }
  /** It did not come back, and there is no other. */
  | { readonly kind: 'gone'; readonly problem: Problem }
  /** Another engine may do it. */
  | { readonly kind: 'elsewhere' };

/** A slot of an engine, for one call. */
export interface Turn {
  /** From 0; no two calls of a run have one at a time. */
  readonly slot: number;
  /** Gives it to others before the call ends. */
  readonly giveBack: () => void;
  readonly engine: ReadyEngine;
  /** Resolves when nobody waits for the engine to come back. */
  readonly settled: () => Promise<void>;
  /** Whether it answers a short question; bounded in time. */
  readonly answers: () => Promise<boolean>;
  /** Whether a call that it says nothing of is taken away from it where it does not answer. */
  readonly isLeft: boolean;
  /**
   * Called with a failure, before the slot is released: the next call would only find out the same.
   *
   * @returns undefined: it is not the engine's
   */
  readonly lost: (failure: Problem) => Promise<AfterLoss> | undefined;
}

/** The slots of a run. */
export interface EngineSlots {
  /**
   * Runs a task with a slot.
   *
   * @param onWait called where none is free
   * @returns problems: there is no engine that can do it, or none any more
   */
  readonly with: <T>(
    request: SlotRequest,
    task: (turn: Turn) => Promise<T>,
    onWait: () => void,
  ) => Promise<Result<T, Problem>>;
}

/** Failures of an engine that went away. */
const ENGINE_AWAY: ReadonlySet<string> = new Set(['engine/lost', 'engine/unreachable']);

/** Whether a failure is that of an engine that went away. */
export function isEngineAway({ code }: Problem): boolean {
  return ENGINE_AWAY.has(code);
}

/** Whether a step that failed wrote that there is no room: on the disk of its engine, most likely, or on one of its own. */
export function speaksOfFullDisk({ code, detail = '' }: Problem): boolean {
  return code === 'build/step-failed' && /no space left on device/i.test(detail);
}

/** The slots of a run that has one engine. */
export function slotsOfOne(options: {
  readonly permits: Semaphore;
  readonly engine: () => Promise<Result<ReadyEngine>>;
  readonly engineReturn: Pick<EngineReturn, 'wait' | 'settled' | 'waitMs' | 'answers'>;
  /** Keeps credentials out of what is said. */
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
