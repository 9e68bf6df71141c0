/** Builds CEL expressions from parts, keeping track of operator precedence and types. */
import { BARE_FUNCTIONS, RESERVED_WORDS, ROOT_NAMES } from '../model/mod.ts';
import { ANY, BOOL, elementOf, INT, NULL, type StaticType, TEXT, union } from './static-type.ts';

/** Precedence of CEL's operators; a part of lower precedence than its place allows gets parentheses. */
export const BINDING = {
  choice: 1,
  or: 2,
  and: 3,
  compare: 4,
  add: 5,
  multiply: 6,
  unary: 7,
  member: 8,
} as const;

/** A part of a concatenated text. */
export type Piece = string | Written;

/** CEL text with its type and known properties. */
export interface Written {
  readonly text: string;
  readonly binding: number;
  readonly type: StaticType;
  /** Its value, if it is a literal. */
  readonly constant?: string | number | boolean | null;
  /** For a concatenated text: its parts. Neighbours are never both literal. */
  readonly pieces?: readonly Piece[];
  /** For the number of matches of a regular expression: whether there are any. */
  readonly matches?: Written;
  /** For `over.map(local, value)`: its parts. */
  readonly loop?: { readonly over: Written; readonly local: string; readonly value: Written };
  /** For a list literal: its items. */
  readonly items?: readonly Written[];
  /** For `test ? yes : no`: its parts. */
  readonly choice?: { readonly test: Written; readonly yes: Written; readonly no: Written };
}

/** Thrown for what cannot be converted; the message describes it. Never leaves this package. */
export class Untranslatable extends Error {}

/** An expression that never needs parentheses. */
export function tight(text: string, type: StaticType = ANY): Written {
  return { text, binding: BINDING.member, type };
}

/** An operation of the given precedence. */
export function loose(text: string, binding: number, type: StaticType = ANY): Written {
  return { text, binding, type };
}

/** A literal. */
export function literalOf(value: string | number | boolean | null): Written {
  if (typeof value === 'string') {
    const text = quoted(value);
    return {
      text,
      binding: BINDING.member,
      type: TEXT,
      constant: value,
      pieces: value === '' ? [] : [value],
    };
  }
  const type =
    value === null
      ? NULL
      : typeof value === 'boolean'
        ? BOOL
        : Number.isSafeInteger(value)
          ? INT
          : { kind: 'number' as const };
  const isNegative = typeof value === 'number' && value < 0;
  return { text: String(value), binding: isNegative ? BINDING.unary : BINDING.member, type, constant: value };
}

