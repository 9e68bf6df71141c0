/**
 * Lists that share memory like Go's slices. If bake appends to the list of a parent that has spare capacity (because an
 * empty entry was removed), two targets write to the same place, and the later entry appears in both. To print the same
 * as bake, this is reproduced here.
 */

/** A section of a store: the first `length` items are its entries, and it may grow to `capacity`. */
export interface Slice<T> {
  readonly store: T[];
  readonly length: number;
  readonly capacity: number;
}

/** A slice with its own store; a `capacity` beyond the number of entries is spare. */
export function sliceOf<T>(items: readonly T[], capacity: number = items.length): Slice<T> {
  return { store: items.slice(), length: items.length, capacity };
}

/** Its entries. */
export function itemsOf<T>(slice: Slice<T> | undefined): readonly T[] {
  return slice === undefined ? [] : slice.store.slice(0, slice.length);
}

/**
 * Appends to the store if there is spare capacity, otherwise to a new store.
 *
 * @param entryBytes size of an entry in Go (pointer: 8, string: 16), by which Go rounds up the capacity
 */
export function append<T>(
  slice: Slice<T> | undefined,
  items: readonly T[],
  entryBytes: number,
): Slice<T> | undefined {
  if (slice === undefined && items.length === 0) return undefined;
  const before = slice ?? { store: [], length: 0, capacity: 0 };
  const length = before.length + items.length;
  if (length <= before.capacity) {
    for (const [at, item] of items.entries()) before.store[before.length + at] = item;
    return { ...before, length };
  }
  return {
    store: [...before.store.slice(0, before.length), ...items],
    length,
    capacity: capacityFor(length, before.capacity, entryBytes),
  };
}

/** The capacity that Go allocates (runtime/slice.go, `nextslicecap`, and the size classes of runtime/sizeclasses.go). */
function capacityFor(length: number, before: number, entryBytes: number): number {
  let wanted = length;
  if (length <= before * 2) {
    wanted = before < 256 ? before * 2 : Math.floor(before + (before + 3 * 256) / 4);
    if (wanted < length) wanted = length;
  }
  const bytes = SIZE_CLASSES.find((size) => size >= wanted * entryBytes);
  return bytes === undefined ? wanted : Math.floor(bytes / entryBytes);
}

const SIZE_CLASSES: readonly number[] = [
  8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416,
  448, 480, 512,
];

/** Removes empty and repeated texts in place (buildx bake/bake.go, `removeDupesStr`). */
export function dropRepeatedTexts(slice: Slice<string> | undefined): Slice<string> | undefined {
  if (slice === undefined) return undefined;
  const seen = new Set<string>();
  let length = 0;
  for (const text of itemsOf(slice)) {
    if (text === '' || seen.has(text)) continue;
    seen.add(text);
    slice.store[length] = text;
    length += 1;
  }
  return { ...slice, length };
}

/**
 * Removes entries that occur again later, in place: the last entry moves to the position of the later one, which may
 * change the order (buildx util/buildflags/utils.go, `removeDupes`).
 */
export function dropRepeated<T>(
  slice: Slice<T> | undefined,
  keyOf: (entry: T) => string,
): Slice<T> | undefined {
  if (slice === undefined || slice.length === 0) return undefined;
  const { store } = slice;
  let { length } = slice;
  const keys = store.slice(0, length).map(keyOf);
  if (new Set(keys).size === length) return slice;
  for (let at = length - 2; at >= 0; at--) {
    for (let other = at + 1; other < length; other++) {
      if (keys[at] !== keys[other]) continue;
      for (const list of [store, keys]) {
        const last = list[length - 1] as T & string;
        list[length - 1] = list[other] as T & string;
        list[other] = last;
      }
      length -= 1;
      break;
    }
  }
  return { ...slice, length };
}
