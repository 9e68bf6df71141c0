/** From what the files say to what is asked for (buildx bake/bake.go, `ReadTargets`). */
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import { applyOverrides } from './apply-overrides.ts';
import { checkDraft } from './checks.ts';
import type { Config } from './config.ts';
import type { ResolveBakeOptions } from './definition.ts';
import { type Draft, emptyDraft, mergeDraft, normalizeDraft } from './draft.ts';
import { finishTarget } from './finish.ts';
import { sortedNames } from './go-text.ts';
import { compilePattern, isPattern } from './match.ts';
import { type Overrides, readOverrides } from './overrides.ts';
import { rebaseContext } from './rebase.ts';
import { itemsOf, sliceOf } from './slice.ts';
import type { BakeGroup, BakeResult, BakeTarget } from './target.ts';

/** No target inherits over so many others; deeper is a mistake, or meant to exhaust the stack. */
const DEEPEST = 200;
/** Entries of `policy`, which are never put together: parents that name a parent twice double them. */
const MOST_POLICIES = 10_000;

/** Resolves what is asked for. All problems are given at once. */
export function resolveConfig(config: Config, options: ResolveBakeOptions): Result<BakeResult> {
  const overrides = readOverrides(options.overrides, [...config.targets.keys()], config.lookup);
  const asked = matchNames(config, options.targets.length === 0 ? ['default'] : options.targets);
  if (!asked.ok || !overrides.ok)
    return fail([...(asked.ok ? [] : asked.error), ...(overrides.ok ? [] : overrides.error)]);
  const resolver = new Resolver(config, overrides.value);
  const groups = new Map<string, BakeGroup>();
  for (const name of asked.value) {
    const expanded = expandGroup(config, name, new Map());
    for (const target of expanded.targets) resolver.add(target, expanded.namedBy.get(target));
    for (const group of expanded.groups) {
      const found = config.groups.find((one) => one.name === group);
      if (found !== undefined) groups.set(group, found);
    }
  }
  addDefault(groups, asked.value);
  const names = sortedNames(resolver.drafts.keys());
  for (const name of names) resolver.link(name);
  if (resolver.problems.length > 0) return fail(distinct(resolver.problems));
  const targets = new Map<string, BakeTarget>();
  const problems: Problem[] = [];
  for (const name of sortedNames(resolver.drafts.keys())) {
    const draft = resolver.drafts.get(name) as Draft;
    addSourceDateEpoch(draft, config.sourceDateEpoch);
    problems.push(...checkDraft(draft));
  }
  if (problems.length > 0) return fail(problems);
  // Once all of them are looked at, since entries that they share may change by it.
  for (const name of sortedNames(resolver.drafts.keys())) {
    const draft = resolver.drafts.get(name) as Draft;
    targets.set(name, finishTarget(draft, resolver.linked.has(name)));
  }
  return ok({
    targets,
    groups: new Map(sortedNames(groups.keys()).map((name) => [name, groups.get(name) as BakeGroup])),
  });
}

/** One problem may be met on several ways. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ message }) => !seen.has(message) && seen.add(message));
}

/** Dots of names are underscores, as in targets of Compose files. */
function matchNames(config: Config, names: readonly string[]): Result<readonly string[]> {
  const matched = new Set<string>();
  const problems: Problem[] = [];
  const known = [...config.groups.map(({ name }) => name), ...config.targets.keys()];
  for (const raw of names) {
    const name = raw.replaceAll('.', '_');
    if (!isPattern(name)) {
      matched.add(name);
      continue;
    }
    const matches = compilePattern(name);
    const found = matches === undefined ? [] : known.filter(matches);
    for (const one of found) matched.add(one);
    if (found.length === 0)
      problems.push(problem('bake/unknown-name', `No target or group matches "${raw}"`));
  }
  return problems.length > 0 ? fail(problems) : ok([...matched]);
}

interface Expanded {
  readonly targets: readonly string[];
  readonly groups: readonly string[];
  /** The group that has the target. */
  readonly namedBy: ReadonlyMap<string, BakeGroup>;
}

