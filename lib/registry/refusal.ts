/** Registries that do not let us in: what one request was told, the others would be told as well. */
import type { Problem, Result } from '../model/mod.ts';
import { mapLimited } from './gate.ts';

const REFUSALS: ReadonlySet<string> = new Set(['registry/unauthorized', 'registry/denied']);

/**
 * Does something with each item of one image, at most `width` at a time. The first refusal keeps the rest from being begun.
 *
 * @returns the refusal alone, else all that went wrong
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

/** Without those that say of the same credentials for the same registry what an earlier one says. */
export function withoutRepeatedRefusals(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ code, hint }) => {
    // The hint names the registry, and what becomes of its credentials.
    if (code !== 'registry/unauthorized' || hint === undefined) return true;
    const isFirst = !seen.has(hint);
    seen.add(hint);
    return isFirst;
  });
}
