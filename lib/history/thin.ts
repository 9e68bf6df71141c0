/**
 * What is kept of a run's events: all but what would be much for nothing. Of each transfer the first event, one in a while
 * and the last; of what a build prints the first megabytes, and then of each step the end, with a remark where something is
 * left out.
 */
import type { BakeEvent } from '../model/mod.ts';
import { formatBytes } from '../report/mod.ts';

type Log = Extract<BakeEvent, { readonly type: 'log' }>;
type Transfer = Extract<BakeEvent, { readonly type: 'transfer' }>;

/** How much is kept, in bytes of the file of events unless it says otherwise. */
export interface Limits {
  /** Of what a build prints, from its start on. */
  readonly buildBytes: number;
  /** Of a step at its end, where its build has printed more than that; characters of output. */
  readonly tailChars: number;
  /** Of all events together; after that only short ends of steps are kept, and after a quarter more none. */
  readonly runBytes: number;
}

export const LIMITS: Limits = { buildBytes: 8 << 20, tailChars: 256 << 10, runBytes: 32 << 20 };

/** Of a step at its end, where the whole run has printed more than is kept. */
const SHORT_TAIL_CHARS = 8 << 10;
const TRANSFER_EVERY_MS = 5_000;
/** What is kept back is put together in pieces of at least so many characters: each takes memory, and a line of the file. */
const PIECE_CHARS = 4 << 10;
/** Units outside of the ranges below that are written as escapes. */
const INVISIBLE: ReadonlySet<number> = new Set([0x61c, 0x180e, 0xfeff]);
/** Of a line of the file, but for its text and the names of its build and step. */
const ENVELOPE_BYTES = 128;

/** What a step printed last, while it runs. */
interface Tail {
  /** The first event that was kept back, without its text. */
  readonly first: Log;
  pieces: Log[];
  chars: number;
  leftOutChars: number;
  /** Small pieces that go to the end of the last one. */
  readonly small: string[];
  smallChars: number;
}

/** Takes the events of one run, in order. */
export class Thinner {
  readonly #limits: Limits;
  #runLeft: number;
  /** Build → bytes that are still kept from its start on. */
  readonly #buildLeft = new Map<string, number>();
  /** Build → step → its end. */
  readonly #tails = new Map<string, Map<string, Tail>>();
  /** Build → transfer → when one of its events was kept. */
  readonly #transfers = new Map<string, Map<string, number>>();

  constructor(limits: Limits = LIMITS) {
    this.#limits = limits;
    this.#runLeft = limits.runBytes;
  }

  /** The events that are kept now. Output that was kept back comes before the event that ends its step. */
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

  /** What is kept back still, where the events end. */
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

  /** Characters of a step's end that are kept. */
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
    // Seldom, since what is at the front of a list takes long to go.
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

/** Puts small pieces to the last one. */
function join(tail: Tail): void {
  const last = tail.pieces.at(-1);
  if (last === undefined || tail.small.length === 0) return;
  tail.pieces[tail.pieces.length - 1] = { ...last, text: [last.text, ...tail.small].join('') };
  tail.small.length = 0;
  tail.smallChars = 0;
}

/** Leaves the last characters, from the start of a line on where there is one. */
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

/** Length of the line that is written for an event (no less). */
function bytesOf({ build, vertex, text }: Log): number {
  let bytes = ENVELOPE_BYTES + build.length + vertex.length;
  for (let at = 0; at < text.length; at++) bytes += bytesOfUnit(text.charCodeAt(at));
  return bytes;
}

/** How many characters from the start on take no more than so many bytes. */
function charsIn(text: string, bytes: number): number {
  let left = bytes;
  for (let at = 0; at < text.length; at++) {
    left -= bytesOfUnit(text.charCodeAt(at));
    if (left < 0) return at;
  }
  return text.length;
}

/** What a UTF-16 unit takes in the file: as JSON, with control characters and invisible ones as escapes. */
function bytesOfUnit(unit: number): number {
  if (unit >= 0x20 && unit < 0x7f) return unit === 0x22 || unit === 0x5c ? 2 : 1;
  if (unit === 0x0a || unit === 0x0d || unit === 0x09) return 2;
  const isEscape = unit < 0xb0 || (unit >= 0x2000 && unit < 0x2070) || (unit >= 0xd800 && unit < 0xe000);
  return isEscape || INVISIBLE.has(unit) ? 6 : 3;
}
