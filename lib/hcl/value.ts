/**
 * Values and types of HCL expressions (https://github.com/zclconf/go-cty/blob/main/docs/types.md). Values are final: nothing
 * in bake is unknown or marked. Equal values are made equal by `equalValues`, never by `===`.
 */
import type { Problem } from '../model/mod.ts';
import type { Expression } from './syntax.ts';

/** A type. `dynamic` is that of `null` without one, and of "any" in constraints. */
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
 * A number as go-cty has it (math/big.Float): `mantissa × 2^exponent`, negative or not (there is a -0), with an odd mantissa or 0.
 * An exponent of Infinity is an infinite number. Made, calculated with and printed by number.ts alone.
 */
export interface HclNumber {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  /** Bits to which results are rounded: 512 for what was written, 64 for counted, 53 for computed by floating point. */
  readonly precision: number;
}

/** A value with its type. `null` has a type, too. */
export type Value =
  | { readonly type: Type; readonly kind: 'null' }
  | { readonly type: Type; readonly kind: 'string'; readonly value: string }
  | { readonly type: Type; readonly kind: 'number'; readonly value: HclNumber }
  | { readonly type: Type; readonly kind: 'bool'; readonly value: boolean }
  /** list, set (in cty's order, without repetitions) and tuple */
  | { readonly type: Type; readonly kind: 'sequence'; readonly items: readonly Value[] }
  /** map and object, in the order of their keys (by bytes of UTF-8), as cty walks them */
  | { readonly type: Type; readonly kind: 'mapping'; readonly entries: ReadonlyMap<string, Value> };

/** A function that can be called: with values, or, as `try`, with expressions that it may evaluate. */
export type HclFunction =
  | {
      /** Gets values as they were given, and converts them to what it takes. */
      readonly call: (args: readonly Value[]) => FunctionResult;
    }
  | { readonly callLazy: (args: readonly Argument[]) => FunctionResult };

/** An argument that is not evaluated yet. */
export interface Argument {
  readonly expression: Expression;
  readonly evaluate: () => FunctionResult;
}

/** What calling a function came to: its value, or what is wrong with one argument or with the call. */
export type FunctionResult =
  | { readonly ok: true; readonly value: Value }
  | {
      readonly ok: false;
      readonly message: string;
      readonly argument?: number;
      /** A bound of ours: bake would have a value, so that `try` must not pass over it. */
      readonly isLimit?: boolean;
      /** What went wrong within, with places: in the body of a function, or in an argument. */
      readonly problems?: readonly Problem[];
    };
