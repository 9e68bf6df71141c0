/** What earlier runs made of builds, for pages that compare. */
import type { PreviousBuild } from '../lib/page/mod.ts';

/**
 * Size and duration of each build in the last kept run before a run that says them; of one that only was up to date there is no
 * duration worth comparing.
 *
 * @param runsDir where the runs of the project are kept
 * @param run which run is shown: only earlier ones count
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
