/** Functions of regular expressions, in RE2's syntax (https://github.com/google/re2/wiki/Syntax). */
import { equalTypes, objectType, STRING, tupleType } from '../types.ts';
import type { FunctionResult, Type, Value } from '../value.ts';
import { listOf, nullOf, objectOf, textValue, tupleOf } from '../values.ts';
import { beyond, type Definitions, done, failed, MOST_TEXT, textOf, tooLong } from './define.ts';

/** Names of the functions that need {@link loadRegex}. */
export const REGEX_FUNCTIONS: ReadonlySet<string> = new Set(['regex', 'regexall', 'regex_replace']);

/** A match: where each group of the expression begins and ends, the whole one first; undefined for one that took no part. */
type Match = readonly (readonly [number, number] | undefined)[];

/** A compiled expression. */
export interface CompiledRegex {
  /** Names of the groups, without the whole one; undefined for one without a name. */
  readonly names: readonly (string | undefined)[];
  /** Instructions; the time for a match is at most these times the characters. */
  readonly size: number;
  /** The first match at or behind a place. */
  readonly find: (text: string, from: number) => Match | undefined;
}

/** Why a text is no expression; `isLimit`: it is longer than what is taken. */
interface NoRegex {
  readonly wrong: string;
  readonly isLimit?: true;
}

/** Compiles an expression, or says why it is none. */
export type RegexCompiler = (expression: string) => CompiledRegex | NoRegex;

/** Characters of an expression. */
const MOST_EXPRESSION = 1000;
/** Instructions times characters of one call, at worst: about two seconds. */
const MOST_WORK = 25_000_000;
const MOST_COMPILED = 100;

/** Loads the library; it is large, so only where a file calls one of {@link REGEX_FUNCTIONS}. */
export async function loadRegex(): Promise<RegexCompiler> {
  const { RE2JS } = await import('re2js');
  const known = new Map<string, CompiledRegex>();
  return (expression) => {
    const compiled = known.get(expression);
    if (compiled !== undefined) return compiled;
    if (expression.length > MOST_EXPRESSION)
      return { wrong: `it has more than ${MOST_EXPRESSION} characters`, isLimit: true };
    try {
      const made = wrap(RE2JS.compile(expression));
      if (known.size >= MOST_COMPILED) known.clear();
      known.set(expression, made);
      return made;
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      return { wrong: why.replace(/^error parsing regexp: /, '') };
    }
  };
}

type Re2 = ReturnType<typeof import('re2js')['RE2JS']['compile']>;

function wrap(regex: Re2): CompiledRegex {
  const names: (string | undefined)[] = Array.from({ length: regex.groupCount() });
  for (const [name, index] of Object.entries(regex.namedGroups())) names[index - 1] = name;
  return {
    names,
    size: regex.programSize(),
    find: (text, from) => {
      const matcher = regex.matcher(text);
      if (!matcher.find(from)) return undefined;
      return Array.from({ length: names.length + 1 }, (_, group) => {
        const start = matcher.start(group);
        return start < 0 ? undefined : ([start, matcher.end(group)] as const);
      });
    },
  };
}

/** The functions; without a compiler they must not be called. */
export function regexFunctions(compiler: RegexCompiler | undefined): Definitions {
  const compile: RegexCompiler = (expression) => {
    if (compiler === undefined) throw new Error('regular expressions were not loaded');
    return compiler(expression);
  };
  const parameters = [
    { name: 'pattern', type: STRING },
    { name: 'string', type: STRING },
  ];
  return {
    regex: { parameters, run: ([pattern, text]) => first(compile(textOf(pattern)), textOf(text)) },
    regexall: { parameters, run: ([pattern, text]) => all(compile(textOf(pattern)), textOf(text)) },
    regex_replace: {
      parameters: [
        { name: 'str', type: STRING },
        { name: 'pattern', type: STRING },
        { name: 'replace', type: STRING },
      ],
      run: ([text, pattern, by]) => replace(compile(textOf(pattern)), textOf(text), textOf(by)),
    },
  };
}

type Compiled = ReturnType<RegexCompiler>;

