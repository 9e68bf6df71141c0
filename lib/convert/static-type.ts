/** Static types of values of a bake file, before evaluation: enough to write an equivalent expression. */
/** The type of a value as far as known. */
export interface StaticType {
  readonly kind: 'text' | 'number' | 'bool' | 'list' | 'map' | 'null' | 'any';
  /** It may also be null. */
  readonly nullable?: boolean;
  /** For numbers: always whole. */
  readonly isInt?: boolean;
  /** For numbers inside a list or map from outside: whole ones are integers there, others are not. */
  readonly isMixed?: boolean;
  /** For lists: a set in HCL, sorted and without duplicates; lists that are unified with it become sets. */
  readonly isSet?: boolean;
  /** Type of a list's items, or of values of a map with unknown names. */
  readonly of?: StaticType;
  /** Types of a map's values by name; there are no other names. */
  readonly fields?: ReadonlyMap<string, StaticType>;
  /** Optional names of a declared type, which may be null. */
  readonly loose?: ReadonlySet<string>;
  /** Names that only some of the maps have. */
  readonly sparse?: ReadonlySet<string>;
}

export const TEXT: StaticType = { kind: 'text' };
export const NUMBER: StaticType = { kind: 'number' };
export const INT: StaticType = { kind: 'number', isInt: true };
export const BOOL: StaticType = { kind: 'bool' };
export const NULL: StaticType = { kind: 'null', nullable: true };
export const ANY: StaticType = { kind: 'any', nullable: true };

/** A list of such items. */
export function listOf(of: StaticType): StaticType {
  return { kind: 'list', of };
}

/** What is true of both. */
export function union(a: StaticType, b: StaticType): StaticType {
  if (a === b) return a;
  if (a.kind === 'null') return { ...b, nullable: true };
  if (b.kind === 'null') return { ...a, nullable: true };
  const nullable = a.nullable === true || b.nullable === true;
  if (a.kind !== b.kind) return nullable ? ANY : { kind: 'any' };
  const both: StaticType = nullable ? { kind: a.kind, nullable } : { kind: a.kind };
  if (a.kind === 'number') {
    if (a.isInt === true && b.isInt === true) return { ...both, isInt: true };
    // With an integer beside it, one without a fraction is none of the others either.
    return [a, b].some((one) => one.isMixed === true) ? { ...both, isMixed: true } : both;
  }
  if (a.kind === 'list') {
    const of = a.of === undefined ? b.of : b.of === undefined ? a.of : union(a.of, b.of);
    const list = a.isSet === true || b.isSet === true ? { ...both, isSet: true } : both;
    return of === undefined ? list : { ...list, of };
  }
  return a.kind === 'map' ? { ...both, ...unionOfMaps(a, b) } : both;
}

function unionOfMaps(a: StaticType, b: StaticType): Partial<StaticType> {
  if (a.fields === undefined || b.fields === undefined) {
    const of = [a, b]
      .flatMap(valuesOf)
      .reduce<StaticType | undefined>((sum, one) => (sum === undefined ? one : union(sum, one)), undefined);
    return of === undefined ? {} : { of };
  }
  const fields = new Map<string, StaticType>();
  const sparse = new Set([...(a.sparse ?? []), ...(b.sparse ?? [])]);
  for (const name of new Set([...a.fields.keys(), ...b.fields.keys()])) {
    const [one, other] = [a.fields.get(name), b.fields.get(name)];
    if (one === undefined || other === undefined) sparse.add(name);
    fields.set(name, one === undefined ? (other ?? ANY) : other === undefined ? one : union(one, other));
  }
  const loose = new Set([...(a.loose ?? []), ...(b.loose ?? [])]);
  return {
    fields,
    ...(sparse.size === 0 ? {} : { sparse }),
    ...(loose.size === 0 ? {} : { loose }),
  };
}

function valuesOf({ of, fields }: StaticType): readonly StaticType[] {
  return fields === undefined ? (of === undefined ? [] : [of]) : [...fields.values()];
}

/** What the values of a map, or the items of a list, have in common. */
export function elementOf(type: StaticType): StaticType {
  const all = valuesOf(type);
  return all.length === 0 ? ANY : all.reduce(union);
}

/** What the member of a map is. */
export function memberOf(type: StaticType, name: string): StaticType {
  const field = type.fields?.get(name);
  if (field === undefined) return type.fields === undefined ? (type.of ?? ANY) : ANY;
  return type.sparse?.has(name) === true ? { ...field, nullable: true } : field;
}
