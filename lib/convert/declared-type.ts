/** Types that variables of bake files declare (https://github.com/hashicorp/hcl/blob/main/ext/typeexpr/README.md). */
import type { Expression } from '../hcl/mod.ts';
import { asWritten } from './bake-file.ts';
import { ANY, BOOL, listOf, NUMBER, type StaticType, TEXT, union } from './static-type.ts';

/** A declared type. */
export interface Declared {
  readonly type: StaticType;
  /** Items or values are converted to another type, or sorted. */
  readonly isSet: boolean;
}

const WORDS: Readonly<Record<string, StaticType>> = { string: TEXT, number: NUMBER, bool: BOOL, any: ANY };

/** Reads a type constraint; undefined if it is not supported. */
export function readDeclared(expression: Expression): Declared | undefined {
  const written = asWritten(expression);
  if (written.kind === 'variable') {
    const type = Object.hasOwn(WORDS, written.name) ? WORDS[written.name] : undefined;
    return type === undefined ? undefined : { type, isSet: false };
  }
  if (written.kind !== 'call') return undefined;
  const [first] = written.args;
  if (first === undefined) return undefined;
  switch (written.name) {
    case 'list':
    case 'set': {
      const of = readDeclared(first);
      return of === undefined
        ? undefined
        : { ...of, type: listOf(inside(of.type)), isSet: of.isSet || written.name === 'set' };
    }
    case 'map': {
      const of = readDeclared(first);
      return of === undefined ? undefined : { ...of, type: { kind: 'map', of: inside(of.type) } };
    }
    case 'tuple':
      return first.kind === 'tuple' ? ofTuple(first.items) : undefined;
    case 'object':
      return first.kind === 'object' ? ofObject(first.items) : undefined;
    default:
      return undefined;
  }
}

function ofTuple(items: readonly Expression[]): Declared | undefined {
  const types = items.flatMap((item) => readDeclared(item) ?? []);
  if (types.length < items.length) return undefined;
  const of = types.map(({ type }) => inside(type)).reduce(union, inside(types[0]?.type ?? ANY));
  return {
    type: listOf(of),
    isSet: types.some(({ isSet }) => isSet),
  };
}

function ofObject(items: Extract<Expression, { kind: 'object' }>['items']): Declared | undefined {
  const fields = new Map<string, StaticType>();
  const loose = new Set<string>();
  let isSet = false;
  for (const { key, value } of items) {
    const name = key.kind === 'variable' ? key.name : textOf(key);
    const optional = value.kind === 'call' && value.name === 'optional' ? value : undefined;
    const inner = optional === undefined ? value : optional.args[0];
    const read = inner === undefined ? undefined : readDeclared(inner);
    if (name === undefined || read === undefined) return undefined;
    if (optional !== undefined) loose.add(name);
    fields.set(name, optional === undefined ? inside(read.type) : { ...inside(read.type), nullable: true });
    isSet ||= read.isSet;
  }
  return { type: { kind: 'map', fields, ...(loose.size === 0 ? {} : { loose }) }, isSet };
}

/** The type of an element or attribute. */
function inside(type: StaticType): StaticType {
  return type.kind === 'number' ? { ...type, isMixed: true } : type;
}

function textOf(key: Expression): string | undefined {
  if (key.kind !== 'template' || key.parts.length !== 1) return undefined;
  const [part] = key.parts;
  return part?.kind === 'text' ? part.value : undefined;
}
