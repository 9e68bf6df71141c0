/** Merges targets: parents, overrides, and targets that contexts refer to (buildx bake/bake.go, `ResolveTarget`). */
import { narrowSpan, type Problem, problem } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import { applyOverrides } from './apply-overrides.ts';
import type { Config } from './config.ts';
import { copyDraft, type Draft, emptyDraft, mergeDraft, normalizeDraft } from './draft.ts';
import { sortedNames } from './go-text.ts';
import { Lineage } from './lineage.ts';
import type { Overrides } from './overrides.ts';
import { rebaseContext } from './rebase.ts';
import { itemsOf, sliceOf } from './slice.ts';
import type { BakeGroup } from './target.ts';

/** Maximum length of a chain of contexts. */
const DEEPEST_LINK = 200;
/** Maximum number of `policy` entries. They are never merged, so a parent that is named twice doubles them. */
export const MOST_POLICIES = 10_000;
/** Maximum number of merges, for all targets together. */
const MOST_MERGES = 300_000;
/** Entries of lists and maps that take as long as one target. */
const ENTRIES_A_STEP = 4;
/** A problem of parents affects all their children: maximum number of problems of one target. */
const MOST_PROBLEMS = 100;
/** Suggestions compare a name with all others, and nobody reads more. */
const MOST_HINTS = 100;

/** A target merged with its parents, and their problems. */
interface Merged {
  readonly draft: Draft | undefined;
  readonly problems: readonly Problem[];
  /** It is the same for all children. */
  readonly isShared: boolean;
}

/** Merges targets. */
export class Resolver {
  readonly drafts: Map<string, Draft> = new Map();
  readonly linked: Set<string> = new Set();
  /** Problems by the target that was requested, or that refers to it. */
  readonly problems: Map<string, Problem[]> = new Map();
  readonly #config: Config;
  readonly #groups: ReadonlyMap<string, BakeGroup>;
  readonly #overrides: Overrides;
  readonly #lineage: Lineage;
  readonly #merged = new Map<string, Merged>();
  readonly #walked = new Set<string>();
  #hints = 0;
  #left = MOST_MERGES;

  /** @param groups by name */
  constructor(config: Config, groups: ReadonlyMap<string, BakeGroup>, overrides: Overrides) {
    this.#config = config;
    this.#groups = groups;
    this.#overrides = overrides;
    this.#lineage = new Lineage(config.targets);
  }

  /** @param group the group that contains the target */
  add(name: string, group?: BakeGroup): Draft | undefined {
    const { draft: merged, problems } = this.#merge(name, group);
    for (const one of problems) this.#report(name, one);
    if (merged === undefined) return undefined;
    const draft = copyDraft(merged);
    const { values, bases } = draft;
    if (values.context === undefined)
      values.context = bases.usesOwn === true ? rebaseContext(bases.own ?? '', '.') : '.';
    if (values.dockerfile === undefined || values.dockerfile === '') values.dockerfile = 'Dockerfile';
    this.drafts.set(name, draft);
    return draft;
  }

