/** Registries that refuse access: after one refusal, other requests would be refused as well. */
import type { Problem, Result } from '../model/mod.ts';
import { mapLimited } from './gate.ts';

const REFUSALS: ReadonlySet<string> = new Set(['registry/unauthorized', 'registry/denied']);

/**
 * Processes each item of an image, at most `width` at a time. After the first refusal no further items are started.
 *
 * @returns only the refusal, or else all problems
 */
export async function forEachUntilRefused<T>(
  items: readonly T[],
  width: number,
  call: (item: T) => Promise<Result<unknown>>,
): Promise<readonly Problem[]> {
  let refusal: Problem | undefined;
  const done = await mapLimited(items, width, async (item) => {
    if (refusal !== undefined) return [];
    const one = await call(item);
    if (one.ok) return [];
    refusal ??= one.error.find(({ code }) => REFUSALS.has(code));
    return one.error;
  });
  return refusal === undefined ? done.flat() : [refusal];
}

/** Removes refusals that repeat an earlier one for the same registry and credentials. */
export function withoutRepeatedRefusals(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ code, hint }) => {
    // The hint names the registry and its credentials.
    if (code !== 'registry/unauthorized' || hint === undefined) return true;
    const isFirst = !seen.has(hint);
    seen.add(hint);
    return isFirst;
  });
}
