/** The schemas of variables: read and checked when the file is, and the values of variables checked against them. */
import {
  type Json,
  type Problem,
  positionAt,
  problem,
  type Span,
  type VariableOrigin,
} from '../../model/mod.ts';
import { Budget, OverBudget } from '../cel-budget.ts';
import type { Problems } from '../problems.ts';
import { BadRegex, loadRegex, NO_REGEX, type Regex } from '../regex.ts';
import { at, atKey, type MapEntry, type MapNode, type Node } from '../tree.ts';
import type { VariableType } from '../variable-types.ts';
import { fill } from './fill.ts';
import { type ReadSchema, typeOfWhole } from './part.ts';
import { createPlaces, type Written } from './place.ts';
import { readSchema } from './read-schema.ts';
import { createValidator, loadAjv, type Validator } from './validator.ts';
import { explainErrors, type Finding } from './words.ts';

/** A variable with a schema, as its files declare it. */
export interface Declared {
  readonly name: string;
  readonly map: MapNode;
  readonly entry: MapEntry;
  readonly schema: MapNode;
}

/** A value to check. */
export interface Candidate {
  readonly value: Json;
  readonly origin: VariableOrigin;
  /** Where the value comes from, in words: "--var". */
  readonly originWords: string;
  /** The tree that it was read from; undefined: a text from outside. */
  readonly written?: Written;
  /** Nothing of the value may be said. */
  readonly isHidden: boolean;
  /** Nothing of the value may be shown, and its line neither. */
  readonly isSensitive: boolean;
}

/** The schema of one variable. */
export interface VariableSchema {
  /** The type of the variable that it implies; undefined: none, or several. */
  readonly type: VariableType | undefined;
  /** The value, its scalars as the schema's types and with its defaults; undefined: what is wrong has been reported. */
  readonly check: (candidate: Candidate) => Json | undefined;
}

/** Types of JSON Schema as those of variables. */
const TYPES: Readonly<Record<string, VariableType>> = {
  string: 'string',
  boolean: 'bool',
  integer: 'int',
  number: 'number',
  array: 'list',
  object: 'map',
};

/**
 * Reads the schemas of variables. What is wrong with one goes to the problems, and it is not in the map.
 *
 * @returns by the names of the variables
 */
export async function prepareSchemas(
  declared: readonly Declared[],
  problems: Problems,
): Promise<ReadonlyMap<string, VariableSchema>> {
  const budget = new Budget('the schemas of variables');
  const needsRegex = declared.some(({ schema }) => mentionsPattern(schema, 0));
  const regex = needsRegex ? await loadRegex(budget) : NO_REGEX;
  const schemas = new Map<string, VariableSchema>();
  const read = declared.map((one) => {
    const found = readSchema(one.name, one.schema, (expression) => regexFault(regex, expression));
    problems.addAll(found.problems);
    return { one, schema: found.schema };
  });
  if (read.every(({ schema }) => schema === undefined)) return schemas;
  const library = await loadAjv();
  for (const { one, schema } of read) {
    if (schema === undefined) continue;
    let validator: Validator | undefined;
    const type = typeOfWhole(schema.root);
    schemas.set(one.name, {
      type: type === undefined ? undefined : TYPES[type],
      check: (candidate) => {
        const means = { schema, budget, regex, problems };
        return attempt(one, means, () => {
          validator ??= createValidator(library, schema, { budget, matches: regex.matches });
          return checkValue(one, candidate, { ...means, validator });
        });
      },
    });
  }
  return schemas;
}

/** Only then is the engine of regular expressions loaded. */
function mentionsPattern(node: Node, depth: number): boolean {
  if (node.kind === 'scalar' || depth > 200) return false;
  if (node.kind === 'list') return node.items.some((item) => mentionsPattern(item, depth + 1));
  return [...node.entries.values()].some(
    ({ key, value }) => key === 'pattern' || key === 'patternProperties' || mentionsPattern(value, depth + 1),
  );
}

function regexFault({ matches }: Regex, expression: string): string | undefined {
  try {
    matches(expression, '');
    return undefined;
  } catch (thrown) {
    if (thrown instanceof BadRegex || thrown instanceof OverBudget) return thrown.message;
    throw thrown;
  }
}

interface Means {
  readonly schema: ReadSchema;
  readonly budget: Budget;
  readonly regex: Regex;
  readonly problems: Problems;
}

/** Runs a check within its bounds; undefined: it went beyond them, which has been reported. */
function attempt(declared: Declared, { problems }: Means, check: () => Json | undefined): Json | undefined {
  const { name, schema } = declared;
  try {
    return check();
  } catch (thrown) {
    const found = explainThrown(name, thrown);
    problems.add({ ...found, ...at(schema) });
    return undefined;
  }
}

function explainThrown(name: string, thrown: unknown): Problem {
  if (thrown instanceof OverBudget) {
    return problem('config/bad-schema', `${name} cannot be checked by its schema: ${thrown.message}`, {
      hint: 'Make the schema simpler, or the value smaller.',
    });
  }
  // https://nodejs.org/api/cli.html#--disallow-code-generation-from-strings
  if (thrown instanceof EvalError) {
    return problem(
      'config/bad-schema',
      `${name} cannot be checked by its schema: this runtime compiles no code`,
      {
        hint: 'Omit --disallow-code-generation-from-strings: schemas are compiled when the file is read.',
      },
    );
  }
  throw thrown;
}

function checkValue(
  declared: Declared,
  candidate: Candidate,
  means: Means & { readonly validator: Validator },
): Json | undefined {
  const { schema, budget, regex, validator, problems } = means;
  const { isHidden } = candidate;
  const value = fill(candidate.value, schema.root, { budget, matches: regex.matches });
  const errors = validator.errorsOf(value);
  if (errors.length === 0) return value;
  const wording = { variable: declared.name, isHidden, validator, budget };
  const isWritten = candidate.written !== undefined && !candidate.isSensitive;
  const places = isWritten && candidate.written !== undefined ? createPlaces(candidate.written) : undefined;
  for (const found of explainErrors(errors, value, wording)) {
    const hints = [found.hint, sourceWords(candidate)];
    const hint = hints.filter((one) => one !== undefined).join(' ');
    const place = places?.placeOf(found.path, found.key) ?? placeOfWhole(declared, candidate);
    problems.add(toProblem(found, hint, place));
  }
  return undefined;
}

function sourceWords({ origin, originWords, written }: Candidate): string | undefined {
  if (origin.kind !== 'default') return `It comes from ${originWords}.`;
  return written === undefined ? 'Add a default: it has no value from elsewhere.' : undefined;
}

function toProblem({ message }: Finding, hint: string, place: Placed): Problem {
  const { line, ...location } = place;
  const shown = [hint, line].filter((one) => one !== undefined && one !== '').join(' ');
  return problem('config/variable-value', message, { ...(shown === '' ? {} : { hint: shown }), ...location });
}

/** A place, or in words where its line must not be shown. */
interface Placed {
  readonly span?: Span;
  readonly line?: string;
}

function placeOfWhole({ map, entry }: Declared, { origin, isSensitive }: Candidate): Placed {
  const { span } = atKey(map, entry);
  if (!isSensitive || origin.kind !== 'default' || span === undefined)
    return span === undefined ? {} : { span };
  const { line } = positionAt(span.source, span.start);
  return { line: `It is declared in line ${line} of ${span.source.path}.` };
}
