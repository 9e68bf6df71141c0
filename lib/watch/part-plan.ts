/** Parts of plans, and differences between two plans. */
import type { Plan, PlanNode } from '../model/mod.ts';

/** Builds and all their direct and indirect dependents. */
export function withDependents(plan: Plan, builds: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...builds];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = plan.nodes.get(name);
    if (node === undefined || found.has(name)) continue;
    found.add(name);
    open.push(...node.neededBy);
  }
  return found;
}

/**
 * The part of a plan with some builds and their dependencies, which are up to date as far as known and therefore write
 * no files. Pushes stay the same.
 */
export function partOf(plan: Plan, builds: ReadonlySet<string>): Plan {
  const needed = new Set<string>();
  const open = [...builds];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = plan.nodes.get(name);
    if (node === undefined || needed.has(name)) continue;
    needed.add(name);
    open.push(...node.edges.map((edge) => edge.to));
  }
  if (builds.size === plan.nodes.size) return plan;
  const nodes = [...plan.nodes].flatMap(([name, node]): readonly (readonly [string, PlanNode])[] => {
    if (!needed.has(name)) return [];
    const neededBy = node.neededBy.filter((other) => needed.has(other));
    return [[name, { ...node, neededBy, role: builds.has(name) ? node.role : 'needed' }]];
  });
  return { set: plan.set, nodes: new Map(nodes) };
}

/** New or changed builds; all builds if a common setting changed. */
export function changedBuilds(before: Plan, now: Plan): ReadonlySet<string> {
  if (textOfSet(before) !== textOfSet(now)) return new Set(now.nodes.keys());
  return new Set(
    [...now.nodes].flatMap(([name, node]) => {
      const old = before.nodes.get(name);
      return old !== undefined && textOfNode(old) === textOfNode(node) ? [] : [name];
    }),
  );
}

function textOfNode({ neededBy: _, level: __, ...node }: PlanNode): string {
  return JSON.stringify(node, plainValue);
}

/** Settings that affect all builds; other builds and the origins of variables are left out. */
function textOfSet({ set }: Plan): string {
  const { builds: _, groups: __, matrices: ___, variables: ____, files: _____, ...settings } = set;
  return JSON.stringify(settings, plainValue);
}

/** Converts maps to lists, and leaves out places in files, which change with every line inserted above. */
function plainValue(key: string, value: unknown): unknown {
  if (/(?:^s|S)pans?$/.test(key)) return undefined;
  if (value instanceof Map) return [...value];
  return value instanceof Set ? [...value] : value;
}
