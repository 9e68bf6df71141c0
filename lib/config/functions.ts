/** Functions that builds files declare: `name(parameters): value` below `functions`. */
import { BARE_FUNCTIONS, problem, RESERVED_WORDS, ROOT_NAMES } from '../model/mod.ts';
import type { Problems } from './problems.ts';
import { atKey, type MapEntry, type MapNode, type Node } from './tree.ts';

/** A function of the file. */
export interface DeclaredFunction {
  readonly name: string;
  readonly parameters: readonly string[];
  /** The result: a value like any other, in which the parameters are names. */
  readonly body: Node;
  /** As written: `tag(version, os)`. */
  readonly signature: string;
}

/** Name and parameters of a declaration; docs/language.md, "functions". */
const SIGNATURE =
  /^([A-Za-z_][A-Za-z0-9_]*)\(\s*((?:[A-Za-z_][A-Za-z0-9_]*(?:\s*,\s*[A-Za-z_][A-Za-z0-9_]*)*)?)\s*\)$/;

/** Reads the functions that the files declare, by name; invalid ones go to `problems`. */
export function readFunctions(
  functions: ReadonlyMap<string, { readonly map: MapNode; readonly entry: MapEntry }>,
  problems: Problems,
): ReadonlyMap<string, DeclaredFunction> {
  const read = new Map<string, DeclaredFunction>();
  for (const { map, entry } of functions.values()) {
    const declared = readDeclaration(map, entry, problems);
    if (declared !== undefined) read.set(declared.name, declared);
  }
  return read;
}

function readDeclaration(map: MapNode, entry: MapEntry, problems: Problems): DeclaredFunction | undefined {
  const [, name = '', list = ''] = SIGNATURE.exec(entry.key) ?? [];
  // An invalid signature is reported by the shape check.
  if (name === '') return undefined;
  const parameters = list === '' ? [] : list.split(',').map((one) => one.trim());
  const refuse = (message: string, hint: string): undefined => {
    problems.add(problem('config/function', message, { hint, ...atKey(map, entry) }));
  };
  if (BARE_FUNCTIONS.has(name) || RESERVED_WORDS.has(name))
    return refuse(`"${name}" is already a function of the language`, 'Use another name.');
  const taken = parameters.find((one) => ROOT_NAMES.has(one) || RESERVED_WORDS.has(one));
  if (taken !== undefined)
    return refuse(`"${taken}" is reserved and cannot be a parameter`, 'Use another name.');
  const twice = parameters.find((one, index) => parameters.indexOf(one) !== index);
  if (twice !== undefined) return refuse(`The parameter "${twice}" appears twice`, 'Rename one of them.');
  return { name, parameters, body: entry.value, signature: `${name}(${parameters.join(', ')})` };
}
