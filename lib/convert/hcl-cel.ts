/**
 * Expressions of bake files as expressions of ours (CEL, docs/language.md "Expressions"), with the meaning that HCL gives
 * them (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md). What has no counterpart is thrown as
 * {@link Untranslatable}.
 */
import { type Call, type Expression, SPLAT_ELEMENT, type TemplatePart } from '../hcl/mod.ts';
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
  member,
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
import { ANY, BOOL, elementOf, INT, listOf, memberOf, NUMBER, TEXT, union } from './static-type.ts';

/** What a name stands for: text of CEL, or (a parameter of a function) an expression with the names around it. */
export type Binding =
  | { readonly kind: 'cel'; readonly written: Written }
  | { readonly kind: 'expression'; readonly expression: Expression; readonly names: Names }
  | { readonly kind: 'none'; readonly why: string };

/** Names in scope. */
export interface Names {
  readonly lookup: (name: string) => Binding | undefined;
  /** What a name means in the file itself, whatever loops and functions are around. */
  readonly global: (name: string) => Binding | undefined;
}

/** A function that the file defines. */
export interface FileFunction {
  readonly parameters: readonly string[];
  readonly rest?: string;
  readonly result: Expression;
}

/** What an expression is written with. */
export interface Writing {
  readonly names: Names;
  readonly functions: ReadonlyMap<string, FileFunction>;
  /** The attribute of another target, as that target says it. */
  readonly targetAttribute: (target: string, attribute: string) => Expression | undefined;
  /** Writes calls (hcl-calls.ts). */
  readonly writeCall: (call: Call, w: Writing) => Written;
  /** Names that macros around it bind. */
  readonly locals: ReadonlySet<string>;
  readonly depth: number;
  /** Whether a value of such a text is an axis of the matrix, whose maps have all names of one another. */
  readonly isFilled: (text: string) => boolean;
  /** What may still be written: functions that call functions grow without bound. */
  readonly budget: { left: number };
}

/** Deeper calls of functions of the file are a recursion. */
const MAX_DEPTH = 200;

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

/** A bare word as the key of an object is a text. */
export function writeKey(key: Expression, w: Writing): Written {
  return key.kind === 'variable' ? literalOf(key.name) : write(key, w);
}

/** What stands alone in a template is the value itself, whatever its type. */
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
        throw new Untranslatable('a list or map stands in a text');
      if (inner.constant === null) throw new Untranslatable('null stands in a text');
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
    throw new Untranslatable(
      isBlock ? `it reads what another ${name} says` : `there is no variable "${name}"`,
    );
  }
  if (binding.kind === 'none') throw new Untranslatable(binding.why);
  return binding.kind === 'cel' ? binding.written : write(binding.expression, { ...w, names: binding.names });
}

/** An expression and the names it is to be read with. */
export interface Reduced {
  readonly expression: Expression;
  readonly w: Writing;
}

/** Follows parameters, members of literal objects and attributes of other targets to what they stand for. */
export function reduce(expression: Expression, w: Writing): Reduced {
  if (w.depth > MAX_DEPTH || --w.budget.left < 0) throw new Untranslatable('it becomes too long');
  const deeper: Writing = { ...w, depth: w.depth + 1 };
  if (expression.kind === 'parentheses') return reduce(expression.inner, deeper);
  if (expression.kind === 'template') {
    const [first] = expression.parts;
    if (expression.parts.length === 1 && first?.kind === 'interpolation') return reduce(first.value, deeper);
  }
  if (expression.kind === 'variable') {
    const binding = w.names.lookup(expression.name);
    return binding?.kind === 'expression'
      ? reduce(binding.expression, { ...deeper, names: binding.names })
      : { expression, w };
  }
  if (expression.kind === 'attribute') {
    const other = ofTarget(expression, w);
    if (other !== undefined) return reduce(other, deeper);
    const of = reduce(expression.of, deeper);
    const item =
      of.expression.kind === 'object'
        ? of.expression.items.find(({ key }) => keyText(key) === expression.name)
        : undefined;
    return item === undefined ? { expression, w } : reduce(item.value, of.w);
  }
  return { expression, w };
}

