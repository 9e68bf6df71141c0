/** Limits the logs in a page: enough to explain failures, but not so much that browsers become slow. */
import type { Outcome } from '../model/mod.ts';
import type { BuildLog, LogPart } from './page-data.ts';

/** For one build. */
export const MAX_BUILD_CHARACTERS = 256_000;

/** For all builds. */
export const MAX_PAGE_CHARACTERS = 20_000_000;

/** Reserved for every log, before large logs get the rest. */
const TAIL_CHARACTERS = 8_000;

/** How long a log is. */
export function sizeOfLog({ parts }: BuildLog): number {
  return parts.reduce((sum, { text }) => sum + text.length, 0);
}

/** Cuts logs at the start until all fit; failed builds have priority. */
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

/** Keeps the last `characters` of a log, without empty parts. */
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
