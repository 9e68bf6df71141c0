/**
 * `${{ … }}` in values: compiled once for each text, evaluated as often as builds use it, and every failure underlined
 * inside the file.
 */
import { type Json, type Problem, type ProblemCode, problem, type Span } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import {
  type Cel,
  COMMON_FUNCTIONS,
  type Compiled,
  FunctionFailure,
  fromCel,
  loadCel,
  type Mention,
} from './cel.ts';
import { endOfExpression, splitExpressions } from './expression-scan.ts';
import { GIT_KEYS, GitUnavailable } from './git.ts';
import { compileMember } from './member.ts';
import type { Problems } from './problems.ts';
import { at, type ListNode, type MapNode, type Node, type ScalarNode, scalarJson, toJson } from './tree.ts';

/** Names in scope, each a value in CEL's form. */
export type Scope = Readonly<Record<string, unknown>>;

/** What evaluation gives where it failed; the problem is already with the others. */
export const FAILED: unique symbol = Symbol('failed');
/** See {@link FAILED}. */
export type Failed = typeof FAILED;

/** Thrown while a variable is read whose own problem is already reported. */
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
  /** A scalar's value; expressions evaluated. Wholly one expression: the value as it is; else text. */
  readonly scalar: (node: ScalarNode, scope: Scope) => Json | Failed;
  /** The value of a whole tree; of lists see {@link listItems}, null entries of maps are kept. */
  readonly tree: (node: Node, scope: Scope) => Json | Failed;
  /** Checks expressions without evaluating them (templates that nothing extends). */
  readonly check: (node: Node) => void;
}

/** True where a text has an expression in it (or an escaped one). */
export function hasExpression(text: string): boolean {
  return text.includes('${{');
}

/** What an evaluator needs to know besides the values. */
export interface EvaluatorOptions {
  readonly problems: Problems;
  /** Names of the declared variables, for `vars.X`. */
  readonly variables: ReadonlySet<string>;
  /** No expression says more than member.ts understands: CEL need not be loaded. */
  readonly onlyMembers: boolean;
}

