/** Watches one call of buildctl: reports stalls and what is waited for, and ends calls that take too long. */
import { performance } from 'node:perf_hooks';
import { type Build, type EventBody, type Problem, problem } from '../model/mod.ts';
import { formatDuration } from '../util/duration.ts';
import { option } from '../util/option-words.ts';
import type { Emit } from './emitter.ts';

/** Options of a watch. */
export interface WatchOptions {
  readonly build: Build;
  /** Receives `stalled` and `resumed`. */
  readonly emit: Emit;
  /** Milliseconds without progress after which a stall is reported; again after twice as many, and so on. */
  readonly noticeMs: number;
  /** Milliseconds without progress after which the call is ended; undefined: never. */
  readonly stallTimeoutMs?: number;
  /** Whether the engine answers a short request within a time limit. */
  readonly answers: () => Promise<boolean>;
  /** End the call if there is no progress and the engine does not answer, since another engine can run it. */
  readonly isLeft?: boolean;
  /** Milliseconds without progress between those requests; default: 10 s. */
  readonly askMs?: number;
  /** Also ends the call. */
  readonly signal: AbortSignal;
}

/** Pushes and silent steps cost one request each time. */
const ASK_MS = 10_000;

/** So many unanswered requests in a row mean that the engine is gone; with fewer it may just be busy. */
const UNANSWERED = 3;

/** Watches a call from creation until it is closed. */
export class CallWatch {
  readonly #options: WatchOptions;
  readonly #stopper = new AbortController();
  /** Running steps: digest → name and start. */
  readonly #steps = new Map<string, { readonly name: string; readonly since: number }>();
  /** Running transfers: vertex and id → shown text. */
  readonly #transfers = new Map<string, string>();
  #timeout: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setTimeout> | undefined;
  #ask: ReturnType<typeof setTimeout> | undefined;
  /** Whether buildctl runs; before that, secret commands run. */
  #calls = false;
  readonly #startedAt: number = performance.now();
  #lastSignAt = performance.now();
  #isStalled = false;
  #engineAnswers = true;
  #failure: Problem | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { build, signal } = options;
    if (signal.aborted) this.#stop();
    signal.addEventListener('abort', this.#stop, { once: true });
    if (build.timeoutMs !== undefined) this.#timeout = setTimeout(() => this.#timeOut(), build.timeoutMs);
    this.#lookAfter(options.noticeMs);
    if (options.isLeft === true) this.#askLater(0);
  }

  /** Ends the watched call. */
  get signal(): AbortSignal {
    return this.#stopper.signal;
  }

  /** Why the watch ended the call; undefined if it did not. */
  get failure(): Problem | undefined {
    return this.#failure;
  }

