/** How long builds took the last time, as this machine remembers it: read before a run says what it is about. */
import type { Plan } from '../model/mod.ts';
import { StateStore, stateDirectory } from '../state/mod.ts';

/** Build → milliseconds; without those of which nothing is known. */
export async function readUsualDurations(
  { set: { root, grants } }: Plan,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, number>> {
  // Of strangers' builds nothing is remembered.
  if (grants.untrusted) return new Map();
  const figures = await new StateStore(stateDirectory(env), root).readFigures();
  return new Map([...figures].map(([build, { durationMs }]) => [build, durationMs]));
}
