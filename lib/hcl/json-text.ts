/** JSON with places, as HCL's JSON syntax needs it: keeps order, duplicate names, and numbers as written. */
import { type Problem, problem, type SourceFile, type Span } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import { MAX_DEPTH } from './reader.ts';
import type { JsonNode, JsonObject } from './syntax.ts';

interface Parser {
  readonly source: SourceFile;
  readonly text: string;
  at: number;
  depth: number;
}

class JsonMistake extends Error {
  readonly problem: Problem;
  constructor(found: Problem) {
    super(found.message);
    this.problem = found;
  }
}

/** Parses a JSON file up to its first mistake. */
export function parseJsonText(
  source: SourceFile,
): { readonly value: JsonNode } | { readonly problem: Problem } {
  const parser: Parser = { source, text: source.text, at: 0, depth: 0 };
  try {
    const value = parseValue(parser);
    skipSpace(parser);
    if (parser.at < parser.text.length) {
      throw mistake(
        parser,
        parser.at,
        parser.at + 1,
        'Something follows the end of the JSON value',
        'Remove it.',
      );
    }
    return { value };
  } catch (error) {
    if (error instanceof JsonMistake) return { problem: error.problem };
    throw error;
  }
}

function mistake(parser: Parser, start: number, end: number, message: string, hint?: string): JsonMistake {
  const span = spanOf(parser, start, Math.min(end, parser.text.length));
  return new JsonMistake(problem('bake/syntax', message, { ...(hint === undefined ? {} : { hint }), span }));
}

function spanOf(parser: Parser, start: number, end = parser.at): Span {
  return { source: parser.source, start, end };
}

const SPACE = /[ \t\r\n]*/y;

function skipSpace(parser: Parser): void {
  SPACE.lastIndex = parser.at;
  SPACE.exec(parser.text);
  parser.at = SPACE.lastIndex;
}

function parseValue(parser: Parser): JsonNode {
  skipSpace(parser);
  const { text, at } = parser;
  const char = text[at];
  if (char === undefined) throw mistake(parser, at, at, 'The file ends where a value is expected');
  if (char === '{' || char === '[') {
    if (parser.depth >= MAX_DEPTH)
      throw mistake(parser, at, at + 1, `This is nested deeper than ${MAX_DEPTH} levels`);
    parser.depth++;
    const value = char === '{' ? parseObject(parser) : parseArray(parser);
    parser.depth--;
    return value;
  }
  if (char === '"') {
    const value = parseString(parser);
    return { kind: 'scalar', value, span: spanOf(parser, at) };
  }
  if (/[-+.0-9]/.test(char)) return parseNumber(parser);
  if (/[a-zA-Z]/.test(char)) return parseWord(parser);
  if (char === "'") {
    throw mistake(parser, at, at + 1, 'JSON has no single quotes', 'Put the string in double quotes.');
  }
  if (char === '/' || char === '#') {
    throw mistake(
      parser,
      at,
      at + 1,
      'JSON has no comments',
      'A member named "//" is ignored: "//": "a comment".',
    );
  }
  throw mistake(parser, at, at + 1, `A value is expected here, not ${char}`);
}

function parseObject(parser: Parser): JsonObject {
  const start = parser.at++;
  const members: { name: string; nameSpan: Span; value: JsonNode }[] = [];
  skipSpace(parser);
  while (parser.text[parser.at] !== '}') {
    const nameStart = parser.at;
    if (parser.text[nameStart] !== '"') throw noName(parser, start);
    const name = parseString(parser);
    const nameSpan = spanOf(parser, nameStart);
    skipSpace(parser);
    if (parser.text[parser.at] !== ':') {
      const { at } = parser;
      throw mistake(parser, at, at + 1, 'A colon is missing after this name', 'Write "NAME": VALUE.');
    }
    parser.at++;
    members.push({ name, nameSpan, value: parseValue(parser) });
    if (!separated(parser, '}', start)) break;
  }
  parser.at++;
  return { kind: 'object', members, span: spanOf(parser, start) };
}

