/** Which rounds of a watch to keep, so that a day of edits does not displace all other runs. */
import { rm } from 'node:fs/promises';
import type { RunSummary } from '../model/mod.ts';

/** How many rounds after the first are kept for one watch. */
const MOST_ROUNDS = 4;

/** The end of a round. */
export interface RoundEnd {
  /** Directory of the round. */
  readonly dir: string;
  /** From 1. */
  readonly number: number;
  /** Absent: it did not end by itself. */
  readonly summary?: Pick<RunSummary, 'ok' | 'cancelled' | 'outcomes'>;
  /** It was stopped in favour of another round, which takes over its work. */
  readonly isSuperseded: boolean;
}

/** The recorded rounds of one watch. */
export class KeptRounds {
  /** Rounds after the first, oldest first. */
  readonly #dirs: string[] = [];

  /** Adds an ended round: deletes it if it is of no interest, otherwise the oldest one if there are too many. */
  async take(round: RoundEnd): Promise<void> {
    if (isIdle(round)) return remove(round.dir);
    if (round.number === 1) return;
    this.#dirs.push(round.dir);
    for (const dir of this.#dirs.splice(0, this.#dirs.length - MOST_ROUNDS)) await remove(dir);
  }
}

/** The round is of no interest: another one replaces it, or nothing had to be done. */
function isIdle({ number, summary, isSuperseded }: RoundEnd): boolean {
  if (isSuperseded) return true;
  if (number === 1 || summary === undefined || !summary.ok || summary.cancelled) return false;
  return summary.outcomes.every(({ kind }) => kind === 'unchanged');
}

async function remove(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true }).catch(() => undefined);
}
