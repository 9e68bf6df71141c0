/** Converts calls in bake files that work on texts: substrings, regular expressions, formats, times. */
import type { Call, Expression } from '../hcl/mod.ts';
import {
  added,
  asText,
  BINDING,
  joinPieces,
  literalOf,
  localName,
  method,
  type Piece,
  print,
  tight,
  Untranslatable,
  type Written,
} from './cel-text.ts';
import { mapped, write, writeList } from './hcl-cel.ts';
import { reduce, type Writing } from './hcl-writing.ts';
import { BOOL, elementOf, listOf, type StaticType, TEXT } from './static-type.ts';

/** Evaluates functions of constant texts. */
export function folded(
  args: readonly (Written | undefined)[],
  work: (texts: readonly string[]) => string | undefined,
): Written | undefined {
  const texts = args.flatMap((arg) => (typeof arg?.constant === 'string' ? [arg.constant] : []));
  const result = texts.length === args.length ? work(texts) : undefined;
  return result === undefined ? undefined : literalOf(result);
}

/** HCL cuts at the end of a text; CEL's substring fails there. */
export function writeSubstr(text: Written, from: Written, length: Written): Written {
  const [start, count] = [from.constant, length.constant];
  const s = asText(text);
  if (typeof start !== 'number' || typeof count !== 'number' || start < 0)
    throw new Untranslatable('this use of substr() has no equivalent');
  if (count < 0) return start === 0 ? s : method(s, 'substring', [from], TEXT);
  if (start === 0) return method(s, 'truncate', [length], TEXT);
  return method(method(s, 'substring', [from], TEXT), 'truncate', [length], TEXT);
}

/** `split(separator, text)`; for constant texts, the list. */
export function writeSplit(separator: Written, text: Written): Written {
  if (
    typeof separator.constant === 'string' &&
    typeof text.constant === 'string' &&
    separator.constant !== ''
  )
    return writeList(text.constant.split(separator.constant).map(literalOf));
  return method(asText(text), 'split', [asText(separator)], listOf(TEXT));
}

/** `join(separator, lists…)`; other values are converted to texts. */
export function writeJoin(separator: Written, lists: readonly Written[]): Written {
  const all = lists.length === 1 ? (lists[0] as Written) : added(lists);
  const of = elementOf(all.type);
  const texts =
    of.kind === 'text' && of.nullable !== true
      ? all
      : tight(`${print(all, BINDING.member)}.map(one, string(one))`, listOf(TEXT));
  const isBare = separator.constant === '';
  return method(texts, 'join', isBare ? [] : [asText(separator)], TEXT);
}

/** Whether an expression matches somewhere in a text. */
export function writeDoesMatch(pattern: Expression, text: Expression, w: Writing): Written {
  return method(asText(write(text, w)), 'matches', [asText(write(pattern, w))], BOOL);
}

/** The type of a match: its text, or the texts of its groups. */
function matchType(expression: Written): StaticType {
  if (typeof expression.constant !== 'string') throw new Untranslatable('a regular expression is computed');
  const bare = expression.constant.replaceAll(/\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]])*\]/gs, '');
  const named = [...bare.matchAll(/\(\?P?<([A-Za-z_]\w*)>/g)].map(([, name = '']) => name);
  const text: StaticType = { kind: 'text', nullable: true };
  if (named.length > 0) return { kind: 'map', fields: new Map(named.map((name) => [name, text])) };
  return /\((?!\?)/.test(bare) ? listOf(text) : TEXT;
}

/** Every match of an expression in a text. */
export function writeMatches(expression: Written, text: Written): Written {
  return method(asText(text), 'findAll', [expression], listOf(matchType(expression)));
}

/** Go's JSON has no blanks and sorts keys, like ours for maps without an order. */
export function writeJson(value: Written): Written {
  const isSure = (type: StaticType): boolean =>
    type.kind === 'list'
      ? isSure(elementOf(type))
      : ['text', 'bool'].includes(type.kind) || type.isInt === true;
  if (!isSure(value.type)) throw new Untranslatable('jsonencode() of maps has no equivalent');
  return tight(`toJSON(${print(value)})`, TEXT);
}

/** Formats a time; the time of the run is used directly. */
export function writeFormatDate({ args }: Call, w: Writing): Written {
  const [pattern, time] = args;
  const layout = pattern === undefined ? undefined : write(pattern, w);
  if (
    layout === undefined ||
    time === undefined ||
    typeof layout.constant !== 'string' ||
    layout.constant === 'X'
  )
    throw new Untranslatable('this use of formatdate() has no equivalent');
  const source = reduce(time, w).expression;
  const isNow = source.kind === 'call' && source.name === 'timestamp';
  const written = isNow ? tight('now', TEXT) : write(time, w);
  if (written.type.kind !== 'text') throw new Untranslatable('a time that is not a string is formatted');
  return method(written, 'format', [layout], TEXT);
}

/** `%s`, `%d` and `%v` only. */
export function writeFormat({ args }: Call, w: Writing): Written {
  const [pattern, ...rest] = args.map((arg) => write(arg, w));
  return filled(pattern, rest);
}

function filled(pattern: Written | undefined, rest: readonly Written[]): Written {
  if (typeof pattern?.constant !== 'string' || /%[^sdv%]/.test(pattern.constant))
    throw new Untranslatable('this use of format() has no equivalent');
  const pieces: Piece[] = [];
  let at = 0;
  for (const [part] of pattern.constant.matchAll(/%[sdv%]|[^%]+/g)) {
    if (!part.startsWith('%')) pieces.push(part);
    else if (part === '%%') pieces.push('%');
    else {
      const value = rest[at++];
      if (value === undefined) throw new Untranslatable('format() is called with too few arguments');
      if (value.type.kind === 'list' || value.type.kind === 'map')
        throw new Untranslatable('a list or map is inside a string');
      pieces.push(value.constant === undefined || value.constant === null ? value : String(value.constant));
    }
  }
  return joinPieces(pieces);
}

/** Lists are iterated together; other values are repeated. */
export function writeFormatList({ args }: Call, w: Writing): Written {
  const [pattern, ...rest] = args.map((arg) => write(arg, w));
  const lists = rest.filter(({ type }) => type.kind === 'list');
  const [list] = lists;
  if (rest.some(({ type }) => type.kind === 'any') || lists.length !== 1 || list === undefined)
    throw new Untranslatable('formatlist() with several lists has no equivalent');
  const local = localName('one', w.locals);
  const text = filled(
    pattern,
    rest.map((one) => (one === list ? tight(local, elementOf(list.type)) : one)),
  );
  return mapped({ over: list, local }, text);
}
