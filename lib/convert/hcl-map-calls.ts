/** Converts calls in bake files that handle missing values: members of maps, values, matches. */
import type { Call, Expression } from '../hcl/mod.ts';
import {
  asText,
  BINDING,
  choose,
  literalOf,
  localName,
  method,
  operation,
  print,
  quoted,
  tight,
  Untranslatable,
  type Written,
} from './cel-text.ts';
import { mapped, write } from './hcl-cel.ts';
import { writeDoesMatch, writeMatches } from './hcl-text-calls.ts';
import { type Reduced, reduce, type Writing } from './hcl-writing.ts';
import { BOOL, elementOf, memberOf, type StaticType, union } from './static-type.ts';

/** Merges maps. */
export function writeMerge({ args, expand }: Call, w: Writing): Written {
  const maps = args.map((arg) => write(arg, w));
  const [only] = maps;
  if (only === undefined) throw new Untranslatable('merge() is called without arguments');
  if (expand) {
    if (maps.length > 1) throw new Untranslatable('arguments from a list (...) follow others');
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

/**
 * Rows of a matrix and maps of one list have no missing keys here: missing values are null, or false next to true and
 * false.
 */
export function writeLookup({ args }: Call, w: Writing): Written {
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
      throw new Untranslatable('rows of a matrix without true or false are false here');
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

/** The first value that is not null. */
export function writeCoalesce({ args, expand }: Call, w: Writing): Written {
  if (expand) throw new Untranslatable('arguments from a list (...) have no equivalent');
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

/** `try(a.b, c)`: the member if it exists. */
export function writeTry(call: Call, w: Writing): Written {
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
    throw new Untranslatable('this use of try() has no equivalent');
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
  throw new Untranslatable('this use of try() has no equivalent');
}

/** `regex(…)` or a group of it if the expression matches, otherwise another value. */
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

/** Whether an expression can never fail. */
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

/** `can(regex(…))` tests whether a text matches, `can(a.b)` whether a member exists. */
export function writeCan({ args }: Call, w: Writing): Written {
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
        throw new Untranslatable('rows of a matrix without true or false are false here');
      return operation(
        tight(plainMember(holder, expression.name)),
        '!=',
        literalOf(null),
        BINDING.compare,
        BOOL,
      );
    }
    // CEL's has() only accepts names.
    if (/^[\w.]+$/.test(holder.text)) return tight(`has(${plainMember(holder, expression.name)})`, BOOL);
    return operation(literalOf(expression.name), 'in', holder, BINDING.compare, BOOL);
  }
  throw new Untranslatable('this use of can() has no equivalent');
}