/** Makes an evaluator; loads CEL where it is needed. */
export async function createEvaluator(options: EvaluatorOptions): Promise<Evaluator> {
  const { problems, variables } = options;
  const cel = options.onlyMembers ? undefined : await loadCel();
  const compiledByText = new Map<string, CompiledText>();
  const checked = new WeakSet<ScalarNode>();

  function compiledOf(text: string): CompiledText {
    const known = compiledByText.get(text);
    if (known !== undefined) return known;
    const compiled = compile(cel, text);
    compiledByText.set(text, compiled);
    return compiled;
  }

  /** Reports what is wrong with the expressions of a node whatever their values; false if something is. */
  function isSound(node: ScalarNode, compiled: CompiledText): boolean {
    let sound = true;
    if (compiled.unclosed) {
      sound = false;
      problems.add(
        problem('config/expression-unclosed', 'An expression opens with ${{ and never closes', {
          hint: 'Close it with }}. For the text itself write $${{.',
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
    if (pieces.length === 1 && only?.kind === 'expression') return run(node, only, scope);
    let text = '';
    for (const piece of pieces) {
      if (piece.kind === 'text') text += piece.text;
      else if (piece.kind === 'expression') {
        const value = run(node, piece, scope);
        if (value === FAILED) return FAILED;
        if (value === null || typeof value === 'object') {
          problems.add(notText(node, piece.index, value));
          return FAILED;
        }
        text += String(value);
      }
    }
    return text;
  }

  function run(
    node: ScalarNode,
    piece: Extract<CompiledPiece, { kind: 'expression' }>,
    scope: Scope,
  ): Json | Failed {
    try {
      return fromCel(piece.program(scope));
    } catch (thrown) {
      if (!(thrown instanceof AlreadyReported))
        problems.add(explainThrown(thrown, node, piece.index, scope, piece.code));
      return FAILED;
    }
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
      if (typeof node.value === 'string' && hasExpression(node.text)) checkedCompiled(node);
    } else if (node.kind === 'list') for (const item of node.items) check(item);
    else for (const entry of node.entries.values()) check(entry.value);
  }

  return { scalar, tree, check };
}

/** The evaluator of a file without expressions: CEL need not be loaded. */
export function createPlainEvaluator(): Evaluator {
  return { scalar: scalarJson, tree: toJson, check: () => {} };
}

/** An item of a list with the node that gives it. */
export interface ListItem {
  readonly value: Json | Failed;
  readonly node: Node;
}

/** The items of a list by the rules of the language: null leaves one out, an expression may give several. */
export function listItems(
  list: ListNode,
  scope: Scope,
  evaluator: Pick<Evaluator, 'tree'>,
): readonly ListItem[] {
  const items: ListItem[] = [];
  for (const node of list.items) {
    const value = evaluator.tree(node, scope);
    const values: readonly (Json | Failed)[] =
      node.kind === 'scalar' && Array.isArray(value) ? value : [value];
    for (const one of values) if (one !== null) items.push({ value: one, node });
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
      if (compiled === undefined) throw new Error(`an expression that was not foreseen: ${piece.code}`);
      return { kind: 'expression', index: at, code: piece.code, ...compiled };
    } catch (error) {
      return { kind: 'broken', index: at, error };
    }
  });
  return { pieces: compiled, unclosed: unclosed !== undefined };
}

/** Members that each root has; undefined: any. */
function unknownMember(
  mention: Mention,
  variables: ReadonlySet<string>,
): { readonly message: string; readonly hint?: string } | undefined {
  const { root, member } = mention;
  if (root === 'vars' && !variables.has(member)) {
    const near = suggest(member, variables);
    return {
      message: `There is no variable "${member}"`,
      hint: near === undefined ? `Declare it below vars: ${member}.` : `Did you mean "vars.${near}"?`,
    };
  }
  if (root === 'git' && !GIT_KEYS.includes(member)) {
    return { message: `git has no "${member}"`, hint: `It has ${GIT_KEYS.join(', ')}.` };
  }
  if (root === 'build' && member !== 'name') {
    return { message: `build has no "${member}"`, hint: 'It has name.' };
  }
  return undefined;
}

function notText(node: ScalarNode, index: number, value: Json): Problem {
  const what = value === null ? 'null' : Array.isArray(value) ? 'a list' : 'a map';
  return problem('config/expression-value', `An expression inside text gives ${what}`, {
    hint:
      value === null
        ? 'Give "" instead of null, or make the whole value one expression: then null leaves it out.'
        : 'Use .join(",") for a list, or make the whole value one expression.',
    ...spanOf(node, index, undefined),
  });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The library's errors, as far as they are ours to read. */
interface LibraryError extends Error {
  readonly code?: string;
  readonly summary?: string;
  readonly range?: Range;
}

function explainThrown(
  thrown: unknown,
  node: ScalarNode,
  index: number,
  scope: Scope = {},
  expression = '',
): Problem {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as LibraryError;
  const place = spanOf(node, index, error.range);
  if (error instanceof GitUnavailable) {
    return problem('config/git', `git values are not available: ${error.message}`, {
      hint: 'Declare a variable instead, with `env:` for CI: vars: { GIT_SHA: { env: [GITHUB_SHA] } }.',
      ...place,
    });
  }
  const summary = (error.summary ?? error.message).split('\n')[0] ?? '';
  const isSyntax = error.name === 'ParseError';
  const code: ProblemCode = isSyntax ? 'config/expression-syntax' : 'config/expression-value';
  const { message, hint } = inWords(error.code, summary, scope, expression.slice(0, error.range?.start ?? 0));
  return problem(error.code === 'unknown_variable' ? 'config/unknown-variable' : code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...place,
  });
}

/** Names that GitHub's workflows have in `${{ }}`, which people try here. */
const FOREIGN_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    github:
      'This is no workflow; its values are in the environment: env.GITHUB_REPOSITORY, git.sha, git.branch, git.tag.',
    secrets: 'Secrets come to a build by `secrets:`, from the environment: id=token,env=TOKEN.',
    steps: 'This is no workflow; declare a variable and pass the value: --var NAME=…',
    inputs: 'This is no workflow; declare a variable and pass the value: --var NAME=…',
    needs: 'This is no workflow; declare a variable and pass the value: --var NAME=…',
    target: 'The build itself is known as build.name.',
  }),
);

