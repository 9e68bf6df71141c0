/** Functions of bools, and those that compare or choose. */
import { convert, unify } from '../conversion.ts';
import { BOOL, DYNAMIC } from '../types.ts';
import type { Value } from '../value.ts';
import { boolValue, equalValues } from '../values.ts';
import { type Definition, type Definitions, done, failed } from './define.ts';

export const LOGIC_FUNCTIONS: Definitions = {
  and: ofBools((a, b) => a && b),
  or: ofBools((a, b) => a || b),
  not: {
    parameters: [{ name: 'val', type: BOOL }],
    run: ([value]) => done(boolValue(!truth(value))),
  },
  equal: comparison(true),
  notequal: comparison(false),
  coalesce: {
    parameters: [],
    rest: { name: 'vals', type: DYNAMIC, nullable: true },
    run: (args) => {
      const type = unify(
        args.map((arg) => arg.type),
        true,
      );
      if (type === undefined) return failed('the arguments have no common type');
      const first = args.find(({ kind }) => kind !== 'null');
      return first === undefined ? failed('all arguments are null') : convert(first, type);
    },
  },
};

function truth(value: Value | undefined): boolean {
  return value?.kind === 'bool' && value.value;
}

function ofBools(run: (a: boolean, b: boolean) => boolean): Definition {
  return {
    parameters: [
      { name: 'a', type: BOOL },
      { name: 'b', type: BOOL },
    ],
    run: ([a, b]) => done(boolValue(run(truth(a), truth(b)))),
  };
}

function comparison(wanted: boolean): Definition {
  return {
    parameters: [
      { name: 'a', type: DYNAMIC, nullable: true },
      { name: 'b', type: DYNAMIC, nullable: true },
    ],
    run: ([a, b]) => done(boolValue(equalValues(a as Value, b as Value) === wanted)),
  };
}
