/** Lets so many through at a time, in the order they came. */

/** Entry and exit of a limited section. */
export interface Gate {
  /** Resolves when there is room; call what it resolves to exactly once to leave. */
  enter(): Promise<() => void>;
}

/** Makes a gate for `width` at a time (at least one). */
export function createGate(width: number): Gate {
  let free = Math.max(1, Math.floor(width));
  const waiting: (() => void)[] = [];
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    async enter() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      let left = false;
      return () => {
        if (left) return;
        left = true;
        leave();
      };
    },
  };
}

/** Maps with at most `width` calls under way; results in the order of the items. */
export async function mapLimited<T, R>(
  items: readonly T[],
  width: number,
  call: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const gate = createGate(width);
  return await Promise.all(
    items.map(async (item) => {
      const leave = await gate.enter();
      try {
        return await call(item);
      } finally {
        leave();
      }
    }),
  );
}
