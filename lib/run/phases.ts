/**
 * What is done for each build of a pass, and for how long. The events that say it and the times of an outcome come from
 * the same place and the same clock, so that they cannot differ.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Outcome, Phase } from '../model/mod.ts';
import type { Emit } from './emitter.ts';

/** How long something was done for a build, and how long it waited. */
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
   * @param clock milliseconds; only differences count
   */
  constructor(emit: Emit, clock: () => number = () => performance.now()) {
    this.#emit = emit;
    this.#clock = clock;
  }

  /** A build's turn has come, or it is started early: from now on its phases are reported (again). */
  begin(build: string): void {
    this.#bookOf(build).isFinished = false;
    this.enter(build, 'checking');
  }

  /**
   * From now on this is done for a build. Of one that has not begun, or has ended, nothing is reported.
   *
   * @param waitsFor what a build is queued for, where that is the engine
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
   * A parallel call of a build takes this slot; undefined: it is returned. The build
   * is in its phase with that slot meanwhile.
   */
  lend(build: string, slot: number | undefined): void {
    const book = this.#bookOf(build);
    const { current } = book;
    if (book.lent === slot) return;
    book.lent = slot;
    if (current !== undefined) this.enter(build, current.phase, slot, current.waitsFor);
  }

  /**
   * Nothing is done for a build until it begins (again); an event of another type says so.
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

  /** Whether a build has begun and not ended. */
  isOpen(build: string): boolean {
    return !this.#bookOf(build).isFinished;
  }

  /**
   * Waits for what somebody else does. Where that is not done already, the build is queued, and stays so until it enters
   * another phase.
   *
   * @param waitsFor that it is the engine
   * @param slot the one that it keeps meanwhile
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
