/** A min-heap of indexes by number; ties are ordered by index. Created once and reused for many replays. */
export class TimeHeap {
  readonly #keys: Float64Array;
  readonly #places: Int32Array;
  #size = 0;

  /** @param capacity most elements */
  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
    this.#places = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Number of the first element. */
  get firstKey(): number {
    return this.#keys[0] ?? 0;
  }

  push(key: number, place: number): void {
    const [keys, places] = [this.#keys, this.#places];
    let at = this.#size++;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!isBefore(key, place, keys[up] ?? 0, places[up] ?? 0)) break;
      keys[at] = keys[up] ?? 0;
      places[at] = places[up] ?? 0;
      at = up;
    }
    keys[at] = key;
    places[at] = place;
  }

  /** Removes and returns the first element. The heap must not be empty. */
  pop(): number {
    const [keys, places] = [this.#keys, this.#places];
    const first = places[0] ?? 0;
    const size = --this.#size;
    const key = keys[size] ?? 0;
    const place = places[size] ?? 0;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      const other = child + 1;
      if (
        other < size &&
        isBefore(keys[other] ?? 0, places[other] ?? 0, keys[child] ?? 0, places[child] ?? 0)
      )
        child = other;
      if (!isBefore(keys[child] ?? 0, places[child] ?? 0, key, place)) break;
      keys[at] = keys[child] ?? 0;
      places[at] = places[child] ?? 0;
      at = child;
    }
    keys[at] = key;
    places[at] = place;
    return first;
  }
}

function isBefore(key: number, place: number, otherKey: number, otherPlace: number): boolean {
  return key < otherKey || (key === otherKey && place < otherPlace);
}