/** A text in CEL's quotes; in `'` if that saves backslashes. */
export function quoted(text: string): string {
  const json = JSON.stringify(text).replaceAll('\u007f', '\\u007f');
  const isPlain = /^[^\\'\p{Cc}]*$/u.test(text);
  return isPlain && text.includes('"') ? `'${text}'` : json;
}

/** The text, in parentheses if its place requires them. */
export function print(written: Written, binding: number = BINDING.choice): string {
  return written.binding < binding ? `(${written.text})` : written.text;
}

/** Concatenates parts to one text. */
export function joinPieces(pieces: readonly Piece[]): Written {
  const merged: Piece[] = [];
  for (const piece of pieces.flatMap((one) => (typeof one === 'string' ? [one] : (one.pieces ?? [one])))) {
    const last = merged.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') merged[merged.length - 1] = last + piece;
    else if (piece !== '') merged.push(piece);
  }
  const [first] = merged;
  if (first === undefined) return literalOf('');
  if (merged.length === 1) {
    if (typeof first === 'string') return literalOf(first);
    if (first.type.kind === 'text') return { ...first, pieces: merged };
  }
  const texts = merged.map((piece) =>
    typeof piece === 'string' ? quoted(piece) : print(asText(piece), BINDING.add),
  );
  return {
    text: texts.join(' + '),
    binding: merged.length === 1 ? BINDING.member : BINDING.add,
    type: TEXT,
    pieces: merged,
  };
}

/** Converts to text: from numbers and booleans. */
export function asText(written: Written): Written {
  const { type, constant } = written;
  if (type.kind === 'text') return written;
  if (constant !== undefined && constant !== null) return literalOf(String(constant));
  if (type.kind === 'list' || type.kind === 'map')
    throw new Untranslatable('a list or map is inside a string');
  return tight(`string(${print(written)})`, TEXT);
}

/** Converts to a condition; also from the texts that HCL accepts as true and false. */
export function asCondition(written: Written): Written {
  const { type, constant } = written;
  if (type.kind === 'bool') return written;
  if (constant === 'true' || constant === '1') return literalOf(true);
  if (constant === 'false' || constant === '0') return literalOf(false);
  return tight(`bool(${print(written)})`, BOOL);
}

/** The negation of a condition. */
export function negated(condition: Written): Written {
  if (typeof condition.constant === 'boolean') return literalOf(!condition.constant);
  // For two plain values, `!=` is more readable than a leading `!`.
  const [, left = '', operator, right = ''] =
    /^([\w.]+|"[^"\\]*") ([=!]=) ([\w.]+|"[^"\\]*")$/.exec(condition.text) ?? [];
  if (operator !== undefined)
    return loose(`${left} ${operator === '==' ? '!=' : '=='} ${right}`, BINDING.compare, BOOL);
  return loose(`!${print(condition, BINDING.unary)}`, BINDING.unary, BOOL);
}

/** `of.name`, or `of["name"]` if the name is not an identifier. */
export function member(of: Written, name: string, type: StaticType): Written {
  const receiver = print(of, BINDING.member);
  if (of.type.loose?.has(name) === true) {
    const found = isCelName(name) ? `${receiver}.?${name}` : `${receiver}[?${quoted(name)}]`;
    return tight(`${found}.orValue(null)`, type);
  }
  return tight(isCelName(name) ? `${receiver}.${name}` : `${receiver}[${quoted(name)}]`, type);
}

/** A call of a method. */
export function method(receiver: Written, name: string, args: readonly Written[], type: StaticType): Written {
  return tight(
    `${print(receiver, BINDING.member)}.${name}(${args.map((arg) => print(arg)).join(', ')})`,
    type,
  );
}

/** A binary operation with left-associative operators. */
export function operation(
  left: Written,
  operator: string,
  right: Written,
  binding: number,
  type: StaticType,
): Written {
  return loose(`${print(left, binding)} ${operator} ${print(right, binding + 1)}`, binding, type);
}

/** `test ? yes : no`; if the test is constant, only one side. */
export function choose(test: Written, yes: Written, no: Written, type: StaticType): Written {
  if (test.constant === true) return yes;
  if (test.constant === false) return no;
  if (yes.constant === true && no.constant === false && test.type.kind === 'bool') return test;
  return {
    text: `${print(test, BINDING.or)} ? ${print(yes, BINDING.or)} : ${print(no)}`,
    binding: BINDING.choice,
    type,
    choice: { test, yes, no },
  };
}

/** Concatenates lists. @throws Untranslatable */
export function added(lists: readonly Written[]): Written {
  for (const { type } of lists)
    if (type.kind !== 'list' && type.kind !== 'any')
      throw new Untranslatable('a value that is not a list is added to one');
  const type = lists.map((one) => one.type).reduce(union);
  return loose(lists.map((list) => print(list, BINDING.add)).join(' + '), BINDING.add, type);
}

/** A list like HCL's sets: sorted, without duplicates. @throws Untranslatable if it may contain anything but texts */
export function asSet(list: Written): Written {
  const of = elementOf(list.type);
  const isEmpty = list.type.kind === 'list' && list.type.of === undefined;
  if (list.type.isSet === true || isEmpty) return list;
  if (list.type.kind !== 'list' || of.kind !== 'text' || of.nullable === true)
    throw new Untranslatable('sets of values that may not be strings have no equivalent');
  const type = { ...list.type, isSet: true };
  return method(method(list, 'distinct', [], type), 'sort', [], type);
}

/** Whether a name can follow a dot. */
export function isCelName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !RESERVED_WORDS.has(name);
}

/** A variable name for a macro that is not used otherwise in the expression. */
export function localName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9])/, '_') || 'one';
  for (let count = 2; taken.has(name) || isTaken(name); count++)
    name = `${wanted.replaceAll(/[^A-Za-z0-9_]/g, '_')}_${count}`;
  return name;
}

/** Whether a name is predefined in expressions. */
export function isTaken(name: string): boolean {
  return isTakenByValue(name) || BARE_FUNCTIONS.has(name);
}

/** Whether a name is a predefined value in expressions, or not a valid name. */
export function isTakenByValue(name: string): boolean {
  return name === 'cel' || RESERVED_WORDS.has(name) || ROOT_NAMES.has(name);
}
