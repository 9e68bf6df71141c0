/** The steps of one build, from what BuildKit says of them. */
import type { BakeEvent } from '../model/mod.ts';
import type { StepSpan } from './timeline.ts';

type VertexEvent = Extract<BakeEvent, { readonly type: 'vertex' }>;

interface Running {
  readonly fromMs: number;
  readonly name: string;
}

/**
 * Takes the vertex events of one build. BuildKit says that a step runs, and when it is over how long it took; it may run again
 * after that, and some are only said to be over.
 */
export class StepsMaker {
  readonly #spans: StepSpan[] = [];
  readonly #running = new Map<string, Running>();
  /** Place of the last span of each step in this call. */
  readonly #last = new Map<string, number>();
  #attempt = 1;
  #beganMs = 0;

  /** When the call of buildctl began, or the last one ended. */
  get beganMs(): number {
    return this.#beganMs;
  }

  /** @param attempt which call of buildctl it is; 0: before the build's turn */
  beginCall(attempt: number, nowMs: number): void {
    this.endCall(nowMs);
    this.#attempt = attempt;
  }

  endCall(nowMs: number): void {
    this.#spans.push(...this.#unfinished(nowMs));
    this.#running.clear();
    this.#last.clear();
    this.#beganMs = nowMs;
  }

  take(event: VertexEvent, nowMs: number): void {
    const { digest, name, state } = event;
    if (state === 'pending') return;
    if (state === 'running') {
      if (!this.#running.has(digest)) this.#running.set(digest, { fromMs: nowMs, name });
      return;
    }
    const running = this.#running.get(digest);
    this.#running.delete(digest);
    const at = this.#last.get(digest);
    const last = at === undefined ? undefined : this.#spans[at];
    const span = this.#span(event, this.#began(event, running, last, nowMs), nowMs);
    // Said once more of the same time: the last word counts.
    if (at !== undefined && last !== undefined && running === undefined && span.fromMs === span.toMs) {
      this.#spans[at] = { ...span, fromMs: last.fromMs, toMs: last.toMs };
      return;
    }
    this.#last.set(digest, this.#spans.push(span) - 1);
  }

  /** All of them in the order of their beginnings; those that run are taken to end now. */
  spans(nowMs: number): readonly StepSpan[] {
    return [...this.#spans, ...this.#unfinished(nowMs)].sort((a, b) => a.fromMs - b.fromMs);
  }

  /**
   * BuildKit's own measure says best when a step began, since its messages come a little late. A step that builds share may
   * have begun before this call of buildctl, for another one: it counts from the call on.
   */
  #began(
    { durationMs, state }: VertexEvent,
    running: Running | undefined,
    last: StepSpan | undefined,
    nowMs: number,
  ): number {
    const isRepeated = last !== undefined && running === undefined;
    if (isRepeated && (state === 'failed' || durationMs === undefined)) return nowMs;
    const measured = durationMs === undefined ? (running?.fromMs ?? nowMs) : nowMs - durationMs;
    if (isRepeated && measured < last.toMs) return nowMs;
    return Math.max(measured, this.#beganMs, last?.toMs ?? 0);
  }

  #span({ digest, name, state, error }: VertexEvent, fromMs: number, toMs: number): StepSpan {
    // Steps beside one that failed are stopped, and say so.
    const isStopped = state === 'failed' && error?.includes('context canceled') === true;
    const known = state === 'done' || state === 'cached' || (state === 'failed' && !isStopped);
    return {
      digest,
      name,
      state: known ? state : 'unfinished',
      attempt: this.#attempt,
      ...(error === undefined ? {} : { error }),
      ...{ fromMs: Math.min(fromMs, toMs), toMs },
    };
  }

  #unfinished(nowMs: number): readonly StepSpan[] {
    return [...this.#running].map(([digest, { name, fromMs }]) => ({
      digest,
      name,
      state: 'unfinished',
      attempt: this.#attempt,
      fromMs,
      toMs: nowMs,
    }));
  }
}
