/**
 * Names that expressions use, each evaluated on first use: variables, top-level attributes, functions, targets and groups
 * (buildx bake/hclparser/hclparser.go).
 */
import {
  type Budget,
  callsOf,
  convert,
  DYNAMIC,
  type Expression,
  evaluate,
  expressionInJson,
  type HclFunction,
  newBudget,
  nullOf,
  readType,
  type Scope,
  type Traversal,
  type Type,
  textValue,
  typeName,
  type Value,
  variablesOf,
} from '../hcl/mod.ts';
import { type Problem, problem, type Span } from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import { didYouMean } from '../util/suggest.ts';
import type { Definitions, VariableBlock } from './definitions.ts';
import { makeFunction, readParameters } from './function.ts';
import { readGiven } from './given-value.ts';

/** Values in one row of a matrix. */
export interface Row {
  readonly variables: ReadonlyMap<string, Value>;
}

/** Provides targets and groups. */
export interface BlockSource {
  /** Evaluates an attribute of a target or group, or all of it. False: it failed, and the problem was reported. */
  readonly resolve: (type: BlockType, name: string, attribute: string | undefined, span: Span) => boolean;
  /** All that are evaluated so far, by name. */
  readonly valueOf: (type: BlockType) => Value | undefined;
}

export type BlockType = 'target' | 'group';

/** Sources of names in addition to the files. */
export interface Surroundings {
  readonly standard: ReadonlyMap<string, HclFunction>;
  /** bake's own variables. */
  readonly builtIn: ReadonlyMap<string, string>;
  /** `--var`, then the environment. */
  readonly given: (name: string) => string | undefined;
}

/** The state of a name. */
type State = 'ready' | 'missing' | 'failed';

/** Properties of a variable in addition to its value. */
export interface VariableFacts {
  readonly isGiven: boolean;
  readonly type: Type | undefined;
  /** The value of its default, converted to its type. */
  readonly fallback: Value | undefined;
}

/** Maximum depth of values that depend on one another; limits the use of the stack. */
const DEEPEST = 300;

const NOTHING: ReadonlySet<string> = new Set();

export class Names {
  readonly problems: Problem[] = [];
  readonly facts: Map<string, VariableFacts> = new Map();
  blocks: BlockSource | undefined;
  readonly #definitions: Definitions;
  readonly #surroundings: Surroundings;
  readonly #variables = new Map<string, Value>();
  readonly #functions: Map<string, HclFunction>;
  readonly #failed = new Set<string>();
  readonly #busyFunctions: string[] = [];
  /** Names being evaluated, with their rows: top-level attributes see the variables of the row that first needs them. */
  readonly #busy: { readonly name: string; readonly row: Row | undefined }[] = [];
  readonly #scope: Scope;
  readonly #budget: Budget = newBudget();

