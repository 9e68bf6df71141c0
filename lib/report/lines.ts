/**
 * Joins pieces of a step's output to whole lines. BuildKit cuts where its buffer ends, also within lines, and two steps
 * of one build may print at the same time.
 */
import type { BakeEvent } from '../model/mod.ts';
import { plainText } from './text.ts';

/** A line of a step's output, safe to print. */
export interface LogLine {
  readonly vertex: string;
  readonly text: string;
}

/** Longer lines are cut into pieces of this length, so that a step without line breaks is bounded. */
const LONGEST = 16_384;

/** The incomplete line of each step and stream of one build. */
export class LineJoiner {
  readonly #open = new Map<string, { vertex: string; text: string }>();
  readonly #clean: (line: string) => string;

  /** @param clean makes a line safe to print; default: `plainText` */
  constructor(clean: (line: string) => string = plainText) {
    this.#clean = clean;
  }

  /** Adds a piece; returns the lines that are now complete. */
  take(event: Extract<BakeEvent, { readonly type: 'log' }>): readonly LogLine[] {
    const key = `${event.stream} ${event.vertex}`;
    const parts = ((this.#open.get(key)?.text ?? '') + event.text).split('\n');
    const rest = parts.pop() ?? '';
    const keep = rest.length <= LONGEST;
    if (!keep) parts.push(rest);
    if (keep && rest !== '') this.#open.set(key, { vertex: event.vertex, text: rest });
    else this.#open.delete(key);
    return parts.map((text) => ({ vertex: event.vertex, text: this.#clean(text) }));
  }

  /** Returns incomplete lines: of one step, or of all. */
  flush(vertex?: string): readonly LogLine[] {
    const lines: LogLine[] = [];
    for (const [key, open] of this.#open) {
      if (vertex !== undefined && open.vertex !== vertex) continue;
      lines.push({ vertex: open.vertex, text: this.#clean(open.text) });
      this.#open.delete(key);
    }
    return lines;
  }
}
