/** How functions of HCL are described: what they take, and what is made of it (https://pkg.go.dev/github.com/zclconf/go-cty/cty/function). */
import { convert } from '../conversion.ts';
import { toInt64 } from '../number.ts';
import type { FunctionResult, HclFunction, Type, Value } from '../value.ts';

/** What a function takes in one place. */
export interface Parameter {
  readonly name: string;
  readonly type: Type;
  /** `null` may be given; elsewhere it is an error. */
  readonly nullable?: boolean;
}

/** A function: its parameters, the one for all further arguments, and what it does with values of these types. */
export interface Definition {
  readonly parameters: readonly Parameter[];
  readonly rest?: Parameter;
  readonly run: (args: readonly Value[]) => FunctionResult;
}

/** Functions by their names. */
export type Definitions = Readonly<Record<string, Definition>>;

/** Characters of a text that a function makes. */
export const MOST_TEXT: number = 2 ** 20;

/** A function that checks and converts its arguments before it runs. */
export function define(definition: Definition): HclFunction {
  const { parameters, rest, run } = definition;
  return {
    call: (given) => {
      const missing = parameters[given.length];
      if (missing !== undefined) return failed(`the argument "${missing.name}" is missing`);
      if (rest === undefined && given.length > parameters.length)
        return failed(`it takes ${counted(parameters.length)}, not ${given.length}`, parameters.length);
      const args: Value[] = [];
      for (const [at, value] of given.entries()) {
        const parameter = parameters[at] ?? (rest as Parameter);
        const converted = convert(value, parameter.type);
        if (!converted.ok) return failed(converted.message, at);
        if (converted.value.kind === 'null' && parameter.nullable !== true)
          return failed('it must not be null', at);
        args.push(converted.value);
      }
      const result = run(args);
      if (result.ok && result.value.kind === 'string' && result.value.value.length > MOST_TEXT)
        return tooLong();
      return result;
    },
  };
}

function counted(count: number): string {
  if (count === 0) return 'no arguments';
  return count === 1 ? 'one argument' : `${count} arguments`;
}

/** What came out. */
export function done(value: Value): FunctionResult {
  return { ok: true, value };
}

/** What is wrong: with an argument (counted from 0), or with the call. */
export function failed(message: string, argument?: number): FunctionResult {
  return argument === undefined ? { ok: false, message } : { ok: false, message, argument };
}

/** Like {@link failed}, where bake would have a value: a bound of ours, or a function that we do not have. */
export function beyond(message: string, argument?: number): FunctionResult {
  return { ...failed(message, argument), isLimit: true } as FunctionResult;
}

/** The text that would come out is longer than any that is of use. */
export function tooLong(): FunctionResult {
  return beyond(`the string would have more than ${MOST_TEXT} characters`);
}

/** The text of an argument that is one; its type was checked. */
export function textOf(value: Value | undefined): string {
  if (value?.kind !== 'string') throw new Error('an argument that should be a string is not one');
  return value.value;
}

/** The elements of an argument that is a list, set or tuple; its type was checked. */
export function itemsOf(value: Value | undefined): readonly Value[] {
  if (value?.kind !== 'sequence') throw new Error('an argument that should be a list is not one');
  return value.items;
}

/** A whole number of 64 bits; undefined where an argument is none. */
export function wholeOf(value: Value | undefined): number | undefined {
  if (value?.kind !== 'number') throw new Error('an argument that should be a number is not one');
  const whole = toInt64(value.value);
  // Beyond 2^53 nothing is counted exactly, and nothing that is counted is so large.
  return whole === undefined ? undefined : Number(whole);
}

/** What is said of a number that is not whole, or too large. */
export const NOT_WHOLE = 'a whole number is required';