/** Functions of other languages and what does the same here. */
const FOREIGN_FUNCTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    upper: 'Write text.upperAscii().',
    toUpper: 'Write text.upperAscii().',
    toUpperCase: 'Write text.upperAscii().',
    lower: 'Write text.lowerAscii().',
    toLower: 'Write text.lowerAscii().',
    toLowerCase: 'Write text.lowerAscii().',
    length: 'Write size(x).',
    len: 'Write size(x).',
    count: 'Write size(x).',
    includes: 'Write text.contains("part"), or "item" in list.',
    indexOf: 'Write text.contains("part"), or text.split("part")[0] for what stands before it.',
    concat: 'Write a + b.',
    format: 'Write text with ${{ }} in it, or a + b.',
    trimspace: 'Write text.trim().',
    strip: 'Write text.trim().',
    toString: 'Write string(x).',
    formatdate: 'Take string(now) apart with substring and replace.',
    timestamp: 'The time of the run is now.',
  }),
);

/** What to call on values of the kinds that people call functions on. */
const FUNCTIONS_OF: Readonly<Record<string, string | undefined>> = {
  list: 'A list has l[0], map, filter, exists, all, join, flatten and distinct; size(l) and "x in l" work, too.',
  string: 'Text has split, replace, substring, contains, startsWith, endsWith, matches, lowerAscii and trim.',
  map: 'A map has map, filter, exists and all, over its names; m.name and m["name"] give a value.',
  int: 'string(x) makes text of a number.',
  double: 'string(x) makes text of a number.',
};

function inWords(
  code: string | undefined,
  summary: string,
  scope: Scope,
  before: string,
): { readonly message: string; readonly hint?: string } {
  const name = /: '?([^':]+)'?$/.exec(summary)?.[1] ?? '';
  switch (code) {
    case 'unknown_variable': {
      const variables =
        typeof scope['vars'] === 'object' && scope['vars'] !== null ? Object.keys(scope['vars']) : [];
      if (variables.includes(name)) {
        return { message: `"${name}" is not a name here`, hint: `Did you mean "vars.${name}"?` };
      }
      const roots = Object.keys(scope);
      const foreign = FOREIGN_NAMES.get(name);
      if (foreign !== undefined) return { message: `"${name}" is not a name here`, hint: foreign };
      const near = suggest(name, [...roots, ...variables]);
      const meant = near === undefined || roots.includes(near) ? near : `vars.${near}`;
      return {
        message: `"${name}" is not a name here`,
        hint:
          meant === undefined
            ? `Names here: ${roots.join(', ')}. A variable is written vars.NAME and declared below vars.`
            : `Did you mean "${meant}"?`,
      };
    }
    case 'no_such_key':
      return missingKey(name, before, scope);
    case 'no_matching_overload': {
      const called = /'(?:[^'.(]*\.)*([A-Za-z_0-9]+)\(/.exec(summary)?.[1] ?? '';
      const near = COMMON_FUNCTIONS.includes(called) ? undefined : suggest(called, COMMON_FUNCTIONS);
      const call = summary.replace(/^found no matching overload for '(?:dyn\.)?(.*)'$/, '$1');
      const ways = FUNCTIONS_OF[/^(\w+)(?:<.*>)?\./.exec(call)?.[1] ?? ''];
      return {
        message: `No function fits ${call}`,
        hint:
          FOREIGN_FUNCTIONS.get(called) ??
          (near !== undefined
            ? `Did you mean "${near}"?`
            : (ways ?? 'docs/language.md lists the functions there are.')),
      };
    }
    case 'no_such_overload':
      return {
        message: `These two do not go together: ${summary.replace(/^no such overload: /, '').replaceAll(/dyn<(\w+)>/g, '$1')}`,
        hint: 'string(x) makes text of a number, int(x) a number of text.',
      };
    case 'index_out_of_bounds': {
      const [, index, length] = /index (-?\d+) >= size (\d+)/.exec(summary) ?? [];
      return {
        message: `The list has no [${index}]: it holds ${length}, counted from 0`,
        hint: 'Ask size(…) first.',
      };
    }
    case 'int_conversion_error':
      return {
        message: 'int(…) makes a number of digits only',
        hint: 'semver(v).major takes a version apart.',
      };
    case 'reserved_identifier':
      return { message: `"${name}" is a reserved word`, hint: 'Variables are written vars.NAME.' };
    case 'unexpected_token':
      if (summary.endsWith('EOF')) return { message: 'The expression ends too early' };
      return { message: `The expression cannot be read: ${summary}` };
    default:
      return { message: `The expression fails: ${summary.replace(/\.$/, '')}` };
  }
}

