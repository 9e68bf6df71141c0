/**
 * Reduces the recorded events of a run. Of each transfer it keeps the first event, a few in between, and the last. Of a
 * build's output it keeps the first megabytes, then only the end of each step, with a remark about the omitted part.
 */
import type { BakeEvent } from '../model/mod.ts';
import { formatBytes } from '../report/mod.ts';

type Log = Extract<BakeEvent, { readonly type: 'log' }>;
type Transfer = Extract<BakeEvent, { readonly type: 'transfer' }>;

/** Limits, in bytes of the event file unless stated otherwise. */
export interface Limits {
  /** For the start of a build's output. */
  readonly buildBytes: number;
  /** For the end of a step's output after that; in characters. */
  readonly tailChars: number;
  /** For all events together. After that only short ends of steps are kept, and after another quarter none. */
  readonly runBytes: number;
}

export const LIMITS: Limits = { buildBytes: 8 << 20, tailChars: 256 << 10, runBytes: 32 << 20 };

/** For the end of a step's output when the whole run has exceeded its limit. */
const SHORT_TAIL_CHARS = 8 << 10;
const TRANSFER_EVERY_MS = 5_000;
/** Held-back output is joined to pieces of at least this length, because each piece takes memory and a line of the file. */
const PIECE_CHARS = 4 << 10;
/** Characters outside of the ranges below that are written as escapes. */
const INVISIBLE: ReadonlySet<number> = new Set([0x61c, 0x180e, 0xfeff]);
/** Length of a line without its text and the names of its build and step. */
const ENVELOPE_BYTES = 128;

/** The last output of a running step. */
interface Tail {
  /** The first held-back event, without its text. */
  readonly first: Log;
  pieces: Log[];
  chars: number;
  leftOutChars: number;
  /** Small pieces to append to the last one. */
  readonly small: string[];
  smallChars: number;
}

/** Reads the events of one run, in order. */
export class Thinner {
  readonly #limits: Limits;
  #runLeft: number;
  /** Build → remaining bytes for the start of its output. */
  readonly #buildLeft = new Map<string, number>();
  /** Build → step → its last output. */
  readonly #tails = new Map<string, Map<string, Tail>>();
  /** Build → transfer → time of its last recorded event. */
  readonly #transfers = new Map<string, Map<string, number>>();

  constructor(limits: Limits = LIMITS) {
    this.#limits = limits;
    this.#runLeft = limits.runBytes;
  }

