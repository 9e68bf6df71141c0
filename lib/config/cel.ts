/**
 * The only file that uses the CEL library: its environment with bake-ts's functions, conversion of values, and the names
 * that an expression uses. CEL: https://github.com/google/cel-spec (doc/langdef.md).
 */
import { resolve } from 'node:path';
import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import type { Json } from '../model/mod.ts';
import { loadCrypto, readRegularFile } from '../system/mod.ts';
import { type Budget, replaceWithin } from './cel-budget.ts';
import { FunctionFailure } from './cel-failures.ts';
import { GENERAL_FUNCTIONS, registerGeneral } from './cel-functions.ts';
import { BadRegex, type Regex } from './regex.ts';
import { jsonText } from './tree.ts';

/** Names in scope, with values in CEL's form. */
export type Scope = Readonly<Record<string, unknown>>;

/** A compiled expression. Call it with the names in scope; returns a value in CEL's form, and throws on failure. */
export type Program = (scope: Scope) => unknown;

/** An expression that can be evaluated and checked for the names it uses. */
export interface Compiled {
  readonly program: Program;
  readonly mentions: readonly Mention[];
}

/** A name that an expression reads from the scope: `vars.TAG` is root `vars`, member `TAG`. */
export interface Mention {
  readonly root: string;
  readonly member: string;
  readonly start: number;
  readonly end: number;
}

/** The initialised library. */
export interface Cel {
  /** Throws the library's ParseError. */
  readonly compile: (code: string) => Compiled;
  /** Sets the base directory of `readText` and `readJSON` for the following evaluation. @returns the previous one */
  readonly setDirectory: (dir: string) => string;
  /** Registers a function that works on values in CEL's form. */
  readonly define: (name: string, parameters: number, work: (...args: readonly unknown[]) => unknown) => void;
}

export { FunctionFailure } from './cel-failures.ts';

/** An expression reads a file without a grant. */
export class NotGranted extends Error {
  /** As written in the expression. */
  readonly path: string;
  /** The grant that would allow it. */
  readonly grant: string;

  constructor(path: string, grant: string) {
    super(`${path} may not be read`);
    this.path = path;
    this.grant = grant;
  }
}

/** Replaces `matches` while parsing: the library's own uses JavaScript's regular expressions, some of which never end. */
export const MATCHES = 'matches_re2';

/** Number of files whose texts are cached during one reading. */
const MAX_TEXTS = 32;

/** Maximum size of a file that an expression reads, in bytes. */
const MAX_READ_BYTES = 1024 * 1024;

/** Names of bake-ts's own functions. Documented in docs/language.md. */
export const OWN_FUNCTIONS: readonly string[] = [
  'semver',
  'slug',
  'fromJSON',
  'toJSON',
  'readText',
  'readJSON',
  'sha256',
  'sha1',
  'md5',
  ...GENERAL_FUNCTIONS,
];

/** Common CEL functions, for suggestions. */
export const COMMON_FUNCTIONS: readonly string[] = [
  ...OWN_FUNCTIONS,
  'size',
  'string',
  'int',
  'double',
  'bool',
  'has',
  'map',
  'filter',
  'exists',
  'exists_one',
  'all',
  'replace',
  'split',
  'join',
  'matches',
  'startsWith',
  'endsWith',
  'contains',
  'lowerAscii',
  'upperAscii',
  'trim',
  'substring',
  'indexOf',
  'lastIndexOf',
  'flatten',
  'distinct',
  'orValue',
  'timestamp',
];

/** Limits for expressions. */
export interface CelLimits {
  /** Whether `readText` and `readJSON` may read a file (an absolute path). */
  readonly mayRead: (file: string) => boolean;
  readonly regex: Regex;
  readonly budget: Budget;
}

/** Loads and initialises the library. */
export async function loadCel(limits: CelLimits): Promise<Cel> {
  const { Environment } = await import('@marcbachmann/cel-js');
  let directory = '/';
  const environment = new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
  });
  const texts = new Map<string, string>();
  const read = (path: string): string => {
    const file = resolve(directory, path);
    const text = texts.get(file) ?? readText(file, path, limits.mayRead);
    if (texts.size < MAX_TEXTS) texts.set(file, text);
    return text;
  };
  registerOwn(environment, read, limits.budget);
  const regex = explained(limits.regex);
  registerGeneral(environment, regex, limits.budget);
  environment.registerFunction(`string.${MATCHES}(string): bool`, (text: string, expression: string) =>
    regex.matches(expression, text),
  );
  return {
    compile: (code) => {
      const program = environment.parse(code);
      const mentions: Mention[] = [];
      walk(program.ast, new Set(), { mentions, seen: new Set(), budget: limits.budget });
      return { program: (scope) => program(scope as Record<string, unknown>), mentions };
    },
    setDirectory: (dir) => {
      const before = directory;
      directory = dir;
      return before;
    },
    define: (name, parameters, work) => {
      environment.registerFunction(`${name}(${Array(parameters).fill('dyn').join(', ')}): dyn`, work);
    },
  };
}

