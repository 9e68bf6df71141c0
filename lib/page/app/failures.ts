/** Groups equal failures: during an outage of a registry, forty builds fail in the same way. */
import type { StepSpan } from '../../timeline/timeline.ts';
import type { Row } from './model.ts';

/** Groups of failed builds with equal problems, each in the order of the plan. */
export function foldFailures(failed: readonly Row[]): readonly (readonly Row[])[] {
  const groups = new Map<string, Row[]>();
  for (const row of failed) {
    const identity = identityOf(row);
    const group = groups.get(identity);
    if (group === undefined) groups.set(identity, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

/** Failed steps are grouped only if their output is the same. */
function identityOf({ at, name, build: { outcome } }: Row): string {
  const found = outcome?.problem;
  if (found === undefined || (found.code === 'build/step-failed' && found.detail === undefined))
    return `${at}`;
  const common = (text: string): string =>
    text.replaceAll(name, () => '\0').replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:');
  return JSON.stringify([found.code, common(found.message), common(found.detail ?? '')]);
}

/** The failed step, if it is a step of the build itself and not an export or a transfer of files. */
export function failedStep({ build: { steps } }: Row): StepSpan | undefined {
  return steps.find(({ state, name }) => state === 'failed' && /^\[([^\]]* )?\d+\/\d+\]/.test(name));
}
