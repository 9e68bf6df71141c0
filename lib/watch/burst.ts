/** Groups related changes: an editor writes a file beside the old one and renames it, git writes thousands of files. */
import { clearTimeout, setTimeout } from 'node:timers';
import type { Interest, Touch } from './interest.ts';

/** When a burst is over, in milliseconds. */
export interface BurstTimes {
  /** After this time without a change. */
  readonly quietMs: number;
  /** After this time since the first change, even if changes continue. */
  readonly mostMs: number;
}

/** Long enough for an editor, and too short to notice. */
export const BURST_TIMES: BurstTimes = { quietMs: 60, mostMs: 250 };

/**
 * With more events, the kernel may have dropped some silently: it queues 16,384, and neither libuv nor
 * `@parcel/watcher` reports an overflow.
 */
const MOST_EVENTS = 4_000;

/** With more paths, checking each takes longer than checking everything. */
const MOST_PATHS = 2_000;

/** The content of a burst. */
export interface Change {
  /** Relevant paths, in the order of detection. */
  readonly paths: readonly string[];
  readonly builds: ReadonlySet<string>;
  readonly definition: boolean;
  readonly lock: boolean;
  readonly reshapes: boolean;
  /** It is unknown what changed. */
  readonly everything: boolean;
}

/** A relevant path. */
interface Judged {
  /** The interest that judged it last, and the kinds of entry that the path was seen as. */
  readonly by: Interest;
  readonly kinds: ReadonlySet<'directory' | 'file'>;
  readonly touches: readonly Touch[];
}

/** Collects changes until a burst is over. Must be closed. */
export class Bursts {
  readonly #times: BurstTimes;
  readonly #onOver: () => void;
  readonly #paths = new Map<string, Judged>();
  #everything = false;
  #isOver = false;
  #events = 0;
  #eventsSince = 0;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #most: ReturnType<typeof setTimeout> | undefined;

  /** @param onOver called when a burst is over and can be taken */
  constructor(times: BurstTimes, onOver: () => void) {
    this.#times = times;
    this.#onOver = () => {
      this.#isOver = true;
      onOver();
    };
  }

  /** Whether there is a burst to take. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Adds a change; false: it is irrelevant. */
  note(interest: Interest, file: string, isDirectory: boolean, nowMs: number): boolean {
    if (nowMs - this.#eventsSince > this.#times.mostMs) {
      this.#events = 0;
      this.#eventsSince = nowMs;
    }
    this.#events += 1;
    if (this.#everything) this.#wait();
    else if (this.#events > MOST_EVENTS || this.#paths.size >= MOST_PATHS) this.noteUnknown();
    else {
      if (!this.#judge(interest, file, isDirectory)) return false;
      this.#wait();
    }
    return true;
  }

  /**
   * The effect of a path depends on its kind (a directory stands for everything in it, for which there may be no
   * events) and on the known reads. Each combination is judged once, and earlier findings are kept.
   */
  #judge(interest: Interest, file: string, isDirectory: boolean): boolean {
    const before = this.#paths.get(file);
    const kind = isDirectory ? 'directory' : 'file';
    if (before?.by === interest && before.kinds.has(kind)) return true;
    const touch = interest.touch(file, isDirectory);
    if (touch === undefined) return before !== undefined;
    const kinds = new Set(before?.by === interest ? before.kinds : []).add(kind);
    const touches = before === undefined ? [touch] : [...before.touches, touch];
    this.#paths.set(file, { by: interest, kinds, touches });
    return true;
  }

  /** Something unknown changed. */
  noteUnknown(): void {
    this.#everything = true;
    this.#wait();
  }

  /** The changes since the last call, even if the burst is not over; undefined: none. */
  take(): Change | undefined {
    this.close();
    this.#isOver = false;
    if (this.#paths.size === 0 && !this.#everything) return undefined;
    const touches = [...this.#paths.values()].flatMap((one) => one.touches);
    const change: Change = {
      paths: [...this.#paths.keys()],
      builds: new Set(touches.flatMap((touch) => [...touch.builds])),
      definition: touches.some((touch) => touch.definition),
      lock: touches.some((touch) => touch.lock),
      reshapes: touches.some((touch) => touch.reshapes),
      everything: this.#everything,
    };
    this.#paths.clear();
    this.#everything = false;
    return change;
  }

  close(): void {
    clearTimeout(this.#quiet);
    clearTimeout(this.#most);
    this.#most = undefined;
  }

  #wait(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(this.#onOver, this.#times.quietMs);
    this.#most ??= setTimeout(this.#onOver, this.#times.mostMs);
  }
}
