/** Expected durations of builds without known ones, estimated from the other builds of the pool. */
import type { Placement } from './member.ts';

/** Assumed duration if none is known; only the ratio of durations matters. */
const GUESSED_MS = 30_000;
/** Assumed ratio of the durations with and without cache, if it is known neither for the build nor for others. */
const GUESSED_SHARE = 0.5;

/** Averages of the known durations. */
export class UsualDurations {
  readonly #length = { count: 0, sum: 0 };
  readonly #share = { count: 0, sum: 0 };

  /**
   * The expected durations of a build. If only one is known, the other is estimated by what caches save for other builds. If
   * neither is known, no cache is known either, and both are the same.
   */
  expect({ coldMs, warmMs }: Placement): { readonly coldMs: number; readonly warmMs: number } {
    if (coldMs !== undefined && warmMs !== undefined) {
      add(this.#length, coldMs);
      if (coldMs > 0) add(this.#share, Math.min(1, warmMs / coldMs));
      return { coldMs, warmMs: Math.min(coldMs, warmMs) };
    }
    const share = mean(this.#share) ?? GUESSED_SHARE;
    if (coldMs !== undefined) {
      add(this.#length, coldMs);
      return { coldMs, warmMs: coldMs * share };
    }
    if (warmMs !== undefined) return { coldMs: warmMs / share, warmMs };
    const usual = mean(this.#length) ?? GUESSED_MS;
    return { coldMs: usual, warmMs: usual };
  }

  /** Records the duration of a build of which none was known. */
  learn({ coldMs, warmMs }: Placement, ms: number): void {
    if (coldMs === undefined && warmMs === undefined) add(this.#length, ms);
  }
}

interface Average {
  count: number;
  sum: number;
}

function add(average: Average, number: number): void {
  average.count++;
  average.sum += number;
}

function mean({ count, sum }: Average): number | undefined {
  return count === 0 ? undefined : sum / count;
}
