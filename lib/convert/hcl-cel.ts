/**
 * Converts expressions of bake files to CEL (docs/language.md, "Expressions"), keeping the meaning in HCL
 * (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md). What cannot be converted is thrown as {@link
 * Untranslatable}.
 */
import { type Expression, SPLAT_ELEMENT, type TemplatePart } from '../hcl/mod.ts';
import {
  asCondition,
  asSet,
  asText,
  BINDING,
  choose,
  joinPieces,
  literalOf,
  localName,
  member,
  method,
  type Piece,
  print,
  quoted,
  tight,
  Untranslatable,
  type Written,
} from './cel-text.ts';
import { writeBinary, writeUnary } from './hcl-operators.ts';
import { type Binding, MAX_DEPTH, type Names, type Reduced, reduce, type Writing } from './hcl-writing.ts';
import { ANY, elementOf, INT, listOf, memberOf, TEXT, union } from './static-type.ts';

/** Writes an expression. @throws Untranslatable */
export function write(expression: Expression, at: Writing): Written {
  if (at.depth > MAX_DEPTH || --at.budget.left < 0) throw new Untranslatable('it becomes too long');
  const w: Writing = { ...at, depth: at.depth + 1 };
  switch (expression.kind) {
    case 'literal':
      return writeLiteral(expression.value);
    case 'template':
      return writeTemplate(expression.parts, w);
    case 'variable':
      return writeVariable(expression.name, w);
    case 'attribute':
      return writeMember(expression.of, expression.name, w);
    case 'index':
      return writeIndex(expression.of, expression.key, w);
    case 'splat':
      return writeSplat(expression.of, expression.each, w);
    case 'call':
      return w.writeCall(expression, w);
    case 'unary':
      return writeUnary(expression.operator, write(expression.of, w));
    case 'binary':
      return writeBinary(expression.operator, write(expression.left, w), write(expression.right, w));
    case 'conditional':
      return writeChoice(asCondition(write(expression.test, w)), expression.yes, expression.no, w);
    case 'tuple':
      return writeList(expression.items.map((item) => write(item, w)));
    case 'object':
      return writeMap(
        expression.items.map(({ key, value }) => [asText(writeKey(key, w)), write(value, w)] as const),
      );
    case 'for':
      return writeFor(expression, w);
    case 'parentheses':
      return write(expression.inner, w);
    case 'invalid':
      throw new Untranslatable('it cannot be read');
  }
}

function writeLiteral(value: boolean | null | { readonly number: string }): Written {
  if (value === null || typeof value === 'boolean') return literalOf(value);
  const number = Number(value.number);
  if (!Number.isFinite(number) || (Number.isInteger(number) && !Number.isSafeInteger(number)))
    throw new Untranslatable('a number is too large');
  return literalOf(number);
}

/** An identifier as a key of an object is a text. */
export function writeKey(key: Expression, w: Writing): Written {
  return key.kind === 'variable' ? literalOf(key.name) : write(key, w);
}

/** A single part of a template is the value itself, whatever its type. */
function writeTemplate(parts: readonly TemplatePart[], w: Writing): Written {
  const [first] = parts;
  if (parts.length === 1 && first?.kind === 'interpolation') return write(first.value, w);
  return joinPieces(parts.flatMap((part) => writePart(part, w)));
}

function writePart(part: TemplatePart, w: Writing): readonly Piece[] {
  switch (part.kind) {
    case 'text':
      return [part.value];
    case 'interpolation': {
      const inner = write(part.value, w);
      if (inner.type.kind === 'list' || inner.type.kind === 'map')
        throw new Untranslatable('a list or map is inside a string');
      if (inner.constant === null) throw new Untranslatable('null is inside a string');
      return [inner.constant === undefined ? inner : String(inner.constant)];
    }
    case 'if': {
      const side = (parts: readonly TemplatePart[]): Written =>
        joinPieces(parts.flatMap((one) => writePart(one, w)));
      return [choose(asCondition(write(part.test, w)), side(part.yes), side(part.no), TEXT)];
    }
    case 'for': {
      const over = write(part.over, w);
      const each = loop(over, part.keyName, part.valueName, w);
      const text = joinPieces(part.parts.flatMap((one) => writePart(one, each.inside)));
      return [method(mapped(each, text), 'join', [], TEXT)];
    }
  }
}

