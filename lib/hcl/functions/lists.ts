/** Functions of lists and tuples. */
import { convert, unify } from '../conversion.ts';
import { add, compareNumbers, toInt64, ZERO } from '../number.ts';
import { equalNumbers } from '../number-text.ts';
import { DYNAMIC, equalTypes, listType, NUMBER, STRING, typeName } from '../types.ts';
import type { FunctionResult, HclNumber, Type, Value } from '../value.ts';
import { boolValue, compareTexts, equalValues, listOf, numberValue, textValue, tupleOf } from '../values.ts';
import { type Definitions, done, failed, itemsOf, NOT_WHOLE, textOf, wholeOf } from './define.ts';
import { MINUS_ONE, ONE } from './numbers.ts';

const LIST = { name: 'list', type: DYNAMIC };
const ANY_LIST = { name: 'list', type: listType(DYNAMIC) };
const TEXTS = { name: 'list', type: listType(STRING) };

/** As many numbers `range` makes at most, in go-cty as well. */
const MOST_NUMBERS = 1024;

export const LIST_FUNCTIONS: Definitions = {
  chunklist: {
    parameters: [ANY_LIST, { name: 'size', type: NUMBER }],
    run: ([list, size]) => chunks(list as Value, wholeOf(size)),
  },
  coalescelist: {
    parameters: [],
    rest: { name: 'vals', type: DYNAMIC, nullable: true },
    run: (args) => {
      const wrong = args.findIndex(({ type }) => type.kind !== 'list' && type.kind !== 'tuple');
      if (wrong !== -1) return failed('a list or tuple is required', wrong);
      const first = args.find((arg) => arg.kind === 'sequence' && arg.items.length > 0);
      return first === undefined ? failed('no argument has an element') : done(first);
    },
  },
  compact: {
    parameters: [TEXTS],
    run: ([list]) =>
      done(
        listOf(
          STRING,
          itemsOf(list).filter((item) => item.kind === 'string' && item.value !== ''),
        ),
      ),
  },
  concat: { parameters: [], rest: { name: 'seqs', type: DYNAMIC }, run: concat },
  contains: {
    parameters: [LIST, { name: 'value', type: DYNAMIC }],
    run: ([list, value]) => {
      if (list?.kind !== 'sequence') return failed('a list, tuple or set is required', 0);
      return done(boolValue(list.items.some((item) => equalValues(item, value as Value))));
    },
  },
  distinct: {
    parameters: [ANY_LIST],
    run: ([list]) => {
      const kept: Value[] = [];
      for (const item of itemsOf(list)) if (!kept.some((one) => equalValues(one, item))) kept.push(item);
      return done(listOf(elementType(list), kept));
    },
  },
  element: {
    parameters: [LIST, { name: 'index', type: NUMBER }],
    run: ([list, index]) => {
      if (!isIndexed(list)) return failed(`it has no elements to choose from: ${nameOf(list)}`, 0);
      const whole = index?.kind === 'number' ? toInt64(index.value) : undefined;
      if (whole === undefined) return failed(NOT_WHOLE, 1);
      const items = itemsOf(list);
      if (items.length === 0) return failed('the list must not be empty', 0);
      const at = Number(whole % BigInt(items.length));
      return done(items[at < 0 ? at + items.length : at] as Value);
    },
  },
  flatten: {
    parameters: [LIST],
    run: ([list]) => {
      if (list?.kind !== 'sequence') return failed('a list, set or tuple is required', 0);
      return done(tupleOf(flat(list.items)));
    },
  },
  indexof: {
    parameters: [LIST, { name: 'value', type: DYNAMIC }],
    run: ([list, value]) => {
      if (!isIndexed(list)) return failed('a list or tuple is required', 0);
      const at = itemsOf(list).findIndex((item) => equalValues(item, value as Value));
      return at === -1 ? failed('the list has no such element') : done(numberValue(at));
    },
  },
  join: {
    parameters: [{ name: 'separator', type: STRING }],
    rest: { name: 'lists', type: listType(STRING) },
    run: ([separator, ...lists]) => {
      if (lists.length === 0) return failed('it needs at least one list');
      const missing = lists.findIndex((list) => itemsOf(list).some(({ kind }) => kind === 'null'));
      if (missing !== -1) return failed('an element is null, and null cannot be joined', missing + 1);
      return done(textValue(lists.flatMap((list) => itemsOf(list).map(textOf)).join(textOf(separator))));
    },
  },
  range: { parameters: [], rest: { name: 'params', type: NUMBER }, run: range },
  reverselist: {
    parameters: [LIST],
    run: ([list]) => {
      if (list?.kind !== 'sequence') return failed(`a list or tuple is required, not a ${nameOf(list)}`, 0);
      const items = list.items.toReversed();
      return done(list.type.kind === 'tuple' ? tupleOf(items) : listOf(elementType(list), items));
    },
  },
  slice: {
    parameters: [LIST, { name: 'start_index', type: NUMBER }, { name: 'end_index', type: NUMBER }],
    run: slice,
  },
  sort: {
    parameters: [TEXTS],
    run: ([list]) => {
      if (itemsOf(list).some(({ kind }) => kind === 'null'))
        return failed('an element is null, and null cannot be sorted', 0);
      return done(listOf(STRING, itemsOf(list).map(textOf).sort(compareTexts).map(textValue)));
    },
  },
};

