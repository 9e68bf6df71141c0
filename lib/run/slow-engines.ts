/** Notices an engine of a pool that takes much longer than the others, measured by what each build took before. */
import { type Problem, problem } from '../model/mod.ts';

/** As many builds say something; one may be slow by itself. */
const ENOUGH = 3;
/** As much slower than the others. */
const FACTOR = 3;
/** Shorter builds are mostly start-up. */
const LEAST_MS = 1_000;

/** What the builds of a run took, by engine. */
export class SlowEngines {
  /** Engine → how many times as long as before its builds took. */
  readonly #ratios = new Map<string, number[]>();
  readonly #said = new Set<string>();

  /**
   * Takes one build that ended well.
   *
   * @param beforeMs how long it took before, on whichever engine
   * @returns a warning, once for each engine: `engine/slow`
   */
  note(engine: string, ranMs: number, beforeMs: number | undefined): Problem | undefined {
    if (beforeMs === undefined || Math.max(beforeMs, ranMs) < LEAST_MS) return undefined;
    const own = [...(this.#ratios.get(engine) ?? []), ranMs / Math.max(1, beforeMs)];
    this.#ratios.set(engine, own);
    const others = [...this.#ratios].flatMap(([name, ratios]) => (name === engine ? [] : ratios));
    if (own.length < ENOUGH || others.length < ENOUGH || this.#said.has(engine)) return undefined;
    const factor = medianOf(own) / medianOf(others);
    if (factor < FACTOR) return undefined;
    this.#said.add(engine);
    return problem(
      'engine/slow',
      `builds on ${engine} take ${factor.toFixed(1)} times as long as on the other engines of the pool`,
      {
        severity: 'warning',
        hint: 'Check what else runs there, its disk and its network, or lower its `jobs` under `engine.pool`.',
      },
    );
  }
}

function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
