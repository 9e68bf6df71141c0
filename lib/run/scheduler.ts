/**
 * Runs the nodes of a graph, each as soon as what it needs is done. Knows edges and permits, and nothing of builds.
 */

/** How a node ended, as far as those that wait for it care. */
export type NodeEnd = 'done' | 'failed' | 'cancelled';

/** A graph to run. */
export interface Graph {
  /** Node → names of nodes it waits for; all of them are keys of the map. In an order that suits equal priorities. */
  readonly needs: ReadonlyMap<string, ReadonlySet<string>>;
  /** Runs one node. Must not reject for anything expected. */
  readonly run: (name: string) => Promise<NodeEnd>;
  /** Called instead of `run` for a node that waits, directly or not, for one that was not done. */
  readonly block: (name: string, by: string) => void;
}

/** Runs all nodes; resolves when each has run or was blocked. */
export function runGraph(graph: Graph): Promise<void> {
  const waitingFor = new Map<string, number>();
  const readers = new Map<string, string[]>();
  for (const [name, needs] of graph.needs) {
    waitingFor.set(name, needs.size);
    for (const need of needs) {
      const known = readers.get(need);
      if (known === undefined) readers.set(need, [name]);
      else known.push(name);
    }
  }
  const blocked = new Set<string>();
  let open = graph.needs.size;
  return new Promise((resolve, reject) => {
    const blockReaders = (name: string, by: string) => {
      const queue = [...(readers.get(name) ?? [])];
      for (let reader = queue.pop(); reader !== undefined; reader = queue.pop()) {
        if (blocked.has(reader)) continue;
        blocked.add(reader);
        graph.block(reader, by);
        open--;
        queue.push(...(readers.get(reader) ?? []));
      }
    };
    const settle = (name: string, end: NodeEnd) => {
      open--;
      if (end !== 'done') blockReaders(name, name);
      else {
        for (const reader of readers.get(name) ?? []) {
          const left = (waitingFor.get(reader) ?? 0) - 1;
          waitingFor.set(reader, left);
          if (left === 0) start(reader);
        }
      }
      if (open === 0) resolve();
    };
    const start = (name: string) => {
      graph.run(name).then((end) => settle(name, end), reject);
    };
    if (open === 0) resolve();
    for (const [name, needs] of graph.needs) if (needs.size === 0) start(name);
  });
}

interface Waiter {
  readonly priority: number;
  readonly order: number;
  readonly admit: () => void;
}

/**
 * A limited number of permits; who waits is served by priority (higher first), then by order of asking. A binary heap,
 * since thousands may wait.
 */
export class Semaphore {
  #free: number;
  #asked = 0;
  readonly #waiting: Waiter[] = [];

  constructor(permits: number) {
    this.#free = permits;
  }

  /** Runs a task with a permit. */
  async with<T>(priority: number, task: () => Promise<T>): Promise<T> {
    await this.#acquire(priority);
    try {
      return await task();
    } finally {
      this.#release();
    }
  }

  async #acquire(priority: number): Promise<void> {
    if (this.#free > 0) this.#free--;
    else {
      await new Promise<void>((admit) => {
        this.#push({ priority, order: this.#asked++, admit });
      });
    }
  }

  #release(): void {
    const next = this.#pop();
    if (next === undefined) this.#free++;
    else next.admit();
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

/** How many builds lie on the longest way from each node to one that nobody needs; the critical path goes first. */
export function heights(needs: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyMap<string, number> {
  const height = new Map<string, number>();
  // The map's order has each node after what it needs, so walking it backwards sees readers first.
  for (const name of [...needs.keys()].reverse()) {
    const own = height.get(name) ?? 0;
    height.set(name, own);
    for (const need of needs.get(name) ?? []) height.set(need, Math.max(height.get(need) ?? 0, own + 1));
  }
  return height;
}
