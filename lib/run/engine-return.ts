/** Waiting for an engine that went away in the middle of a run: once for all builds, and not for ever. */
import { performance } from 'node:perf_hooks';
import type { Emit } from './emitter.ts';

/** What waiting takes. */
export interface EngineReturnOptions {
  /** Asks the engine; bounded in time. */
  readonly ask: () => Promise<boolean>;
  /** The same, but starts it where that is ours to do. */
  readonly askOrStart: () => Promise<boolean>;
  /** Its address, once it was found. */
  readonly address: () => string;
  /** Milliseconds to wait in all, over all times that it goes away. */
  readonly waitMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** Between two questions. */
const ASK_MS = 500;

/** The wait of one session. */
export class EngineReturn {
  readonly #options: EngineReturnOptions;
  #leftMs: number;
  #waiting: Promise<boolean> | undefined;
  #asking: Promise<boolean> | undefined;
  /** The last wait was in vain. */
  #isGivenUp = false;

  constructor(options: EngineReturnOptions) {
    this.#options = options;
    this.#leftMs = options.waitMs;
  }

  /** Milliseconds that are waited in all. */
  get waitMs(): number {
    return this.#options.waitMs;
  }

  /** Asks it, and starts nothing; who asks meanwhile gets the same answer. */
  answers(): Promise<boolean> {
    this.#asking ??= this.#options.ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /**
   * Waits until the engine answers, and says so, however short that is. Asks at least once, also when all of the time was
   * waited before.
   *
   * @param why what was noticed, as text
   * @returns whether it is back
   */
  wait(why: string): Promise<boolean> {
    this.#waiting ??= this.#wait(why).finally(() => {
      this.#waiting = undefined;
    });
    return this.#waiting;
  }

  /** Resolves when nobody waits for it. */
  async settled(): Promise<void> {
    await this.#waiting;
  }

  async #wait(why: string): Promise<boolean> {
    const { askOrStart: answers, address, sleep, emit, signal } = this.#options;
    // What was waited for in vain is not announced by each build that finds out the same.
    if (this.#isGivenUp && !(await answers())) return false;
    if (signal.aborted) return false;
    emit({ type: 'engine-waiting', address: address(), why, waitMs: Math.max(0, this.#leftMs) });
    const startedAt = performance.now();
    let isBack = await answers();
    while (!isBack && this.#leftMs > 0 && !signal.aborted) {
      const askedAt = performance.now();
      await sleep(Math.min(ASK_MS, this.#leftMs));
      if (signal.aborted) break;
      isBack = await answers();
      // Whatever the clock says, each turn counts: the wait ends.
      this.#leftMs -= Math.max(ASK_MS, performance.now() - askedAt);
    }
    this.#isGivenUp = !isBack;
    emit({
      type: 'engine-waited',
      address: address(),
      waitedMs: Math.round(performance.now() - startedAt),
      back: isBack,
    });
    return isBack;
  }
}