function isIndexed(list: Value | undefined): boolean {
  return list?.kind === 'sequence' && list.type.kind !== 'set';
}

function nameOf(value: Value | undefined): string {
  return typeName(value?.type ?? DYNAMIC);
}

/** The type of the elements of a list, set or map. */
export function elementType(value: Value | undefined): Type {
  return value !== undefined && 'of' in value.type ? value.type.of : DYNAMIC;
}

function chunks(list: Value, size: number | undefined): FunctionResult {
  if (size === undefined) return failed(NOT_WHOLE, 1);
  if (size < 0) return failed('the size must not be negative', 1);
  const items = itemsOf(list);
  if (items.length === 0) return done(listOf(list.type, []));
  if (size === 0) return done(listOf(list.type, [list]));
  const parts: Value[] = [];
  for (let at = 0; at < items.length; at += size)
    parts.push(listOf(elementType(list), items.slice(at, at + size)));
  return done(listOf(list.type, parts));
}

function concat(args: readonly Value[]): FunctionResult {
  if (args.length === 0) return failed('it needs at least one list');
  if (args.every(({ type }) => type.kind === 'list')) {
    const type = unify(
      args.map((arg) => arg.type),
      true,
    );
    if (type?.kind === 'list') return concatLists(args, type);
  }
  const wrong = args.findIndex((arg) => !isIndexed(arg));
  if (wrong !== -1) return failed(`a list or tuple is required, not a ${nameOf(args[wrong])}`, wrong);
  return done(tupleOf(args.flatMap(itemsOf)));
}

function concatLists(args: readonly Value[], type: Type): FunctionResult {
  const items: Value[] = [];
  let of: Type | undefined;
  for (const [at, arg] of args.entries()) {
    const converted = convert(arg, type);
    if (!converted.ok) return failed(converted.message, at);
    items.push(...itemsOf(converted.value));
    if (itemsOf(converted.value).length > 0) of ??= elementType(converted.value);
  }
  return done(listOf(of ?? ('of' in type ? type.of : DYNAMIC), items));
}

function flat(items: readonly Value[]): readonly Value[] {
  return items.flatMap((item) => (item.kind === 'sequence' ? flat(item.items) : [item]));
}

function range(args: readonly Value[]): FunctionResult {
  const [first, second, third] = args.map((arg) => (arg.kind === 'number' ? arg.value : ZERO));
  if (first === undefined || args.length > 3) return failed('it takes one, two or three numbers');
  const start = second === undefined ? ZERO : first;
  const end = second ?? first;
  const step = third ?? (compareNumbers(end, start) < 0 ? MINUS_ONE : ONE);
  const down = compareNumbers(step, ZERO) < 0;
  const way = compareNumbers(end, start);
  if (down ? way > 0 : way < 0)
    return failed(`with a step of this sign the end must not be ${down ? 'above' : 'below'} the start`, 1);
  const items: Value[] = [];
  let at: HclNumber | undefined = start;
  while (at !== undefined && !equalNumbers(at, end)) {
    if (down ? compareNumbers(at, end) < 0 : compareNumbers(at, end) > 0) break;
    if (items.length >= MOST_NUMBERS) return failed(`it would have more than ${MOST_NUMBERS} numbers`);
    items.push(numberValue(at));
    at = add(at, step);
  }
  return at === undefined ? failed('its numbers are too large') : done(listOf(NUMBER, items));
}

function slice([list, start, end]: readonly Value[]): FunctionResult {
  if (list?.type.kind === 'set')
    return failed('the elements of a set have no order; convert it to a list first', 0);
  if (!isIndexed(list)) return failed('a list or tuple is required', 0);
  const items = itemsOf(list);
  const bounds: number[] = [];
  for (const [at, bound] of [start, end].entries()) {
    const whole = wholeOf(bound);
    if (whole === undefined) return failed(NOT_WHOLE, at + 1);
    if (whole < 0) return failed('it must not be negative', at + 1);
    if (whole > items.length) return failed(`the list has only ${items.length} elements`, at + 1);
    bounds.push(whole);
  }
  const [from = 0, to = 0] = bounds;
  if (from > to) return failed('the start must not be after the end', 1);
  const part = items.slice(from, to);
  return done(list?.type.kind === 'tuple' ? tupleOf(part) : listOf(elementType(list), part));
}

/** The element of a list or tuple at a place that is a number; undefined where there is none. */
export function at(list: Value, key: Value): Value | undefined {
  if (list.kind !== 'sequence' || key.kind !== 'number') return undefined;
  const whole = toInt64(key.value);
  if (whole === undefined || whole < 0n || whole >= BigInt(list.items.length)) return undefined;
  return list.items[Number(whole)];
}

/** Whether a type is that of the elements of a collection. */
export function isElementType(of: Value, type: Type): boolean {
  return equalTypes(elementType(of), type);
}