/** Invalid regular expressions are failures of the function that was called. */
function explained({ matches, replace, findAll }: Regex): Regex {
  const explain =
    <A extends readonly [string, ...string[]], R>(work: (...args: A) => R) =>
    (...args: A): R => {
      try {
        return work(...args);
      } catch (thrown) {
        if (!(thrown instanceof BadRegex)) throw thrown;
        throw new FunctionFailure(`"${args[0]}" is not a valid regular expression (${thrown.message})`);
      }
    };
  return { matches: explain(matches), replace: explain(replace), findAll: explain(findAll) };
}

function registerOwn(environment: Environment, read: (path: string) => string, budget: Budget): void {
  const counted =
    <A extends readonly unknown[], R>(work: (...args: A) => R) =>
    (...args: A): R => {
      budget.spendOn(...args);
      return work(...args);
    };
  environment.registerFunction('list.flatten(): list<dyn>', (list: unknown[]) => list.flat());
  environment.registerFunction('list.distinct(): list<dyn>', distinct);
  environment.registerFunction(
    'string.replace(string, string): string',
    counted((text: string, a: string, b: string) => replaceWithin(text, a, b)),
  );
  environment.registerFunction('string(google.protobuf.Timestamp): string', (time: Date) =>
    String(fromCel(time)),
  );
  environment.registerFunction(
    'slug(dyn): string',
    counted((value: unknown) => slug(jsonText(fromCel(value)))),
  );
  environment.registerFunction(
    'semver(dyn): map<string, dyn>',
    counted((value: unknown) => semver(jsonText(fromCel(value)))),
  );
  environment.registerFunction(
    'fromJSON(string): dyn',
    counted((text: string) => toCel(parseJson(text, 'the text'))),
  );
  environment.registerFunction('toJSON(dyn): string', (value: unknown) => JSON.stringify(fromCel(value)));
  environment.registerFunction('readText(string): string', read);
  environment.registerFunction('readJSON(string): dyn', (path: string) => toCel(parseJson(read(path), path)));
  environment.registerFunction(
    'sha256(string): string',
    counted((text: string) => hash('sha256', text)),
  );
  environment.registerFunction(
    'sha1(string): string',
    counted((text: string) => hash('sha1', text)),
  );
  environment.registerFunction(
    'md5(string): string',
    counted((text: string) => hash('md5', text)),
  );
}

function hash(algorithm: string, text: string): string {
  return loadCrypto().createHash(algorithm).update(text).digest('hex');
}

function distinct(list: unknown[]): unknown[] {
  const seen = new Set<string>();
  return list.filter((item) => {
    const key = JSON.stringify(fromCel(item));
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/**
 * Lower case; every run of other characters than letters, digits, `.` and `_` becomes `-`, and none at the ends: for
 * names and tags.
 */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, '-')
    .replace(/^[-._]+|[-._]+$/g, '');
}

/** The parts of a version (https://semver.org); a leading `v` and missing parts are allowed. */
function semver(text: string): Record<string, unknown> {
  const found =
    /^v?(0|[0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/.exec(
      text.trim(),
    );
  if (found === null) throw new FunctionFailure(`semver: "${text}" is not a version`);
  const [, major = '0', minor = '0', patch = '0', prerelease = '', build = ''] = found;
  return {
    major: BigInt(major),
    minor: BigInt(minor),
    patch: BigInt(patch),
    prerelease,
    build,
    core: `${major}.${minor}.${patch}`,
  };
}

function parseJson(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (thrown) {
    throw new FunctionFailure(`${what} is not JSON: ${thrown instanceof Error ? thrown.message : ''}`);
  }
}

function readText(file: string, written: string, mayRead: (file: string) => boolean): string {
  if (!mayRead(file)) throw new NotGranted(written, `read:${file}`);
  try {
    return readRegularFile(file, MAX_READ_BYTES)
      .toString('utf8')
      .replace(/\r?\n$/, '');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (code === 'ENOENT') throw new FunctionFailure(`there is no file ${written}`);
    if (code === 'too-big') throw new FunctionFailure(`${written} has more than 1 MiB`);
    if (code === 'not-regular') throw new FunctionFailure(`${written} is not a regular file`);
    throw new FunctionFailure(`${written} cannot be read${code === '' ? '' : ` (${code})`}`);
  }
}

/** Converts to CEL's form: integers become bigint. */
export function toCel(value: Json): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (value !== null && typeof value === 'object') {
    const result: Record<string, unknown> = Object.create(null);
    for (const [key, inner] of Object.entries(value)) result[key] = toCel(inner);
    return result;
  }
  return value;
}

/** Converts to JSON; times become RFC 3339, and values that JSON does not have throw a FunctionFailure. */
export function fromCel(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return value;
    case 'bigint': {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : String(value);
    }
    case 'undefined':
      return null;
    case 'object':
      return fromCelObject(value);
    default:
      throw new FunctionFailure('the result is not a value that a builds file can hold');
  }
}

function fromCelObject(value: object | null): Json {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(fromCel);
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, 'Z');
  if (value instanceof Set) return [...value].map(fromCel);
  const pairs = value instanceof Map ? [...value.entries()] : plainEntries(value);
  if (pairs !== undefined) {
    const result: Record<string, Json> = Object.create(null);
    for (const [key, inner] of pairs) result[String(key)] = fromCel(inner);
    return result;
  }
  if ('hasValue' in value && typeof value.hasValue === 'function' && 'value' in value) {
    const { hasValue, value: inner } = value;
    if (hasValue.call(value) !== true) return null;
    return fromCel(typeof inner === 'function' ? inner.call(value) : inner);
  }
  if ('value' in value && typeof value.value === 'bigint') return fromCel(value.value);
  throw new FunctionFailure('the result is not a value that a builds file can hold');
}

