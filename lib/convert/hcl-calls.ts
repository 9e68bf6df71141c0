/**
 * Calls in bake files as what the language has for them. Functions: buildx bake/hclparser/stdlib.go; their meaning: go-cty's
 * function/stdlib.
 */
import type { Call, Expression } from '../hcl/mod.ts';
import {
  asCondition,
  asSet,
  asText,
  BINDING,
  choose,
  joinPieces,
  literalOf,
  localName,
  loose,
  method,
  negated,
  operation,
  type Piece,
  print,
  quoted,
  tight,
  Untranslatable,
  type Written,
} from './cel-text.ts';
import {
  type Binding,
  type FileFunction,
  loop,
  mapped,
  type Reduced,
  reduce,
  sortedKeys,
  type Writing,
  write,
  writeBinary,
  writeList,
} from './hcl-cel.ts';
import { BOOL, elementOf, INT, listOf, memberOf, type StaticType, TEXT, union } from './static-type.ts';

/** Writes a call of a function of the file, or of one that bake has. @throws Untranslatable */
export function writeCall(call: Call, w: Writing): Written {
  const own = w.functions.get(call.name);
  if (own !== undefined) {
    const entered = enter(own, call, w);
    return write(entered.expression, entered.w);
  }
  const operator = Object.hasOwn(OPERATORS, call.name) ? OPERATORS[call.name] : undefined;
  const writer = Object.hasOwn(CALLS, call.name) ? CALLS[call.name] : undefined;
  if (call.expand && call.name !== 'concat' && call.name !== 'merge' && call.name !== 'coalesce')
    throw new Untranslatable('arguments from a list (...) have no counterpart');
  if (operator !== undefined && call.args.length === 2) {
    const [a, b] = call.args.map((arg) => write(arg, w));
    return writeBinary(operator, a as Written, b as Written);
  }
  if (writer === undefined) throw new Untranslatable(`the function ${call.name}() has no counterpart`);
  return writer(call, w);
}

