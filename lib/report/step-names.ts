/** Shortens BuildKit's names of steps, and tells how steps end. */
import type { BakeEvent } from '../model/mod.ts';

/** `RUN make` from `[build 2/4] RUN make`; numbers of steps and stages are shown elsewhere. */
export function withoutNumber(step: string): string {
  return step.replace(/^\[(?:([^\]]*) )?\d+\/\d+\] /, (_, stage: string | undefined) =>
    stage === undefined || stage.startsWith('stage-') ? '' : `${stage}: `,
  );
}

/** `[build 2/4]` from `[build 2/4] RUN make`; a name without a number is its own label. */
export function stepLabel(step: string): string {
  return /^\[(?:[^\]]* )?\d+\/\d+\]/.exec(step)?.[0] ?? step;
}

/** Whether a step exports the result. BuildKit reports its end once for each part of that: the image, the push. */
export function isExport(step: string): boolean {
  return step.startsWith('exporting to ');
}

/** `3/7` from `[build 3/7] RUN make`. */
export function numberOf(step: string): string | undefined {
  return /^\[(?:[^\]]* )?(\d+\/\d+)\] /.exec(step)?.[1];
}

/** Whether a step did not fail itself but was stopped with its build. */
export function isStopped({ state, error }: Extract<BakeEvent, { readonly type: 'vertex' }>): boolean {
  return state === 'failed' && error?.includes('context canceled') === true;
}
