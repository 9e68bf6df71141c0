/**
 * Problems in builds of bake files. Rows of a matrix and children of one parent may share a mistake: it is reported once.
 */
import { type Build, type BuildSet, type Problem, problem } from '../model/mod.ts';

/** Beyond these limits, only the numbers of further builds and problems are shown. */
const MOST_NAMES = 5;
const MOST_PROBLEMS = 200;

/**
 * Merges problems with the same place and code. If a build has several of them, the first is merged with the first of
 * other builds, and so on.
 *
 * @param found in any order, with the builds that they concern
 */
export function mergeAlike(found: readonly Problem[]): readonly Problem[] {
  const merged = new Map<string, { readonly found: Problem; readonly others: Set<string> }>();
  const counts = new Map<string, number>();
  for (const one of found) {
    const { code, message, span, build = '' } = one;
    const place = `${code} ${span === undefined ? message : `${span.source.path} ${span.start}`}`;
    const count = (counts.get(`${place} ${build}`) ?? 0) + 1;
    counts.set(`${place} ${build}`, count);
    const key = `${place} ${count}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { found: one, others: new Set() });
    else known.others.add(build);
  }
  const all = [...merged.values()].map(({ found: first, others }) => withOthers(first, [...others]));
  if (all.length <= MOST_PROBLEMS) return all;
  const rest = all.slice(MOST_PROBLEMS);
  const severity = rest.some((one) => one.severity === 'error') ? 'error' : 'warning';
  const more = problem('bake/target', `${rest.length} more problems of targets are not shown`, { severity });
  return [...all.slice(0, MOST_PROBLEMS), more];
}

function withOthers(found: Problem, others: readonly string[]): Problem {
  if (others.length === 0) return found;
  const shown = others.slice(0, MOST_NAMES).join(', ');
  const more = others.length > MOST_NAMES ? ` and ${others.length - MOST_NAMES} more` : '';
  const message = `${others.length + 1} builds have it: ${found.build ?? ''}, ${shown}${more}`;
  return { ...found, related: [...(found.related ?? []), { message }] };
}

/** {@link mergeAlike} for missing contexts, whose messages contain the name of the build. */
export function mergeMissingContexts(found: readonly Problem[]): readonly Problem[] {
  const isOne = ({ code }: Problem): boolean => code === 'context/missing';
  return [...mergeAlike(found.filter(isOne)), ...found.filter((one) => !isOne(one))];
}

/** The problems of a build, with its name. */
export function mistakesOf({ name, mistakes = [] }: Build): readonly Problem[] {
  return mistakes.map((one) => ({ build: name, ...one }));
}

/** The problems of all targets and groups of bake files, used or not. */
export function findMistakes({ builds, groups }: BuildSet): readonly Problem[] {
  return [
    ...mergeAlike([...builds.values()].flatMap(mistakesOf)),
    ...[...groups.values()].flatMap(({ mistakes = [] }) => mistakes),
  ];
}

/** The set without its problems, to find further ones. */
export function withoutMistakes(set: BuildSet): BuildSet {
  const bare = <T extends { readonly mistakes?: readonly Problem[] }>(of: ReadonlyMap<string, T>) =>
    new Map(
      [...of].map(([name, one]) => {
        const { mistakes: _, ...rest } = one;
        return [name, rest as T];
      }),
    );
  return { ...set, builds: bare(set.builds), groups: bare(set.groups) };
}
