/**
 * Runs the nodes of a graph, each as soon as its dependencies are done. Knows only edges and permits, not builds.
 */

/** How a node ended, for the nodes that wait for it. */
export type NodeEnd = 'done' | 'failed' | 'cancelled';

/**
 * The result of starting a node early. `ready`: nodes that wait for it can be started early, too. `no`: nothing was done.
 * Otherwise the node has ended with that.
 */
export type EarlyEnd = 'ready' | 'no' | Exclude<NodeEnd, 'done'>;

/** A graph to run. */
export interface Graph {
  /** Node → names of nodes it waits for; all of them are keys of the map. In an order that suits equal priorities. */
  readonly needs: ReadonlyMap<string, ReadonlySet<string>>;
  /**
   * Runs one node. Must not reject for anything expected.
   *
   * @param slow call it if the node will take long to end, so that nodes that wait for it may be started early
   */
  readonly run: (name: string, slow: () => void) => Promise<NodeEnd>;
  /** Called instead of `run` for a node that waits, directly or not, for one that was not done. */
  readonly block: (name: string, by: string) => void;
  /**
   * Starts a node early: does what is possible before its dependencies are done. Called once for a running slow node itself, and
   * if that is ready, for each node whose dependencies are all done or ready. It ends before the node is run; its result is
   * ignored if the node is blocked. Absent: no early starts.
   *
   * @param isRunning whether it is a slow node itself
   */
  readonly early?: (name: string, isRunning: boolean) => Promise<EarlyEnd>;
}

/** Runs all nodes; resolves when each has run or was blocked, and nothing that was started early continues. */
export function runGraph(graph: Graph): Promise<void> {
  return new Promise((resolve, reject) => new GraphRun(graph, resolve, reject).start());
}

class GraphRun {
  readonly #graph: Graph;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  /** Node → how many of those that it waits for are not done. */
  readonly #waitingFor = new Map<string, number>();
  readonly #readers = new Map<string, string[]>();
  readonly #done = new Set<string>();
  /** Nodes that failed, were cancelled, or will never run. */
  readonly #out = new Set<string>();
  readonly #early = new Map<string, Promise<EarlyEnd>>();
  readonly #ready = new Set<string>();
  /** Nodes that have not ended, and early starts that continue. */
  #open: number;

  constructor(graph: Graph, resolve: () => void, reject: (error: unknown) => void) {
    this.#graph = graph;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#open = graph.needs.size;
    for (const [name, needs] of graph.needs) {
      this.#waitingFor.set(name, needs.size);
      for (const need of needs) {
        const known = this.#readers.get(need);
        if (known === undefined) this.#readers.set(need, [name]);
        else known.push(name);
      }
    }
  }

