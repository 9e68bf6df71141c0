/**
 * `${{ … }}` in values: compiled once for each text, evaluated for each build that uses it; every failure has its place
 * in the file.
 */
import { allowOption, type Grants, type Json, notUntrusted, problem } from '../model/mod.ts';
import type { RealPaths } from '../system/mod.ts';
import { splitExpressions } from '../util/expression-scan.ts';
import { type Cel, type Compiled, FunctionFailure, fromCel, loadCel, type Scope, toCel } from './cel.ts';
import type { Budget } from './cel-budget.ts';
import { explainThrown, notText, spanOf, unknownMember } from './expression-problems.ts';
import type { DeclaredFunction } from './functions.ts';
import { mayRead } from './grants.ts';
import { compileMember } from './member.ts';
import type { Problems } from './problems.ts';
import type { Matcher, Regex } from './regex.ts';
import { type ListNode, type MapNode, type Node, type ScalarNode, scalarJson, toJson } from './tree.ts';

export type { Scope } from './cel.ts';

/** The result of a failed evaluation; the problem was already reported. */
export const FAILED: unique symbol = Symbol('failed');
/** See {@link FAILED}. */
export type Failed = typeof FAILED;

/** Thrown when a variable is read whose own problem was already reported. */
export class AlreadyReported extends Error {}

type CompiledPiece =
  | { readonly kind: 'text'; readonly text: string }
  | ({ readonly kind: 'expression'; readonly index: number; readonly code: string } & Compiled)
  | { readonly kind: 'broken'; readonly index: number; readonly error: unknown };

interface CompiledText {
  readonly pieces: readonly CompiledPiece[];
  readonly unclosed: boolean;
}

/** Evaluates the values of one reading. */
export interface Evaluator {
  /** A scalar's value with expressions evaluated. If it is one expression, its value unchanged; otherwise text. */
  readonly scalar: (node: ScalarNode, scope: Scope) => Json | Failed;
  /** The value of a whole tree; for lists see {@link listItems}, null entries of maps are kept. */
  readonly tree: (node: Node, scope: Scope) => Json | Failed;
  /** Sets what functions of the files see in addition to their parameters. */
  readonly setGlobals: (scope: Scope) => void;
  /** Checks expressions without evaluating them (in templates that nothing extends). */
  readonly check: (node: Node) => void;
  /** Matches a regular expression that is not part of an expression. */
  readonly matches: Matcher;
}

/** Steps that a call of a function of the files counts as: some microseconds. */
const STEPS_OF_A_CALL = 50;

/** Whether an exception is {@link AlreadyReported}, possibly wrapped by the library. */
function isReported(thrown: unknown): boolean {
  return (
    thrown instanceof AlreadyReported ||
    (thrown instanceof Error && thrown.cause !== undefined && isReported(thrown.cause))
  );
}

/** True if a text contains an expression (or an escaped one). */
export function hasExpression(text: string): boolean {
  return text.includes('${{');
}

/** Input of an evaluator, except values. */
export interface EvaluatorOptions {
  readonly problems: Problems;
  /** Names of the declared variables, for `vars.X`. */
  readonly variables: ReadonlySet<string>;
  /** All expressions are of the kind that member.ts handles: CEL need not be loaded. */
  readonly onlyMembers: boolean;
  /** What expressions may read. */
  readonly grants: Grants;
  readonly realPaths: RealPaths;
  readonly regex: Regex;
  readonly budget: Budget;
  /** Functions of the files. */
  readonly functions: ReadonlyMap<string, DeclaredFunction>;
}

