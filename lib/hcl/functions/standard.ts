/** All functions that bake files can call (buildx bake/hclparser/stdlib.go). */
import type { HclFunction } from '../value.ts';
import { CIDR_FUNCTIONS } from './cidr.ts';
import { COLLECTION_FUNCTIONS } from './collections.ts';
import { cryptoFunctions } from './crypto.ts';
import { DATA_FUNCTIONS } from './data.ts';
import { type Definitions, define, failed } from './define.ts';
import { FORMAT_FUNCTIONS } from './format.ts';
import { LAZY_FUNCTIONS } from './lazy.ts';
import { LIST_FUNCTIONS } from './lists.ts';
import { LOGIC_FUNCTIONS } from './logic.ts';
import { machineFunctions } from './machine.ts';
import { NUMBER_FUNCTIONS } from './numbers.ts';
import { type RegexCompiler, regexFunctions } from './regex.ts';
import { TEXT_FUNCTIONS } from './texts.ts';
import { timeFunctions } from './time.ts';

/** What functions take from outside. */
export interface FunctionOptions {
  /** For `timestamp`. */
  readonly now: Date;
  /** For `homedir`. */
  readonly homedir?: string;
  /** For `uuidv4`: as many random bytes as asked for. */
  readonly random: (size: number) => Uint8Array;
  /** For `regex` and the like (REGEX_FUNCTIONS), where an expression calls them: what loadRegex gives. */
  readonly regex?: RegexCompiler;
}

/** Bytes have no values in bake: no function makes them, and nothing is converted to them. */
const BYTE_FUNCTIONS: Definitions = {
  byteslen: { parameters: [{ name: 'buf', type: { kind: 'dynamic' } }], run: noBytes },
  bytesslice: {
    parameters: [
      { name: 'buf', type: { kind: 'dynamic' } },
      { name: 'offset', type: { kind: 'number' } },
      { name: 'length', type: { kind: 'number' } },
    ],
    run: noBytes,
  },
};

function noBytes(): ReturnType<typeof failed> {
  return failed('bytes are required, which a bake file cannot hold', 0);
}

/** The functions by their names. */
export function standardFunctions(options: FunctionOptions): ReadonlyMap<string, HclFunction> {
  const definitions: Definitions = {
    ...NUMBER_FUNCTIONS,
    ...LOGIC_FUNCTIONS,
    ...TEXT_FUNCTIONS,
    ...FORMAT_FUNCTIONS,
    ...LIST_FUNCTIONS,
    ...COLLECTION_FUNCTIONS,
    ...DATA_FUNCTIONS,
    ...CIDR_FUNCTIONS,
    ...BYTE_FUNCTIONS,
    ...cryptoFunctions(options.random),
    ...machineFunctions(options.homedir),
    ...regexFunctions(options.regex),
    ...timeFunctions(options.now),
  };
  return new Map([
    ...Object.entries(definitions).map(([name, definition]) => [name, define(definition)] as const),
    ...Object.entries(LAZY_FUNCTIONS),
  ]);
}
