/** Types of attributes and elements of missing values: of an empty list, or of a value with problems. */
import type { Expression, Splat } from './syntax.ts';
import { DYNAMIC, listType, tupleType } from './types.ts';
import type { Type } from './value.ts';

/** The type of a splat of a value of this type. */
export function typeOfSplat(splat: Splat, of: Type): Type {
  const each = (element: Type) => typeOfEach(splat.each, element) ?? DYNAMIC;
  if (of.kind === 'list' || of.kind === 'set') return listType(each(of.of));
  return tupleType((of.kind === 'tuple' ? of.items : [of]).map(each));
}

/** The type of a splat's result for elements of a type; undefined if not possible. */
export function typeOfEach(each: Expression, element: Type): Type | undefined {
  if (each.kind === 'variable') return element;
  if (each.kind === 'splat') {
    const of = typeOfEach(each.of, element);
    if (of?.kind !== 'list' && of?.kind !== 'set') return of === undefined ? undefined : DYNAMIC;
    const inner = typeOfEach(each.each, of.of);
    return inner === undefined ? undefined : listType(inner);
  }
  if (each.kind !== 'attribute' && each.kind !== 'index') return DYNAMIC;
  const of = typeOfEach(each.of, element);
  if (of === undefined || of.kind === 'dynamic') return of;
  return each.kind === 'attribute' ? typeOfAttribute(of, each.name) : typeOfElement(of, each.key);
}

/** The type of an attribute; undefined if it does not exist. */
export function typeOfAttribute(of: Type, name: string): Type | undefined {
  if (of.kind === 'map') return of.of;
  return of.kind === 'object' ? of.attributes.get(name) : undefined;
}

/** The type of an element; undefined if it does not exist. */
export function typeOfElement(of: Type, key: Expression): Type | undefined {
  if (of.kind === 'map' || of.kind === 'list') return of.of;
  const constant = constantOf(key);
  if (of.kind === 'object') return constant === undefined ? DYNAMIC : of.attributes.get(constant);
  if (of.kind === 'tuple') return constant === undefined ? DYNAMIC : of.items[Number(constant)];
  return undefined;
}

function constantOf(key: Expression): string | undefined {
  if (key.kind === 'literal')
    return key.value !== null && typeof key.value === 'object' ? key.value.number : String(key.value);
  if (key.kind !== 'template') return undefined;
  const [first] = key.parts;
  return first === undefined ? '' : key.parts.length === 1 && first.kind === 'text' ? first.value : undefined;
}
