/** The load of other clients on the engines of a pool. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scheduler } from '../pool/mod.ts';
import type { PoolAccess, PoolQuestion } from './pool-access.ts';
import type { KnownMember } from './pool-members.ts';
import { Semaphore } from './scheduler.ts';

/** Options for measuring the load. */
export interface PoolLoadOptions {
  /** How many builds run on an engine; undefined: not known. */
  readonly running: PoolAccess['running'];
  readonly question: PoolQuestion;
  /** The current engines. */
  readonly members: () => readonly KnownMember[];
  /** Knows our own builds, and is notified of the others. */
  readonly scheduler: Pick<Scheduler, 'state' | 'setLoad'>;
  /** Whether a build waits; otherwise the load is irrelevant. */
  readonly isNeeded: () => boolean;
}

/** How long the first builds wait for the first measurement. */
const FIRST_MS = 1_000;
/** Interval of measurements, and how many engines are queried at a time: each query starts a program. */
const EACH_MS = 15_000;
const AT_ONCE = 8;

/** Measures the load repeatedly. */
export class PoolLoad {
  readonly #options: PoolLoadOptions;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: PoolLoadOptions) {
    this.#options = options;
  }

  /** Starts measuring. Resolves when the load is known, or after a short time. */
  async watch(): Promise<void> {
    if (this.#options.running === undefined) return;
    const first = this.#measure();
    this.#timer = setInterval(() => {
      if (this.#options.isNeeded()) void this.#measure();
    }, EACH_MS);
    // Do not keep the process alive for that.
    this.#timer.unref();
    const stopper = new AbortController();
    const enough = delay(FIRST_MS, undefined, { signal: stopper.signal }).catch(() => undefined);
    await Promise.race([first, enough]);
    stopper.abort();
  }

  /** Sends no more queries. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #measure(): Promise<void> {
    const { running, question, members, scheduler } = this.#options;
    const permits = new Semaphore(AT_ONCE);
    await Promise.all(
      members().map(({ address, buildctl }) =>
        permits.with(0, async () => {
          const all = await running?.(address, { ...question, buildctl: buildctl.program });
          const own = scheduler.state.find(({ member }) => member.id === address.id)?.running ?? 0;
          if (all !== undefined) scheduler.setLoad(address.id, Math.max(0, all - own));
        }),
      ),
    );
  }
}
