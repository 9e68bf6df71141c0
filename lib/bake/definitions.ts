/**
 * Top-level definitions of HCL files: variables, functions, attributes, targets and groups. Several files are merged: a
 * later variable, function or attribute replaces an earlier one, blocks are added (buildx bake/hclparser/merged.go).
 */
import {
  attributesOf,
  type Block,
  type Body,
  type BodyAttribute,
  type BodySchema,
  contentOf,
  type Expression,
  unexpectedItems,
} from '../hcl/mod.ts';
import { type Problem, problem, type Span } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';

/** `variable "NAME" { … }` */
export interface VariableBlock {
  readonly name: string;
  readonly place: Span;
  readonly type?: Expression;
  readonly default?: BodyAttribute;
  readonly description?: BodyAttribute;
  readonly validations: readonly Validation[];
}

/** `validation { … }` of a variable. */
export interface Validation {
  readonly place: Span;
  readonly condition?: Expression;
  readonly message?: Expression;
}

/** `function "NAME" { … }` */
export interface FunctionBlock {
  readonly name: string;
  readonly place: Span;
  readonly params?: BodyAttribute;
  readonly variadic?: BodyAttribute;
  readonly result?: BodyAttribute;
}

/** Everything that the files define. */
export interface Definitions {
  readonly variables: ReadonlyMap<string, VariableBlock>;
  readonly functions: ReadonlyMap<string, FunctionBlock>;
  readonly attributes: ReadonlyMap<string, BodyAttribute>;
  /** `target` and `group` blocks in the written order. */
  readonly blocks: readonly Block[];
  /** What bake silently ignores. */
  readonly warnings: readonly Problem[];
}

const TOP: BodySchema = { attributes: [], blocks: { variable: 1, function: 1, target: 1, group: 1 } };
const VARIABLE: BodySchema = { attributes: ['type', 'default', 'description'], blocks: { validation: 0 } };
const VALIDATION: BodySchema = { attributes: ['condition', 'error_message'], blocks: {} };
const FUNCTION: BodySchema = { attributes: ['params', 'variadic_params', 'result'], blocks: {} };

/** Reads the bodies of files in order; names in `builtIn` are bake's own and cannot be redefined. */
export function readDefinitions(
  bodies: readonly Body[],
  builtIn: ReadonlySet<string>,
  problems: Problem[],
): Definitions {
  const variables = new Map<string, VariableBlock>();
  const functions = new Map<string, FunctionBlock>();
  const attributes = new Map<string, BodyAttribute>();
  const blocks: Block[] = [];
  const warnings: Problem[] = [];
  const isReserved = (name: string): boolean => name === 'target' || name === 'group' || builtIn.has(name);
  for (const body of bodies) {
    const top = contentOf(body, TOP);
    problems.push(...top.problems);
    for (const block of top.content.blocks) {
      if (block.type === 'target' || block.type === 'group') {
        blocks.push(block);
        continue;
      }
      const read =
        block.type === 'variable' ? readVariable(block, problems, warnings) : readFunction(block, problems);
      if (isReserved(read.name)) continue;
      if ('validations' in read) variables.set(read.name, read);
      else functions.set(read.name, read);
    }
    for (const [name, attribute] of readAttributes(top.content.rest, problems, warnings))
      if (!isReserved(name)) attributes.set(name, attribute);
  }
  attributes.delete('function');
  return { variables, functions, attributes, blocks, warnings };
}

/** bake ignores unknown top-level blocks. */
function readAttributes(
  rest: Body,
  problems: Problem[],
  warnings: Problem[],
): ReadonlyMap<string, BodyAttribute> {
  const found = attributesOf(rest);
  if (rest.kind === 'json') problems.push(...found.problems);
  else
    for (const { type, typeSpan } of rest.blocks) {
      const hint = didYouMean(type, Object.keys(TOP.blocks));
      warnings.push(
        problem('bake/unknown-name', `There are no blocks "${type}", so bake ignores them`, {
          severity: 'warning',
          span: typeSpan,
          ...(hint === undefined ? {} : { hint }),
        }),
      );
    }
  return found.attributes;
}

function nameOf(block: Block): string {
  return block.labels[0]?.value ?? '';
}

function placeOf(block: Block): Span {
  return block.labels[0]?.span ?? block.typeSpan;
}

function readVariable(block: Block, problems: Problem[], warnings: Problem[]): VariableBlock {
  const { content, problems: found } = contentOf(block.body, VARIABLE);
  problems.push(...found);
  for (const one of unexpectedItems(content.rest, VARIABLE)) warnings.push({ ...one, severity: 'warning' });
  const written = content.attributes.get('default');
  const description = content.attributes.get('description');
  const type = content.attributes.get('type')?.value;
  return {
    name: nameOf(block),
    place: placeOf(block),
    ...(type === undefined ? {} : { type }),
    ...(written === undefined ? {} : { default: written }),
    ...(description === undefined ? {} : { description }),
    validations: content.blocks.map((one) => readValidation(one, problems)),
  };
}

function readValidation(block: Block, problems: Problem[]): Validation {
  const { content, problems: found } = contentOf(block.body, VALIDATION);
  problems.push(...found, ...unexpectedItems(content.rest, VALIDATION));
  const condition = content.attributes.get('condition')?.value;
  const message = content.attributes.get('error_message')?.value;
  return {
    place: block.typeSpan,
    ...(condition === undefined ? {} : { condition }),
    ...(message === undefined ? {} : { message }),
  };
}

function readFunction(block: Block, problems: Problem[]): FunctionBlock {
  const { content, problems: found } = contentOf(block.body, FUNCTION);
  problems.push(...found, ...unexpectedItems(content.rest, FUNCTION));
  const params = content.attributes.get('params');
  const variadic = content.attributes.get('variadic_params');
  const result = content.attributes.get('result');
  return {
    name: nameOf(block),
    place: placeOf(block),
    ...(params === undefined ? {} : { params }),
    ...(variadic === undefined ? {} : { variadic }),
    ...(result === undefined ? {} : { result }),
  };
}