  constructor(definitions: Definitions, surroundings: Surroundings) {
    this.#definitions = definitions;
    this.#surroundings = surroundings;
    this.#functions = new Map(surroundings.standard);
    this.#scope = {
      variable: (name) =>
        (isBlockType(name) ? this.blocks?.valueOf(name) : undefined) ?? this.#variables.get(name),
      function: (name) => this.#functions.get(name),
      variableNames: () => [...this.#variables.keys(), ...definitions.variables.keys(), 'target', 'group'],
      functionNames: () => [...this.#functions.keys(), ...definitions.functions.keys()],
      budget: this.#budget,
    };
    for (const [name, text] of surroundings.builtIn) this.#variables.set(name, textValue(text));
  }

  /** The value of a variable that was evaluated. */
  valueOf(name: string): Value | undefined {
    return this.#variables.get(name);
  }

  /** Evaluates and checks all variables. */
  resolveVariables(): void {
    for (const { name, place } of this.#definitions.variables.values())
      this.#variable(name, undefined, place);
    for (const block of this.#definitions.variables.values()) this.#validate(block);
  }

  resolveFunctions(): void {
    for (const name of this.#definitions.functions.keys()) this.#function(name);
  }

  /** Also checks attributes that nothing refers to. */
  resolveAttributes(): void {
    for (const [name, { nameSpan }] of this.#definitions.attributes)
      this.#variable(name, undefined, nameSpan);
  }

  /** The value of an expression; undefined: a problem was reported. */
  evaluate(expression: Expression, row?: Row): Value | undefined {
    return this.isReady(expression, row) ? this.evaluateReady(expression, row) : undefined;
  }

  /** Like {@link evaluate}, but only uses names that were already evaluated. */
  evaluateReady(expression: Expression, row?: Row): Value | undefined {
    const result = evaluate(expression, this.scopeOf(row?.variables));
    if (result.ok) return result.value;
    this.problems.push(...result.problems);
    return undefined;
  }

  /** The names of all files and the given variables. */
  scopeOf(variables: ReadonlyMap<string, Value> | undefined): Scope {
    if (variables === undefined) return this.#scope;
    return {
      ...this.#scope,
      variable: (name) => variables.get(name) ?? this.#scope.variable(name),
      variableNames: () => [...variables.keys(), ...this.#scope.variableNames()],
    };
  }

  /** Evaluates what an expression refers to. Unknown names are left to the caller that evaluates it. */
  isReady(expression: Expression, row: Row | undefined): boolean {
    return this.#load(expression, row, NOTHING, true);
  }

  #load(expression: Expression, row: Row | undefined, bound: ReadonlySet<string>, mayMiss: boolean): boolean {
    let isReady = true;
    const note = (state: State, what: string, name: string, span: Span): void => {
      if (state === 'failed') isReady = false;
      if (state !== 'missing' || mayMiss) return;
      isReady = false;
      const known =
        what === 'function' ? this.#scope.functionNames() : [...bound, ...this.#scope.variableNames()];
      const hint = didYouMean(name, known);
      this.problems.push(
        problem('bake/unknown-name', `There is no ${what} "${name}"`, {
          span,
          ...(hint === undefined ? {} : { hint }),
        }),
      );
    };
    for (const { name, span } of callsOf(expression)) note(this.#function(name), 'function', name, span);
    for (const traversal of variablesOf(expression)) {
      const { root, span } = traversal;
      if (bound.has(root)) continue;
      if (isBlockType(root)) isReady = this.#block(root, traversal) && isReady;
      else note(this.#variable(root, row, span), 'variable', root, span);
    }
    return isReady;
  }

  #block(type: BlockType, { steps, span }: Traversal): boolean {
    const [name, attribute] = steps;
    if (typeof name === 'string')
      return (
        this.blocks?.resolve(type, name, typeof attribute === 'string' ? attribute : undefined, span) ?? true
      );
    this.problems.push(
      problem('bake/expression', `"${type}" is not a variable: only ${type}.NAME can be read`, {
        hint: `Add a dot and the name, as in ${type}.app.${type === 'target' ? 'tags' : 'targets'}.`,
        span,
      }),
    );
    return false;
  }

  #function(name: string): State {
    if (this.#functions.has(name)) return 'ready';
    const block = this.#definitions.functions.get(name);
    if (block === undefined) return 'missing';
    if (this.#failed.has(`${name}()`)) return 'failed';
    if (this.#busyFunctions.includes(name)) {
      const way = [...this.#busyFunctions.slice(this.#busyFunctions.indexOf(name)), name];
      return this.#fail(`${name}()`, [
        problem('bake/cycle', `A function cannot call itself: ${way.map((one) => `${one}()`).join(' → ')}`, {
          span: block.place,
        }),
      ]);
    }
    const parameters = readParameters(block);
    if (!parameters.ok) return this.#fail(`${name}()`, parameters.error);
    const { names, variadic, result } = parameters.value;
    this.#busyFunctions.push(name);
    const bound = new Set(variadic === undefined ? names : [...names, variadic]);
    const isReady = this.#load(result, undefined, bound, false);
    this.#busyFunctions.pop();
    if (!isReady || this.#failed.has(`${name}()`)) return this.#fail(`${name}()`, []);
    this.#functions.set(
      name,
      makeFunction(parameters.value, (variables) => this.scopeOf(variables)),
    );
    return 'ready';
  }

  #fail(name: string, problems: readonly Problem[]): 'failed' {
    this.#failed.add(name);
    this.problems.push(...problems);
    return 'failed';
  }

  /** A variable or top-level attribute; the attribute takes precedence. */
  #variable(name: string, row: Row | undefined, span: Span): State {
    if (this.#variables.has(name) || row?.variables.has(name) === true) return 'ready';
    const { attributes, variables } = this.#definitions;
    const attribute = attributes.get(name);
    const block = variables.get(name);
    if (attribute === undefined && block === undefined) return 'missing';
    if (this.#failed.has(name)) return 'failed';
    const busy = this.#busy.findIndex((one) => one.name === name && one.row === row);
    if (busy !== -1) {
      const way = [...this.#busy.slice(busy).map((one) => one.name), name].map((one) => `"${one}"`);
      return this.#fail(name, [
        problem('bake/cycle', `A value refers to itself: ${way.join(' → ')}`, { span }),
      ]);
    }
    if (this.#busy.length >= DEEPEST) {
      return this.#fail(name, [
        problem('bake/expression', `Values refer to one another more than ${DEEPEST} levels deep`, { span }),
      ]);
    }
    this.#busy.push({ name, row });
    const value =
      attribute === undefined && block !== undefined
        ? this.#ofBlock(block)
        : this.#ofAttribute(name, attribute?.value, row);
    this.#busy.pop();
    if (value === undefined || this.#failed.has(name)) return this.#fail(name, []);
    this.#variables.set(name, value);
    return 'ready';
  }

  /** A value from outside is only used if there is also a variable of that name. */
  #ofAttribute(name: string, expression: Expression | undefined, row: Row | undefined): Value | undefined {
    const written = expression === undefined ? undefined : this.evaluate(expression, row);
    const block = this.#definitions.variables.get(name);
    if (written === undefined || block === undefined) return written;
    return this.#given(block, undefined, written) ?? written;
  }

  #ofBlock(block: VariableBlock): Value | undefined {
    const type = this.#typeOf(block);
    if (type === 'failed') return undefined;
    let written: Value | undefined;
    if (block.default !== undefined) {
      const value = this.evaluate(block.default.value);
      if (value === undefined) return undefined;
      const converted = convert(value, type ?? DYNAMIC);
      if (!converted.ok) {
        this.problems.push(
          problem(
            'bake/value',
            `The default of variable "${block.name}" is not of type ${typeName(type ?? DYNAMIC)}: ${converted.message}`,
            {
              span: block.default.value.span,
            },
          ),
        );
        return undefined;
      }
      written = converted.value;
    }
    const given = this.#given(block, type, written);
    if (given !== undefined) return given;
    if (this.#failed.has(block.name)) return undefined;
    return written ?? (type === undefined ? textValue('') : nullOf(type));
  }

  /** The declared type of a variable. */
  #typeOf({ type }: VariableBlock): Type | undefined | 'failed' {
    if (type === undefined || (type.kind === 'literal' && type.value === null)) return undefined;
    const read = readType(expressionInJson(type) ?? type);
    if (read.ok) return read.value;
    this.problems.push(...read.error);
    return 'failed';
  }

  /** The value from `--var` or the environment, by `NAME` or, for variables with a type, first by `NAME_JSON`. */
  #given(block: VariableBlock, type: Type | undefined, fallback: Value | undefined): Value | undefined {
    const { name } = block;
    const { given, builtIn } = this.#surroundings;
    let text = given(name);
    let isJson = false;
    const jsonName = `${name}_JSON`;
    if (text === undefined || type !== undefined) {
      const json =
        this.#definitions.variables.has(jsonName) || builtIn.has(jsonName) ? undefined : given(jsonName);
      isJson = json !== undefined;
      text = json ?? text;
    }
    this.facts.set(name, { isGiven: text !== undefined, type, fallback });
    if (text === undefined) return undefined;
    const value = readGiven({ text, isJson, type, fallback });
    if (value.ok) return value.value;
    const from = isJson ? jsonName : name;
    this.#fail(name, [
      problem('bake/value', `The value given for variable "${name}" cannot be used: ${value.message}`, {
        hint: `It comes from ${option(`--var ${from}=…`)} or from the environment variable ${from}${isJson ? '' : `; to give JSON, set ${jsonName}`}.`,
        span: block.place,
      }),
    ]);
    return undefined;
  }

  #validate(block: VariableBlock): void {
    if (this.#failed.has(block.name)) return;
    for (const { condition, message, place } of block.validations) {
      const value = condition === undefined ? nullOf() : this.evaluateReady(condition);
      if (value === undefined) continue;
      const is = convert(value, { kind: 'bool' });
      const span = condition?.span ?? place;
      if (!is.ok || is.value.kind !== 'bool') {
        const what = is.ok ? 'it is null' : is.message;
        this.problems.push(
          problem(
            'bake/value',
            `A condition of variable "${block.name}" is neither true nor false: ${what}`,
            { span },
          ),
        );
      } else if (!is.value.value) this.#reportInvalid(block, message, span);
    }
  }

  #reportInvalid(block: VariableBlock, message: Expression | undefined, span: Span): void {
    const words = message === undefined ? nullOf() : this.evaluateReady(message);
    if (words === undefined) return;
    const text = convert(words, { kind: 'string' });
    const said =
      text.ok && text.value.kind === 'string' ? text.value.value : 'one of its conditions is false';
    this.problems.push(
      problem('bake/value', `Variable "${block.name}" has a value that is not allowed: ${said}`, { span }),
    );
  }
}

/** Whether a name means all targets or groups. */
export function isBlockType(name: string): name is BlockType {
  return name === 'target' || name === 'group';
}
