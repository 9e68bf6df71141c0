/** The headline of a page: the result on one line, for the static page and the script. */
import type { Outcome } from '../model/mod.ts';
import type { RunTimeline } from '../timeline/mod.ts';
import { formatDuration } from '../util/duration.ts';

/** The first thing that is read. */
export interface Headline {
  readonly tone: 'good' | 'bad' | 'open';
  readonly title: string;
  /** More facts, a few words each. */
  readonly facts: readonly string[];
}

/** The result as text. */
export function makeHeadline(timeline: RunTimeline, kind: 'run' | 'plan'): Headline {
  const total = timeline.builds.length;
  if (kind === 'plan') {
    const levels = new Set(timeline.builds.map(({ level }) => level)).size;
    return { tone: 'open', title: `${count(total, 'build')} planned`, facts: [count(levels, 'level')] };
  }
  const counts = countResults(timeline);
  const facts = factsOf(counts, timeline.dryRun);
  const after = formatDuration(timeline.durationMs);
  const failed = counts.get('failed') ?? 0;
  const problems = timeline.summary?.problems.length ?? 0;
  if (failed > 0) {
    return {
      tone: 'bad',
      title: `${failed} of ${count(total, 'build')} failed`,
      facts: [`after ${after}`, ...facts],
    };
  }
  if (timeline.interruptedBy !== undefined || timeline.summary?.cancelled === true) {
    const why = timeline.interruptedBy === undefined ? '' : ` by ${timeline.interruptedBy}`;
    return { tone: 'bad', title: `Stopped${why} after ${after}`, facts };
  }
  if (!timeline.finished) return { tone: 'open', title: `Not finished after ${after}`, facts };
  if (timeline.summary?.ok === false || problems > 0) {
    return { tone: 'bad', title: `The run failed after ${after}`, facts };
  }
  const unchanged = counts.get('unchanged') ?? 0;
  if (unchanged === total)
    return {
      tone: 'good',
      title: `Nothing to do: ${count(total, 'build')} unchanged`,
      facts: [`in ${after}`],
    };
  const done = timeline.dryRun ? 'checked, nothing built (dry run)' : 'done';
  return { tone: 'good', title: `${count(total, 'build')} ${done} in ${after}`, facts };
}

const WORDS: readonly (readonly [Outcome['kind'], string, string])[] = [
  ['built', 'built', 'to build'],
  ['retagged', 'retagged', 'to retag'],
  ['unchanged', 'unchanged', 'unchanged'],
  ['blocked', 'blocked by a failure', 'blocked'],
  ['cancelled', 'cancelled', 'cancelled'],
];

function factsOf(counts: ReadonlyMap<string, number>, dryRun: boolean): readonly string[] {
  const facts = WORDS.flatMap(([kind, word, dry]) => {
    const found = counts.get(kind) ?? 0;
    return found === 0 ? [] : [`${found} ${dryRun ? dry : word}`];
  });
  const open = counts.get('open') ?? 0;
  return open === 0 ? facts : [...facts, `${open} not finished`];
}

function countResults({ builds }: RunTimeline): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome } of builds) {
    const kind = outcome?.kind ?? 'open';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
