/** Changes that belong together: an editor writes a file beside the old one and renames it, git writes thousands. */
import { clearTimeout, setTimeout } from 'node:timers';
import type { Interest, Touch } from './interest.ts';

/** When a burst counts as over, in milliseconds. */
export interface BurstTimes {
  /** Nothing happened for so long. */
  readonly quietMs: number;
  /** Milliseconds after the first change, if changes continue. */
  readonly mostMs: number;
}

/** Long enough for an editor, and short enough that nobody waits for it. */
export const BURST_TIMES: BurstTimes = { quietMs: 60, mostMs: 250 };

/**
 * Beyond so many events the kernel may have dropped some without a word: it keeps 16,384, and neither libuv nor
 * `@parcel/watcher` says that there were more.
 */
const MOST_EVENTS = 4_000;

/** Beyond so many paths it takes longer to judge them than to look at everything. */
const MOST_PATHS = 2_000;

/** What a burst came to. */
export interface Change {
  /** Paths that touch something, in the order in which they were seen. */
  readonly paths: readonly string[];
  readonly builds: ReadonlySet<string>;
  readonly definition: boolean;
  readonly lock: boolean;
  readonly reshapes: boolean;
  /** It is not known what changed. */
  readonly everything: boolean;
}

/** A path that touches something. */
interface Judged {
  /** Who was asked last, and as what the path came. */
  readonly by: Interest;
  readonly kinds: ReadonlySet<'directory' | 'file'>;
  readonly touches: readonly Touch[];
}

/** Gathers changes until a burst is over. Must be closed. */
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

  /** @param onOver called when a burst is over, which is then to be taken */
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

  /** Takes a change in; false: it touches nothing. */
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
   * What a path touches goes by what it is (a directory by everything in it, of which there may be no events) and by what is
   * known to be read: each is queried once, and nothing that was found is lost.
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

  /** Something changed, and nobody knows what. */
  noteUnknown(): void {
    this.#everything = true;
    this.#wait();
  }

  /** What happened since the last time, also where that is not over; undefined: nothing. */
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