function noName(parser: Parser, start: number): JsonMistake {
  const { text, at } = parser;
  if (at >= text.length)
    return mistake(parser, start, start + 1, 'This object is not closed', 'Write } where it ends.');
  return mistake(
    parser,
    at,
    at + 1,
    'The name of a member is expected here',
    'Put the name in double quotes.',
  );
}

function parseArray(parser: Parser): JsonNode {
  const start = parser.at++;
  const items: JsonNode[] = [];
  skipSpace(parser);
  while (parser.text[parser.at] !== ']') {
    if (parser.at >= parser.text.length) {
      throw mistake(parser, start, start + 1, 'This list is not closed', 'Write ] where it ends.');
    }
    items.push(parseValue(parser));
    if (!separated(parser, ']', start)) break;
  }
  parser.at++;
  return { kind: 'array', items, span: spanOf(parser, start) };
}

/** Reads the comma between two items; false if the closing bracket is next. */
function separated(parser: Parser, close: '}' | ']', start: number): boolean {
  skipSpace(parser);
  const { text, at } = parser;
  if (text[at] === close) return false;
  if (at >= text.length) {
    const what = close === '}' ? 'object' : 'list';
    throw mistake(parser, start, start + 1, `This ${what} is not closed`, `Write ${close} where it ends.`);
  }
  if (text[at] !== ',')
    throw mistake(parser, at, at + 1, `A comma or ${close} is expected here, not ${text[at]}`);
  parser.at++;
  skipSpace(parser);
  if (text[parser.at] === close) {
    throw mistake(parser, at, at + 1, 'JSON allows no comma after the last item', 'Remove the comma.');
  }
  return true;
}

const STRING = /"(?:[^"\\\r\n]|\\[^\r\n])*"?/y;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,9})?$/;

function parseString(parser: Parser): string {
  const start = parser.at;
  STRING.lastIndex = start;
  const raw = STRING.exec(parser.text)?.[0] ?? '"';
  parser.at = start + raw.length;
  if (raw.length < 2 || !raw.endsWith('"')) {
    throw mistake(
      parser,
      start,
      parser.at,
      'The closing quote of this string is missing',
      'For a line break write \\n.',
    );
  }
  try {
    return String(JSON.parse(raw)).replace(/\p{Surrogate}/gu, '\ufffd');
  } catch {
    const control = [...raw].findIndex((char) => char < ' ');
    if (control !== -1) {
      const at = start + control;
      throw mistake(
        parser,
        at,
        at + 1,
        'A string contains a control character',
        'Write it as \\t or \\uXXXX.',
      );
    }
    const bad = /\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(raw.replace(/\\\\/g, '  '));
    const at = start + (bad?.index ?? 0);
    throw mistake(
      parser,
      at,
      at + 2,
      `Invalid escape ${parser.text.slice(at, at + 2)} in JSON`,
      'Valid escapes are \\n, \\r, \\t, \\b, \\f, \\", \\\\, \\/ and \\uXXXX. For a backslash write \\\\.',
    );
  }
}

function parseNumber(parser: Parser): JsonNode {
  const start = parser.at;
  const number = /^[-+.eE0-9]+/.exec(parser.text.slice(start, start + 10_000))?.[0] ?? '';
  parser.at = start + number.length;
  if (!NUMBER.test(number)) {
    throw mistake(
      parser,
      start,
      parser.at,
      `${number} is not a JSON number`,
      'Put a version in double quotes.',
    );
  }
  return { kind: 'scalar', value: { number }, span: spanOf(parser, start) };
}

function parseWord(parser: Parser): JsonNode {
  const start = parser.at;
  const word = /^[a-zA-Z_]+/.exec(parser.text.slice(start, start + 100))?.[0] ?? '';
  parser.at = start + word.length;
  if (word !== 'true' && word !== 'false' && word !== 'null') {
    const hint = didYouMean(word, ['true', 'false', 'null']) ?? 'Put a string in double quotes.';
    throw mistake(parser, start, parser.at, `${word} is not a JSON value`, hint);
  }
  return { kind: 'scalar', value: word === 'null' ? null : word === 'true', span: spanOf(parser, start) };
}