/** The targets of a group and of those in it; the name of a target stands for itself. A group on its way into itself is a name. */
function expandGroup(config: Config, name: string, known: Map<string, Expanded>): Expanded {
  const before = known.get(name);
  if (before !== undefined) return before;
  const group = config.groups.find((one) => one.name === name);
  if (group === undefined) return { targets: [name], groups: [], namedBy: new Map() };
  known.set(name, { targets: [], groups: [], namedBy: new Map() });
  const targets = new Set<string>();
  const groups = new Set([name]);
  const namedBy = new Map<string, BakeGroup>();
  for (const member of group.targets) {
    const inner = expandGroup(config, member, known);
    for (const target of inner.targets.length > 0 ? inner.targets : [member]) {
      if (!namedBy.has(target)) namedBy.set(target, inner.namedBy.get(target) ?? group);
      targets.add(target);
    }
    for (const one of inner.groups) groups.add(one);
  }
  const expanded = { targets: [...targets], groups: [...groups], namedBy };
  known.set(name, expanded);
  return expanded;
}

/** What is asked for is the group `default` of the result, along with what a group of that name has. */
function addDefault(groups: Map<string, BakeGroup>, asked: readonly string[]): void {
  for (const name of asked) {
    const group = groups.get('default');
    if (group !== undefined && name === 'default') continue;
    groups.set('default', { name: 'default', ...group, targets: [...(group?.targets ?? []), name] });
  }
  const group = groups.get('default');
  if (group !== undefined) groups.set('default', { ...group, targets: sortedNames(new Set(group.targets)) });
}

function addSourceDateEpoch(draft: Draft, epoch: string | undefined): void {
  const { args } = draft.values;
  if (epoch === undefined || epoch === '' || args?.has('SOURCE_DATE_EPOCH') === true) return;
  draft.values.args = new Map([...(args ?? []), ['SOURCE_DATE_EPOCH', epoch]]);
}

/** Puts targets together; each on its own, since an override of a parent may have changed what both have. */
class Resolver {
  readonly drafts = new Map<string, Draft>();
  readonly linked = new Set<string>();
  readonly problems: Problem[] = [];
  readonly #config: Config;
  readonly #overrides: Overrides;
  readonly #walked = new Set<string>();

  constructor(config: Config, overrides: Overrides) {
    this.#config = config;
    this.#overrides = overrides;
  }

  /** @param group the one that has the target */
  add(name: string, group?: BakeGroup): Draft | undefined {
    const draft = this.#target(name, new Map(), 0, group);
    if (draft === undefined) return undefined;
    const { values, bases } = draft;
    if (values.context === undefined)
      values.context = bases.usesOwn === true ? rebaseContext(bases.own ?? '', '.') : '.';
    if (values.dockerfile === undefined || values.dockerfile === '') values.dockerfile = 'Dockerfile';
    this.drafts.set(name, draft);
    return draft;
  }

