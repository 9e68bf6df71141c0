/** Groups of bake, which have a namespace separate from targets. */
import type { Json } from '../model/mod.ts';
import { addNote, type Draft, literal } from './draft.ts';
import { fitNames, freeName } from './names.ts';

/** A group of bake. */
export interface SourceGroup {
  readonly members: readonly string[];
  readonly description?: string;
  readonly comments?: readonly string[];
  readonly remark?: string;
  /** The list as an expression, if it depends on variables; `members` are the current ones. */
  readonly computed?: Json;
}

/** Adds the groups; `names` maps targets to names of builds. */
export function addGroups(
  draft: Draft,
  written: ReadonlyMap<string, SourceGroup>,
  names: ReadonlyMap<string, string>,
): void {
  const groups = new Map([...written].filter(([name, group]) => !isItself(name, group, names)));
  if (written.has('default') && !groups.has('default')) addNote(draft, defaultNote(names.size));
  const taken = new Set([...names.values(), ...groups.keys()]);
  const renamed = new Map<string, string>();
  const builds = new Set(names.values());
  for (const [name, fitted] of fitNames(groups.keys())) {
    if (name === fitted && !builds.has(name)) continue;
    const other = freeName(builds.has(fitted) ? `${fitted}-group` : fitted, taken);
    renamed.set(name, other);
    const why = builds.has(fitted) ? ': a name cannot mean a group and a build at once' : '';
    const effect =
      name === 'default' ? `; \`bake-ts run ${other}\` builds it, without a name it builds everything` : '';
    addNote(draft, `group "${name}" is renamed to "${other}"${why}${effect}`);
  }
  for (const [name, { description, comments, remark, computed }] of groups) {
    // In bake a group may have the name of a target; if it lists its own name, it means the target.
    const members = membersOf(name, groups).map((text) => {
      const isOther = text !== name && groups.has(text);
      return (isOther ? (renamed.get(text) ?? text) : undefined) ?? names.get(text) ?? literal(text);
    });
    draft.groups.push({
      name: renamed.get(name) ?? name,
      members,
      ...(computed === undefined ? {} : { computed }),
      ...(description === undefined ? {} : { description }),
      ...(comments === undefined ? {} : { comments }),
      ...(remark === undefined ? {} : { remark }),
    });
  }
}

/** Whether a group only contains the target of its own name, which then needs no group. */
function isItself(name: string, { members }: SourceGroup, names: ReadonlyMap<string, string>): boolean {
  return names.has(name) && members.length === 1 && members[0] === name;
}

/**
 * The members of a group; for a cycle of groups, the targets in it. `bake --print all` itself creates such a cycle if
 * `all` names `default`: it adds the requested names to `default`.
 */
function membersOf(name: string, groups: ReadonlyMap<string, SourceGroup>): readonly string[] {
  const written = groups.get(name)?.members ?? [];
  const targets = new Set<string>();
  const seen = new Set<string>();
  const collect = (group: string): void => {
    seen.add(group);
    for (const member of groups.get(group)?.members ?? []) {
      if (member === group || !groups.has(member)) targets.add(member);
      else if (!seen.has(member)) collect(member);
    }
  };
  for (const member of written)
    if (member !== name && groups.has(member) && !seen.has(member)) collect(member);
  return seen.has(name) ? [...targets] : written;
}

function defaultNote(count: number): string {
  return count === 1
    ? 'the group "default" is the build of that name'
    : 'the group "default" has only the build of that name and is omitted: `bake-ts run` then builds everything, `bake-ts run default` that build';
}