  /** The events to record now. Held-back output comes before the event that ends its step. */
  take(event: BakeEvent): readonly BakeEvent[] {
    switch (event.type) {
      case 'log':
        return this.#log(event);
      case 'transfer':
        return this.#isKept(event) ? [this.#counted(event)] : [];
      case 'vertex': {
        const isOver = event.state !== 'pending' && event.state !== 'running';
        const released = isOver ? this.#release(event.build, event.digest) : [];
        return [...released, this.#counted(event)];
      }
      case 'retry':
        return [...this.#release(event.build), this.#counted(event)];
      case 'node-finished': {
        this.#transfers.delete(event.build);
        return [...this.#release(event.build), this.#counted(event)];
      }
      default:
        return [this.#counted(event)];
    }
  }

  /** Held-back output at the end of the events. */
  rest(): readonly BakeEvent[] {
    return [...this.#tails.keys()].flatMap((build) => this.#release(build));
  }

  #counted<T extends BakeEvent>(event: T): T {
    this.#runLeft -= event.type === 'log' ? bytesOf(event) : JSON.stringify(event).length;
    return event;
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
    const buildLeft = this.#buildLeft.get(build) ?? this.#limits.buildBytes;
    const left = Math.min(buildLeft, this.#runLeft);
    const bytes = bytesOf(event);
    if (bytes <= left) {
      this.#buildLeft.set(build, buildLeft - bytes);
      this.#runLeft -= bytes;
      return [event];
    }
    this.#buildLeft.set(build, 0);
    const head = text.slice(0, charsIn(text, left - bytesOf({ ...event, text: '' })));
    this.#hold({ ...event, text: text.slice(head.length) });
    return head === '' ? [] : [this.#counted({ ...event, text: head })];
  }

  /** Characters to keep from the end of a step. */
  get #mostOfTail(): number {
    if (this.#runLeft > 0) return this.#limits.tailChars;
    return this.#runLeft > -this.#limits.runBytes / 4 ? SHORT_TAIL_CHARS : 0;
  }

  #hold(piece: Log): void {
    const tails = this.#tails.get(piece.build) ?? new Map<string, Tail>();
    this.#tails.set(piece.build, tails);
    const tail: Tail = tails.get(piece.vertex) ?? {
      first: { ...piece, text: '' },
      pieces: [],
      chars: 0,
      leftOutChars: 0,
      small: [],
      smallChars: 0,
    };
    tails.set(piece.vertex, tail);
    const { text } = piece;
    tail.chars += text.length;
    const last = tail.pieces.at(-1);
    const isSmall = last?.stream === piece.stream && last.text.length + tail.smallChars < PIECE_CHARS;
    if (isSmall) {
      tail.small.push(text);
      tail.smallChars += text.length;
    } else {
      join(tail);
      tail.pieces.push(piece);
    }
    const most = this.#mostOfTail;
    // Rarely, because removing the front of a list is slow.
    if (tail.chars > 2 * most + PIECE_CHARS) shorten(tail, most);
  }

  #release(build: string, vertex?: string): readonly BakeEvent[] {
    const tails = this.#tails.get(build);
    if (tails === undefined) return [];
    const released: BakeEvent[] = [];
    for (const [step, tail] of tails) {
      if (vertex !== undefined && step !== vertex) continue;
      tails.delete(step);
      shorten(tail, this.#mostOfTail);
      const { first, leftOutChars, pieces } = tail;
      const remark = `\n[${formatBytes(leftOutChars)} of output were not kept]\n`;
      const remarks = leftOutChars > 0 ? [{ ...(pieces[0] ?? first), text: remark }] : [];
      for (const one of [...remarks, ...pieces]) released.push(this.#counted(one));
    }
    if (tails.size === 0) this.#tails.delete(build);
    return released;
  }
}

/** Appends the small pieces to the last one. */
function join(tail: Tail): void {
  const last = tail.pieces.at(-1);
  if (last === undefined || tail.small.length === 0) return;
  tail.pieces[tail.pieces.length - 1] = { ...last, text: [last.text, ...tail.small].join('') };
  tail.small.length = 0;
  tail.smallChars = 0;
}

/** Keeps the last characters, from the start of a line if possible. */
function shorten(tail: Tail, most: number): void {
  join(tail);
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

/** Length of an event's line (an upper bound). */
function bytesOf({ build, vertex, text }: Log): number {
  let bytes = ENVELOPE_BYTES + build.length + vertex.length;
  for (let at = 0; at < text.length; at++) bytes += bytesOfUnit(text.charCodeAt(at));
  return bytes;
}

/** The longest prefix, in characters, that takes at most this many bytes. */
function charsIn(text: string, bytes: number): number {
  let left = bytes;
  for (let at = 0; at < text.length; at++) {
    left -= bytesOfUnit(text.charCodeAt(at));
    if (left < 0) return at;
  }
  return text.length;
}

/** Bytes of a UTF-16 unit in the file: as JSON, with control and invisible characters as escapes. */
function bytesOfUnit(unit: number): number {
  if (unit >= 0x20 && unit < 0x7f) return unit === 0x22 || unit === 0x5c ? 2 : 1;
  if (unit === 0x0a || unit === 0x0d || unit === 0x09) return 2;
  const isEscape = unit < 0xb0 || (unit >= 0x2000 && unit < 0x2070) || (unit >= 0xd800 && unit < 0xe000);
  return isEscape || INVISIBLE.has(unit) ? 6 : 3;
}
