/** Checks the runtime permissions that a run certainly needs before it starts; each problem lists everything that is missing. */
import { taggedImages } from '../inputs/mod.ts';
import type { Lock } from '../lock/mod.ts';
import type { Plan, PlanNode, Problem } from '../model/mod.ts';
import { permissionOfRegistry } from '../registry/mod.ts';
import { findMissing } from '../system/mod.ts';
import type { Permission } from '../util/permission.ts';
import { wantedTags } from './publish.ts';

/**
 * Checks whether the contexts of a plan may be read, and the registries of its tags and base images contacted.
 *
 * @param lock no registry is queried for an image that it pins
 * @returns problem: `system/permission`
 */
export function findNotPermitted(
  { nodes, set }: Plan,
  env: Readonly<Record<string, string | undefined>>,
  lock: Lock | undefined,
): Problem | undefined {
  const all = [...nodes.values()];
  const hosts = new Set(all.flatMap((node) => registriesOf(node, lock)));
  // Mirrors are tried first and may be enough.
  const asked = [...hosts].filter((host) => (set.registries.get(host)?.mirrors ?? []).length === 0);
  return findMissing([
    ...all.flatMap(contextsOf),
    ...asked.map((host) => permissionOfRegistry(host, set.registries, env)),
  ]);
}

function contextsOf({ build }: PlanNode): readonly Permission[] {
  return [build.context, ...build.contexts.values()].flatMap(({ ref }) =>
    ref.kind === 'local' ? [{ kind: 'read', what: ref.path }] : [],
  );
}

function registriesOf(node: PlanNode, lock: Lock | undefined): readonly string[] {
  const bases = taggedImages(node).filter(({ ref }) => lock?.digestOf(ref) === undefined);
  const tags = node.pushes ? wantedTags(node) : [];
  return [...bases.map(({ ref }) => ref.registry), ...tags.map(({ registry }) => registry)];
}
