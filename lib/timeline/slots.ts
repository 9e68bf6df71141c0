/** Spans in which builds have slots. */
import type { PhaseSpan, Span } from './timeline.ts';

/** A span in which a build had a slot. */
export interface SlotSpan extends Span {
  readonly slot: number;
}

/** Joins consecutive phases in one slot. */
export function slotSpans(phases: readonly PhaseSpan[]): readonly SlotSpan[] {
  const spans: SlotSpan[] = [];
  for (const { slot, fromMs, toMs } of phases) {
    if (slot === undefined) continue;
    const last = spans.at(-1);
    if (last?.slot === slot && last.toMs === fromMs) spans[spans.length - 1] = { ...last, toMs };
    else spans.push({ slot, fromMs, toMs });
  }
  return spans;
}