  #report(name: string, found: Problem): void {
    const known = this.problems.get(name);
    if (known === undefined) this.problems.set(name, [found]);
    else if (!known.some(({ message }) => message === found.message)) known.push(found);
  }

  #merge(name: string, from: BakeGroup | undefined): Merged {
    const tooDeep = this.#lineage.tooDeep(name);
    if (tooDeep !== undefined) return { draft: undefined, problems: [tooDeep], isShared: true };
    return this.#target(name, new Map<string, Merged>(), from);
  }

  /**
   * Whether the merged target can be shared between children. Bake merges parents separately for each target, which
   * matters if an override changes something that both have, if there is a cycle of parents, and if lists have spare
   * capacity, into which several targets write.
   */
  #isShared({ name, values }: Draft, parents: readonly Merged[]): boolean {
    return (
      this.#overrides.size === 0 &&
      parents.every(({ isShared }) => isShared) &&
      !this.#lineage.isCyclic(name) &&
      SLICES.every((key) => values[key] === undefined || values[key].length === values[key].capacity)
    );
  }

  /** A target with its parents. A target that is its own parent is ignored as a parent. */
  #target(name: string, visited: Map<string, Merged>, from: Draft | BakeGroup | undefined): Merged {
    const before = this.#merged.get(name) ?? visited.get(name);
    if (before !== undefined) return before;
    const own = this.#config.targets.get(name);
    if (own === undefined) return { draft: undefined, problems: [this.unknown(name, from)], isShared: true };
    this.#left -= 1;
    if (this.#left < 0) return { draft: undefined, problems: [tooMany(own)], isShared: false };
    visited.set(name, NOTHING);
    const above: Merged[] = [];
    const problems = new Set<Problem>();
    const parents = emptyDraft(name);
    for (const parent of own.inherits) {
      const merged = this.#target(parent, visited, own);
      above.push(merged);
      for (const one of merged.problems) if (problems.size < MOST_PROBLEMS) problems.add(one);
      if (merged.draft !== undefined) mergeDraft(parents, merged.draft);
    }
    const draft = emptyDraft(name, own.place);
    mergeDraft(draft, parents);
    mergeDraft(draft, own);
    const overrides = this.#overrides.get(name);
    if (overrides !== undefined) for (const one of applyOverrides(draft, overrides)) problems.add(one);
    normalizeDraft(draft);
    // They are merged now; if kept, those of parents that are named twice would double at each level.
    draft.inherits = [];
    const isTooMuch = (draft.values.policy?.length ?? 0) > MOST_POLICIES;
    if (isTooMuch) {
      const place = own.place === undefined ? {} : { span: own.place };
      const message = `Target "${name}" has more than ${MOST_POLICIES} policies`;
      problems.add(problem('bake/target', message, place));
    }
    this.#left -= Math.floor(sizeOf(draft) / ENTRIES_A_STEP);
    const isShared = this.#isShared(draft, above);
    const merged: Merged = { draft: isTooMuch ? undefined : draft, problems: [...problems], isShared };
    (isShared ? this.#merged : visited).set(name, merged);
    return merged;
  }

  /** The problem of a name that no target has. */
  unknown(name: string, from: Draft | BakeGroup | undefined): Problem {
    const list = from?.listPlace ?? from?.place;
    const place =
      list === undefined ? {} : { span: this.#hints < MOST_HINTS ? narrowSpan(list, name) : list };
    const inner = this.#groups.get(name);
    if (inner !== undefined && (from === undefined || 'targets' in from)) {
      if (inner.targets.length > 0)
        return problem('bake/cycle', `Group "${name}" contains itself`, {
          ...(inner.place === undefined ? {} : { span: inner.place }),
        });
      return problem(
        'bake/target',
        `Group "${name}" is empty, so it cannot be a member of group "${from?.name ?? name}"`,
        place,
      );
    }
    const hint = this.#hintFor(name);
    const missing = 'which does not exist';
    let message = `There is no target "${name}"`;
    if (from !== undefined)
      message = `${'targets' in from ? 'Group' : 'Target'} "${from.name}" ${'targets' in from ? 'names' : 'inherits from'} "${name}", ${missing}`;
    return problem('bake/unknown-name', message, { ...(hint === undefined ? {} : { hint }), ...place });
  }

  #hintFor(name: string): string | undefined {
    this.#hints += 1;
    if (this.#hints > MOST_HINTS) return undefined;
    const known = [...this.#config.targets.keys(), ...this.#groups.keys()];
    return (
      didYouMean(name, known) ??
      (known.length > 0 && known.length <= 20 ? `Use one of ${[...new Set(known)].join(', ')}.` : undefined)
    );
  }

  /** Adds targets that contexts refer to (`target:NAME`), and passes their entitlements to the referring target. */
  link(name: string): void {
    this.#link(name, []);
  }

  #link(name: string, above: readonly string[]): void {
    const draft = this.drafts.get(name);
    if (draft === undefined || this.#walked.has(name)) return;
    const path = [...above, name];
    const { values } = draft;
    const span = draft.places.get('contexts') ?? draft.place;
    const contexts = values.contexts ?? new Map<string, string>();
    for (const context of sortedNames(contexts.keys())) {
      const target = contexts.get(context) ?? '';
      if (!target.startsWith('target:')) continue;
      const place = span === undefined ? {} : { span: narrowSpan(span, target) };
      const other = target.slice('target:'.length);
      if (path.includes(other) || path.length > DEEPEST_LINK) {
        this.#report(name, leadsBack(other, path, place));
        continue;
      }
      const linked = this.drafts.get(other) ?? this.#addLinked(other, name, place);
      if (linked === undefined) continue;
      this.#link(other, path);
      const entitlements = new Set([...(values.entitlements ?? []), ...(linked.values.entitlements ?? [])]);
      if (entitlements.size > 0) values.entitlements = [...entitlements];
      const mine = itemsOf(values.platforms);
      const theirs = new Set(itemsOf(linked.values.platforms));
      if (mine.length > 1 && theirs.size > 1 && !mine.every((platform) => theirs.has(platform)))
        this.#report(
          name,
          problem(
            'bake/target',
            `Target "${name}" is built for ${mine.join(', ')}, but its dependency "${other}" only for ${[...theirs].join(', ')}`,
            { hint: `Build "${other}" for all platforms of "${name}".`, ...place },
          ),
        );
    }
    this.#walked.add(name);
  }

  #addLinked(name: string, from: string, place: Partial<Problem>): Draft | undefined {
    if (!this.#config.targets.has(name)) {
      const hint = this.#hintFor(name);
      this.#report(
        from,
        problem('bake/unknown-name', `Target "${from}" reads target "${name}", which does not exist`, {
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

const NOTHING: Merged = { draft: undefined, problems: [], isShared: false };

function sizeOf({ values }: Draft): number {
  let size = 0;
  for (const key of SLICES) size += values[key]?.length ?? 0;
  for (const key of ['args', 'labels', 'contexts'] as const) size += values[key]?.size ?? 0;
  return size;
}

/** Lists to which bake may append in place. */
const SLICES = ['tags', 'cache-from', 'cache-to', 'platforms', 'output'] as const;

function tooMany({ name, place }: Draft): Problem {
  return problem('bake/target', `Targets inherit from too many others: "${name}" is not resolved`, {
    hint: `All targets together may inherit ${MOST_MERGES} times.`,
    ...(place === undefined ? {} : { span: place }),
  });
}

function leadsBack(other: string, path: readonly string[], place: Partial<Problem>): Problem {
  if (!path.includes(other))
    return problem(
      'bake/target',
      `Contexts refer to one another through more than ${DEEPEST_LINK} targets`,
      place,
    );
  const way = [...path.slice(path.indexOf(other)), other].map((one) => `"${one}"`).join(' → ');
  return problem('bake/cycle', `Contexts of targets form a cycle: ${way}`, place);
}