  start(): void {
    if (this.#open === 0) this.#resolve();
    for (const [name, needs] of this.#graph.needs) if (needs.size === 0) this.#run(name).catch(this.#reject);
  }

  async #run(name: string): Promise<void> {
    const early = this.#early.get(name);
    if (early !== undefined) await early;
    // It may have ended early.
    if (this.#out.has(name)) return;
    this.#settle(name, await this.#graph.run(name, () => this.#startSlow(name)));
  }

  #settle(name: string, end: NodeEnd): void {
    if (end === 'done') {
      this.#done.add(name);
      for (const reader of this.#readers.get(name) ?? []) {
        const left = (this.#waitingFor.get(reader) ?? 0) - 1;
        this.#waitingFor.set(reader, left);
        if (left === 0) this.#run(reader).catch(this.#reject);
        else this.#startEarly(reader);
      }
    } else {
      this.#out.add(name);
      this.#blockReaders(name);
    }
    this.#close();
  }

  #blockReaders(by: string): void {
    const queue = [...(this.#readers.get(by) ?? [])];
    for (let reader = queue.pop(); reader !== undefined; reader = queue.pop()) {
      if (this.#out.has(reader)) continue;
      this.#out.add(reader);
      this.#graph.block(reader, by);
      this.#close();
      queue.push(...(this.#readers.get(reader) ?? []));
    }
  }

  #close(): void {
    this.#open--;
    if (this.#open === 0) this.#resolve();
  }

  /** A slow node runs by itself; only what it does for its readers is early. */
  #startSlow(name: string): void {
    if (this.#early.has(name) || this.#done.has(name) || this.#out.has(name)) return;
    this.#begin(name, true);
  }

  #startEarly(name: string): void {
    if (this.#ready.size === 0 || this.#early.has(name) || this.#out.has(name)) return;
    // Its turn has come: it runs, or ran.
    if (this.#waitingFor.get(name) === 0) return;
    for (const need of this.#graph.needs.get(name) ?? [])
      if (!this.#done.has(need) && !this.#ready.has(need)) return;
    this.#begin(name, false);
  }

  #begin(name: string, isRunning: boolean): void {
    const early = this.#graph.early?.(name, isRunning);
    if (early === undefined) return;
    this.#early.set(name, early);
    this.#open++;
    early.then((end) => {
      if (end === 'ready') {
        this.#ready.add(name);
        for (const reader of this.#readers.get(name) ?? []) this.#startEarly(reader);
      } else if (end !== 'no' && !isRunning && !this.#out.has(name)) this.#settle(name, end);
      this.#close();
    }, this.#reject);
  }
}

interface Waiter {
  readonly priority: number;
  readonly order: number;
  readonly admit: (slot: number) => void;
}

/**
 * A limited number of permits, numbered from 0; the lowest free one is used first. Waiting tasks are served by priority (higher
 * first), then in order of arrival. A binary heap, since thousands may wait.
 */
export class Semaphore {
  readonly #permits: number;
  /** The largest number of permits in use so far. */
  #used = 0;
  /** Of these, those that are free. */
  readonly #returned = new Set<number>();
  #asked = 0;
  readonly #waiting: Waiter[] = [];

  constructor(permits: number) {
    this.#permits = permits;
  }

  /**
   * Runs a task with a permit.
   *
   * @param priority a number, or what finds it out; evaluated when the task has to wait
   * @param task may give its permit back before it ends; gets the number of its permit, too
   * @param onWait called where no permit is free
   */
  async with<T>(
    priority: number | (() => Promise<number>),
    task: (giveBack: () => void, slot: number) => Promise<T>,
    onWait?: () => void,
  ): Promise<T> {
    const slot = this.#take() ?? (await this.#wait(priority, onWait));
    let holds = true;
    const giveBack = () => {
      if (holds) this.#release(slot);
      holds = false;
    };
    try {
      return await task(giveBack, slot);
    } finally {
      giveBack();
    }
  }

  /** The lowest permit that is free; undefined: none is. */
  #take(): number | undefined {
    if (this.#returned.size > 0) {
      const slot = Math.min(...this.#returned);
      this.#returned.delete(slot);
      return slot;
    }
    return this.#used < this.#permits ? this.#used++ : undefined;
  }

  async #wait(priority: number | (() => Promise<number>), onWait?: () => void): Promise<number> {
    onWait?.();
    const known = typeof priority === 'number' ? priority : await priority();
    // One may have come free meanwhile.
    const slot = this.#take();
    if (slot !== undefined) return slot;
    return new Promise((admit) => {
      this.#push({ priority: known, order: this.#asked++, admit });
    });
  }

  #release(slot: number): void {
    const next = this.#pop();
    if (next === undefined) this.#returned.add(slot);
    else next.admit(slot);
  }

  #push(entry: Waiter): void {
    const heap = this.#waiting;
    heap.push(entry);
    for (let at = heap.length - 1; at > 0; ) {
      const up = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, up)) break;
      at = up;
    }
  }

  #pop(): Waiter | undefined {
    const heap = this.#waiting;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      let least = at;
      for (const child of [left, left + 1]) if (this.#isBefore(child, least)) least = child;
      if (least === at) break;
      this.#swapIfBefore(least, at);
      at = least;
    }
    return top;
  }

  #isBefore(one: number, other: number): boolean {
    const a = this.#waiting[one];
    const b = this.#waiting[other];
    if (a === undefined || b === undefined) return false;
    return a.priority === b.priority ? a.order < b.order : a.priority > b.priority;
  }

  #swapIfBefore(one: number, other: number): boolean {
    if (!this.#isBefore(one, other)) return false;
    const a = this.#waiting[one];
    const b = this.#waiting[other];
    if (a !== undefined && b !== undefined) {
      this.#waiting[one] = b;
      this.#waiting[other] = a;
    }
    return true;
  }
}

/**
 * The length of the longest path from each node, inclusive, to a node that nothing depends on; the critical path runs first.
 *
 * @param lengthOf the duration of a node; undefined: not known, then the average of the others is used
 */
export function longestPaths(
  needs: ReadonlyMap<string, ReadonlySet<string>>,
  lengthOf: (name: string) => number | undefined,
): ReadonlyMap<string, number> {
  const known = [...needs.keys()].flatMap((name) => lengthOf(name) ?? []);
  const usual = known.length === 0 ? 1 : known.reduce((sum, one) => sum + one, 0) / known.length;
  const paths = new Map<string, number>();
  // The map's order has each node after what it needs, so walking it backwards sees readers first.
  for (const name of [...needs.keys()].reverse()) {
    const own = (paths.get(name) ?? 0) + (lengthOf(name) ?? usual);
    paths.set(name, own);
    for (const need of needs.get(name) ?? []) paths.set(need, Math.max(paths.get(need) ?? 0, own));
  }
  return paths;
}
