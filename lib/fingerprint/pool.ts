/** Runs batches on this thread and on workers in parallel; few files are handled by this thread alone. */
import { availableParallelism } from 'node:os';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { fileURLToPath, URL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { isPermitted } from '../system/mod.ts';
import { IS_DENO, missingPermissions } from '../util/permission.ts';
import { type BatchRequest, type BatchResult, type PathList, runBatch, WORKER_MARK } from './batch.ts';

/** Maximum number of batches that can be claimed at once; each has some hundred files. */
const MAX_BATCHES = 1 << 16;
const MAX_WORKERS = 3;
const KEEP_ALIVE_MS = 1000;
/** Code of the threads: batch.ts, or its built form next to that of this file (.js compiled, .cjs bundled). */
const BATCH = new URL(`./batch${/\.[a-z]+$/.exec(import.meta.url)?.[0] ?? '.js'}`, import.meta.url);

/** Threads for batches. Lives for one run; must be closed. */
export class BatchPool {
  readonly #claims = new Int32Array(new SharedArrayBuffer(MAX_BATCHES * Int32Array.BYTES_PER_ELEMENT));
  readonly #waiting = new Map<number, (result: BatchResult | undefined) => void>();
  readonly #workerCount: number;
  #workers: Worker[] | undefined;
  #nextId = 0;
  #nextWorker = 0;
  #isBroken = false;
  #hasLong = false;

  /** `workers`: threads in addition to this one; by default one core is left for this thread. */
  constructor(workers: number = Math.min(MAX_WORKERS, availableParallelism() - 1)) {
    this.#workerCount = workers;
  }

  /** A queue for one pass over a tree. `parallel: false` restricts it to this thread. */
  open(root: string, parallel: boolean): BatchQueue {
    return new BatchQueue(this, root, parallel && this.#workerCount > 0);
  }

  /** Stops the threads. */
  async close(): Promise<void> {
    const workers = this.#workers ?? [];
    this.#workers = undefined;
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  /**
   * Offers a batch to a worker. Returns undefined if this thread must do it; the promise resolves to undefined if the
   * worker failed. A long batch always goes to a worker and this thread does not help, so there is one more worker for
   * these.
   */
  offer(
    request: Omit<BatchRequest, 'id'>,
    parallel: boolean,
    isLong = false,
  ): { readonly id: number; readonly answer: Promise<BatchResult | undefined> } | undefined {
    if (isLong && !this.#hasLong && !this.#isBroken) {
      this.#hasLong = true;
      this.start();
      this.#workers?.push(this.#start());
    }
    const worker = parallel || isLong ? this.#worker() : undefined;
    if (worker === undefined) return undefined;
    const id = this.#nextId;
    this.#nextId = (this.#nextId + 1) % MAX_BATCHES;
    Atomics.store(this.#claims, id, 0);
    const answer = new Promise<BatchResult | undefined>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    worker.postMessage({ request: { ...request, id }, claims: this.#claims });
    return { id, answer };
  }

  /** Takes a batch back; false if a worker has already claimed it and will answer. */
  reclaim(id: number): boolean {
    if (Atomics.compareExchange(this.#claims, id, 0, 1) !== 0) return false;
    this.#waiting.delete(id);
    return true;
  }

  /** Starts the threads before the first batch, if there will certainly be many. */
  start(): void {
    if (this.#workers !== undefined) return;
    if (!mayLoadBatch()) {
      this.#isBroken = true;
      return;
    }
    try {
      this.#workers = Array.from({ length: this.#workerCount }, () => this.#start());
    } catch (error) {
      if (missingPermissions(error) === undefined) throw error;
      // Node with --permission: this thread does everything.
      this.#isBroken = true;
    }
  }

  #worker(): Worker | undefined {
    if (this.#isBroken) return undefined;
    this.start();
    const workers = this.#workers ?? [];
    this.#nextWorker = (this.#nextWorker + 1) % workers.length;
    return workers[this.#nextWorker];
  }

  #start(): Worker {
    const worker = new Worker(BATCH, {
      workerData: WORKER_MARK,
    });
    worker.unref();
    worker.on('message', ({ id, result }: { readonly id: number; readonly result: BatchResult }) => {
      const done = this.#waiting.get(id);
      this.#waiting.delete(id);
      done?.(result);
    });
    // Threads only improve speed: if they are not available (a custom bundle, an unusual loader), this thread does
    // everything.
    worker.on('error', () => {
      this.#isBroken = true;
      for (const resolve of this.#waiting.values()) resolve(undefined);
      this.#waiting.clear();
    });
    return worker;
  }
}

/** Deno loads a thread's file only if it may read it, and otherwise prints an error to stderr. */
function mayLoadBatch(): boolean {
  return !IS_DENO || BATCH.protocol !== 'file:' || isPermitted({ kind: 'read', what: fileURLToPath(BATCH) });
}

interface Pending {
  readonly isLong: boolean;
  readonly request: Omit<BatchRequest, 'id'>;
  readonly offered: { readonly id: number; readonly answer: Promise<BatchResult | undefined> } | undefined;
}

/** Batches of one pass: added during the walk, drained at the end. */
export class BatchQueue {
  readonly #pool: BatchPool;
  readonly #root: string;
  readonly #parallel: boolean;
  readonly #batches: Pending[] = [];

  constructor(pool: BatchPool, root: string, parallel: boolean) {
    this.#pool = pool;
    this.#root = root;
    this.#parallel = parallel;
  }

  /** @param isLong may take seconds: left to workers, so that this thread still handles signals */
  add(job: BatchRequest['job'], paths: PathList, isLong = false): void {
    const request = { job, root: this.#root, paths: paths.text };
    this.#batches.push({ request, isLong, offered: this.#pool.offer(request, this.#parallel, isLong) });
  }

  /**
   * Runs batches that no worker has claimed and waits for the rest. Results are in the order in which the batches were
   * added. Undefined if the signal came first.
   */
  async drain(signal: AbortSignal | undefined): Promise<readonly BatchResult[] | undefined> {
    const own = new Map<Pending, BatchResult>();
    // From the end, because workers start at the front.
    for (const batch of this.#batches.toReversed()) {
      if (signal?.aborted === true) return undefined;
      if (batch.offered !== undefined && (batch.isLong || !this.#pool.reclaim(batch.offered.id))) continue;
      own.set(batch, runBatch(batch.request));
      await yieldToEvents();
    }
    // The threads do not keep the process alive (a forgotten one would block its exit), so this timer does.
    const alive = setInterval(() => {}, KEEP_ALIVE_MS);
    let stop = (): void => undefined;
    const stopped = new Promise<'stopped'>((resolve) => {
      stop = () => resolve('stopped');
    });
    signal?.addEventListener('abort', stop, { once: true });
    const results: BatchResult[] = [];
    try {
      for (const batch of this.#batches) {
        const answer = own.get(batch) ?? (await Promise.race([batch.offered?.answer, stopped]));
        if (answer === 'stopped' || signal?.aborted === true) return undefined;
        results.push(answer ?? runBatch(batch.request));
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      clearInterval(alive);
    }
    return signal?.aborted === true ? undefined : results;
  }
}
