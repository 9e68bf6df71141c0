/** Properties of bake's targets and groups that no key expresses: how they are selected, and their problems. */
import type { BakeDefinition, BakeTarget, BakeTargetHead, ResolvedTargets } from '../bake/mod.ts';
import { type Build, type Json, type Problem, problem, type Span } from '../model/mod.ts';
import { asksOnly, type ConvertedBuild } from '../targets/mod.ts';
import type { BakeMembers } from './bake-tree.ts';

/** See {@link traitsOf}. */
export interface BuildTraits extends Pick<Build, 'byNameOnly' | 'cautions' | 'isBake' | 'mistakes'> {
  readonly matrix?: { readonly name: string; readonly row: { readonly [axis: string]: Json } };
}

/** Names of matrices with the names of their rows. */
export function rowsOf({ targets, withoutRows }: BakeDefinition): ReadonlyMap<string, readonly string[]> {
  const rows = new Map<string, string[]>();
  for (const name of withoutRows) if (!targets.has(name)) rows.set(name, []);
  for (const { name, matrix } of targets.values()) {
    if (matrix === undefined || matrix.name === name) continue;
    const known = rows.get(matrix.name);
    if (known === undefined) rows.set(matrix.name, [name]);
    else known.push(name);
  }
  return rows;
}

/**
 * The members of each group by bake's rules: a group that lists its own name means the target of that name. Groups that
 * only repeat a name, and targets that are not built, are left out.
 */
export function membersOf(
  definition: BakeDefinition,
  { targets, groups }: ResolvedTargets,
  matrices: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, BakeMembers> {
  const found = new Map<string, BakeMembers>();
  for (const [name, { description, place, warnings = [] }] of definition.groups) {
    const { targets: all, mistakes } = groups.get(name) ?? { targets: [], mistakes: [] };
    const members: string[] = [];
    const left: string[] = [];
    for (const one of all) {
      const target = targets.get(one);
      if (target !== undefined && asksOnly(target)) left.push(one);
      else if (definition.targets.has(one)) members.push(one);
    }
    const wrong = [...mistakes, ...warnings, ...(left.length > 0 ? [leftOut(name, left, place)] : [])];
    const isRows = matrices.get(name)?.join('\0') === members.join('\0');
    const isItself = members.length === 1 && members[0] === name;
    if (wrong.length === 0 && (isRows || isItself)) continue;
    found.set(name, {
      members,
      ...(description === undefined ? {} : { description }),
      ...(place === undefined ? {} : { place }),
      ...(wrong.length === 0 ? {} : { mistakes: wrong }),
    });
  }
  return found;
}

function leftOut(group: string, names: readonly string[], span: Span | undefined): Problem {
  const shown = names.map((one) => `\`${one}\``).join(' and ');
  return problem(
    'bake/unsupported',
    `The group \`${group}\` is built without ${shown}, which only ${names.length === 1 ? 'queries' : 'query'} the frontend (\`call\`)`,
    {
      severity: 'warning',
      hint: `To check Dockerfiles, run bake-ts lint ${names.join(' ')}.`,
      ...(span === undefined ? {} : { span }),
    },
  );
}

/** Keys that show that a target is an image and not only a base for others. */
const SOURCES = ['context', 'dockerfile', 'dockerfile-inline', 'target'] as const;

/** Further properties of each target. */
export function traitsOf(
  definition: BakeDefinition,
  { targets, mistakes }: ResolvedTargets,
  converted: ReadonlyMap<string, ConvertedBuild>,
): ReadonlyMap<string, BuildTraits> {
  const hidden = findHidden(definition, targets);
  const traits = new Map<string, BuildTraits>();
  for (const [name, { matrix }] of definition.targets) {
    const byNameOnly = hidden.get(name);
    const cautions = converted.get(name)?.cautions ?? [];
    const wrong = [...(mistakes.get(name) ?? []), ...warningsOf(name, definition)];
    traits.set(name, {
      isBake: true,
      ...(matrix === undefined ? {} : { matrix }),
      ...(byNameOnly === undefined ? {} : { byNameOnly }),
      ...(cautions.length === 0 ? {} : { cautions }),
      ...(wrong.length === 0 ? {} : { mistakes: wrong }),
    });
  }
  return traits;
}

/** Targets that patterns do not select, and why. */
function findHidden(
  definition: BakeDefinition,
  targets: ReadonlyMap<string, BakeTarget>,
): ReadonlyMap<string, NonNullable<Build['byNameOnly']>> {
  const parents = new Set([...definition.targets.values()].flatMap(({ inherits }) => inherits));
  const used = new Set(['default', ...[...definition.groups.values()].flatMap((group) => group.targets)]);
  for (const { values } of targets.values())
    for (const source of Object.values(values.contexts ?? {})) used.add(source.replace(/^target:/, ''));
  const isOwn = createOwnTags(targets);
  const reasonOf = ({ name, matrix }: BakeTargetHead): Build['byNameOnly'] => {
    if (used.has(name) || (matrix !== undefined && used.has(matrix.name) && !name.startsWith('_')))
      return undefined;
    const target = targets.get(name);
    if (target !== undefined && asksOnly(target)) return 'call';
    if (name.startsWith('_')) return 'private';
    const isBare = target === undefined || SOURCES.every((key) => !target.places.has(key));
    return parents.has(name) && isBare && !isOwn(target) ? 'parent' : undefined;
  };
  const hidden = new Map<string, NonNullable<Build['byNameOnly']>>();
  for (const head of definition.targets.values()) {
    const reason = reasonOf(head);
    if (reason !== undefined) hidden.set(head.name, reason);
  }
  // Parents in a cycle are not parents of other targets.
  if (hidden.size === definition.targets.size)
    for (const [name, reason] of hidden) if (reason === 'parent') hidden.delete(name);
  return hidden;
}

/** Whether a target has tags that no other target has; tags that its children share do not count. */
function createOwnTags(
  targets: ReadonlyMap<string, BakeTarget>,
): (target: BakeTarget | undefined) => boolean {
  const counts = new Map<string, number>();
  for (const { values } of targets.values())
    for (const tag of values.tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return (target) => {
    const tags = target?.values.tags ?? [];
    return tags.length > 0 && tags.every((tag) => counts.get(tag) === 1);
  };
}

/** Maximum number of warnings for one target. */
const MOST_WARNINGS = 20;

/** What bake ignores in a target, and in those that it inherits from. */
function warningsOf(name: string, { targets }: BakeDefinition): readonly Problem[] {
  const found: Problem[] = [];
  const names = new Set([name]);
  for (const one of names) {
    const head = targets.get(one);
    found.push(...(head?.warnings ?? []));
    if (found.length >= MOST_WARNINGS) break;
    for (const parent of head?.inherits ?? []) names.add(parent);
  }
  return found;
}
