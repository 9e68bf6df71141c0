/**
 * Resolves what the user typed to builds: names of builds, matrix builds and groups, globs, `!` negation, and slices of
 * matrices.
 */
import {
  type Build,
  type BuildSet,
  fail,
  type Group,
  ok,
  type Problem,
  problem,
  type Result,
} from '../model/mod.ts';
import { compileGlob, isGlob } from '../util/glob.ts';
import { suggest } from '../util/suggest.ts';

/** What to plan. */
export interface Selection {
  /**
   * Patterns in the given order. If empty: the group (or build) `default` if it exists, otherwise all builds. A pattern
   * that starts with `!` removes builds from what the patterns before it selected (or from the default, if it is the
   * first).
   */
  readonly patterns: readonly string[];
  /** `axis=value`: keep only matrix rows with that value on that axis; several values for one axis are alternatives. */
  readonly filters?: readonly string[];
  /** Start from all builds, not from the default. */
  readonly whole?: boolean;
  /** Also select every build that needs a selected one. */
  readonly dependents?: boolean;
}

/**
 * Resolves patterns and filters to names of builds, in the order of the file.
 *
 * @returns the names, or one problem for each pattern or filter that matches nothing (`plan/unknown-build`,
 *   `plan/bad-filter`, `plan/empty-selection`), and problems of bake groups
 */
export function selectBuilds(set: BuildSet, selection: Selection): Result<ReadonlySet<string>> {
  const problems: Problem[] = [];
  let chosen = new Set<string>();
  if (startsFromDefault(selection))
    chosen = new Set(selection.whole === true ? namesOf(set) : defaultNames(set));
  const mistakes = groupsIn(set, selection).flatMap((group) => group.mistakes ?? []);
  const isWrong = mistakes.some(({ severity }) => severity === 'error');
  for (const pattern of selection.patterns) {
    const negated = pattern.startsWith('!');
    const names = expandPattern(set, negated ? pattern.slice(1) : pattern);
    if (names.length === 0) {
      const word = negated ? pattern.slice(1) : pattern;
      // An existing group may be empty, and an existing target may build nothing.
      const isKnown =
        set.groups.has(word) || set.matrices.has(word) || (isGlob(word) && hiddenBy(set, word).length > 0);
      if (!isKnown) problems.push(unknownBuild(set, pattern));
      continue;
    }
    for (const name of names) {
      if (negated) chosen.delete(name);
      else chosen.add(name);
    }
  }
  const kept = applyFilters(set, chosen, selection.filters ?? [], problems);
  if (problems.length > 0 || isWrong) return fail([...problems, ...mistakes]);
  if (kept.size === 0) return fail([emptySelection(set, selection), ...mistakes]);
  const ordered = new Set<string>();
  for (const name of set.builds.keys()) if (kept.has(name)) ordered.add(name);
  return ok(ordered);
}

function startsFromDefault({ patterns }: Selection): boolean {
  return patterns[0] === undefined || patterns[0].startsWith('!');
}

/** Groups that a selection names or means by default. */
function groupsIn(set: BuildSet, selection: Selection): readonly Group[] {
  const found = new Set<Group>();
  const byDefault = set.groups.get('default');
  if (byDefault !== undefined && selection.whole !== true && startsFromDefault(selection))
    found.add(byDefault);
  for (const pattern of selection.patterns) {
    if (pattern.startsWith('!')) continue;
    const group = set.groups.get(pattern);
    if (group !== undefined) found.add(group);
    else if (isGlob(pattern) && !set.builds.has(pattern) && !set.matrices.has(pattern)) {
      const matches = compileGlob(pattern);
      for (const [name, one] of set.groups) if (matches(name)) found.add(one);
    }
  }
  return [...found];
}

/**
 * Warnings about a valid selection: what bake groups leave out, and names that match a pattern but are only selected by
 * name.
 */
export function findLeftOut(
  set: BuildSet,
  selection: Selection,
  selected: ReadonlySet<string>,
): readonly Problem[] {
  const globs = selection.patterns.filter((one) => isGlob(one) && !one.startsWith('!'));
  return [
    ...groupsIn(set, selection).flatMap((group) => group.mistakes ?? []),
    ...globs.flatMap((pattern): readonly Problem[] => {
      const left = hiddenBy(set, pattern).filter(({ name }) => !selected.has(name));
      return left.length === 0 ? [] : [leftOut(pattern, left)];
    }),
  ];
}

const WHY: Readonly<Record<NonNullable<Build['byNameOnly']>, string>> = {
  parent: 'others inherit from it',
  private: 'its name begins with _',
  call: 'it only queries the frontend (`call`)',
};

function leftOut(pattern: string, builds: readonly Build[]): Problem {
  const [first] = builds as readonly [Build];
  const shown = builds
    .slice(0, 5)
    .map(({ name, byNameOnly = 'parent' }) => `\`${name}\` (${WHY[byNameOnly]})`)
    .join(', ');
  const more = builds.length > 5 ? ` and ${builds.length - 5} more` : '';
  return problem('plan/left-out', `\`${pattern}\` leaves out ${shown}${more}`, {
    severity: 'warning',
    hint: `To build it, give its name: \`${first.name}\`.`,
  });
}

