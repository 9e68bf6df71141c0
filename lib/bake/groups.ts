/** What groups come to. */
import type { BakeGroup } from './target.ts';

/** A group with all that is in it. */
export interface Expanded {
  /** Names of targets, whether they are there or not. */
  readonly targets: ReadonlySet<string>;
  /** The group itself, and groups in it. */
  readonly groups: ReadonlySet<string>;
  /** The group that has the target. */
  readonly namedBy: ReadonlyMap<string, BakeGroup>;
  /** How much there was to look at. */
  readonly steps: number;
}

/** A group whose members are being looked at. */
interface Open {
  readonly group: BakeGroup;
  next: number;
  isEmpty: boolean;
}

/**
 * The targets of a group and of those in it; the name of a target stands for itself. A group on its way into itself is a
 * name, and so is one that is empty.
 */
export function expandGroup(all: ReadonlyMap<string, BakeGroup>, name: string): Expanded {
  const targets = new Set<string>();
  const groups = new Set<string>();
  const namedBy = new Map<string, BakeGroup>();
  const states = new Map<string, 'open' | 'full' | 'empty'>();
  // A stack of our own: groups may nest as deep as files are long.
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
