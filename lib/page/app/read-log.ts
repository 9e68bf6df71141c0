/** Logs lie in elements of their own beside the run's data. */
import type { BuildLog } from '../page-data.ts';

/** The log of a build, where the page has it. Read when it is requested: all of them may be many megabytes. */
export function readLog(at: number): BuildLog | undefined {
  const text = document.getElementById(`log-${at}`)?.textContent;
  return text ? (JSON.parse(text) as BuildLog) : undefined;
}
