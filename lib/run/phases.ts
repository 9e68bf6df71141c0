/**
 * The current phase of each build of a pass and its durations. Events and the times of outcomes come from here and from the same
 * clock, so that they always agree.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Outcome, Phase } from '../model/mod.ts';
import type { Emit } from './emitter.ts';

/** How long a build worked and how long it waited. */
export type PhaseTimes = Pick<Outcome, 'durationMs' | 'queuedMs'>;

interface Book {
  current:
    | {
        readonly phase: Phase;
        readonly slot: number | undefined;
        readonly waitsFor: 'engine' | undefined;
        readonly since: number;
      }
    | undefined;
  isFinished: boolean;
  /** The slot of a parallel call. */
  lent: number | undefined;
  doneMs: number;
  /** Undefined: it never waited. */
  queuedMs: number | undefined;
}

/** The phases of all builds of a pass. */
export class Phases {
  readonly #emit: Emit;
  readonly #clock: () => number;
  readonly #books = new Map<string, Book>();

  /**
   * @param emit gets `node-phase`
   * @param clock milliseconds; only differences are used
   */
  constructor(emit: Emit, clock: () => number = () => performance.now()) {
    this.#emit = emit;
    this.#clock = clock;
  }

  /** Starts a build, at its turn or early: from now on its phases are reported (again). */
  begin(build: string): void {
    this.#bookOf(build).isFinished = false;
    this.enter(build, 'checking');
  }

  /**
   * Enters a phase of a build. Nothing is reported for a build that has not started or has ended.
   *
   * @param waitsFor set if a build is queued for the engine
   */
  enter(build: string, phase: Phase, own?: number, waitsFor?: 'engine'): void {
    const book = this.#bookOf(build);
    const slot = own ?? book.lent;
    if (book.isFinished) return;
    const { current } = book;
    if (current?.phase === phase && current.slot === slot && current.waitsFor === waitsFor) return;
    this.#close(book);
    book.current = { phase, slot, waitsFor, since: this.#clock() };
    if (phase === 'queued') book.queuedMs ??= 0;
    this.#emit({
      type: 'node-phase',
      build,
      phase,
      ...(slot === undefined ? {} : { slot }),
      ...(waitsFor === undefined ? {} : { waitsFor }),
    });
  }

  /**
   * Lends a slot to a parallel call of a build; undefined: it is returned. Meanwhile the build's phase is reported with that
   * slot.
   */
  lend(build: string, slot: number | undefined): void {
    const book = this.#bookOf(build);
    const { current } = book;
    if (book.lent === slot) return;
    book.lent = slot;
    if (current !== undefined) this.enter(build, current.phase, slot, current.waitsFor);
  }

  /**
   * Ends the phases of a build until it starts (again); an event of another type reports that.
   *
   * @returns all times so far
   */
  finish(build: string): PhaseTimes {
    const book = this.#bookOf(build);
    this.#close(book);
    book.isFinished = true;
    return {
      durationMs: Math.round(book.doneMs),
      ...(book.queuedMs === undefined ? {} : { queuedMs: Math.round(book.queuedMs) }),
    };
  }

  /** Whether a build has started and not ended. */
  isOpen(build: string): boolean {
    return !this.#bookOf(build).isFinished;
  }

  /**
   * Waits for a promise. Unless it is already settled, the build is queued until it enters another phase.
   *
   * @param waitsFor set if it waits for the engine
   * @param slot the slot that it keeps meanwhile
   */
  async waiting<T>(build: string, wanted: Promise<T>, waitsFor?: 'engine', slot?: number): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    wanted.then(done, done);
    await nextTurn();
    if (!isDone) this.enter(build, 'queued', slot, waitsFor);
    return wanted;
  }

  #bookOf(build: string): Book {
    let book = this.#books.get(build);
    if (book === undefined) {
      book = { current: undefined, isFinished: true, lent: undefined, doneMs: 0, queuedMs: undefined };
      this.#books.set(build, book);
    }
    return book;
  }

  #close(book: Book): void {
    const { current } = book;
    if (current === undefined) return;
    book.current = undefined;
    const ms = Math.max(0, this.#clock() - current.since);
    if (current.phase === 'queued') book.queuedMs = (book.queuedMs ?? 0) + ms;
    else book.doneMs += ms;
  }
}
