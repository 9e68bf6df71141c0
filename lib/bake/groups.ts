/** Expands groups. */
import { findCircles } from './circles.ts';
import type { BakeGroup } from './target.ts';

/** A group with all its direct and indirect members. */
export interface Expanded {
  /** Names of targets, whether they exist or not. */
  readonly targets: ReadonlySet<string>;
  /** The group itself, and groups in it. */
  readonly groups: ReadonlySet<string>;
  /** The group that contains the target. */
  readonly namedBy: ReadonlyMap<string, BakeGroup>;
}

/** Limit for the members of all groups together, since each may list all others. */
export const MOST_MEMBERS = 1_000_000;

/**
 * {@link expandGroup} for all groups.
 *
 * @returns the members of each, without groups that exceed the limit
 */
export function expandAll(all: ReadonlyMap<string, BakeGroup>): ReadonlyMap<string, readonly string[]> {
  const graph = new Map(Array.from(all, ([name, { targets }]) => [name, targets] as const));
  const found = new Map<string, readonly string[]>();
  const cyclic = new Set<string>();
  let left = MOST_MEMBERS;
  for (const { names, isCyclic } of findCircles(graph)) {
    for (const name of names) {
      if (left < 0) return found;
      const members = graph.get(name) ?? [];
      const targets = new Set<string>();
      // The members of a group in a cycle depend on where the walk begins.
      if (isCyclic || members.some((member) => cyclic.has(member))) {
        cyclic.add(name);
        const { targets: ofCycle, steps } = expandGroup(all, name);
        for (const target of ofCycle) targets.add(target);
        left -= steps;
      } else {
        for (const member of members) {
          const inner = found.get(member) ?? [];
          for (const target of inner.length > 0 ? inner : [member]) targets.add(target);
          left -= 1 + inner.length;
        }
      }
      found.set(name, [...targets]);
    }
  }
  return found;
}

/** A group whose members are being visited. */
interface Open {
  readonly group: BakeGroup;
  next: number;
  isEmpty: boolean;
}

/**
 * The targets of a group and of groups in it; the name of a target means itself. In a cycle, a group that is being
 * expanded is treated as a name, and so is an empty group.
 */
export function expandGroup(
  all: ReadonlyMap<string, BakeGroup>,
  name: string,
): Expanded & { readonly steps: number } {
  const targets = new Set<string>();
  const groups = new Set<string>();
  const namedBy = new Map<string, BakeGroup>();
  const states = new Map<string, 'open' | 'full' | 'empty'>();
  // An explicit stack: groups may nest as deep as files are long.
  const way: Open[] = [];
  let steps = 0;
  const add = (target: string, by: Open | undefined): void => {
    targets.add(target);
    if (by === undefined) return;
    by.isEmpty = false;
    if (!namedBy.has(target)) namedBy.set(target, by.group);
  };
  const enter = (group: BakeGroup): void => {
    groups.add(group.name);
    states.set(group.name, 'open');
    way.push({ group, next: 0, isEmpty: true });
  };
  const first = all.get(name);
  if (first === undefined) add(name, undefined);
  else enter(first);
  for (let open = way.at(-1); open !== undefined; open = way.at(-1)) {
    steps += 1;
    const member = open.group.targets[open.next];
    open.next += 1;
    if (member === undefined) {
      way.pop();
      states.set(open.group.name, open.isEmpty ? 'empty' : 'full');
      const outer = way.at(-1);
      if (outer === undefined) continue;
      if (open.isEmpty) add(open.group.name, outer);
      else outer.isEmpty = false;
      continue;
    }
    const inner = all.get(member);
    const state = states.get(member);
    if (inner === undefined || state === 'open' || state === 'empty') add(member, open);
    else if (state === undefined) enter(inner);
    else open.isEmpty = false;
  }
  return { targets, groups, namedBy, steps };
}
