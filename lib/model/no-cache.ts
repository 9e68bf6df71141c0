/** Builds that run their steps without cache. */
import type { Build } from './build.ts';

/** True if all steps, or those of some stages, run in each run, so that an earlier result proves nothing. */
export function runsAnew(build: Pick<Build, 'noCache' | 'noCacheFilter'>): boolean {
  return build.noCache || build.noCacheFilter.length > 0;
}
