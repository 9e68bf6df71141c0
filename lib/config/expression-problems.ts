/** Problems with expressions: converts the library's errors to messages with places in the file. */
import { type Json, needsGrant, type Problem, type ProblemCode, problem, type Span } from '../model/mod.ts';
import { endOfExpression, splitExpressions } from '../util/expression-scan.ts';
import { option } from '../util/option-words.ts';
import { suggest } from '../util/suggest.ts';
import { COMMON_FUNCTIONS, MATCHES, type Mention, NotGranted, type Scope } from './cel.ts';
import type { DeclaredFunction } from './functions.ts';
import { GIT_KEYS, GitUnavailable } from './git.ts';
import { at, type ScalarNode } from './tree.ts';

/** The problem of a member that its root does not have; undefined: it exists. */
export function unknownMember(
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
    return { message: `build has no "${member}"`, hint: 'Use build.name.' };
  }
  return undefined;
}

/** The problem of an expression inside a text that does not return text. */
export function notText(node: ScalarNode, index: number, value: Json): Problem {
  const what = value === null ? 'null' : Array.isArray(value) ? 'a list' : 'a map';
  return problem('config/expression-value', `An expression inside text returns ${what}`, {
    hint:
      value === null
        ? 'Return "" instead of null, or make the whole value one expression: null then omits it.'
        : 'Use .join(",") for a list, or make the whole value one expression.',
    ...spanOf(node, index, undefined),
  });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The parts of the library's errors that are used. */
interface LibraryError extends Error {
  readonly code?: string;
  readonly summary?: string;
  readonly range?: Range;
}

/** The problem for an exception of compiling or evaluating an expression. */
export function explainThrown(
  thrown: unknown,
  node: ScalarNode,
  index: number,
  scope: Scope = {},
  expression = '',
  functions: ReadonlyMap<string, DeclaredFunction> = new Map(),
): Problem {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as LibraryError;
  const location = spanOf(node, index, error.range);
  const refused = causeOf(error);
  if (refused !== undefined)
    return needsGrant({ what: `${refused.path} would be read`, grant: refused.grant }, location);
  if (error instanceof GitUnavailable) {
    if (error.denied !== undefined) return { ...error.denied, ...location };
    return problem('config/git', `git values are not available: ${error.message}`, {
      hint: 'Declare a variable instead, with `env:` for CI: vars: { GIT_SHA: { env: [GITHUB_SHA] } }.',
      ...location,
    });
  }
  const summary = ((error.summary ?? error.message).split('\n')[0] ?? '').replaceAll(MATCHES, 'matches');
  const isSyntax = error.name === 'ParseError';
  const code: ProblemCode = isSyntax ? 'config/expression-syntax' : 'config/expression-value';
  const { message, hint } = inWords(
    error.code,
    summary,
    { scope, functions },
    expression.slice(0, error.range?.start ?? 0),
  );
  return problem(error.code === 'unknown_variable' ? 'config/unknown-variable' : code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...location,
  });
}

/** The library wraps exceptions of functions. */
function causeOf(error: Error): NotGranted | undefined {
  if (error instanceof NotGranted) return error;
  return error.cause instanceof Error ? causeOf(error.cause) : undefined;
}

const NO_WORKFLOW = `GitHub contexts do not exist here. Declare a variable and pass the value: ${option('--var NAME=…')}`;

/** Names in `${{ }}` of GitHub workflows, which people also try here. */
const FOREIGN_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    github: 'GitHub contexts do not exist here. Use env.GITHUB_REPOSITORY, git.sha, git.branch, git.tag.',
    secrets: 'Use `secrets:` with an environment variable: id=token,env=TOKEN.',
    steps: NO_WORKFLOW,
    inputs: NO_WORKFLOW,
    needs: NO_WORKFLOW,
    target: 'Use build.name.',
    matrix: 'Use matrix only in builds and templates; pass its values to functions as arguments.',
    build: 'Use build.name only in builds and templates; pass it to functions as an argument.',
  }),
);

/** Functions of other languages and their equivalents here. */
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
    indexOf: 'Write text.contains("part"), or text.split("part")[0] for the part before it.',
    concat: 'Write a + b.',
    format: 'Write text with ${{ }} in it, or a + b.',
    trimspace: 'Write text.trim().',
    strip: 'Write text.trim().',
    toString: 'Write string(x).',
    formatdate: 'Use substring and replace on string(now).',
    timestamp: 'Use now, the time of the run.',
  }),
);

