/** Shows blobs on their way between registries: a line for each that was sent, and the progress of longer transfers. */
import { clearInterval, setInterval } from 'node:timers';
import type { BlobProgress, OnBlob } from '../lib/registry/mod.ts';
import {
  formatBytes,
  formatBytesOf,
  formatDuration,
  LiveScreen,
  plainText,
  truncate,
} from '../lib/report/mod.ts';
import type { ParsedArgs } from './args.ts';
import type { Io } from './io.ts';
import { paletteFor, progressMode } from './output.ts';

/** Shorter transfers get no live line. */
const QUIET_MS = 1_000;
/** Time between two lines without a terminal. */
const LINE_MS = 10_000;
const TICK_MS = 100;
/** The speed is measured over the last seconds. */
const PACE_MS = 5_000;

/**
 * Runs a transfer and shows its blobs on stderr until it has ended: on a terminal as a live line, elsewhere as a line
 * every ten seconds.
 *
 * @param verb `pushing`, `copying`
 */
export async function withTransferView<T>(
  verb: string,
  args: ParsedArgs,
  io: Io,
  work: (onBlob: OnBlob) => Promise<T>,
): Promise<T> {
  const view = new TransferView(verb, args, io);
  try {
    return await work((blob) => view.take(blob));
  } finally {
    view.close();
  }
}

class TransferView {
  readonly #verb: string;
  readonly #args: ParsedArgs;
  readonly #io: Io;
  readonly #transfers = new Transfers();
  readonly #moves: boolean;
  #screen: LiveScreen | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedMs: number | undefined;
  #saidMs = 0;

  constructor(verb: string, args: ParsedArgs, io: Io) {
    this.#verb = verb;
    this.#args = args;
    this.#io = io;
    // Some CI steps have a terminal, but its output is stored.
    this.#moves = io.stderr.isTTY === true && progressMode(args, io) === 'auto';
  }

  take(blob: BlobProgress): void {
    this.#transfers.take(blob);
    if (blob.state === 'sending' && this.#startedMs === undefined) this.#start();
    if (blob.state !== 'sent') return;
    const line = `sent ${blob.digest}  ${formatBytes(blob.totalBytes)}`;
    if (this.#screen === undefined) this.#io.stderr.write(`${line}\n`);
    else this.#screen.say([line]);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#screen?.close();
  }

  #start(): void {
    this.#startedMs = this.#saidMs = this.#io.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  #tick(): void {
    const { now, stderr } = this.#io;
    const nowMs = now();
    this.#transfers.note(nowMs);
    if (this.#moves) {
      if (this.#screen === undefined && nowMs - (this.#startedMs ?? nowMs) >= QUIET_MS) this.#open();
      return;
    }
    if (nowMs - this.#saidMs < LINE_MS) return;
    this.#saidMs = nowMs;
    const line = this.#transfers.line(this.#verb);
    if (line !== undefined) stderr.write(`${line}\n`);
  }

  #open(): void {
    const { stderr: err, takeTerminal } = this.#io;
    const palette = paletteFor(this.#args, this.#io, err);
    this.#screen = new LiveScreen({
      err,
      paint: ({ columns }) => {
        const line = this.#transfers.line(this.#verb);
        return line === undefined ? [] : [palette.info(truncate(line, columns - 1))];
      },
      ...(takeTerminal === undefined ? {} : { takeTerminal }),
    });
    this.#screen.draw();
  }
}

/** The blobs of a command and their progress. */
export class Transfers {
  readonly #blobs = new Map<string, BlobProgress>();
  #samples: readonly { readonly atMs: number; readonly bytes: number }[] = [];

  take(blob: BlobProgress): void {
    this.#blobs.set(`${blob.repository} ${blob.digest}`, blob);
  }

  /** Records the progress, to compute the speed. */
  note(atMs: number): void {
    const { bytes } = this.#sums();
    this.#samples = [...this.#samples.filter((one) => atMs - one.atMs <= PACE_MS), { atMs, bytes }];
  }

  /** Destination, progress, speed and remaining time; undefined: nothing is being sent. */
  line(verb: string): string | undefined {
    const sending = [...this.#blobs.values()].filter(({ state }) => state === 'sending');
    const [first, ...others] = new Set(sending.map(({ repository }) => repository));
    if (first === undefined) return undefined;
    const { bytes, total } = this.#sums();
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    const figures = [formatBytesOf(bytes, total)];
    const pace = this.#bytesPerMs();
    if (pace > 0) {
      figures.push(`${formatBytes(pace * 1_000)}/s`);
      if (bytes < total) figures.push(`about ${formatDuration((total - bytes) / pace)} left`);
    }
    return plainText(`${verb} to ${first}${more}: ${figures.join(', ')}`);
  }

  /** Sums of sent blobs; existing and mounted ones are excluded. */
  #sums(): { readonly bytes: number; readonly total: number } {
    let [bytes, total] = [0, 0];
    const counted = new Set<string>();
    // A blob for several repositories of a registry is sent to one of them and mounted from there.
    const placeOf = ({ repository, digest }: BlobProgress) => `${repository.split('/', 1)[0]} ${digest}`;
    for (const blob of this.#blobs.values()) {
      if (blob.state !== 'sending' && blob.state !== 'sent') continue;
      bytes += blob.sentBytes;
      total += blob.totalBytes;
      counted.add(placeOf(blob));
    }
    for (const blob of this.#blobs.values()) {
      const place = placeOf(blob);
      if (blob.state !== 'waiting' || counted.has(place)) continue;
      counted.add(place);
      total += blob.totalBytes;
    }
    return { bytes, total };
  }

  #bytesPerMs(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs - first.atMs < QUIET_MS) return 0;
    return (last.bytes - first.bytes) / (last.atMs - first.atMs);
  }
}
