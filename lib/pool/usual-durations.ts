/** How long builds take of which that is not known: as the others of their pool do. */
import type { Placement } from './member.ts';

/** Taken for the duration of builds where none is known; only how durations compare counts. */
const GUESSED_MS = 30_000;
/** Taken for what a build takes with its cache, as a share of what it takes without, where neither its own is known nor one of the others'. */
const GUESSED_SHARE = 0.5;

/** Averages of the durations that were heard of. */
export class UsualDurations {
  readonly #length = { count: 0, sum: 0 };
  readonly #share = { count: 0, sum: 0 };

  /**
   * What a build is expected to take. Where only one of its durations is known, the other one is guessed by the share that caches save of
   * others; where neither is, nobody knows of a cache, and nothing is saved.
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

  /** What a build took that nothing was known of. */
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
