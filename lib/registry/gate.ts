/** Limits concurrency, in the order of arrival. */

/** Entry and exit of a limited section. */
export interface Gate {
  /** Resolves when there is room; call the returned function exactly once to leave. */
  enter(): Promise<() => void>;
}

/** Creates a gate for `width` entries at a time (at least one). */
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

/** Maps with at most `width` concurrent calls; results in the order of the items. */
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
