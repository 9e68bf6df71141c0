/** What stays of the runs of one watch, so that a day of edits does not push every other run out. */
import { rm } from 'node:fs/promises';
import type { RunSummary } from '../model/mod.ts';

/** Rounds after the first one that are kept of one watch. */
const MOST_ROUNDS = 4;

/** How a round ended. */
export interface RoundEnd {
  /** Directory of the round. */
  readonly dir: string;
  /** From 1. */
  readonly number: number;
  /** Absent: it did not end by itself. */
  readonly summary?: Pick<RunSummary, 'ok' | 'cancelled' | 'outcomes'>;
  /** It was stopped for another round, which does what it left. */
  readonly isSuperseded: boolean;
}

/** The kept rounds of one watch. */
export class KeptRounds {
  /** Of rounds after the first, the oldest first. */
  readonly #dirs: string[] = [];

  /** Takes a round that has ended: removes it where it tells nothing, and else the oldest where there are too many. */
  async take(round: RoundEnd): Promise<void> {
    if (isIdle(round)) return remove(round.dir);
    if (round.number === 1) return;
    this.#dirs.push(round.dir);
    for (const dir of this.#dirs.splice(0, this.#dirs.length - MOST_ROUNDS)) await remove(dir);
  }
}

/** Nobody will ask for it: another round says the same and more, or nothing was to do. */
function isIdle({ number, summary, isSuperseded }: RoundEnd): boolean {
  if (isSuperseded) return true;
  if (number === 1 || summary === undefined || !summary.ok || summary.cancelled) return false;
  return summary.outcomes.every(({ kind }) => kind === 'unchanged');
}

async function remove(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true }).catch(() => undefined);
}