/** Creates an evaluator; loads CEL if needed. */
export async function createEvaluator(options: EvaluatorOptions): Promise<Evaluator> {
  const { problems, variables, grants, realPaths, regex, budget, functions } = options;
  const cel = options.onlyMembers
    ? undefined
    : await loadCel({ mayRead: (file) => mayRead(file, grants, realPaths), regex, budget });
  let globals: Scope = {};
  const open: string[] = [];
  for (const declared of functions.values())
    cel?.define(declared.name, declared.parameters.length, (...args) => call(declared, args));
  const compiledByText = new Map<string, CompiledText>();
  const checked = new WeakSet<ScalarNode>();

  function compiledOf(text: string): CompiledText {
    const known = compiledByText.get(text);
    if (known !== undefined) return known;
    const compiled = compile(cel, text);
    compiledByText.set(text, compiled);
    return compiled;
  }

  /** Reports problems of a node's expressions that do not depend on values; false if there are any. */
  function isSound(node: ScalarNode, compiled: CompiledText): boolean {
    let sound = true;
    if (compiled.unclosed) {
      sound = false;
      problems.add(
        problem('config/expression-unclosed', 'An expression opened with ${{ is not closed', {
          hint: 'Close it with }}. For a literal ${{ write $${{.',
          ...spanOf(node, undefined, undefined),
        }),
      );
    }
    for (const piece of compiled.pieces) {
      if (piece.kind === 'broken') {
        sound = false;
        problems.add(explainThrown(piece.error, node, piece.index));
      } else if (piece.kind === 'expression') {
        for (const mention of piece.mentions) {
          if (mention.root === 'env' && grants.untrusted && !grants.variables.includes(mention.member)) {
            const message = `an untrusted file cannot read env.${mention.member}`;
            const hint = `If that is meant, allow it: ${allowOption(`env:${mention.member}`)}`;
            const place = spanOf(node, piece.index, mention);
            problems.add(notUntrusted(message, hint, { severity: 'warning', ...place }));
          }
          const found = unknownMember(mention, variables);
          if (found === undefined) continue;
          sound = false;
          const { message, hint } = found;
          problems.add(
            problem('config/unknown-variable', message, {
              ...(hint === undefined ? {} : { hint }),
              ...spanOf(node, piece.index, mention),
            }),
          );
        }
      }
    }
    return sound;
  }

  const unsound = new WeakSet<ScalarNode>();

  function checkedCompiled(node: ScalarNode): CompiledText | undefined {
    const compiled = compiledOf(node.text);
    if (!checked.has(node)) {
      checked.add(node);
      if (!isSound(node, compiled)) unsound.add(node);
    }
    return unsound.has(node) ? undefined : compiled;
  }

  function scalar(node: ScalarNode, scope: Scope): Json | Failed {
    if (typeof node.value !== 'string' || node.literal || !hasExpression(node.text)) return scalarJson(node);
    const compiled = checkedCompiled(node);
    if (compiled === undefined) return FAILED;
    cel?.setDirectory(node.origin.dir);
    const { pieces } = compiled;
    const [only] = pieces;
    if (pieces.length === 1 && only?.kind === 'expression') return run(node, only, scope, fromCel);
    let text = '';
    for (const piece of pieces) {
      if (piece.kind === 'text') text += piece.text;
      else if (piece.kind === 'expression') {
        const value = run(node, piece, scope, fromCel);
        if (value === FAILED) return FAILED;
        if (value === null || typeof value === 'object') {
          problems.add(notText(node, piece.index, value));
          return FAILED;
        }
        text += String(value);
      }
    }
    try {
      budget.spendOn(text);
    } catch (thrown) {
      problems.add(explainThrown(thrown, node, 0));
      return FAILED;
    }
    return text;
  }

  function run<T>(
    node: ScalarNode,
    piece: Extract<CompiledPiece, { kind: 'expression' }>,
    scope: Scope,
    convert: (value: unknown) => T,
  ): T | Failed {
    try {
      const value = convert(piece.program(scope));
      budget.spendOn(value);
      return value;
    } catch (thrown) {
      if (!isReported(thrown))
        problems.add(explainThrown(thrown, node, piece.index, scope, piece.code, functions));
      return FAILED;
    }
  }

  /** The result of calling a function of the files, in CEL's form. */
  function call({ name, parameters, body }: DeclaredFunction, args: readonly unknown[]): unknown {
    if (open.includes(name)) {
      const cycle = [...open.slice(open.indexOf(name)), name].join(' → ');
      throw new FunctionFailure(`functions call one another in a cycle: ${cycle}`);
    }
    budget.spend(STEPS_OF_A_CALL);
    const scope = Object.assign(Object.create(null) as Record<string, unknown>, globals);
    for (const [at, parameter] of parameters.entries()) scope[parameter] = args[at];
    const directory = cel?.setDirectory(body.origin.dir) ?? '';
    open.push(name);
    try {
      const value = inCel(body, scope);
      if (value === FAILED) throw new AlreadyReported();
      return value;
    } finally {
      open.pop();
      cel?.setDirectory(directory);
    }
  }

  /** A value in CEL's form. A single expression keeps its value, even a time or a number without a fraction. */
  function inCel(node: Node, scope: Scope): unknown {
    if (node.kind === 'scalar' && typeof node.value === 'string' && !node.literal) {
      const compiled = checkedCompiled(node);
      if (compiled === undefined) return FAILED;
      const [only] = compiled.pieces;
      if (compiled.pieces.length === 1 && only?.kind === 'expression')
        return run(node, only, scope, (value) => value);
    }
    const value = tree(node, scope);
    return value === FAILED ? FAILED : toCel(value);
  }

  function tree(node: Node, scope: Scope): Json | Failed {
    if (node.kind === 'scalar') return scalar(node, scope);
    if (node.kind === 'list') return listOf(node, scope);
    return mapOf(node, scope);
  }

  function listOf(node: ListNode, scope: Scope): Json | Failed {
    const values: Json[] = [];
    for (const { value } of listItems(node, scope, { tree })) {
      if (value === FAILED) return FAILED;
      values.push(value);
    }
    return values;
  }

  function mapOf(node: MapNode, scope: Scope): Json | Failed {
    const result: Record<string, Json> = Object.create(null);
    let failed = false;
    for (const [key, entry] of node.entries) {
      const value = tree(entry.value, scope);
      if (value === FAILED) failed = true;
      else result[key] = value;
    }
    return failed ? FAILED : result;
  }

  function check(node: Node): void {
    if (node.kind === 'scalar') {
      if (typeof node.value === 'string' && !node.literal && hasExpression(node.text)) checkedCompiled(node);
    } else if (node.kind === 'list') for (const item of node.items) check(item);
    else for (const entry of node.entries.values()) check(entry.value);
  }

  const setGlobals = (scope: Scope): void => {
    globals = scope;
  };
  return { scalar, tree, setGlobals, check, matches: regex.matches };
}

