/** Builds whose steps run anew. */
import type { Build } from './build.ts';

/** True where steps are to run in each run, be it all of them or those of some stages: what it gave before proves nothing. */
export function runsAnew(build: Pick<Build, 'noCache' | 'noCacheFilter'>): boolean {
  return build.noCache || build.noCacheFilter.length > 0;
}
