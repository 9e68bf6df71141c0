/** Converts values of bake files: literal lists and maps keep their form, with expressions inside. */
import type { Call, Expression } from '../hcl/mod.ts';
import { asCondition, asText, negated, print, tight, Untranslatable, type Written } from './cel-text.ts';
import { enter } from './hcl-calls.ts';
import { unroll, write, writeKey } from './hcl-cel.ts';
import { reduce, type Writing } from './hcl-writing.ts';
import { flattened, isMarkedMap, type Marked, type MarkedChoice, type Marks } from './marks.ts';

/** Context of a conversion. */
export interface ValueWriting {
  readonly w: Writing;
  readonly marks: Marks;
  /** Duplicates and empty texts in a list have no meaning at its destination. */
  readonly isLoose: boolean;
  /** Lists cannot be nested at its destination: an item that is a list means its items. */
  readonly isFlat: boolean;
  /** It is part of an expression, in which null items of a list are kept. */
  readonly isInner?: boolean;
}

/** The value of an expression. @throws Untranslatable */
export function readValue(expression: Expression, at: ValueWriting): Marked {
  const { expression: reduced, w } = reduce(expression, at.w);
  const inside: ValueWriting = { ...at, w: { ...w, depth: w.depth + 1 } };
  switch (reduced.kind) {
    case 'tuple': {
      const items = reduced.items.map((item) => readValue(item, { ...inside, isInner: true }));
      // The language replaces such an item by its items.
      const isNested = items.some((item) => ['list', 'any'].includes(at.marks.loneOf(item)?.type.kind ?? ''));
      return isNested && !at.isFlat ? at.marks.mark(write(reduced, w)) : items;
    }
    case 'object':
      return Object.fromEntries(
        reduced.items.map(({ key, value }) => [readKey(key, inside), readValue(value, inside)]),
      );
    case 'conditional':
      return readChoice(reduced, inside);
    case 'call':
      return readCall(reduced, inside);
    case 'for': {
      const unrolled = unroll(reduced, w);
      if (unrolled === undefined) return fromWritten(write(reduced, w), at.marks);
      const items = unrolled.map((one) => readValue(one.expression, { ...at, w: one.w }));
      return items.every((item) => typeof item === 'string' && isTextual(item, at.marks))
        ? items
        : fromWritten(write(reduced, w), at.marks);
    }
    case 'parentheses':
      return readValue(reduced.inner, inside);
    default:
      return fromWritten(write(reduced, w), at.marks);
  }
}

function isTextual(text: string, marks: Marks): boolean {
  const lone = marks.loneOf(text);
  return lone === undefined || lone.type.kind === 'text';
}

/** A number that YAML would write with an exponent becomes text. */
function fromWritten(written: Written, marks: Marks): Marked {
  const value = marks.valueOf(written);
  return typeof value === 'number' && !/^-?[0-9]+(?:\.[0-9]+)?$/.test(String(value)) ? String(value) : value;
}

function readKey(key: Expression, at: ValueWriting): string {
  const text = at.marks.valueOf(asText(writeKey(key, at.w)));
  return typeof text === 'string' ? text : String(text);
}

function readChoice(expression: Extract<Expression, { kind: 'conditional' }>, at: ValueWriting): Marked {
  const test = asCondition(write(expression.test, at.w));
  if (test.constant === true) return readValue(expression.yes, at);
  if (test.constant === false) return readValue(expression.no, at);
  const side: ValueWriting = { ...at, isInner: true };
  const [yes, no] = [readValue(expression.yes, side), readValue(expression.no, side)];
  const items = at.isInner === true && !at.isFlat ? undefined : itemsOf({ test, yes, no }, at.marks);
  return items ?? at.marks.choice({ test, yes, no });
}

/** Longer conditional lists are more readable item by item. */
const MAX_CHOICE = 90;
/** Maximum length of a condition that is repeated for each item. */
const MAX_REPEATED_TEST = 50;