function plainEntries(value: object): readonly (readonly [string, unknown])[] | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ? Object.entries(value) : undefined;
}

const COMPREHENSIONS = new Set(['map', 'filter', 'all', 'exists', 'exists_one']);

interface Walk {
  readonly mentions: Mention[];
  readonly seen: Set<object>;
  readonly budget: Budget;
}

/** Operations whose result can be longer than their operands. */
const GROWING = new Set(['+', 'call', 'rcall']);

/**
 * Collects the `root.member` mentions of an expression, without names that a macro binds and without the argument of
 * `has()`; sets up the counting of loops and results; and allows different types on the two sides of `? :`, which `cond ?
 * "text" : null` needs. The library requires equal types, a rule that the language definition does not have for dynamic
 * values.
 */
function walk(node: ASTNode, bound: ReadonlySet<string>, state: Walk): void {
  const { mentions, seen, budget } = state;
  if (seen.has(node)) return;
  seen.add(node);
  if (node.op === '?:') allowMixedBranches(node);
  const args = node.args as unknown;
  if (node.op === '.' || node.op === '[]') {
    const [receiver, key] = args as readonly [ASTNode, ASTNode | string];
    const member = typeof key === 'string' ? key : key.op === 'value' ? key.args : undefined;
    if (receiver.op === 'id' && !bound.has(receiver.args as string) && typeof member === 'string') {
      mentions.push({ root: receiver.args as string, member, start: node.start, end: node.end });
    }
  }
  if (node.op === 'call' && (args as readonly unknown[])[0] === 'has') return;
  let names = bound;
  let bodies: readonly ASTNode[] = [];
  if (node.op === 'rcall') {
    const [method, receiver, rest] = args as readonly [string, ASTNode, readonly ASTNode[]];
    const first = rest[0];
    if (method === 'matches') (args as string[])[0] = MATCHES;
    const isLoop = COMPREHENSIONS.has(method);
    const isBind = method === 'bind' && receiver.op === 'id' && receiver.args === 'cel';
    if ((isLoop || isBind) && first?.op === 'id') names = new Set([...bound, first.args as string]);
    if (isLoop) bodies = rest.slice(1);
  }
  walkArgs(args, names, state);
  if (GROWING.has(node.op)) budget.limitResult(node);
  for (const body of bodies) budget.countLoop(body);
}

function walkArgs(args: unknown, bound: ReadonlySet<string>, state: Walk): void {
  if (Array.isArray(args)) {
    for (const one of args) walkArgs(one, bound, state);
  } else if (typeof args === 'object' && args !== null && 'op' in args && 'start' in args) {
    walk(args as ASTNode, bound, state);
  }
}

interface Checkable {
  check: (checker: unknown, node: unknown, scope: unknown) => unknown;
}

function allowMixedBranches(node: ASTNode): void {
  const checkable = node as unknown as Checkable;
  const strict = checkable.check.bind(node);
  checkable.check = (checker, ast, scope) => {
    try {
      return strict(checker, ast, scope);
    } catch (thrown) {
      const isMixed =
        thrown instanceof Error && 'code' in thrown && thrown.code === 'incompatible_ternary_branches';
      if (!isMixed) throw thrown;
      return (checker as { readonly dynType: unknown }).dynType;
    }
  };
}
