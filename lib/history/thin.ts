/**
 * What is kept of a run's events: all but what would be much for nothing. Of each transfer the first event, one in a while
 * and the last; of what a build prints the first megabytes, and then of each step the end, with a remark where something is
 * left out.
 */
import type { BakeEvent } from '../model/mod.ts';
import { formatBytes } from '../report/mod.ts';

type Log = Extract<BakeEvent, { readonly type: 'log' }>;
type Transfer = Extract<BakeEvent, { readonly type: 'transfer' }>;

/** How much is kept, in characters of output. */
export interface Limits {
  /** Of a build, from its start on. */
  readonly buildChars: number;
  /** Of a step at its end, where its build has printed more than that. */
  readonly tailChars: number;
  /** Of all builds together; after that only short ends are kept. */
  readonly runChars: number;
}

export const LIMITS: Limits = { buildChars: 4 << 20, tailChars: 256 << 10, runChars: 64 << 20 };

/** Of a step at its end, where the whole run has printed more than is kept. */
const SHORT_TAIL_CHARS = 8 << 10;
const TRANSFER_EVERY_MS = 5_000;

/** What a step printed last, while it runs. */
interface Tail {
  pieces: Log[];
  chars: number;
  leftOutChars: number;
}

/** Takes the events of one run, in order. */
export class Thinner {
  readonly #limits: Limits;
  #runLeft: number;
  /** Build → characters that are still kept from its start on. */
  readonly #buildLeft = new Map<string, number>();
  /** Build → step → its end. */
  readonly #tails = new Map<string, Map<string, Tail>>();
  /** Build → transfer → when one of its events was kept. */
  readonly #transfers = new Map<string, Map<string, number>>();

  constructor(limits: Limits = LIMITS) {
    this.#limits = limits;
    this.#runLeft = limits.runChars;
  }

  /** The events that are kept now. Output that was held back comes before the event that ends its step. */
  take(event: BakeEvent): readonly BakeEvent[] {
    switch (event.type) {
      case 'log':
        return this.#log(event);
      case 'transfer':
        return this.#isKept(event) ? [event] : [];
      case 'vertex': {
        const isOver = event.state !== 'pending' && event.state !== 'running';
        return isOver ? [...this.#release(event.build, event.digest), event] : [event];
      }
      case 'retry':
        return [...this.#release(event.build), event];
      case 'node-finished': {
        this.#transfers.delete(event.build);
        return [...this.#release(event.build), event];
      }
      default:
        return [event];
    }
  }

  /** What is held back still, where the events end. */
  rest(): readonly BakeEvent[] {
    return [...this.#tails.keys()].flatMap((build) => this.#release(build));
  }

  #isKept({ build, vertex, id, done, atMs }: Transfer): boolean {
    const transfers = this.#transfers.get(build) ?? new Map<string, number>();
    this.#transfers.set(build, transfers);
    const key = `${vertex} ${id}`;
    const lastMs = transfers.get(key);
    if (!done && lastMs !== undefined && atMs - lastMs < TRANSFER_EVERY_MS) return false;
    transfers.set(key, atMs);
    return true;
  }

  #log(event: Log): readonly BakeEvent[] {
    const { build, text } = event;
    const buildLeft = this.#buildLeft.get(build) ?? this.#limits.buildChars;
    const left = Math.max(0, Math.min(buildLeft, this.#runLeft));
    const head = text.slice(0, left);
    this.#buildLeft.set(build, buildLeft - head.length);
    this.#runLeft -= head.length;
    if (head.length === text.length) return [event];
    this.#hold({ ...event, text: text.slice(left) });
    return head === '' ? [] : [{ ...event, text: head }];
  }

  #hold(piece: Log): void {
    const tails = this.#tails.get(piece.build) ?? new Map<string, Tail>();
    this.#tails.set(piece.build, tails);
    const tail = tails.get(piece.vertex) ?? { pieces: [], chars: 0, leftOutChars: 0 };
    tails.set(piece.vertex, tail);
    tail.pieces.push(piece);
    tail.chars += piece.text.length;
    const most = this.#runLeft > 0 ? this.#limits.tailChars : SHORT_TAIL_CHARS;
    // Seldom, since what is at the front of a list takes long to go.
    if (tail.chars > 2 * most) shorten(tail, most);
  }

  #release(build: string, vertex?: string): readonly BakeEvent[] {
    const tails = this.#tails.get(build);
    if (tails === undefined) return [];
    const most = this.#runLeft > 0 ? this.#limits.tailChars : SHORT_TAIL_CHARS;
    const released: BakeEvent[] = [];
    for (const [step, tail] of tails) {
      if (vertex !== undefined && step !== vertex) continue;
      tails.delete(step);
      shorten(tail, most);
      const [first] = tail.pieces;
      if (first !== undefined && tail.leftOutChars > 0) {
        const remark = `\n[${formatBytes(tail.leftOutChars)} of output are not kept]\n`;
        released.push({ ...first, text: remark });
      }
      this.#runLeft -= tail.chars;
      released.push(...tail.pieces);
    }
    if (tails.size === 0) this.#tails.delete(build);
    return released;
  }
}

/** Leaves the last characters, from the start of a line on where there is one. */
function shorten(tail: Tail, most: number): void {
  let over = tail.chars - most;
  if (over <= 0) return;
  let from = 0;
  for (const { text } of tail.pieces) {
    if (text.length > over) break;
    over -= text.length;
    from++;
  }
  const [first, ...rest] = tail.pieces.slice(from);
  if (first !== undefined) {
    const lineEnd = first.text.indexOf('\n', over);
    const cut = first.text.slice(lineEnd === -1 ? over : lineEnd + 1);
    tail.pieces = cut === '' ? rest : [{ ...first, text: cut }, ...rest];
  } else tail.pieces = [];
  const chars = tail.pieces.reduce((sum, { text }) => sum + text.length, 0);
  tail.leftOutChars += tail.chars - chars;
  tail.chars = chars;
}