/** Converts a conditional list to a list of conditional items; common items are unconditional. */
function itemsOf({ test, yes, no }: MarkedChoice, marks: Marks): readonly Marked[] | undefined {
  if (!Array.isArray(yes) || !Array.isArray(no) || test.text.length > MAX_REPEATED_TEST) return undefined;
  const [a, b] = [yes as readonly Marked[], no as readonly Marked[]];
  if (![...a, ...b].every((item) => typeof item === 'string' && isTextual(item, marks))) return undefined;
  if (marks.writtenOf(yes).text.length + marks.writtenOf(no).text.length <= MAX_CHOICE) return undefined;
  let start = 0;
  while (start < Math.min(a.length, b.length) && marks.isSame(a[start] ?? null, b[start] ?? null)) start++;
  let end = 0;
  const isAlike = (): boolean => marks.isSame(a[a.length - 1 - end] ?? null, b[b.length - 1 - end] ?? null);
  while (end < Math.min(a.length, b.length) - start && isAlike()) end++;
  const [ours, theirs] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const choices = Array.from({ length: Math.max(ours.length, theirs.length) }, (_, index) =>
    ours[index] === undefined
      ? marks.choice({ test: negated(test), yes: theirs[index] ?? null, no: null })
      : marks.choice({ test, yes: ours[index] ?? null, no: theirs[index] ?? null }),
  );
  return [...a.slice(0, start), ...choices, ...a.slice(a.length - end)];
}

function readCall(call: Call, at: ValueWriting): Marked {
  const { w, marks } = at;
  const own = w.functions.get(call.name);
  if (own !== undefined) {
    const kept = w.inPlace === undefined ? w.keepCall(call, w) : undefined;
    if (kept !== undefined) return fromWritten(kept, marks);
    const entered = enter(own, call, w);
    return readValue(entered.expression, { ...at, w: entered.w });
  }
  const [first] = call.args;
  if (first !== undefined && !call.expand) {
    if (call.name === 'concat') return readConcat(call.args, at);
    if (call.name === 'flatten' || call.name === 'compact' || (call.name === 'distinct' && at.isLoose)) {
      const list = readValue(first, at);
      const isKept = call.name !== 'compact' || at.isLoose || areNotEmpty(list, marks);
      if (!isKept) return fromWritten(write(call, w), marks);
      if (Array.isArray(list)) {
        const flat = attempt(() =>
          call.name === 'flatten' ? flattened(list as readonly Marked[], marks) : list,
        );
        if (flat !== undefined) return flat;
      } else if (call.name !== 'flatten' && marks.loneOf(list)?.type.kind === 'list') return list;
    }
    if (call.name === 'merge') {
      const maps = call.args.map((arg) => readValue(arg, at));
      if (maps.every(isMarkedMap)) return Object.assign({}, ...maps) as Marked;
      return marks.mark(
        maps.length === 1
          ? marks.writtenOf(maps[0] as Marked)
          : tight(`[${maps.map((map) => print(marks.writtenOf(map))).join(', ')}].merge()`, { kind: 'map' }),
      );
    }
  }
  return fromWritten(write(call, w), marks);
}

/** Whether no item of a list can be an empty text. */
function areNotEmpty(list: Marked, marks: Marks): boolean {
  const isSure = (item: Marked): boolean => {
    if (item === null) return true;
    if (typeof item !== 'string') return false;
    const choice = marks.choiceOf(item);
    if (choice !== undefined) return isSure(choice.yes) && isSure(choice.no);
    return marks.literalsOf(item) !== '';
  };
  return Array.isArray(list) && (list as readonly Marked[]).every(isSure);
}

function readConcat(args: readonly Expression[], at: ValueWriting): Marked {
  return args.flatMap((arg): readonly Marked[] => {
    const list = readValue(arg, at);
    if (Array.isArray(list)) return list as readonly Marked[];
    return list === null ? [] : [at.isFlat || at.isInner !== true ? itemOf(list, at.marks) : list];
  });
}

/** One item or none, for a list with at most one item that is appended. */
function itemOf(list: Marked, marks: Marks): Marked {
  const choice = marks.choiceOf(list);
  const sides = choice === undefined ? [] : [choice.yes, choice.no];
  const isShort = sides.every((side) => Array.isArray(side) && side.length <= 1);
  if (choice === undefined || !isShort) return list;
  const [yes = null, no = null] = sides.map((side) => (side as readonly Marked[])[0] ?? null);
  return marks.choice({ test: choice.test, yes, no });
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}