function keyText(key: Expression): string | undefined {
  if (key.kind === 'variable') return key.name;
  if (key.kind !== 'template' || key.parts.length > 1) return undefined;
  const [first] = key.parts;
  return first === undefined ? '' : first.kind === 'text' ? first.value : undefined;
}

/** `target.NAME.ATTRIBUTE`: what that target itself says. */
function ofTarget(expression: Expression, w: Writing): Expression | undefined {
  if (expression.kind !== 'attribute' || expression.of.kind !== 'attribute') return undefined;
  const { of: root, name } = expression.of;
  if (root.kind !== 'variable' || root.name !== 'target' || w.names.lookup('target') !== undefined)
    return undefined;
  return w.targetAttribute(name, expression.name);
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
  if (!isMap && index.type.kind === 'text') throw new Untranslatable('a text is the index of a list');
  return tight(
    `${print(holder, BINDING.member)}[${print(isMap ? asText(index) : index)}]`,
    elementOf(holder.type),
  );
}

function writeSplat(of: Expression, each: Expression, w: Writing): Written {
  const list = write(of, w);
  if (list.type.kind !== 'list' && list.type.kind !== 'any')
    throw new Untranslatable('[*] stands behind what is no list');
  if (each.kind === 'variable' && each.name === SPLAT_ELEMENT) return list;
  return mapEach(loop(list, undefined, 'one', w, SPLAT_ELEMENT), each);
}

function writeUnary(operator: '!' | '-', of: Written): Written {
  if (operator === '!') return negated(asCondition(of));
  const inner = asNumber(of);
  if (typeof inner.constant === 'number') return literalOf(-inner.constant);
  return loose(`${operator}${print(inner, BINDING.unary)}`, BINDING.unary, inner.type);
}

const ARITHMETIC: Readonly<Record<string, number>> = {
  '+': BINDING.add,
  '-': BINDING.add,
  '*': BINDING.multiply,
  '/': BINDING.multiply,
  '%': BINDING.multiply,
};

/** Writes an operation of two values; also for the functions that are operators (`equal(a, b)`). */
export function writeBinary(operator: string, a: Written, b: Written): Written {
  if (operator === '&&' || operator === '||') return writeLogic(operator, asCondition(a), asCondition(b));
  if (a.matches !== undefined && b.constant === 0) {
    if (operator === '>' || operator === '!=') return a.matches;
    if (operator === '==' || operator === '<=') return negated(a.matches);
  }
  if (operator === '==' || operator === '!=') return writeEquality(operator, a, b);
  const [left, right] = sameNumbers(operator, asNumber(a), asNumber(b));
  const isInt = left.type.isInt === true && right.type.isInt === true;
  const binding = ARITHMETIC[operator];
  if (binding === undefined) return operation(left, operator, right, BINDING.compare, BOOL);
  return operation(left, operator, right, binding, isInt ? INT : NUMBER);
}

function writeLogic(operator: '&&' | '||', a: Written, b: Written): Written {
  const deciding = operator === '||';
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    if (one.constant === deciding) return literalOf(deciding);
    if (one.constant === !deciding) return other;
  }
  return operation(a, operator, b, operator === '||' ? BINDING.or : BINDING.and, BOOL);
}

