/** Waits for an engine that went away during a run: once for all builds, and for a limited time. */
import { performance } from 'node:perf_hooks';
import type { Emit } from './emitter.ts';

/** Options of the wait. */
export interface EngineReturnOptions {
  /** Whether the engine answers within a time limit. */
  readonly ask: () => Promise<boolean>;
  /** The same, but starts the embedded engine if necessary. */
  readonly askOrStart: () => Promise<boolean>;
  /** Its address, once it has been found. */
  readonly address: () => string;
  /** Total milliseconds to wait during the run. */
  readonly waitMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** Interval between two requests. */
const ASK_MS = 500;

/** The wait of one session. */
export class EngineReturn {
  readonly #options: EngineReturnOptions;
  #leftMs: number;
  #waiting: Promise<boolean> | undefined;
  #asking: Promise<boolean> | undefined;
  /** The last wait failed. */
  #isGivenUp = false;

  constructor(options: EngineReturnOptions) {
    this.#options = options;
    this.#leftMs = options.waitMs;
  }

  /** Total milliseconds to wait. */
  get waitMs(): number {
    return this.#options.waitMs;
  }

  /** Queries the engine without starting it; concurrent calls share the answer. */
  answers(): Promise<boolean> {
    this.#asking ??= this.#options.ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /**
   * Waits until the engine answers and reports the wait, even a short one. Queries at least once, even if no time is left.
   *
   * @param why the reason, as text
   * @returns whether it is back
   */
  wait(why: string): Promise<boolean> {
    this.#waiting ??= this.#wait(why).finally(() => {
      this.#waiting = undefined;
    });
    return this.#waiting;
  }

  /** Resolves when no wait is in progress. */
  async settled(): Promise<void> {
    await this.#waiting;
  }

  async #wait(why: string): Promise<boolean> {
    const { askOrStart: answers, address, sleep, emit, signal } = this.#options;
    // After a failed wait, other builds that notice the same do not report it again.
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
      // Each turn uses up time whatever the clock says, so that the wait ends.
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
