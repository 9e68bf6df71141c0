/** What other clients build on the engines of a pool. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scheduler } from '../pool/mod.ts';
import type { PoolAccess, PoolQuestion } from './pool-access.ts';
import type { KnownMember } from './pool-members.ts';
import { Semaphore } from './scheduler.ts';

/** What finding that out takes. */
export interface PoolLoadOptions {
  /** How many builds run on an engine; undefined: nobody can tell. */
  readonly running: PoolAccess['running'];
  readonly question: PoolQuestion;
  /** The engines that are there. */
  readonly members: () => readonly KnownMember[];
  /** Knows our own share, and is notified of the rest. */
  readonly scheduler: Pick<Scheduler, 'state' | 'setLoad'>;
  /** Whether a build waits: where none does nothing is decided by it. */
  readonly isNeeded: () => boolean;
}

/** How long the first builds wait for it. */
const FIRST_MS = 1_000;
/** Between two times that all are queried, and how many at a time: each question is a program. */
const EACH_MS = 15_000;
const AT_ONCE = 8;

/** Asks now and again. */
export class PoolLoad {
  readonly #options: PoolLoadOptions;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: PoolLoadOptions) {
    this.#options = options;
  }

  /** Resolves when it is known, or after a moment. */
  async watch(): Promise<void> {
    if (this.#options.running === undefined) return;
    const first = this.#measure();
    this.#timer = setInterval(() => {
      if (this.#options.isNeeded()) void this.#measure();
    }, EACH_MS);
    // Nobody waits for that alone.
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
