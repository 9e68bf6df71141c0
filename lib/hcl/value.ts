/**
 * Values and types of HCL expressions (https://github.com/zclconf/go-cty/blob/main/docs/types.md). Values are final:
 * nothing in bake is unknown or marked. Compare values with `equalValues`, never with `===`.
 */
import type { Problem } from '../model/mod.ts';
import type { Expression } from './syntax.ts';

/** A type. `dynamic` is the type of `null` without another, and "any" in constraints. */
export type Type =
  | { readonly kind: 'string' | 'number' | 'bool' | 'dynamic' }
  | { readonly kind: 'list' | 'set' | 'map'; readonly of: Type }
  | { readonly kind: 'tuple'; readonly items: readonly Type[] }
  | {
      readonly kind: 'object';
      readonly attributes: ReadonlyMap<string, Type>;
      /** Only in constraints: attributes written as `optional(type)`. */
      readonly optional?: ReadonlySet<string>;
    };

/**
 * A number as in go-cty (math/big.Float): `mantissa × 2^exponent`, negative or not (-0 exists), with an odd mantissa or
 * 0. Infinite numbers have the exponent Infinity. Only number.ts creates, computes and prints them.
 */
export interface HclNumber {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  /** Bits to which results are rounded: 512 for literals, 64 for counts, 53 for results of floating point. */
  readonly precision: number;
}

/** A value with its type. `null` also has a type. */
export type Value =
  | { readonly type: Type; readonly kind: 'null' }
  | { readonly type: Type; readonly kind: 'string'; readonly value: string }
  | { readonly type: Type; readonly kind: 'number'; readonly value: HclNumber }
  | { readonly type: Type; readonly kind: 'bool'; readonly value: boolean }
  /** list, set (in cty's order, without repetitions) and tuple */
  | { readonly type: Type; readonly kind: 'sequence'; readonly items: readonly Value[] }
  /** map and object, in the order of their keys (by bytes of UTF-8), as cty walks them */
  | { readonly type: Type; readonly kind: 'mapping'; readonly entries: ReadonlyMap<string, Value> };

/** A function: gets values or (like `try`) unevaluated expressions. */
export type HclFunction =
  | {
      /** Gets the values as passed, and converts them to its parameter types. */
      readonly call: (args: readonly Value[]) => FunctionResult;
    }
  | { readonly callLazy: (args: readonly Argument[]) => FunctionResult };

/** An argument that is not evaluated yet. */
export interface Argument {
  readonly expression: Expression;
  readonly evaluate: () => FunctionResult;
}

/** The result of calling a function: its value, or a problem of one argument or of the call. */
export type FunctionResult =
  | { readonly ok: true; readonly value: Value }
  | {
      readonly ok: false;
      readonly message: string;
      readonly argument?: number;
      /** A limit of bake-ts: bake would have a value, so `try` must not catch it. */
      readonly isLimit?: boolean;
      /** Problems inside a function's body or an argument, with places. */
      readonly problems?: readonly Problem[];
    };