function notOne({ wrong, isLimit }: NoRegex, argument: number): FunctionResult {
  const message = `it is not a valid regular expression: ${wrong}`;
  return isLimit === true ? beyond(message, argument) : failed(message, argument);
}

const TOO_MUCH = beyond('matching this expression in a string of this length would take too long');

function first(regex: Compiled, text: string): FunctionResult {
  if ('wrong' in regex) return notOne(regex, 0);
  const type = resultType(regex);
  if (type === undefined) return mixed();
  if (regex.size * text.length > MOST_WORK) return TOO_MUCH;
  const match = regex.find(text, 0);
  if (match === undefined) return failed('no part of the string matches the expression', 1);
  return done(resultOf(regex, match, text, type));
}

function all(regex: Compiled, text: string): FunctionResult {
  if ('wrong' in regex) return notOne(regex, 0);
  const type = resultType(regex);
  if (type === undefined) return mixed();
  const matches = allMatches(regex, text);
  if (matches === undefined) return TOO_MUCH;
  return done(
    listOf(
      type,
      matches.map((match) => resultOf(regex, match, text, type)),
    ),
  );
}

function mixed(): FunctionResult {
  return failed('groups with and without names cannot be used together', 0);
}

/** A text without groups, a tuple of them, or an object with their names; undefined where only some have names. */
function resultType({ names }: CompiledRegex): Type | undefined {
  if (names.length === 0) return STRING;
  const named = names.filter((name) => name !== undefined);
  if (named.length === 0) return tupleType(names.map(() => STRING));
  if (named.length < names.length) return undefined;
  return objectType(new Map(named.map((name) => [name, STRING])));
}

function resultOf({ names }: CompiledRegex, match: Match, text: string, type: Type): Value {
  const groups = match.map((group) =>
    group === undefined ? nullOf(STRING) : textValue(text.slice(...group)),
  );
  if (equalTypes(type, STRING)) return groups[0] as Value;
  const own = groups.slice(1);
  if (type.kind === 'tuple') return tupleOf(own);
  return objectOf(names.map((name, at) => [name ?? '', own[at] as Value] as const));
}

/** Matches that do not overlap; an empty one right behind another is left out. Undefined: too much work. */
function allMatches(regex: CompiledRegex, text: string): readonly Match[] | undefined {
  const matches: Match[] = [];
  let work = 0;
  let before = -1;
  for (let at = 0; at <= text.length; ) {
    work += regex.size * (text.length - at + 1);
    if (work > MOST_WORK) return undefined;
    const match = regex.find(text, at);
    if (match === undefined) break;
    const [start, end] = match[0] as readonly [number, number];
    const empty = end === at;
    if (!(empty && start === before)) matches.push(match);
    at = empty ? at + stepOf(text, at) : end;
    before = end;
  }
  return matches;
}

function stepOf(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function replace(regex: Compiled, text: string, by: string): FunctionResult {
  if ('wrong' in regex) return notOne(regex, 1);
  let out = '';
  let copied = 0;
  let work = 0;
  for (let at = 0; at <= text.length; ) {
    work += regex.size * (text.length - at + 1);
    if (work > MOST_WORK) return TOO_MUCH;
    const match = regex.find(text, at);
    if (match === undefined) break;
    const [start, end] = match[0] as readonly [number, number];
    out += text.slice(copied, start);
    // An empty match right behind another is not replaced.
    if (end > copied || start === 0) out += expanded(by, regex, match, text);
    if (out.length > MOST_TEXT) return tooLong();
    copied = end;
    at = Math.max(at + stepOf(text, at), end);
  }
  return done(textValue(out + text.slice(copied)));
}

/** `$1`, `${1}`, `$name` and `$$` in a replacement. A name is as long as it can be. */
function expanded(by: string, { names }: CompiledRegex, match: Match, text: string): string {
  return by.replace(/\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (whole, braced, bare) => {
    const name: string | undefined = braced ?? bare;
    if (name === undefined) return whole === '$$' ? '$' : whole;
    const groups = /^(?:0|[1-9]\d{0,8})$/.test(name)
      ? [match[Number(name)]]
      : names.map((one, at) => (one === name ? match[at + 1] : undefined));
    const group = groups.find((one) => one !== undefined);
    return group === undefined ? '' : text.slice(...group);
  });
}
