/** Results of earlier runs, for pages that compare. */
import type { PreviousBuild } from '../lib/page/mod.ts';

/**
 * Size and duration of each build from the last earlier recorded run that has them. Durations are only those of real
 * builds, not of up-to-date ones.
 *
 * @param runsDir where the runs of the project are recorded
 * @param run the run that is shown: only earlier ones are used
 */
export async function previousBuilds(
  runsDir: string,
  run: { readonly runId: string; readonly startedAtMs: number },
): Promise<ReadonlyMap<string, PreviousBuild>> {
  const { listRuns } = await import('../lib/history/mod.ts');
  const previous = new Map<string, PreviousBuild>();
  for (const { runId, startedAt, builds } of await listRuns(runsDir)) {
    if (runId === run.runId || Date.parse(startedAt) >= run.startedAtMs) continue;
    for (const { build, result, durationMs, sizeBytes } of builds) {
      const known = previous.get(build) ?? {};
      const size = known.sizeBytes ?? sizeBytes;
      const duration = known.durationMs ?? (result === 'built' ? durationMs : undefined);
      previous.set(build, {
        ...(size === undefined ? {} : { sizeBytes: size }),
        ...(duration === undefined ? {} : { durationMs: duration }),
      });
    }
  }
  return previous;
}