function writeVariable(name: string, w: Writing): Written {
  const binding = w.names.lookup(name);
  if (binding === undefined) {
    const isBlock = name === 'target' || name === 'group';
    throw new Untranslatable(isBlock ? `it reads another ${name}` : `there is no variable "${name}" in it`);
  }
  if (binding.kind === 'none') throw new Untranslatable(binding.why);
  return binding.kind === 'cel' ? binding.written : write(binding.expression, { ...w, names: binding.names });
}

function writeMember(of: Expression, name: string, w: Writing): Written {
  const written: Expression = { kind: 'attribute', of, name, span: of.span };
  const reduced = reduce(written, w);
  if (reduced.expression !== written) return write(reduced.expression, reduced.w);
  const holder = write(of, w);
  return member(holder, name, memberOf(holder.type, name));
}

function writeIndex(of: Expression, key: Expression, w: Writing): Written {
  const index = write(key, w);
  if (typeof index.constant === 'string') return writeMember(of, index.constant, w);
  const found = reduce(of, w);
  const item =
    found.expression.kind === 'tuple' && typeof index.constant === 'number'
      ? found.expression.items[index.constant]
      : undefined;
  if (item !== undefined) return write(item, found.w);
  const holder = write(of, w);
  const isMap = holder.type.kind === 'map';
  if (!isMap && index.type.kind === 'text') throw new Untranslatable('a string is the index of a list');
  return tight(
    `${print(holder, BINDING.member)}[${print(isMap ? asText(index) : index)}]`,
    elementOf(holder.type),
  );
}

function writeSplat(of: Expression, each: Expression, w: Writing): Written {
  const list = write(of, w);
  if (list.type.kind !== 'list' && list.type.kind !== 'any')
    throw new Untranslatable('[*] follows a value that is not a list');
  if (each.kind === 'variable' && each.name === SPLAT_ELEMENT) return list;
  return mapEach(loop(list, undefined, 'one', w, SPLAT_ELEMENT), each);
}

function writeChoice(test: Written, yes: Expression, no: Expression, w: Writing): Written {
  if (test.constant === true) return write(yes, w);
  if (test.constant === false) return write(no, w);
  const [a, b] = unified(write(yes, w), write(no, w));
  return choose(test, a, b, union(a.type, b.type));
}

/** HCL converts the alternatives of a conditional to one type: with a set, a list becomes a set. */
export function unified(a: Written, b: Written): readonly [Written, Written] {
  const hasSet = a.type.isSet === true || b.type.isSet === true;
  const side = (one: Written): Written => (hasSet && one.type.kind === 'list' ? asSet(one) : one);
  return [side(a), side(b)];
}

/** A list literal. */
export function writeList(items: readonly Written[]): Written {
  const of = items.length === 0 ? undefined : items.map(({ type }) => type).reduce(union);
  return {
    ...tight(
      `[${items.map((item) => print(item)).join(', ')}]`,
      of === undefined ? { kind: 'list' } : listOf(of),
    ),
    items,
  };
}

function writeMap(entries: readonly (readonly [Written, Written])[]): Written {
  const text = `{${entries.map(([key, value]) => `${print(key)}: ${print(value)}`).join(', ')}}`;
  const isKnown = entries.every(([{ constant }]) => typeof constant === 'string');
  if (isKnown)
    return tight(text, {
      kind: 'map',
      fields: new Map(entries.map(([key, { type }]) => [String(key.constant), type])),
    });
  return tight(text, { kind: 'map', of: entries.map(([, { type }]) => type).reduce(union, ANY) });
}

/** A loop over a list or a map, with the names of its element. */
export interface Loop {
  readonly over: Written;
  readonly local: string;
  readonly inside: Writing;
  /** An element without further operations. */
  readonly element: Written;
}

/** Prepares a loop; maps are iterated by sorted keys, as in HCL. */
export function loop(
  over: Written,
  keyName: string | undefined,
  valueName: string,
  w: Writing,
  boundAs: string = valueName,
): Loop {
  const { type } = over;
  if (type.kind !== 'list' && type.kind !== 'map') throw new Untranslatable('this may be a list or a map');
  const isMap = type.kind === 'map';
  const isIndexed = isMap || keyName !== undefined;
  const local = localName(isIndexed ? (keyName ?? (isMap ? 'key' : 'at')) : valueName, w.locals);
  const locals = new Set([...w.locals, local]);
  const key = tight(local, isMap ? TEXT : isIndexed ? INT : elementOf(type));
  const value = isIndexed ? tight(`${print(over, BINDING.member)}[${local}]`, elementOf(type)) : key;
  const names: Names = {
    global: w.names.global,
    lookup: (name) => {
      if (name === boundAs) return { kind: 'cel', written: value };
      return name === keyName ? { kind: 'cel', written: key } : w.names.lookup(name);
    },
  };
  const inside: Writing = { ...w, names, locals };
  if (!isIndexed) return { over, local, inside, element: key };
  const keys = isMap ? sortedKeys(over, local) : tight(`range(size(${print(over)}))`, listOf(INT));
  return { over: keys, local, inside, element: key };
}