  /** Records progress without an event. */
  sign(): void {
    if (this.signal.aborted) return;
    const { build, emit, noticeMs } = this.#options;
    const quietMs = Math.round(performance.now() - this.#lastSignAt);
    this.#lastSignAt = performance.now();
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#engineAnswers = true;
    emit({ type: 'resumed', build: build.name, quietMs });
    this.#lookAfter(noticeMs);
  }

  /** Processes an event of the call. */
  see(event: EventBody): void {
    this.sign();
    if (event.type === 'node-started') this.#calls = true;
    if (event.type === 'vertex') {
      if (event.state !== 'running') this.#steps.delete(event.digest);
      else if (!this.#steps.has(event.digest))
        this.#steps.set(event.digest, { name: event.name, since: performance.now() });
    }
    if (event.type === 'transfer') {
      const key = `${event.vertex} ${event.id}`;
      if (event.done) this.#transfers.delete(key);
      else this.#transfers.set(key, event.id);
    }
  }

  /** No event comes after this. */
  close(): void {
    this.#options.signal.removeEventListener('abort', this.#stop);
    clearTimeout(this.#timeout);
    clearTimeout(this.#look);
    clearTimeout(this.#ask);
    this.#look = undefined;
  }

  readonly #stop = (): void => this.#stopper.abort(this.#options.signal.reason);

  /** Schedules the next check for a stall or the stall timeout. */
  #lookAfter(noticeMs: number): void {
    const { stallTimeoutMs = Number.POSITIVE_INFINITY } = this.#options;
    clearTimeout(this.#look);
    const signAt = this.#lastSignAt;
    const quietMs = (): number => performance.now() - this.#lastSignAt;
    this.#look = setTimeout(
      () => {
        // Timers may come a little early.
        if (quietMs() + 1 >= stallTimeoutMs) void this.#end(stallTimeoutMs);
        else if (quietMs() + 1 < noticeMs)
          this.#lookAfter(this.#lastSignAt === signAt ? noticeMs : this.#options.noticeMs);
        else {
          this.#lookAfter(noticeMs * 2);
          void this.#tell();
        }
      },
      Math.max(0, Math.min(noticeMs, stallTimeoutMs) - quietMs()),
    );
  }

  /** @param unanswered unanswered requests in a row without progress in between */
  #askLater(unanswered: number): void {
    const { askMs = ASK_MS, answers } = this.#options;
    const sign = this.#lastSignAt;
    this.#ask = setTimeout(async () => {
      const isQuiet = this.#calls && this.#lastSignAt === sign;
      const hasAnswered = !isQuiet || (await answers()) || this.#lastSignAt !== sign;
      // It was closed in the meantime.
      if (this.#look === undefined || this.signal.aborted) return;
      const missed = hasAnswered ? 0 : unanswered + 1;
      if (missed < UNANSWERED) this.#askLater(missed);
      else this.#finish(this.#noAnswer());
    }, askMs);
  }

  #noAnswer(): Problem {
    return problem(
      'engine/lost',
      `the engine does not answer; no progress for ${formatDuration(performance.now() - this.#lastSignAt)}`,
      { build: this.#options.build.name, hint: 'See `bake-ts engine status`.' },
    );
  }

  /** Queries the engine. Returns false if there was progress, or the watch was closed, in the meantime. */
  async #isStillQuiet(): Promise<boolean> {
    const sign = this.#lastSignAt;
    if (this.#calls) this.#engineAnswers = await this.#options.answers();
    return this.#lastSignAt === sign && this.#look !== undefined && !this.signal.aborted;
  }

  async #tell(): Promise<void> {
    if (!(await this.#isStillQuiet())) return;
    this.#isStalled = true;
    this.#options.emit({
      type: 'stalled',
      build: this.#options.build.name,
      quietMs: Math.round(performance.now() - this.#lastSignAt),
      waitsFor: this.#waitsFor(),
      engineAnswers: this.#engineAnswers,
      ...this.#endsIn(),
    });
  }

  /** When the call will be ended without progress: by the build's time limit or the stall timeout, whichever is first. */
  #endsIn(): { readonly endsInMs?: number } {
    const { build, stallTimeoutMs } = this.#options;
    const now = performance.now();
    const ends = [
      ...(build.timeoutMs === undefined ? [] : [this.#startedAt + build.timeoutMs - now]),
      ...(stallTimeoutMs === undefined ? [] : [this.#lastSignAt + stallTimeoutMs - now]),
    ];
    return ends.length === 0 ? {} : { endsInMs: Math.max(0, Math.round(Math.min(...ends))) };
  }

  #timeOut(): void {
    const { build } = this.#options;
    this.#finish(
      problem(
        'build/timeout',
        `not done within ${formatDuration(build.timeoutMs ?? 0)}: it waited for ${this.#waitsFor()}`,
        {
          build: build.name,
          hint: `Find out what takes so long, or raise the limit: \`timeout:\` of the build, or ${option('--set BUILD.timeout=1h')}.`,
        },
      ),
    );
  }

  async #end(stallTimeoutMs: number): Promise<void> {
    if (!(await this.#isStillQuiet())) {
      if (this.#look !== undefined) this.#lookAfter(this.#options.noticeMs);
      return;
    }
    this.#finish(
      problem(
        'build/stalled',
        `no progress for ${formatDuration(stallTimeoutMs)}: it waited for ${this.#waitsFor()}`,
        {
          build: this.#options.build.name,
          hint: `Pushes and steps that print nothing show no progress: ${option('--stall-timeout')} must be longer than they take.`,
        },
      ),
    );
  }

  #finish(failure: Problem): void {
    if (this.#stopper.signal.aborted) return;
    this.#failure = failure;
    this.#stopper.abort(failure.code);
  }

  /** What runs now, as text. */
  #waitsFor(): string {
    if (!this.#calls) return secretsOf(this.#options.build);
    const { build } = this.#options;
    const push = [...this.#transfers.values()].find((id) => id.startsWith('pushing '));
    const [step] = this.#steps.values();
    const names = build.tags.map((tag) => tag.text).join(', ');
    const what =
      push !== undefined
        ? `the push of ${names === '' ? 'its image' : names}`
        : step === undefined
          ? 'buildctl'
          : `${step.name} (for ${formatDuration(performance.now() - step.since)})`;
    return this.#engineAnswers ? what : `the engine, which does not answer (${what})`;
  }
}

function secretsOf({ secrets }: Build): string {
  const ids = secrets.flatMap(({ id, from }) => (from.kind === 'command' ? [`\`${id}\``] : []));
  return ids.length === 1 ? `the command for the secret ${ids[0]}` : 'the commands for its secrets';
}
