/** A schema that was read: its parts (schemas within schemas), linked as its references say. */
import type { Json } from '../../model/mod.ts';
import type { Node } from '../tree.ts';

/** One schema within a schema, or the whole. */
export interface Part {
  /** Where it stands in the whole: `#/properties/port`. */
  readonly pointer: string;
  readonly node: Node;
  /** The types that `type` names; without it, those of the values of `const` and `enum`. */
  types: readonly string[];
  /** What a missing value is. */
  fallback?: Json;
  /** Parts about the same value: those of `$ref` and `allOf`. */
  readonly certain: Part[];
  /** Those of `anyOf`, `oneOf`, `if`, `then`, `else`, `not`, `dependentSchemas`. */
  readonly possible: Part[];
  readonly properties: Map<string, Part>;
  readonly patterns: Map<string, Part>;
  /** Parts about what `properties` and `patterns` do not have. */
  readonly others: Part[];
  readonly prefix: Part[];
  /** Parts about items behind those of `prefix`. */
  readonly items: Part[];
  /** Parts about every item. */
  readonly everyItem: Part[];
}

/** A schema without mistakes. */
export interface ReadSchema {
  readonly root: Part;
  /** By their pointers. */
  readonly parts: ReadonlyMap<string, Part>;
  /** The same for ajv: in each part the keyword {@link WEIGHT}. */
  readonly plain: Json;
  readonly hasPatterns: boolean;
  readonly hasUnevaluated: boolean;
}

/** A keyword of ours: counts the check of a part; its value is how many names and items the part has. */
export const WEIGHT = 'x-weight';

/** A part about which nothing is known yet. */
export function newPart(pointer: string, node: Node): Part {
  return {
    pointer,
    node,
    types: [],
    certain: [],
    possible: [],
    properties: new Map(),
    patterns: new Map(),
    others: [],
    prefix: [],
    items: [],
    everyItem: [],
  };
}

/** A part with those that are about the same value, each once. */
export function withSame(parts: readonly Part[], onlyCertain: boolean): readonly Part[] {
  const all = new Set(parts);
  for (const part of all) {
    for (const one of part.certain) all.add(one);
    if (!onlyCertain) for (const one of part.possible) all.add(one);
  }
  return [...all];
}

/** The type of a whole value as the schema has it, where it is one; `null` beside it does not count. */
export function typeOfWhole(root: Part): string | undefined {
  const named = withSame([root], true).flatMap(({ types }) => types.filter((type) => type !== 'null'));
  const types = new Set(named);
  const [only] = types;
  return types.size === 1 ? only : undefined;
}
