/** How much log a page holds: enough to see why something failed, not so much that a browser is slow with it. */
import type { Outcome } from '../model/mod.ts';
import type { BuildLog, LogPart } from './page-data.ts';

/** Of one build. */
export const MAX_BUILD_CHARACTERS = 256_000;

/** Of all builds together. */
export const MAX_PAGE_CHARACTERS = 20_000_000;

/** What is kept of every log first, before the large ones get the rest. */
const TAIL_CHARACTERS = 8_000;

/** How long a log is. */
export function sizeOfLog({ parts }: BuildLog): number {
  return parts.reduce((sum, { text }) => sum + text.length, 0);
}

/** Cuts logs at their beginnings until all fit together; those of failed builds come first. */
export function fitLogs(
  logs: ReadonlyMap<string, BuildLog>,
  outcomes: ReadonlyMap<string, Outcome | undefined>,
): ReadonlyMap<string, BuildLog> {
  const order = [...logs].map(([build, log]) => ({ build, log: keepEnd(log, MAX_BUILD_CHARACTERS) }));
  const isFailed = (build: string): boolean => outcomes.get(build)?.kind === 'failed';
  order.sort((a, b) => Number(isFailed(b.build)) - Number(isFailed(a.build)));
  const tailOf = (log: BuildLog): number => Math.min(sizeOfLog(log), TAIL_CHARACTERS);
  let reserved = order.reduce((sum, { log }) => sum + tailOf(log), 0);
  let left = MAX_PAGE_CHARACTERS;
  const fitted = order.map(({ build, log }) => {
    const tail = tailOf(log);
    reserved -= tail;
    const free = Math.max(tail, left - reserved);
    const room = Math.min(sizeOfLog(log), free, left);
    left -= room;
    return [build, keepEnd(log, room)] as const;
  });
  return new Map(fitted);
}

/** The last `characters` of a log; parts that are left empty fall away. */
function keepEnd(log: BuildLog, characters: number): BuildLog {
  let excess = sizeOfLog(log) - characters;
  if (excess <= 0) return log;
  const omitted = log.omitted + excess;
  const parts: LogPart[] = [];
  for (const part of log.parts) {
    const cut = Math.min(excess, part.text.length);
    excess -= cut;
    if (cut < part.text.length) parts.push({ ...part, text: part.text.slice(cut) });
  }
  return { parts, omitted };
}
