/** Converts calls in bake files. Functions: buildx bake/hclparser/stdlib.go; their meaning: go-cty's function/stdlib. */
import type { Call, Expression } from '../hcl/mod.ts';
import {
  added,
  asCondition,
  asSet,
  asText,
  BINDING,
  choose,
  literalOf,
  localName,
  loose,
  method,
  negated,
  operation,
  print,
  tight,
  Untranslatable,
  type Written,
} from './cel-text.ts';
import { loop, mapped, sortedKeys, write, writeList } from './hcl-cel.ts';
import { writeCan, writeCoalesce, writeLookup, writeMerge, writeTry } from './hcl-map-calls.ts';
import { writeBinary } from './hcl-operators.ts';
import {
  folded,
  writeDoesMatch,
  writeFormat,
  writeFormatDate,
  writeFormatList,
  writeJoin,
  writeJson,
  writeMatches,
  writeSplit,
  writeSubstr,
} from './hcl-text-calls.ts';
import { type Binding, type FileFunction, type Reduced, reduce, type Writing } from './hcl-writing.ts';
import { BOOL, elementOf, INT, listOf, type StaticType, TEXT, union } from './static-type.ts';

/** Writes a call of a function of the file or of bake. @throws Untranslatable */
export function writeCall(call: Call, w: Writing): Written {
  const own = w.functions.get(call.name);
  if (own !== undefined) {
    const kept = w.keepCall(call, w);
    if (kept !== undefined) return kept;
    const entered = enter(own, call, w);
    return write(entered.expression, entered.w);
  }
  const operator = Object.hasOwn(OPERATORS, call.name) ? OPERATORS[call.name] : undefined;
  const writer = Object.hasOwn(CALLS, call.name) ? CALLS[call.name] : undefined;
  if (call.expand && call.name !== 'concat' && call.name !== 'merge' && call.name !== 'coalesce')
    throw new Untranslatable('arguments from a list (...) have no equivalent');
  if (operator !== undefined && call.args.length === 2) {
    const [a, b] = call.args.map((arg) => write(arg, w));
    return writeBinary(operator, a as Written, b as Written);
  }
  if (writer === undefined) throw new Untranslatable(`the function ${call.name}() has no equivalent`);
  return writer(call, w);
}

/** The result of a function of the file, with arguments in place of its parameters. */
export function enter(own: FileFunction, call: Call, w: Writing): Reduced {
  const { parameters, rest, result } = own;
  const isFit =
    rest === undefined ? call.args.length === parameters.length : call.args.length >= parameters.length;
  if (!isFit || (call.expand && rest === undefined))
    throw new Untranslatable(`the function ${call.name}() is called with the wrong number of arguments`);
  const bound = new Map<string, Binding>(
    parameters.map((name, at) => [
      name,
      { kind: 'expression', expression: call.args[at] as Expression, names: w.names },
    ]),
  );
  if (rest !== undefined) {
    const more = call.args.slice(parameters.length);
    const [last] = more;
    if (call.expand && more.length !== 1)
      throw new Untranslatable('arguments from a list (...) follow others');
    const list: Expression =
      call.expand && last !== undefined ? last : { kind: 'tuple', items: more, span: call.span };
    bound.set(rest, { kind: 'expression', expression: list, names: w.names });
  }
  const outer = w.names;
  return {
    expression: result,
    // A function sees the file's names, but nothing of the place of the call.
    w: { ...w, names: { global: outer.global, lookup: (name) => bound.get(name) ?? outer.global(name) } },
  };
}

const OPERATORS: Readonly<Record<string, string>> = {
  equal: '==',
  notequal: '!=',
  and: '&&',
  or: '||',
  greaterthan: '>',
  greaterthanorequalto: '>=',
  lessthan: '<',
  lessthanorequalto: '<=',
  add: '+',
  subtract: '-',
  multiply: '*',
  divide: '/',
  modulo: '%',
};

type Writer = (call: Call, w: Writing) => Written;

/** Calls whose arguments are all values; the last ones may be omitted. */
function values(least: number, writer: (args: readonly Written[], w: Writing) => Written): Writer {
  return ({ args, name }, w) => {
    if (args.length < least) throw new Untranslatable(`${name}() is called with too few arguments`);
    return writer(
      args.map((arg) => write(arg, w)),
      w,
    );
  };
}