/** The result of a function of the file, with its parameters standing for what it is called with. */
export function enter(own: FileFunction, call: Call, w: Writing): Reduced {
  const { parameters, rest, result } = own;
  const isFit =
    rest === undefined ? call.args.length === parameters.length : call.args.length >= parameters.length;
  if (!isFit || (call.expand && rest === undefined))
    throw new Untranslatable(`the function ${call.name}() is called with another number of arguments`);
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
      throw new Untranslatable('arguments from a list (...) stand behind others');
    const list: Expression =
      call.expand && last !== undefined ? last : { kind: 'tuple', items: more, span: call.span };
    bound.set(rest, { kind: 'expression', expression: list, names: w.names });
  }
  const outer = w.names;
  return {
    expression: result,
    // A function sees the file's names, and nothing of the place it is called from.
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

/** Calls whose arguments are just values; the last may be left out. */
function values(least: number, writer: (args: readonly Written[], w: Writing) => Written): Writer {
  return ({ args, name }, w) => {
    if (args.length < least) throw new Untranslatable(`${name}() is called with too few arguments`);
    return writer(
      args.map((arg) => write(arg, w)),
      w,
    );
  };
}

/** A method of its first argument, which is a text, with texts as the others. */
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
  jsondecode: values(1, ([text]) => tight(`fromJSON(${print(asText(text as Written))})`)),
  jsonencode: values(1, ([value]) => writeJson(value as Written)),
  not: values(1, ([value]) => negated(asCondition(value as Written))),
  negate: values(1, ([value]) =>
    loose(`-${print(value as Written, BINDING.unary)}`, BINDING.unary, (value as Written).type),
  ),
  contains: values(2, ([list, item]) => writeContains(list as Written, item as Written)),
  concat: writeConcat,
  flatten: values(1, ([list]) => writeFlatten(list as Written)),
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
      throw new Untranslatable('this use of range() has no counterpart');
    return tight(`range(${print(length)})`, listOf(INT));
  }),
  timestamp: () => tight(`now.format("YYYY-MM-DD'T'hh:mm:ssZ")`, TEXT),
  formatdate: writeFormatDate,
  formattimestamp: writeFormatDate,
  parseint: values(2, ([text, base]) => {
    if (base?.constant !== 10)
      throw new Untranslatable('parseint() with another base than 10 has no counterpart');
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

/** What texts that are known come to. */
function folded(
  args: readonly (Written | undefined)[],
  work: (texts: readonly string[]) => string | undefined,
): Written | undefined {
  const texts = args.flatMap((arg) => (typeof arg?.constant === 'string' ? [arg.constant] : []));
  const result = texts.length === args.length ? work(texts) : undefined;
  return result === undefined ? undefined : literalOf(result);
}

/** HCL cuts off where a text ends; CEL's substring fails there. */
function writeSubstr(text: Written, from: Written, length: Written): Written {
  const [start, count] = [from.constant, length.constant];
  const s = asText(text);
  if (typeof start !== 'number' || typeof count !== 'number' || start < 0)
    throw new Untranslatable('this use of substr() has no counterpart');
  if (count < 0) return start === 0 ? s : method(s, 'substring', [from], TEXT);
  if (start === 0) return method(s, 'truncate', [length], TEXT);
  return method(method(s, 'substring', [from], TEXT), 'truncate', [length], TEXT);
}

function writeSplit(separator: Written, text: Written): Written {
  if (
    typeof separator.constant === 'string' &&
    typeof text.constant === 'string' &&
    separator.constant !== ''
  )
    return writeList(text.constant.split(separator.constant).map(literalOf));
  return method(asText(text), 'split', [asText(separator)], listOf(TEXT));
}

function writeJoin(separator: Written, lists: readonly Written[]): Written {
  const all = lists.length === 1 ? (lists[0] as Written) : added(lists);
  const of = elementOf(all.type);
  const texts =
    of.kind === 'text' && of.nullable !== true
      ? all
      : tight(`${print(all, BINDING.member)}.map(one, string(one))`, listOf(TEXT));
  const isBare = separator.constant === '';
  return method(texts, 'join', isBare ? [] : [asText(separator)], TEXT);
}

function added(lists: readonly Written[]): Written {
  for (const { type } of lists)
    if (type.kind !== 'list' && type.kind !== 'any')
      throw new Untranslatable('what is no list is added to one');
  const type = lists.map((one) => one.type).reduce(union);
  return loose(lists.map((list) => print(list, BINDING.add)).join(' + '), BINDING.add, type);
}

function writeConcat({ args, expand }: Call, w: Writing): Written {
  if (expand) {
    if (args.length !== 1) throw new Untranslatable('arguments from a list (...) stand behind others');
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

/** HCL's goes all the way down. */
function writeFlatten(list: Written): Written {
  let result = list;
  let of = elementOf(list.type);
  for (let level = 0; level < 5; level++) {
    if (of.kind !== 'list') break;
    const inner = elementOf(of);
    result = method(result, 'flatten', [], listOf(inner));
    of = inner;
  }
  if (of.kind === 'any') {
    // What is no list stays as it is; two levels are what people write.
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
  if (value.type.kind === 'text') throw new Untranslatable('length() of a text fails in bake');
  const size = tight(`size(${print(value)})`, INT);
  const found = reduce(arg, w);
  const isSearch = found.expression.kind === 'call' && found.expression.name === 'regexall';
  if (found.expression.kind !== 'call' || !isSearch || w.functions.has('regexall')) return size;
  const [pattern, text] = found.expression.args;
  if (pattern === undefined || text === undefined) return size;
  return { ...size, matches: writeDoesMatch(pattern, text, found.w) };
}

function writeDoesMatch(pattern: Expression, text: Expression, w: Writing): Written {
  return method(asText(write(text, w)), 'matches', [asText(write(pattern, w))], BOOL);
}

/** What a match of an expression is: its text, or what its groups matched. */
function matchType(expression: Written): StaticType {
  if (typeof expression.constant !== 'string') throw new Untranslatable('a regular expression is computed');
  const bare = expression.constant.replaceAll(/\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]])*\]/gs, '');
  const named = [...bare.matchAll(/\(\?P?<([A-Za-z_]\w*)>/g)].map(([, name = '']) => name);
  const text: StaticType = { kind: 'text', nullable: true };
  if (named.length > 0) return { kind: 'map', fields: new Map(named.map((name) => [name, text])) };
  return /\((?!\?)/.test(bare) ? listOf(text) : TEXT;
}

function writeMatches(expression: Written, text: Written): Written {
  return method(asText(text), 'findAll', [expression], listOf(matchType(expression)));
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
    throw new Untranslatable('this use of slice() has no counterpart');
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
  if (map.type.kind !== 'map') throw new Untranslatable('it is not known whether this is a map');
  return map;
}

function writeMerge({ args, expand }: Call, w: Writing): Written {
  const maps = args.map((arg) => write(arg, w));
  const [only] = maps;
  if (only === undefined) throw new Untranslatable('merge() is called without arguments');
  if (expand) {
    if (maps.length > 1) throw new Untranslatable('arguments from a list (...) stand behind others');
    return method(only, 'merge', [], elementOf(only.type));
  }
  if (maps.length === 1) return only;
  return tight(
    `[${maps.map((map) => print(map)).join(', ')}].merge()`,
    mergedType(maps.map(({ type }) => type)),
  );
}

function mergedType(types: readonly StaticType[]): StaticType {
  if (types.some(({ kind, nullable }) => kind !== 'map' || nullable === true)) return { kind: 'map' };
  if (types.every(({ fields, sparse }) => fields !== undefined && sparse === undefined))
    return { kind: 'map', fields: new Map(types.flatMap(({ fields }) => [...(fields ?? [])])) };
  return { kind: 'map', of: types.map(elementOf).reduce(union) };
}

/** Rows of a matrix, and maps of one list, lack nothing here: what some do not say is null, or false beside true and false. */
function writeLookup({ args }: Call, w: Writing): Written {
  const [map, key, fallback] = args;
  if (map === undefined || key === undefined)
    throw new Untranslatable('lookup() is called with too few arguments');
  const name = write(key, w);
  const holder = write(map, w);
  const other = fallback === undefined ? literalOf(null) : write(fallback, w);
  if (typeof name.constant !== 'string') {
    const value = tight(
      `${print(holder, BINDING.member)}[?${print(asText(name))}].orValue(${print(other)})`,
      union(elementOf(holder.type), other.type),
    );
    return value;
  }
  return orElse(holder, name.constant, other, w);
}

function orElse(holder: Written, name: string, other: Written, w: Writing): Written {
  const field = holder.type.fields?.get(name);
  const isSparse = holder.type.sparse?.has(name) === true;
  if (field !== undefined && !isSparse) {
    const known = memberOf(holder.type, name);
    return tight(optional(holder, name, other), union(known, other.type));
  }
  const type =
    field === undefined
      ? (holder.type.of ?? (holder.type.fields === undefined ? undefined : other.type))
      : field;
  if (holder.type.fields !== undefined && field === undefined && !w.isFilled(holder.text)) return other;
  if (isSparse && w.isFilled(holder.text)) {
    const value = tight(plainMember(holder, name), { ...(field ?? other.type), nullable: true });
    if (field?.kind === 'bool') {
      if (other.constant === false) return { ...value, type: BOOL };
      throw new Untranslatable('rows of a matrix that do not say true or false say false here');
    }
    return choose(
      operation(value, '!=', literalOf(null), BINDING.compare, BOOL),
      { ...value, type: field ?? other.type },
      other,
      union(field ?? other.type, other.type),
    );
  }
  return tight(optional(holder, name, other), type === undefined ? other.type : union(type, other.type));
}

function plainMember(holder: Written, name: string): string {
  const receiver = print(holder, BINDING.member);
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `${receiver}.${name}` : `${receiver}[${quoted(name)}]`;
}

function optional(holder: Written, name: string, other: Written): string {
  const receiver = print(holder, BINDING.member);
  const found = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? `${receiver}.?${name}`
    : `${receiver}[?${quoted(name)}]`;
  return `${found}.orValue(${print(other)})`;
}

/** The first that is not null. */
function writeCoalesce({ args, expand }: Call, w: Writing): Written {
  if (expand) throw new Untranslatable('arguments from a list (...) have no counterpart');
  const parts = args.map((arg) => write(arg, w)).filter(({ constant }) => constant !== null);
  const last = parts.findIndex(({ type }) => type.nullable !== true && type.kind !== 'any');
  const used = last === -1 ? parts : parts.slice(0, last + 1);
  const [end, ...before] = [...used].reverse();
  if (end === undefined) throw new Untranslatable('coalesce() is called without arguments');
  return before.reduce<Written>((rest, part) => {
    const test = operation(part, '!=', literalOf(null), BINDING.compare, BOOL);
    const known = { ...part.type, nullable: false };
    return choose(test, part, rest, union(known, rest.type));
  }, end);
}

/** `try(a.b, c)`: the member where there is one. */
function writeTry(call: Call, w: Writing): Written {
  const { args } = call;
  const [first, second, ...more] = args;
  if (first === undefined) throw new Untranslatable('try() is called without arguments');
  const found = reduce(first, w);
  const isMember =
    found.expression.kind === 'attribute' ||
    (found.expression.kind === 'index' &&
      typeof tryWrite(found.expression.key, found.w)?.constant === 'string');
  const matched = second === undefined ? undefined : writeFirstMatch(found, write(second, w));
  if (matched !== undefined) return matched;
  if (!isMember) {
    if (second === undefined || isSafe(found)) return write(found.expression, found.w);
    throw new Untranslatable('this use of try() has no counterpart');
  }
  if (second === undefined) return write(found.expression, found.w);
  const other = more.length === 0 ? write(second, w) : writeTry({ ...call, args: args.slice(1) }, w);
  if (found.expression.kind === 'attribute')
    return orElse(write(found.expression.of, found.w), found.expression.name, other, w);
  if (found.expression.kind === 'index')
    return orElse(
      write(found.expression.of, found.w),
      String(write(found.expression.key, found.w).constant),
      other,
      w,
    );
  throw new Untranslatable('this use of try() has no counterpart');
}

/** `regex(…)`, or a group of it, where the expression matches; something else where it does not. */
function writeFirstMatch({ expression, w }: Reduced, other: Written): Written | undefined {
  const isGroup = expression.kind === 'index' || expression.kind === 'attribute';
  const call = isGroup ? reduce(expression.of, w).expression : expression;
  if (call.kind !== 'call' || call.name !== 'regex' || w.functions.has('regex')) return undefined;
  const [pattern, text] = call.args;
  if (pattern === undefined || text === undefined) return undefined;
  const all = writeMatches(write(pattern, w), write(text, w));
  const local = localName('match', w.locals);
  const match = tight(local, elementOf(all.type));
  const group =
    expression.kind === 'attribute'
      ? tight(plainMember(match, expression.name), { kind: 'text', nullable: true })
      : expression.kind === 'index'
        ? tight(`${local}[${print(write(expression.key, w))}]`, { kind: 'text', nullable: true })
        : match;
  const values = mapped({ over: all, local }, group);
  return tight(
    `${print(values, BINDING.member)}[?0].orValue(${print(other)})`,
    union(group.type, other.type),
  );
}

/** What can never fail. */
function isSafe({ expression }: Reduced): boolean {
  return ['literal', 'variable'].includes(expression.kind);
}

function tryWrite(expression: Expression, w: Writing): Written | undefined {
  try {
    return write(expression, w);
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}

/** `can(regex(…))` asks whether a text matches, `can(a.b)` whether there is such a member. */
function writeCan({ args }: Call, w: Writing): Written {
  const [arg] = args;
  if (arg === undefined) throw new Untranslatable('can() is called without an argument');
  const { expression, w: inner } = reduce(arg, w);
  if (expression.kind === 'call' && expression.name === 'regex') {
    const [pattern, text] = expression.args;
    if (pattern !== undefined && text !== undefined) return writeDoesMatch(pattern, text, inner);
  }
  if (expression.kind === 'attribute') {
    const holder = write(expression.of, inner);
    if (holder.type.sparse?.has(expression.name) === true && w.isFilled(holder.text)) {
      if (holder.type.fields?.get(expression.name)?.kind === 'bool')
        throw new Untranslatable('rows of a matrix that do not say true or false say false here');
      return operation(
        tight(plainMember(holder, expression.name)),
        '!=',
        literalOf(null),
        BINDING.compare,
        BOOL,
      );
    }
    // CEL's has() takes names only.
    if (/^[\w.]+$/.test(holder.text)) return tight(`has(${plainMember(holder, expression.name)})`, BOOL);
    return operation(literalOf(expression.name), 'in', holder, BINDING.compare, BOOL);
  }
  throw new Untranslatable('this use of can() has no counterpart');
}

/** Those items that another list has, or (`!`) has not. */
function filteredBy(list: Written, other: Written, sign: '' | '!', w: Writing): Written {
  const local = localName('one', w.locals);
  const test = `${local} in ${print(other, BINDING.compare + 1)}`;
  return tight(
    `${print(list, BINDING.member)}.filter(${local}, ${sign === '' ? test : `!(${test})`})`,
    list.type,
  );
}

/** Every pair: a loop in a loop. */
function writeProduct({ args }: Call, w: Writing): Written {
  const lists = args.map((arg) => write(arg, w));
  if (lists.length < 2 || lists.some(({ type }) => type.kind !== 'list'))
    throw new Untranslatable('this use of setproduct() has no counterpart');
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
    throw new Untranslatable('max() and min() have counterparts for integers only');
  const both = choose(operation(a, sign, b, BINDING.compare, BOOL), a, b, INT);
  const [next, ...rest] = more;
  return next === undefined ? both : extreme(sign, both, next, rest);
}

/** Go's JSON has no blanks and sorts keys, as ours does where there are none. */
function writeJson(value: Written): Written {
  const isSure = (type: StaticType): boolean =>
    type.kind === 'list'
      ? isSure(elementOf(type))
      : ['text', 'bool'].includes(type.kind) || type.isInt === true;
  if (!isSure(value.type)) throw new Untranslatable('jsonencode() of maps has no counterpart');
  return tight(`toJSON(${print(value)})`, TEXT);
}

function writeFormatDate({ args }: Call, w: Writing): Written {
  const [pattern, time] = args;
  const layout = pattern === undefined ? undefined : write(pattern, w);
  if (
    layout === undefined ||
    time === undefined ||
    typeof layout.constant !== 'string' ||
    layout.constant === 'X'
  )
    throw new Untranslatable('this use of formatdate() has no counterpart');
  const source = reduce(time, w).expression;
  const isNow = source.kind === 'call' && source.name === 'timestamp';
  const written = isNow ? tight('now', TEXT) : write(time, w);
  if (written.type.kind !== 'text') throw new Untranslatable('a time that is no text is formatted');
  return method(written, 'format', [layout], TEXT);
}

/** `%s`, `%d` and `%v` only. */
function writeFormat({ args }: Call, w: Writing): Written {
  const [pattern, ...rest] = args.map((arg) => write(arg, w));
  return filled(pattern, rest);
}

function filled(pattern: Written | undefined, rest: readonly Written[]): Written {
  if (typeof pattern?.constant !== 'string' || /%[^sdv%]/.test(pattern.constant))
    throw new Untranslatable('this use of format() has no counterpart');
  const pieces: Piece[] = [];
  let at = 0;
  for (const [part] of pattern.constant.matchAll(/%[sdv%]|[^%]+/g)) {
    if (!part.startsWith('%')) pieces.push(part);
    else if (part === '%%') pieces.push('%');
    else {
      const value = rest[at++];
      if (value === undefined) throw new Untranslatable('format() is called with too few arguments');
      if (value.type.kind === 'list' || value.type.kind === 'map')
        throw new Untranslatable('a list or map stands in a text');
      pieces.push(value.constant === undefined || value.constant === null ? value : String(value.constant));
    }
  }
  return joinPieces(pieces);
}

/** Lists are gone through together, all else stays the same. */
function writeFormatList({ args }: Call, w: Writing): Written {
  const [pattern, ...rest] = args.map((arg) => write(arg, w));
  const lists = rest.filter(({ type }) => type.kind === 'list');
  const [list] = lists;
  if (rest.some(({ type }) => type.kind === 'any') || lists.length !== 1 || list === undefined)
    throw new Untranslatable('formatlist() with several lists has no counterpart');
  const local = localName('one', w.locals);
  const text = filled(
    pattern,
    rest.map((one) => (one === list ? tight(local, elementOf(list.type)) : one)),
  );
  return mapped({ over: list, local }, text);
}
