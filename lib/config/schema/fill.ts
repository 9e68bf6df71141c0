/**
 * Makes a value ready for the check: scalars as the types that the schema names, missing values from its `default`s.
 * Where `anyOf` and the like leave open which schema counts, all that may count are asked for types, and none for defaults.
 */
import type { Json } from '../../model/mod.ts';
import { type Budget, OverBudget } from '../cel-budget.ts';
import type { Matcher } from '../regex.ts';
import { type Part, withSame } from './part.ts';
import { convert } from './types.ts';

/** Maps and lists within one another. */
const MAX_DEPTH = 100;
/** Maps, lists and scalars of a value. */
const MAX_VALUES = 200_000;

/** What filling needs. */
export interface Filling {
  readonly budget: Budget;
  readonly matches: Matcher;
}

interface State extends Filling {
  values: number;
}

/** The value as the schema has it; the one that is given stays as it is. @throws OverBudget, BadRegex */
export function fill(value: Json, root: Part, filling: Filling): Json {
  return fillValue(value, { may: [root], must: [root] }, { ...filling, values: 0 }, 0);
}

/** Parts about one value: those that may count, and those of them that do. */
interface About {
  readonly may: readonly Part[];
  readonly must: readonly Part[];
}

function fillValue(value: Json, about: About, state: State, depth: number): Json {
  if (depth > MAX_DEPTH) throw new OverBudget(`it is nested more than ${MAX_DEPTH} deep`);
  state.values++;
  if (state.values > MAX_VALUES)
    throw new OverBudget(`it has more than ${MAX_VALUES.toLocaleString('en')} values`);
  const may = withSame(about.may, false);
  const must = withSame(about.must, true);
  state.budget.spend(1 + may.length + must.length);
  if (Array.isArray(value)) return fillList(value as readonly Json[], { may, must }, state, depth);
  if (typeof value === 'object' && value !== null)
    return fillMap(value as { readonly [key: string]: Json }, { may, must }, state, depth);
  return convert(value, typesOf(may));
}

function typesOf(parts: readonly Part[]): ReadonlySet<string> {
  return new Set(parts.flatMap(({ types }) => types));
}

function fillList(list: readonly Json[], { may, must }: About, state: State, depth: number): Json {
  const about = (parts: readonly Part[], index: number) =>
    parts.flatMap(({ prefix, items, everyItem }) => {
      const own = prefix[index];
      return [...(own === undefined ? items : [own]), ...everyItem];
    });
  return list.map((item, index) =>
    fillValue(item, { may: about(may, index), must: about(must, index) }, state, depth + 1),
  );
}

function fillMap(
  map: { readonly [key: string]: Json },
  { may, must }: About,
  state: State,
  depth: number,
): Json {
  const given: Record<string, Json> = Object.create(null);
  for (const [key, value] of Object.entries(map)) {
    // To the language, a key with null is as if not written; to a schema it is where it has a word for null.
    const types = value === null ? typesOf(withSame(aboutKey(may, key, state), false)) : new Set();
    if (types.size === 0 || types.has('null')) given[key] = value;
  }
  for (const { properties } of must) {
    state.budget.spend(properties.size);
    for (const [key, { fallback }] of properties) {
      if (fallback !== undefined && !Object.hasOwn(given, key)) given[key] = fallback;
    }
  }
  for (const [key, value] of Object.entries(given)) {
    const about = { may: aboutKey(may, key, state), must: aboutKey(must, key, state) };
    given[key] = fillValue(value, about, state, depth + 1);
  }
  return given;
}

/** The parts about the value of a key. */
function aboutKey(parts: readonly Part[], key: string, { budget, matches }: State): readonly Part[] {
  return parts.flatMap(({ properties, patterns, others }) => {
    budget.spend(1 + patterns.size);
    const own = properties.get(key);
    const matched = [...patterns].filter(([pattern]) => matches(pattern, key)).map(([, part]) => part);
    const named = own === undefined ? matched : [own, ...matched];
    return named.length === 0 ? others : named;
  });
}
