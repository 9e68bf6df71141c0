/** Makes the steps of one build from BuildKit's vertex events. */
import type { BakeEvent } from '../model/mod.ts';
import type { StepSpan } from './timeline.ts';

type VertexEvent = Extract<BakeEvent, { readonly type: 'vertex' }>;

interface Running {
  readonly fromMs: number;
  readonly name: string;
}

/**
 * Reads the vertex events of one build. BuildKit reports that a step runs, and at its end the duration. It may run
 * again after that, and for some steps only the end is reported.
 */
export class StepsMaker {
  readonly #spans: StepSpan[] = [];
  readonly #running = new Map<string, Running>();
  /** Index of each step's last span in this call. */
  readonly #last = new Map<string, number>();
  #attempt = 1;
  #beganMs = 0;

  /** When the buildctl call started, or the last one ended. */
  get beganMs(): number {
    return this.#beganMs;
  }

  /** @param attempt number of the buildctl call; 0: before the build's turn */
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
    // Reported again without new time: the last report wins.
    if (at !== undefined && last !== undefined && running === undefined && span.fromMs === span.toMs) {
      this.#spans[at] = { ...span, fromMs: last.fromMs, toMs: last.toMs };
      return;
    }
    this.#last.set(digest, this.#spans.push(span) - 1);
  }

  /** All steps by start; running ones end now. */
  spans(nowMs: number): readonly StepSpan[] {
    return [...this.#spans, ...this.#unfinished(nowMs)].sort((a, b) => a.fromMs - b.fromMs);
  }

  /**
   * BuildKit's measured duration is the best source for the start of a step, because its messages are a little late. A
   * shared step may have started before this buildctl call for another build; then the start of the call is used.
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
    // BuildKit stops the other steps when one fails, and reports that.
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