/** A method of the first argument, a text, with texts as further arguments. */
function textMethod(name: string, least: number): Writer {
  return values(least, ([first, ...rest]) => method(asText(first as Written), name, rest.map(asText), TEXT));
}

function textFunction(name: string): Writer {
  return values(1, ([text]) => tight(`${name}(${print(asText(text as Written))})`, TEXT));
}

const CALLS: Readonly<Record<string, Writer>> = {
  lower: textMethod('lowerAscii', 1),
  upper: textMethod('upperAscii', 1),
  trimspace: textMethod('trim', 1),
  trimprefix: textMethod('trimPrefix', 2),
  trimsuffix: textMethod('trimSuffix', 2),
  replace: values(
    3,
    ([text, a, b]) =>
      folded([text, a, b], ([s = '', from = '', to = '']) =>
        from === '' ? undefined : s.replaceAll(from, () => to),
      ) ?? method(asText(text as Written), 'replace', [asText(a as Written), asText(b as Written)], TEXT),
  ),
  regex_replace: values(3, ([text, a, b]) =>
    method(asText(text as Written), 'replaceRegex', [asText(a as Written), asText(b as Written)], TEXT),
  ),
  sanitize: values(
    1,
    ([text]) =>
      folded([text], ([s = '']) => s.replaceAll(/[^a-zA-Z0-9_-]/g, '_')) ??
      method(asText(text as Written), 'replaceRegex', [literalOf('[^a-zA-Z0-9_-]'), literalOf('_')], TEXT),
  ),
  regexall: values(2, ([expression, text]) => writeMatches(expression as Written, text as Written)),
  regex: values(2, ([expression, text]) => {
    const all = writeMatches(expression as Written, text as Written);
    return tight(`${all.text}[0]`, elementOf(all.type));
  }),
  chomp: values(1, ([text]) =>
    method(asText(text as Written), 'replaceRegex', [literalOf('[\\r\\n]+$'), literalOf('')], TEXT),
  ),
  substr: values(3, ([text, from, length]) =>
    writeSubstr(text as Written, from as Written, length as Written),
  ),
  split: values(2, ([separator, text]) => writeSplit(separator as Written, text as Written)),
  join: values(2, ([separator, ...lists]) => writeJoin(separator as Written, lists)),
  format: writeFormat,
  formatlist: writeFormatList,
  strlen: values(1, ([text]) => tight(`size(${print(asText(text as Written))})`, INT)),
  length: writeLength,
  md5: textFunction('md5'),
  sha256: textFunction('sha256'),
  sha1: textFunction('sha1'),
  jsondecode: values(1, ([text]) => tight(`fromJSON(${print(asText(text as Written))})`)),
  jsonencode: values(1, ([value]) => writeJson(value as Written)),
  not: values(1, ([value]) => negated(asCondition(value as Written))),
  negate: values(1, ([value]) =>
    loose(`-${print(value as Written, BINDING.unary)}`, BINDING.unary, (value as Written).type),
  ),
  contains: values(2, ([list, item]) => writeContains(list as Written, item as Written)),
  concat: writeConcat,
  flatten: writeFlattened,
  compact: values(1, ([list], w) => {
    const local = localName('one', w.locals);
    return tight(
      `${print(list as Written, BINDING.member)}.filter(${local}, ${local} != "")`,
      (list as Written).type,
    );
  }),
  distinct: values(1, ([list]) => method(list as Written, 'distinct', [], (list as Written).type)),
  sort: values(1, ([list]) => method(list as Written, 'sort', [], (list as Written).type)),
  element: writeElement,
  index: writeElement,
  slice: values(3, ([list, from, to], w) => writeSlice(list as Written, from as Written, to as Written, w)),
  keys: values(1, ([map], w) => sortedKeys(asMap(map as Written), localName('key', w.locals))),
  values: values(1, ([map], w) => {
    const each = loop(asMap(map as Written), undefined, 'value', w);
    return mapped(each, write({ kind: 'variable', name: 'value', span: NOWHERE }, each.inside));
  }),
  merge: writeMerge,
  lookup: writeLookup,
  coalesce: writeCoalesce,
  try: writeTry,
  can: writeCan,
  setproduct: writeProduct,
  setunion: values(1, (sets) => asSet(added(sets))),
  setsubtract: values(2, ([a, b], w) => asSet(filteredBy(a as Written, b as Written, '!', w))),
  setintersection: values(2, ([a, ...more], w) =>
    asSet(more.reduce((rest, one) => filteredBy(rest, one, '', w), a as Written)),
  ),
  coalescelist: values(1, (lists) =>
    [...lists].reverse().reduce((rest, list) => {
      const test = operation(tight(`size(${print(list)})`, INT), '>', literalOf(0), BINDING.compare, BOOL);
      return choose(test, list, rest, union(list.type, rest.type));
    }),
  ),
  range: values(1, ([length, ...more]) => {
    if (more.length > 0 || length?.type.isInt !== true)
      throw new Untranslatable('this use of range() has no equivalent');
    return tight(`range(${print(length)})`, listOf(INT));
  }),
  timestamp: () => tight(`now.format("YYYY-MM-DD'T'hh:mm:ssZ")`, TEXT),
  formatdate: writeFormatDate,
  formattimestamp: writeFormatDate,
  parseint: values(2, ([text, base]) => {
    if (base?.constant !== 10)
      throw new Untranslatable('parseint() with another base than 10 has no equivalent');
    return tight(`int(${print(asText(text as Written))})`, INT);
  }),
  max: values(2, ([a, b, ...more]) => extreme('>', a as Written, b as Written, more)),
  min: values(2, ([a, b, ...more]) => extreme('<', a as Written, b as Written, more)),
};

