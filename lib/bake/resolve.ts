/** Resolves the requested targets (buildx bake/bake.go, `ReadTargets`). */
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import { checkDraft } from './checks.ts';
import type { Config } from './config.ts';
import type { ResolveBakeOptions } from './definition.ts';
import type { Draft } from './draft.ts';
import { finishTarget } from './finish.ts';
import { sortedNames } from './go-text.ts';
import { expandAll, expandGroup, MOST_MEMBERS } from './groups.ts';
import { compilePattern, isPattern } from './match.ts';
import { readOverrides } from './overrides.ts';
import { Resolver } from './resolver.ts';
import type { BakeGroup, BakeResult, BakeTarget, ResolvedGroup, ResolvedTargets } from './target.ts';

/** Maximum number of problems of one group. */
const MOST_PROBLEMS = 100;

/** Resolves what is requested. All problems are returned at once. */
export function resolveConfig(config: Config, options: ResolveBakeOptions): Result<BakeResult> {
  const overrides = readOverrides(options.overrides, [...config.targets.keys()], config.lookup);
  const asked = matchNames(config, options.targets);
  if (!asked.ok || !overrides.ok)
    return fail([...(asked.ok ? [] : asked.error), ...(overrides.ok ? [] : overrides.error)]);
  const known = firstOfEach(config.groups);
  const resolver = new Resolver(config, known, overrides.value);
  const groups = new Map<string, BakeGroup>();
  for (const name of asked.value) {
    const expanded = expandGroup(known, name);
    for (const target of expanded.targets) resolver.add(target, expanded.namedBy.get(target));
    for (const group of expanded.groups) {
      const found = known.get(group);
      if (found !== undefined) groups.set(group, found);
    }
  }
  addDefault(groups, asked.value);
  linkAll(resolver);
  if (resolver.problems.size > 0) return fail(distinct([...resolver.problems.values()].flat()));
  const { targets, mistakes } = finishAll(resolver, config);
  if (mistakes.size > 0) return fail([...mistakes.values()].flat());
  return ok({
    targets,
    groups: new Map(sortedNames(groups.keys()).map((name) => [name, groups.get(name) as BakeGroup])),
  });
}

/**
 * Resolves every target separately, so that problems of one do not affect others. Problems of the overrides themselves
 * affect all.
 */
export function resolveEach(config: Config, texts: readonly string[]): Result<ResolvedTargets> {
  const overrides = readOverrides(texts, [...config.targets.keys()], config.lookup);
  if (!overrides.ok) return overrides;
  const known = firstOfEach(config.groups);
  const resolver = new Resolver(config, known, overrides.value);
  const mistakesIn = (name: string, targets: readonly string[]): readonly Problem[] => {
    const unknown = targets.filter((target) => !config.targets.has(target));
    if (unknown.length === 0) return [];
    const { namedBy } = expandGroup(known, name);
    return unknown.slice(0, MOST_PROBLEMS).map((target) => resolver.unknown(target, namedBy.get(target)));
  };
  const groups = new Map<string, ResolvedGroup>();
  const expanded = expandAll(known);
  for (const [name, group] of known) {
    const found = expanded.get(name);
    if (found === undefined) groups.set(name, { targets: [], mistakes: [tooMany(group)] });
    else groups.set(name, { targets: found, mistakes: mistakesIn(name, found) });
  }
  for (const name of config.targets.keys()) {
    // A name of both a group and a target means the group.
    for (const target of groups.get(name)?.targets ?? [name])
      if (config.targets.has(target) && !resolver.drafts.has(target)) resolver.add(target);
  }
  linkAll(resolver);
  return ok({ ...finishAll(resolver, config), groups });
}

function tooMany({ name, place }: BakeGroup): Problem {
  return problem('bake/target', `Groups contain one another too often: "${name}" is not expanded`, {
    hint: `All groups together may expand to ${MOST_MEMBERS.toLocaleString('en')} names.`,
    ...(place === undefined ? {} : { span: place }),
  });
}

function linkAll(resolver: Resolver): void {
  for (const name of sortedNames(resolver.drafts.keys())) resolver.link(name);
}

function finishAll(
  { drafts, linked, problems }: Resolver,
  { sourceDateEpoch }: Config,
): Pick<ResolvedTargets, 'targets' | 'mistakes'> {
  const mistakes = new Map<string, Problem[]>(problems);
  const names = sortedNames(drafts.keys());
  for (const name of names) {
    const draft = drafts.get(name) as Draft;
    addSourceDateEpoch(draft, sourceDateEpoch);
    const found = checkDraft(draft);
    if (found.length > 0) mistakes.set(name, [...(mistakes.get(name) ?? []), ...found]);
  }
  const targets = new Map<string, BakeTarget>();
  // After all were processed, since shared entries may be changed meanwhile.
  for (const name of names) targets.set(name, finishTarget(drafts.get(name) as Draft, linked.has(name)));
  return { targets, mistakes };
}

function firstOfEach(groups: readonly BakeGroup[]): ReadonlyMap<string, BakeGroup> {
  const first = new Map<string, BakeGroup>();
  for (const group of groups) if (!first.has(group.name)) first.set(group.name, group);
  return first;
}

/** One problem may be found in several ways. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ message }) => !seen.has(message) && seen.add(message));
}

/** Dots in names become underscores, as for targets of Compose files. Without names, `default`, which must exist. */
function matchNames(config: Config, names: readonly string[]): Result<readonly string[]> {
  const known = [...config.groups.map(({ name }) => name), ...config.targets.keys()];
  if (names.length === 0) return known.includes('default') ? ok(['default']) : fail([nobodyNamed(known)]);
  const matched = new Set<string>();
  const problems: Problem[] = [];
  for (const raw of names) {
    const name = raw.replaceAll('.', '_');
    if (!isPattern(name)) {
      matched.add(name);
      continue;
    }
    const matches = compilePattern(name);
    const found = matches === undefined ? [] : known.filter(matches);
    for (const one of found) matched.add(one);
    if (found.length > 0) continue;
    const hint = didYouMean(raw, known);
    const rest = hint === undefined ? {} : { hint };
    problems.push(problem('bake/unknown-name', `No target or group matches "${raw}"`, rest));
  }
  return problems.length > 0 ? fail(problems) : ok([...matched]);
}

function nobodyNamed(known: readonly string[]): Problem {
  const names = [...new Set(known)];
  const more = names.length > 8 ? ` and ${names.length - 8} more` : '';
  return problem('bake/unknown-name', 'No target was given, and there is no group or target "default"', {
    hint:
      names.length === 0
        ? 'Add a target to the files.'
        : `Name one or more of: ${names.slice(0, 8).join(', ')}${more}.`,
  });
}

/** The requested names become the group `default` of the result, in addition to the members of an existing one. */
function addDefault(groups: Map<string, BakeGroup>, asked: readonly string[]): void {
  const group = groups.get('default');
  const more = asked.filter((name, at) => name !== 'default' || (group === undefined && at === 0));
  const targets = new Set([...(group?.targets ?? []), ...more]);
  if (group !== undefined || more.length > 0)
    groups.set('default', { name: 'default', ...group, targets: sortedNames(targets) });
}

function addSourceDateEpoch(draft: Draft, epoch: string | undefined): void {
  const { args } = draft.values;
  if (epoch === undefined || epoch === '' || args?.has('SOURCE_DATE_EPOCH') === true) return;
  draft.values.args = new Map([...(args ?? []), ['SOURCE_DATE_EPOCH', epoch]]);
}
