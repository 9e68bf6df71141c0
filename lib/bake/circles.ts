/**
 * Finds cycles of names (strongly connected components), in linear time (R. Tarjan, "Depth-first search and linear graph
 * algorithms").
 */

/** The state of a name during the walk. */
interface Visit {
  readonly name: string;
  readonly leadsTo: readonly string[];
  readonly index: number;
  low: number;
  next: number;
}

/** Names that each lead to all the others; usually a single name that does not lead to itself. */
export interface Circle {
  readonly names: readonly string[];
  readonly isCyclic: boolean;
}

/**
 * Groups names by cycles.
 *
 * @param graph each name with the names that it leads to; names that are not keys lead nowhere and are in no group
 * @returns the groups, each after those that it leads to
 */
export function findCircles(graph: ReadonlyMap<string, readonly string[]>): readonly Circle[] {
  const visits = new Map<string, Visit>();
  const closed = new Set<string>();
  const circles: Circle[] = [];
  // Explicit stacks: a path may be as long as files are.
  const open: Visit[] = [];
  const way: Visit[] = [];
  const enter = (name: string, leadsTo: readonly string[]): void => {
    const visit = { name, leadsTo, index: visits.size, low: visits.size, next: 0 };
    visits.set(name, visit);
    open.push(visit);
    way.push(visit);
  };
  const leave = (visit: Visit): void => {
    way.pop();
    const below = way.at(-1);
    if (below !== undefined) below.low = Math.min(below.low, visit.low);
    if (visit.low !== visit.index) return;
    const names = open.splice(open.lastIndexOf(visit)).map(({ name }) => name);
    for (const name of names) closed.add(name);
    circles.push({ names, isCyclic: names.length > 1 || visit.leadsTo.includes(visit.name) });
  };
  for (const [start, leadsTo] of graph) {
    if (!visits.has(start)) enter(start, leadsTo);
    for (let visit = way.at(-1); visit !== undefined; visit = way.at(-1)) {
      const name = visit.leadsTo[visit.next];
      visit.next += 1;
      if (name === undefined) {
        leave(visit);
        continue;
      }
      const known = visits.get(name);
      const further = graph.get(name);
      if (known === undefined && further !== undefined) enter(name, further);
      else if (known !== undefined && !closed.has(name)) visit.low = Math.min(visit.low, known.index);
    }
  }
  return circles;
}