/** The sorted keys of a map; a known order needs no sorting. */
export function sortedKeys(map: Written, local: string): Written {
  const names = [...(map.type.fields?.keys() ?? [])];
  if (map.type.fields !== undefined && map.type.sparse === undefined && names.length <= 1)
    return tight(`[${names.map(quoted).join(', ')}]`, listOf(TEXT));
  return method(tight(`${print(map, BINDING.member)}.map(${local}, ${local})`), 'sort', [], listOf(TEXT));
}

/** `.map(…)` over a loop. */
export function mapped({ over, local }: Pick<Loop, 'over' | 'local'>, value: Written): Written {
  if (value.text === local) return { ...over, type: listOf(value.type) };
  const text = `${print(over, BINDING.member)}.map(${local}, ${print(value)})`;
  return { ...tight(text, listOf(value.type)), loop: { over, local, value } };
}

function mapEach(each: Loop, value: Expression): Written {
  return mapped(each, write(value, each.inside));
}

function writeFor(expression: Extract<Expression, { kind: 'for' }>, w: Writing): Written {
  const { keyName, valueName, over, key, value, when, group } = expression;
  const unrolled = unroll(expression, w);
  if (unrolled !== undefined) return writeList(unrolled.map((one) => write(one.expression, one.w)));
  if (group) throw new Untranslatable('for with ... has no equivalent');
  const isMap = write(over, w).type.kind === 'map';
  // Unused keys need no index.
  const usesKey = keyName !== undefined && (isMap || mentions([key, value, when], keyName));
  const each = loop(write(over, w), usesKey ? keyName : undefined, valueName, w);
  const test = when === undefined ? undefined : asCondition(write(when, each.inside));
  const filtered =
    test === undefined || test.constant === true
      ? each.over
      : tight(`${print(each.over, BINDING.member)}.filter(${each.local}, ${print(test)})`, each.over.type);
  const rest = { over: filtered, local: each.local };
  if (key === undefined) return mapped(rest, write(value, each.inside));
  const entry = writeMap([[asText(write(key, each.inside)), write(value, each.inside)]]);
  return method(mapped(rest, entry), 'merge', [], { kind: 'map', of: elementOf(entry.type) });
}

/** Maximum length of a list over which a loop is unrolled. */
const MAX_UNROLLED = 12;

/** Unrolls a loop over a list literal; undefined: not possible. */
export function unroll(
  { keyName, valueName, over, key, value, when }: Extract<Expression, { kind: 'for' }>,
  w: Writing,
): readonly Reduced[] | undefined {
  if (key !== undefined || keyName !== undefined) return undefined;
  const list = reduce(over, w);
  if (list.expression.kind !== 'tuple' || list.expression.items.length > MAX_UNROLLED) return undefined;
  const results: Reduced[] = [];
  for (const item of list.expression.items) {
    const bound: Binding = { kind: 'expression', expression: item, names: list.w.names };
    const names: Names = {
      global: w.names.global,
      lookup: (name) => (name === valueName ? bound : w.names.lookup(name)),
    };
    const inside: Writing = { ...w, names };
    const test = when === undefined ? literalOf(true) : asCondition(write(when, inside));
    if (typeof test.constant !== 'boolean') return undefined;
    if (test.constant) results.push({ expression: value, w: inside });
  }
  return results;
}

/** Whether a name occurs in expressions, even if it is shadowed. */
export function mentions(expressions: readonly unknown[], name: string): boolean {
  return expressions.some((one) => {
    if (typeof one !== 'object' || one === null) return false;
    if ('kind' in one && one.kind === 'variable' && 'name' in one && one.name === name) return true;
    return mentions(
      Object.entries(one).flatMap(([key, inner]): unknown[] => (key.endsWith('pan') ? [] : [inner])),
      name,
    );
  });
}