  /** A target with its parents. A target that is its own parent does not count for one. */
  #target(
    name: string,
    visited: Map<string, Draft | undefined>,
    depth: number,
    from: Draft | BakeGroup | undefined,
  ): Draft | undefined {
    if (visited.has(name)) return visited.get(name);
    visited.set(name, undefined);
    const own = this.#config.targets.get(name);
    if (own === undefined || depth > DEEPEST) {
      this.problems.push(own === undefined ? this.#unknown(name, from) : tooDeep(own));
      return undefined;
    }
    const parents = emptyDraft(name);
    for (const parent of own.inherits) {
      const draft = this.#target(parent, visited, depth + 1, own);
      if (draft !== undefined) mergeDraft(parents, draft);
    }
    const draft = emptyDraft(name, own.place);
    mergeDraft(draft, parents);
    mergeDraft(draft, own);
    const overrides = this.#overrides.get(name);
    if (overrides !== undefined) this.problems.push(...applyOverrides(draft, overrides));
    normalizeDraft(draft);
    // They are in it now; kept, those of parents that are named twice would double at each level.
    draft.inherits = [];
    if ((draft.values.policy?.length ?? 0) > MOST_POLICIES) {
      this.problems.push(problem('bake/target', `Target "${name}" has more than ${MOST_POLICIES} policies`));
      return undefined;
    }
    visited.set(name, draft);
    return draft;
  }

  #unknown(name: string, from: Draft | BakeGroup | undefined): Problem {
    const { groups, targets } = this.#config;
    const place = from?.place === undefined ? {} : { span: from.place };
    const inner = groups.find((group) => group.name === name);
    if (inner !== undefined && (from === undefined || 'targets' in from)) {
      if (inner.targets.length > 0)
        return problem('bake/cycle', `Group "${name}" contains itself`, {
          ...(inner.place === undefined ? {} : { span: inner.place }),
        });
      return problem(
        'bake/target',
        `Group "${name}" is empty, and cannot be a part of group "${from?.name ?? name}"`,
        place,
      );
    }
    const known = [...targets.keys(), ...groups.map((group) => group.name)];
    const near = didYouMean(name, known);
    const hint =
      near ?? (known.length > 0 && known.length <= 20 ? `There are ${known.join(', ')}.` : undefined);
    const missing = 'and there is no such target';
    let message = `There is no target "${name}"`;
    if (from !== undefined)
      message = `${'targets' in from ? 'Group' : 'Target'} "${from.name}" ${'targets' in from ? 'names' : 'inherits from'} "${name}", ${missing}`;
    return problem('bake/unknown-name', message, { ...(hint === undefined ? {} : { hint }), ...place });
  }

  /** Adds the targets that contexts name (`target:NAME`), and gives entitlements of theirs to who names them. */
  link(name: string): void {
    this.#link(name, []);
  }

  #link(name: string, above: readonly string[]): void {
    const draft = this.drafts.get(name);
    if (draft === undefined || this.#walked.has(name)) return;
    const path = [...above, name];
    const { values } = draft;
    const span = draft.places.get('contexts') ?? draft.place;
    const place = span === undefined ? {} : { span };
    const contexts = values.contexts ?? new Map<string, string>();
    for (const context of sortedNames(contexts.keys())) {
      const target = contexts.get(context) ?? '';
      if (!target.startsWith('target:')) continue;
      const other = target.slice('target:'.length);
      if (path.includes(other) || path.length > DEEPEST) {
        const way = [...path.slice(path.indexOf(other)), other].map((one) => `"${one}"`).join(' → ');
        this.problems.push(
          problem('bake/cycle', `Contexts of targets lead back to where they started: ${way}`, place),
        );
        continue;
      }
      const linked = this.drafts.get(other) ?? this.#addLinked(other, name, place);
      if (linked === undefined) continue;
      this.#link(other, path);
      const entitlements = new Set([...(values.entitlements ?? []), ...(linked.values.entitlements ?? [])]);
      if (entitlements.size > 0) values.entitlements = [...entitlements];
      const mine = itemsOf(values.platforms);
      const theirs = itemsOf(linked.values.platforms);
      if (mine.length > 1 && theirs.length > 1 && !mine.every((platform) => theirs.includes(platform)))
        this.problems.push(
          problem(
            'bake/target',
            `Target "${name}" is built for ${mine.join(', ')}, and "${other}", which it reads, only for ${theirs.join(', ')}`,
            { hint: `Build "${other}" for all platforms of "${name}".`, ...place },
          ),
        );
    }
    this.#walked.add(name);
  }

  #addLinked(name: string, from: string, place: Partial<Problem>): Draft | undefined {
    if (!this.#config.targets.has(name)) {
      const hint = didYouMean(name, this.#config.targets.keys());
      this.problems.push(
        problem('bake/unknown-name', `Target "${from}" reads target "${name}", and there is no such target`, {
          ...(hint === undefined ? {} : { hint }),
          ...place,
        }),
      );
      return undefined;
    }
    const draft = this.add(name);
    if (draft === undefined) return undefined;
    draft.values.output = sliceOf([{ type: 'cacheonly', attributes: new Map(), destination: '' }]);
    draft.places.delete('output');
    this.linked.add(name);
    return draft;
  }
}

function tooDeep(draft: Draft): Problem {
  return problem('bake/target', `Target "${draft.name}" is inherited over more than ${DEEPEST} others`, {
    ...(draft.place === undefined ? {} : { span: draft.place }),
  });
}