const NOWHERE: Expression['span'] = {
  source: { path: '', text: '', lineStarts: [0] } as never,
  start: 0,
  end: 0,
};

function writeConcat({ args, expand }: Call, w: Writing): Written {
  if (expand) {
    if (args.length !== 1) throw new Untranslatable('arguments from a list (...) follow others');
    const lists = write(args[0] as Expression, w);
    return method(
      lists,
      'flatten',
      [],
      elementOf(lists.type).kind === 'list' ? elementOf(lists.type) : listOf(elementOf(lists.type)),
    );
  }
  if (args.length === 0) throw new Untranslatable('concat() is called without arguments');
  const lists = args.map((arg) => write(arg, w));
  return lists.length === 1 ? (lists[0] as Written) : added(lists);
}

/** For a list literal, each item separately, since their depth is then known. */
function writeFlattened({ args }: Call, w: Writing): Written {
  const [list] = args;
  if (list === undefined) throw new Untranslatable('flatten() is called without an argument');
  const found = reduce(list, w);
  if (found.expression.kind !== 'tuple') return writeFlatten(write(list, w));
  const items = found.expression.items.map((item) => write(item, found.w));
  if (items.length < 2 || items.some(({ type }) => type.kind === 'any' || isUnsure(type)))
    return writeFlatten(write(list, w));
  const parts: Written[] = [];
  let single: Written[] = [];
  const close = (): void => {
    if (single.length > 0) parts.push(writeList(single));
    single = [];
  };
  for (const item of items) {
    if (item.type.kind === 'list') {
      close();
      parts.push(writeFlatten(item));
    } else single.push(item);
  }
  close();
  return parts.length === 1 ? (parts[0] as Written) : added(parts);
}

/** Whether a list may contain lists and other values. */
function isUnsure(type: StaticType): boolean {
  return type.kind === 'list' && type.of !== undefined && (type.of.kind === 'any' || isUnsure(type.of));
}

/** HCL flattens all levels. */
function writeFlatten(list: Written): Written {
  // A loop that returns a list with one item each is replaced by a loop over the items.
  const [only, ...others] = list.loop?.value.items ?? [];
  const isThing =
    only !== undefined && others.length === 0 && ['text', 'number', 'bool'].includes(only.type.kind);
  if (list.loop !== undefined && isThing) return mapped(list.loop, only);
  let result = list;
  let of = elementOf(list.type);
  for (let level = 0; level < 5; level++) {
    if (of.kind !== 'list') break;
    const inner = elementOf(of);
    result = method(result, 'flatten', [], listOf(inner));
    of = inner;
  }
  if (of.kind === 'any') {
    // Values that are not lists are kept; people write at most two levels.
    return method(method(result, 'flatten', [], listOf(of)), 'flatten', [], listOf(of));
  }
  return result;
}