/** Values of different types are never equal in HCL. */
function writeEquality(operator: '==' | '!=', a: Written, b: Written): Written {
  const isSame = operator === '==';
  if (a.constant !== undefined && b.constant !== undefined)
    return literalOf((a.constant === b.constant) === isSame);
  const isLoose = ({ type }: Written): boolean => type.kind === 'any' || type.nullable === true;
  if (!isLoose(a) && !isLoose(b) && a.type.kind !== b.type.kind) return literalOf(!isSame);
  if (a.constant === null && !isLoose(b)) return literalOf(!isSame);
  if (b.constant === null && !isLoose(a)) return literalOf(!isSame);
  if (typeof b.constant === 'boolean' && a.type.kind === 'bool' && a.type.nullable !== true)
    return b.constant === isSame ? a : negated(a);
  const isList = a.type.kind === 'list' || b.type.kind === 'list';
  if (isList && a.constant !== null && b.constant !== null)
    throw new Untranslatable('lists are compared, which HCL does by their types, too');
  return operation(a, operator, b, BINDING.compare, BOOL);
}

/** As a number; of a text, the number that it writes. */
export function asNumber(written: Written): Written {
  const { type, constant } = written;
  if (type.kind === 'number') return written;
  if (typeof constant === 'string' && /^-?[0-9]+(?:\.[0-9]+)?$/.test(constant))
    return literalOf(Number(constant));
  if (type.kind === 'any' || type.kind === 'text') return tight(`double(${print(written)})`, NUMBER);
  throw new Untranslatable('a number is needed');
}

/** CEL calculates with two integers or with two others; a division of integers has no fraction there. */
function sameNumbers(operator: string, left: Written, right: Written): readonly [Written, Written] {
  const isInt = (side: Written): boolean => side.type.isInt === true;
  if (isInt(left) && isInt(right) && operator !== '/') return [left, right];
  const wide = (side: Written): Written => {
    if (typeof side.constant === 'number' && isInt(side)) return { ...tight(`${side.constant}.0`, NUMBER) };
    return isInt(side) ? tight(`double(${print(side)})`, NUMBER) : side;
  };
  if (operator === '%')
    throw new Untranslatable('the remainder of a division with fractions has no counterpart');
  return [wide(left), wide(right)];
}

function writeChoice(test: Written, yes: Expression, no: Expression, w: Writing): Written {
  if (test.constant === true) return write(yes, w);
  if (test.constant === false) return write(no, w);
  const [a, b] = unified(write(yes, w), write(no, w));
  return choose(test, a, b, union(a.type, b.type));
}

/** The sides of a choice become one type in HCL: a list beside a set is a set. */
export function unified(a: Written, b: Written): readonly [Written, Written] {
  const hasSet = a.type.isSet === true || b.type.isSet === true;
  const side = (one: Written): Written => (hasSet && one.type.kind === 'list' ? asSet(one) : one);
  return [side(a), side(b)];
}

/** A list literal. */
export function writeList(items: readonly Written[]): Written {
  const of = items.length === 0 ? undefined : items.map(({ type }) => type).reduce(union);
  return tight(
    `[${items.map((item) => print(item)).join(', ')}]`,
    of === undefined ? { kind: 'list' } : listOf(of),
  );
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

/** A loop over a list or a map, with the names that stand for its element inside. */
export interface Loop {
  readonly over: Written;
  readonly local: string;
  readonly inside: Writing;
  /** What an element is where nothing is done with it. */
  readonly element: Written;
}

/** Prepares a loop: maps in the order of their keys, as HCL goes over them. */
export function loop(
  over: Written,
  keyName: string | undefined,
  valueName: string,
  w: Writing,
  boundAs: string = valueName,
): Loop {
  const { type } = over;
  if (type.kind !== 'list' && type.kind !== 'map')
    throw new Untranslatable('it is not known whether this is a list or a map');
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

/** The keys of a map in their order; an order that is known needs no sorting. */
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
  if (group) throw new Untranslatable('for with ... has no counterpart');
  const isMap = write(over, w).type.kind === 'map';
  // What is not used need not be counted.
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

/** Longest list that a loop over is written out. */
const MAX_UNROLLED = 12;

/** What a loop gives that goes over a list whose items are written there; undefined: it is none. */
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

/** Whether a name occurs in expressions; shadowed ones count, too. */
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
