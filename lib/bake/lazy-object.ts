/** An HCL object whose attributes are created on access: an expression reads only one or two of thousands of targets. */
import { compareTexts, type Type, type Value } from '../hcl/mod.ts';

/** Makes the object from the current values. */
export function lazyObject<T>(of: ReadonlyMap<string, T>, read: (one: T) => Value): Value {
  const entries = new LazyEntries(of, read);
  const type: Type = {
    kind: 'object',
    get attributes() {
      return new Map(Array.from(entries, ([name, value]) => [name, value.type] as const));
    },
  };
  return { kind: 'mapping', type, entries };
}

class LazyEntries<T> implements ReadonlyMap<string, Value> {
  readonly #of: ReadonlyMap<string, T>;
  readonly #read: (one: T) => Value;

  constructor(of: ReadonlyMap<string, T>, read: (one: T) => Value) {
    this.#of = of;
    this.#read = read;
  }

  get size(): number {
    return this.#of.size;
  }

  has(name: string): boolean {
    return this.#of.has(name);
  }

  get(name: string): Value | undefined {
    const one = this.#of.get(name);
    return one === undefined ? undefined : this.#read(one);
  }

  /** Sorted by name, as in every object. */
  keys(): MapIterator<string> {
    return this.#whole().keys();
  }

  values(): MapIterator<Value> {
    return this.#whole().values();
  }

  entries(): MapIterator<[string, Value]> {
    return this.#whole().entries();
  }

  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.entries();
  }

  forEach(each: (value: Value, name: string, map: ReadonlyMap<string, Value>) => void): void {
    for (const [name, value] of this) each(value, name, this);
  }

  #whole(): Map<string, Value> {
    const names = [...this.#of.keys()].sort(compareTexts);
    return new Map(names.map((name) => [name, this.#read(this.#of.get(name) as T)]));
  }
}