function writeContains(list: Written, item: Written): Written {
  return operation(item, 'in', list, BINDING.compare, BOOL);
}

function writeLength({ args }: Call, w: Writing): Written {
  const [arg] = args;
  if (arg === undefined) throw new Untranslatable('length() is called without an argument');
  const value = write(arg, w);
  if (value.type.kind === 'text') throw new Untranslatable('length() of a string fails in bake');
  const size = tight(`size(${print(value)})`, INT);
  const found = reduce(arg, w);
  const isSearch = found.expression.kind === 'call' && found.expression.name === 'regexall';
  if (found.expression.kind !== 'call' || !isSearch || w.functions.has('regexall')) return size;
  const [pattern, text] = found.expression.args;
  if (pattern === undefined || text === undefined) return size;
  return { ...size, matches: writeDoesMatch(pattern, text, found.w) };
}

function writeElement({ args, name }: Call, w: Writing): Written {
  const [list, at] = args;
  if (list === undefined || at === undefined)
    throw new Untranslatable(`${name}() is called with too few arguments`);
  const index = write(at, w);
  const isPlain = typeof index.constant === 'number' && index.constant >= 0;
  if (name === 'index' || isPlain) return write({ kind: 'index', of: list, key: at, span: list.span }, w);
  const holder = write(list, w);
  const rest = operation(index, '%', tight(`size(${print(holder)})`, INT), BINDING.multiply, INT);
  return tight(`${print(holder, BINDING.member)}[${print(rest)}]`, elementOf(holder.type));
}

function writeSlice(list: Written, from: Written, to: Written, w: Writing): Written {
  if (from.type.isInt !== true || to.type.isInt !== true)
    throw new Untranslatable('this use of slice() has no equivalent');
  const at = localName('at', w.locals);
  const length =
    typeof from.constant === 'number' && typeof to.constant === 'number'
      ? literalOf(to.constant - from.constant)
      : from.constant === 0
        ? to
        : operation(to, '-', from, BINDING.add, INT);
  const index = from.constant === 0 ? tight(at, INT) : operation(tight(at, INT), '+', from, BINDING.add, INT);
  return tight(
    `range(${print(length)}).map(${at}, ${print(list, BINDING.member)}[${print(index)}])`,
    list.type,
  );
}

function asMap(map: Written): Written {
  if (map.type.kind !== 'map') throw new Untranslatable('this may not be a map');
  return map;
}

/** The items that another list contains or (`!`) does not contain. */
function filteredBy(list: Written, other: Written, sign: '' | '!', w: Writing): Written {
  const local = localName('one', w.locals);
  const test = `${local} in ${print(other, BINDING.compare + 1)}`;
  return tight(
    `${print(list, BINDING.member)}.filter(${local}, ${sign === '' ? test : `!(${test})`})`,
    list.type,
  );
}

/** All pairs, with nested loops. */
function writeProduct({ args }: Call, w: Writing): Written {
  const lists = args.map((arg) => write(arg, w));
  if (lists.length < 2 || lists.some(({ type }) => type.kind !== 'list'))
    throw new Untranslatable('this use of setproduct() has no equivalent');
  const taken = new Set(w.locals);
  const names = lists.map(() => {
    const name = localName('one', taken);
    taken.add(name);
    return name;
  });
  let text = `[${names.join(', ')}]`;
  for (let at = lists.length - 1; at >= 0; at--) {
    text = `${print(lists[at] as Written, BINDING.member)}.map(${names[at]}, ${text})`;
    if (at < lists.length - 1) text += '.flatten()';
  }
  return tight(text, listOf(listOf(lists.map(({ type }) => elementOf(type)).reduce(union))));
}

function extreme(sign: string, a: Written, b: Written, more: readonly Written[]): Written {
  if (a.type.isInt !== true || b.type.isInt !== true)
    throw new Untranslatable('max() and min() have equivalents for integers only');
  const both = choose(operation(a, sign, b, BINDING.compare, BOOL), a, b, INT);
  const [next, ...rest] = more;
  return next === undefined ? both : extreme(sign, both, next, rest);
}
