/** Resolves groups (lists of builds, matrix builds, other groups and globs; `!` removes) to concrete names. */
import { type Group, type Problem, problem } from '../model/mod.ts';
import { compileGlob, isGlob } from '../util/glob.ts';
import { suggest } from '../util/suggest.ts';
import type { Instances } from './enumerate.ts';
import { type Evaluator, FAILED, type Scope } from './expression.ts';
import type { GroupDefinition, Merged } from './merge.ts';
import type { Problems } from './problems.ts';
import { at, atKey, child, jsonText, type Node } from './tree.ts';

/**
 * Resolves every group.
 *
 * @param ofBake bake's groups with their problems; such a group may have the name of a build, and takes precedence
 */
export function resolveGroups(
  merged: Merged,
  instances: Instances,
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
  ofBake: ReadonlyMap<string, readonly Problem[]> = new Map(),
): ReadonlyMap<string, Group> {
  const resolved = new Map<string, ReadonlySet<string>>();
  const open: string[] = [];
  /** By group: its problems and those of groups in it. */
  const mistakes = new Map<string, Set<Problem>>();
  const allNames = [...instances.builds.keys()];

  function membersOf(group: GroupDefinition): ReadonlySet<string> {
    const known = resolved.get(group.name);
    if (known !== undefined) return known;
    if (open.includes(group.name)) {
      const cycle = [...open.slice(open.indexOf(group.name)), group.name];
      problems.add(
        problem('config/group-cycle', `Groups contain one another in a cycle: ${cycle.join(' → ')}`, {
          hint: 'Remove one of them from the other.',
          ...atKey(group.map, group.entry),
        }),
      );
      return new Set();
    }
    open.push(group.name);
    mistakes.set(group.name, new Set(ofBake.get(group.name)));
    const members = new Set<string>();
    for (const [index, item] of itemsOf(group).entries()) {
      const isNegation = item.name.startsWith('!');
      const found = expand(isNegation ? item.name.slice(1) : item.name, item.node);
      if (isNegation) {
        // A list that starts with a removal starts with all builds.
        if (index === 0) for (const name of allNames) members.add(name);
        for (const name of found) members.delete(name);
      } else for (const name of found) members.add(name);
    }
    open.pop();
    resolved.set(group.name, members);
    return members;
  }

  function itemsOf(group: GroupDefinition): readonly { readonly name: string; readonly node: Node }[] {
    const { value } = group.entry;
    const list = value.kind === 'map' ? child(value, 'builds') : value;
    if (list === undefined) return [];
    const nodes = list.kind === 'list' ? list.items : [list];
    const items: { name: string; node: Node }[] = [];
    for (const node of nodes) {
      const evaluated = evaluator.tree(node, scope);
      if (evaluated === FAILED) continue;
      for (const one of Array.isArray(evaluated) ? (evaluated as readonly unknown[]) : [evaluated]) {
        if (one !== null && one !== '') items.push({ name: jsonText(one), node });
      }
    }
    return items;
  }

  function expand(name: string, node: Node): Iterable<string> {
    const rows = instances.matrices.get(name);
    if (rows !== undefined) return rows;
    if (instances.builds.has(name)) return [name];
    const group = merged.groups.get(name);
    if (group !== undefined) {
      const members = membersOf(group);
      const inner = mistakes.get(name);
      const outer = mistakes.get(open.at(-1) ?? '');
      for (const one of inner ?? []) outer?.add(one);
      return members;
    }
    if (isGlob(name)) return expandGlob(name, node);
    const near = suggest(name, [
      ...instances.builds.keys(),
      ...instances.matrices.keys(),
      ...merged.groups.keys(),
    ]);
    if (instances.isComplete) {
      problems.add(
        problem('config/unknown-build', `There is no build or group "${name}"`, {
          hint: near === undefined ? 'Run bake-ts list to see all names.' : `Did you mean "${near}"?`,
          ...at(node),
        }),
      );
    }
    return [];
  }

  function expandGlob(pattern: string, node: Node): readonly string[] {
    const matches = compileGlob(pattern);
    const found = new Set(allNames.filter((name) => matches(name)));
    for (const [matrix, rows] of instances.matrices)
      if (matches(matrix)) for (const row of rows) found.add(row);
    if (found.size === 0) {
      problems.add({
        ...problem('config/empty-pattern', `No build matches "${pattern}"`, {
          hint: 'Check the pattern: it is matched with names of builds and matrix builds.',
          ...at(node),
        }),
        severity: 'warning',
      });
    }
    return [...found];
  }

  const groups = new Map<string, Group>();
  for (const group of merged.groups.values()) {
    const { value } = group.entry;
    if (!ofBake.has(group.name) && (instances.builds.has(group.name) || merged.builds.has(group.name))) {
      const other = merged.builds.get(group.name)?.keyOf;
      problems.add(
        problem('config/name-clash', `"${group.name}" names both a group and a build`, {
          hint: 'Rename one of them: a name on the command line must mean one thing.',
          ...atKey(group.map, group.entry),
          ...(other === undefined
            ? {}
            : { related: [{ message: 'the build', ...atKey(other.map, other.entry) }] }),
        }),
      );
    }
    const members = membersOf(group);
    const wrong = [...(mistakes.get(group.name) ?? [])];
    const description = value.kind === 'map' ? child(value, 'description') : undefined;
    groups.set(group.name, {
      name: group.name,
      builds: allNames.filter((name) => members.has(name)),
      ...(description?.kind === 'scalar' ? { description: description.text } : {}),
      ...(wrong.length === 0 ? {} : { mistakes: wrong }),
    });
  }
  return groups;
}
