/** Names of steps, as BuildKit prints them, made shorter. */

/** `RUN make` of `[build 2/4] RUN make`: how many steps there are of how many stages is told apart. */
export function withoutNumber(step: string): string {
  return step.replace(/^\[(?:([^\]]*) )?\d+\/\d+\] /, (_, stage: string | undefined) =>
    stage === undefined || stage.startsWith('stage-') ? '' : `${stage}: `,
  );
}

/** `[build 2/4]` of `[build 2/4] RUN make`; what has no number is its own label. */
export function stepLabel(step: string): string {
  return /^\[(?:[^\]]* )?\d+\/\d+\]/.exec(step)?.[0] ?? step;
}
