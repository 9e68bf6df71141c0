/** Every failure at every step of a run, before, during and after it. */
import type { FailureRow } from './failure-bench.ts';
import { BUILD_FAILURES } from './failure-rows-build.ts';
import { PUBLISH_FAILURES } from './failure-rows-publish.ts';

/** In the order of the steps. */
export const FAILURE_ROWS: readonly FailureRow[] = [...BUILD_FAILURES, ...PUBLISH_FAILURES];