function emptySelection({ builds, matrices }: BuildSet, { patterns }: Selection): Problem {
  const bare = patterns.find((pattern) => matrices.get(pattern)?.length === 0);
  const asking = [...builds.values()].filter(({ byNameOnly }) => byNameOnly === 'call').slice(0, 5);
  const names = asking.map(({ name }) => name).join(' ');
  return problem('plan/empty-selection', 'no build is selected', {
    hint:
      bare !== undefined
        ? `Check the matrix of \`${bare}\`: it has no rows.`
        : builds.size === 0
          ? 'Add a build under `builds:`.'
          : asking.length > 0
            ? `To check the Dockerfile, run bake-ts lint ${names}: targets with \`call\` build nothing.`
            : `Name a build or a group; \`bake-ts list\` shows all ${builds.size}.`,
  });
}

/** The default selection: the group `default`, otherwise a build of that name (as in bake), otherwise everything. */
function defaultNames(set: BuildSet): readonly string[] {
  const group = set.groups.get('default');
  if (group !== undefined) return group.builds;
  if (set.builds.has('default')) return ['default'];
  return set.matrices.get('default') ?? namesOf(set);
}

/** All builds that "everything" selects. */
function namesOf({ builds }: BuildSet): readonly string[] {
  return [...builds.values()].flatMap(({ name, byNameOnly }) => (byNameOnly === undefined ? [name] : []));
}

function expandPattern(set: BuildSet, pattern: string): readonly string[] {
  // Only bake allows a group and a target with the same name; it then means the group.
  const group = set.groups.get(pattern);
  if (group !== undefined) return group.builds;
  if (set.builds.has(pattern)) return [pattern];
  const rows = set.matrices.get(pattern);
  if (rows !== undefined) return rows;
  if (pattern === 'default') return defaultNames(set);
  if (!isGlob(pattern)) return [];
  const matches = compileGlob(pattern);
  const found = new Set<string>();
  for (const name of namesOf(set)) if (matches(name)) found.add(name);
  for (const [name, rowNames] of set.matrices) if (matches(name)) for (const row of rowNames) found.add(row);
  for (const [name, members] of set.groups) {
    if (matches(name)) for (const member of members.builds) found.add(member);
  }
  if (found.size > 0) return [...found];
  // If a pattern matches nothing else, it selects these.
  return hiddenBy(set, pattern).flatMap(({ name, byNameOnly }) => (byNameOnly === 'call' ? [] : [name]));
}

/** Builds that match a pattern but are only selected by name. */
function hiddenBy({ builds }: BuildSet, pattern: string): readonly Build[] {
  const matches = compileGlob(pattern);
  return [...builds.values()].filter(({ name, byNameOnly }) => byNameOnly !== undefined && matches(name));
}

function unknownBuild(set: BuildSet, pattern: string): Problem {
  const word = pattern.startsWith('!') ? pattern.slice(1) : pattern;
  const candidates = [...set.builds.keys(), ...set.matrices.keys(), ...set.groups.keys()];
  const near = suggest(word, candidates);
  const nothing = isGlob(word) ? 'matches no build or group' : 'is not a build, matrix build or group';
  const isRemote = /^(?:https?|git|ssh):\/\/|^git@|^github\.com\//.test(word);
  return problem('plan/unknown-build', `\`${word}\` ${nothing}`, {
    hint: isRemote
      ? 'Clone it and run bake-ts inside: files are read from this machine only.'
      : near === undefined
        ? 'See `bake-ts list` for the names.'
        : `Did you mean \`${near}\`?`,
  });
}

function applyFilters(
  set: BuildSet,
  chosen: ReadonlySet<string>,
  filters: readonly string[],
  problems: Problem[],
): ReadonlySet<string> {
  if (filters.length === 0) return chosen;
  const wanted = new Map<string, Set<string>>();
  for (const filter of filters) {
    const equals = filter.indexOf('=');
    if (equals < 1) {
      problems.push(
        problem('plan/bad-filter', `The filter \`${filter}\` is not of the form AXIS=VALUE`, {
          hint: 'Write for example `python=3.13`.',
        }),
      );
      continue;
    }
    const axis = filter.slice(0, equals);
    const values = wanted.get(axis) ?? new Set();
    values.add(filter.slice(equals + 1));
    wanted.set(axis, values);
  }
  const axes = new Map<string, Set<string>>();
  for (const build of set.builds.values()) {
    for (const [axis, value] of Object.entries(build.matrix?.row ?? {})) {
      const seen = axes.get(axis) ?? new Set();
      seen.add(axisText(value));
      axes.set(axis, seen);
    }
  }
  for (const [axis, values] of wanted) {
    const known = axes.get(axis);
    if (known === undefined) {
      const near = suggest(axis, [...axes.keys()]);
      problems.push(
        problem('plan/bad-filter', `no matrix has an axis \`${axis}\``, {
          hint:
            near === undefined
              ? `Axes: ${[...axes.keys()].join(', ') || 'none'}.`
              : `Did you mean \`${near}\`?`,
        }),
      );
      continue;
    }
    for (const value of values) {
      if (known.has(value)) continue;
      problems.push(
        problem('plan/bad-filter', `no row has \`${value}\` on the axis \`${axis}\``, {
          hint: `Values: ${[...known].join(', ')}.`,
        }),
      );
    }
  }
  const kept = new Set<string>();
  for (const name of chosen) {
    const row = set.builds.get(name)?.matrix?.row;
    if (row === undefined) continue;
    const fits = [...wanted].every(([axis, values]) => {
      const value = row[axis];
      return value !== undefined && values.has(axisText(value));
    });
    if (fits) kept.add(name);
  }
  return kept;
}

/** An axis of objects is filtered by `name` or by its whole JSON. */
function axisText(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'name' in value) return String(value.name);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
