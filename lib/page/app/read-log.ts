/** Reads logs, which have their own elements beside the run's data. */
import type { BuildLog } from '../page-data.ts';

/** The log of a build, if the page has it. Read on demand, because all logs may be many megabytes. */
export function readLog(at: number): BuildLog | undefined {
  const text = document.getElementById(`log-${at}`)?.textContent;
  return text ? (JSON.parse(text) as BuildLog) : undefined;
}