/** A member that its map does not have; `before` is the code up to the member, its dot included. */
function missingKey(
  name: string,
  before: string,
  scope: Scope,
): { readonly message: string; readonly hint?: string } {
  const path = /([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\.\s*$/.exec(before)?.[1];
  if (path === undefined) return { message: `There is no "${name}" here`, hint: 'Ask with has(…) first.' };
  if (path === 'env') {
    return {
      message: `The environment has no ${name}`,
      hint: `Declare a variable with a default and env: ${name}, or write env.?${name}.orValue("").`,
    };
  }
  let holder: unknown = scope;
  for (const part of path.split('.')) {
    holder =
      typeof holder === 'object' && holder !== null
        ? (holder as Readonly<Record<string, unknown>>)[part]
        : {};
  }
  const keys = typeof holder === 'object' && holder !== null ? Object.keys(holder) : [];
  const near = suggest(name, keys);
  if (near !== undefined)
    return { message: `${path} has no "${name}"`, hint: `Did you mean "${path}.${near}"?` };
  const known =
    keys.length === 0
      ? path === 'matrix'
        ? 'This build has no matrix.'
        : 'It is empty.'
      : `It has ${keys.join(', ')}.`;
  return { message: `${path} has no "${name}"`, hint: known };
}

/**
 * The place of a range inside the `index`-th expression of a scalar. Exact where the scalar stands in the file as its
 * value reads; the whole expression where quoting or folding came between.
 */
function spanOf(
  node: ScalarNode,
  index: number | undefined,
  range: Range | undefined,
): { readonly span?: Span } {
  if (node.start < 0 || index === undefined) return at(node);
  const { source } = node.origin;
  let open = node.start - 1;
  for (let skipped = -1; skipped < index; skipped++) {
    do open = source.text.indexOf('${{', open + 1);
    while (open !== -1 && source.text[open - 1] === '$');
    if (open === -1 || open >= node.end) return at(node);
  }
  const found = endOfExpression(source.text, open, node.end);
  const end = found === -1 ? node.end : found;
  const pieces = splitExpressions(node.text).pieces.filter((piece) => piece.kind === 'expression');
  const piece = pieces[index];
  const isExact = piece !== undefined && source.text.startsWith(`\${{${piece.code}}}`, open);
  if (range === undefined || !isExact) return { span: { source, start: open, end } };
  const start = open + 3 + range.start;
  return { span: { source, start, end: Math.max(start + 1, open + 3 + range.end) } };
}