/** What to call on values of types on which people try to call functions. */
const FUNCTIONS_OF: Readonly<Record<string, string | undefined>> = {
  list: 'For a list use l[0], map, filter, exists, all, join, flatten and distinct, size(l) or "x in l".',
  string:
    'For text use split, replace, substring, contains, startsWith, endsWith, matches, lowerAscii or trim.',
  map: 'For a map use m.name, m["name"], or map, filter, exists and all over its names.',
  int: 'Use string(x) to make text of a number.',
  double: 'Use string(x) to make text of a number.',
};

/** Names that an expression may have meant. */
interface Known {
  readonly scope: Scope;
  readonly functions: ReadonlyMap<string, DeclaredFunction>;
}

function inWords(
  code: string | undefined,
  summary: string,
  { scope, functions }: Known,
  before: string,
): { readonly message: string; readonly hint?: string } {
  const name = /: '?([^':]+)'?$/.exec(summary)?.[1] ?? '';
  switch (code) {
    case 'unknown_variable': {
      const variables =
        typeof scope['vars'] === 'object' && scope['vars'] !== null ? Object.keys(scope['vars']) : [];
      if (variables.includes(name)) {
        return { message: `"${name}" is not defined here`, hint: `Did you mean "vars.${name}"?` };
      }
      const roots = Object.keys(scope);
      const foreign = FOREIGN_NAMES.get(name);
      if (foreign !== undefined) return { message: `"${name}" is not defined here`, hint: foreign };
      const near = suggest(name, [...roots, ...variables]);
      const meant = near === undefined || roots.includes(near) ? near : `vars.${near}`;
      return {
        message: `"${name}" is not defined here`,
        hint:
          meant === undefined
            ? `Defined here: ${roots.join(', ')}. Write a variable as vars.NAME and declare it below vars.`
            : `Did you mean "${meant}"?`,
      };
    }
    case 'no_such_key':
      return missingKey(name, before, scope);
    case 'no_matching_overload': {
      const called = /'(?:[^'.(]*\.)*([A-Za-z_0-9]+)\(/.exec(summary)?.[1] ?? '';
      const declared = functions.get(called);
      const near = COMMON_FUNCTIONS.includes(called)
        ? undefined
        : suggest(called, [...COMMON_FUNCTIONS, ...functions.keys()]);
      const call = summary.replace(/^found no matching overload for '(?:dyn\.)?(.*)'$/, '$1');
      const ways = FUNCTIONS_OF[/^(\w+)(?:<.*>)?\./.exec(call)?.[1] ?? ''];
      return {
        message: `No function fits ${call}`,
        hint:
          (declared === undefined ? FOREIGN_FUNCTIONS.get(called) : `Call it as ${declared.signature}.`) ??
          (near !== undefined
            ? `Did you mean "${near}"?`
            : (ways ?? 'See docs/language.md for the functions.')),
      };
    }
    case 'no_such_overload':
      return {
        message: `These types do not fit together: ${summary.replace(/^no such overload: /, '').replaceAll(/dyn<(\w+)>/g, '$1')}`,
        hint: 'Convert one of them: string(x) makes text of a number, int(x) a number of text.',
      };
    case 'index_out_of_bounds': {
      const [, index, length] = /index (-?\d+) >= size (\d+)/.exec(summary) ?? [];
      return {
        message: `The list has no [${index}]: it has ${length}, counted from 0`,
        hint: 'Check size(…) first.',
      };
    }
    case 'int_conversion_error':
      return {
        message: 'int(…) accepts digits only',
        hint: 'For a version use semver(v).major.',
      };
    case 'reserved_identifier':
      return { message: `"${name}" is a reserved word`, hint: 'Write variables as vars.NAME.' };
    case 'unexpected_token':
      if (summary.endsWith('EOF')) return { message: 'The expression ends too early' };
      return { message: `The expression cannot be read: ${summary}` };
    default:
      if (summary.includes('call stack'))
        return { message: 'The expression, or what it reads, is nested too deeply' };
      return { message: `The expression fails: ${summary.replace(/\.$/, '')}` };
  }
}

/** A member that its map does not have; `before` is the code up to the member, including the dot. */
function missingKey(
  name: string,
  before: string,
  scope: Scope,
): { readonly message: string; readonly hint?: string } {
  const path = /([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\.\s*$/.exec(before)?.[1];
  if (path === undefined) return { message: `There is no "${name}" here`, hint: 'Check with has(…) first.' };
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
 * The place of a range in the `index`-th expression of a scalar. Exact if the scalar is written in the file as its value;
 * otherwise (quoting, folding) the whole expression.
 */
export function spanOf(
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