/** The evaluator for a file without expressions: CEL need not be loaded. */
export function createPlainEvaluator(matches: Matcher): Evaluator {
  return { scalar: scalarJson, tree: toJson, setGlobals: () => {}, check: () => {}, matches };
}

/** An item of a list with its node. */
export interface ListItem {
  readonly value: Json | Failed;
  readonly node: Node;
}

/** The items of a list: null items are left out, and an expression may return several. */
export function listItems(
  list: ListNode,
  scope: Scope,
  evaluator: Pick<Evaluator, 'tree'>,
): readonly ListItem[] {
  const items: ListItem[] = [];
  for (const node of list.items) {
    const value = evaluator.tree(node, scope);
    if (node.kind === 'scalar' && Array.isArray(value)) {
      for (const one of value) if (one !== null) items.push({ value: one, node });
    } else if (value !== null) items.push({ value, node });
  }
  return items;
}

function compile(cel: Cel | undefined, text: string): CompiledText {
  const { pieces, unclosed } = splitExpressions(text);
  let index = 0;
  const compiled = pieces.map((piece): CompiledPiece => {
    if (piece.kind === 'text') return piece;
    const at = index++;
    try {
      if (piece.code.trim() === '') throw new FunctionFailure('the expression is empty');
      const compiled = compileMember(piece.code) ?? cel?.compile(piece.code);
      if (compiled === undefined) throw new Error(`unsupported expression: ${piece.code}`);
      return { kind: 'expression', index: at, code: piece.code, ...compiled };
    } catch (error) {
      return { kind: 'broken', index: at, error };
    }
  });
  return { pieces: compiled, unclosed: unclosed !== undefined };
}
