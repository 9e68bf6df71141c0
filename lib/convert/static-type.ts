/** What is known of a value of a bake file before anything is evaluated: enough to write an expression of ours that gives the same. */
/** What a value is, as far as that is known. */
export interface StaticType {
  readonly kind: 'text' | 'number' | 'bool' | 'list' | 'map' | 'null' | 'any';
  /** It may be null, too. */
  readonly nullable?: boolean;
  /** Of numbers: without a fraction, whatever variables are. */
  readonly isInt?: boolean;
  /** Of numbers: within a list or map from outside; those without a fraction are integers there, and others not. */
  readonly isMixed?: boolean;
  /** Of lists: HCL has it as a set, in order and without repetitions; so is every list that it is unified with. */
  readonly isSet?: boolean;
  /** Items of a list, values of a map whose names are not known. */
  readonly of?: StaticType;
  /** Values of a map by name; there are no others. */
  readonly fields?: ReadonlyMap<string, StaticType>;
  /** Names that a declared type lets maps leave out, which is null. */
  readonly loose?: ReadonlySet<string>;
  /** Names that some of the maps have and others lack. */
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
