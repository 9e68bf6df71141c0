/** Names of steps, as BuildKit prints them, made shorter, and how steps end. */
import type { BakeEvent } from '../model/mod.ts';

/** `RUN make` of `[build 2/4] RUN make`: numbers of steps and stages are shown elsewhere. */
export function withoutNumber(step: string): string {
  return step.replace(/^\[(?:([^\]]*) )?\d+\/\d+\] /, (_, stage: string | undefined) =>
    stage === undefined || stage.startsWith('stage-') ? '' : `${stage}: `,
  );
}

/** `[build 2/4]` of `[build 2/4] RUN make`; what has no number is its own label. */
export function stepLabel(step: string): string {
  return /^\[(?:[^\]]* )?\d+\/\d+\]/.exec(step)?.[0] ?? step;
}

/** `3/7` of `[build 3/7] RUN make`. */
export function numberOf(step: string): string | undefined {
  return /^\[(?:[^\]]* )?(\d+\/\d+)\] /.exec(step)?.[1];
}

/** Whether a step did not fail by itself, but was ended with what it belongs to. */
export function isStopped({ state, error }: Extract<BakeEvent, { readonly type: 'vertex' }>): boolean {
  return state === 'failed' && error?.includes('context canceled') === true;
}
