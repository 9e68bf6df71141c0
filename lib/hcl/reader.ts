/** Reads the tokens of a file for the parser, and reports what is wrong with them. */
import { type Problem, problem, type SourceFile, type Span } from '../model/mod.ts';
import { type Fault, scan, type Token, type TokenKind } from './scan.ts';
import type { Expression } from './syntax.ts';

/** Maximum nesting of expressions, templates and blocks, and maximum length of a chain of operators. */
export const MAX_DEPTH = 250;

/** The state of the parser. */
export interface Reader {
  readonly source: SourceFile;
  /** The parsed text: the whole file, or a text of a JSON file with its escapes resolved. */
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly problems: Problem[];
  /** Converts an offset in the text to one in the file. */
  readonly place: (offset: number) => number;
  /** Index of the next token. */
  at: number;
  /** Whether line breaks are significant: not in parentheses and brackets. */
  newlines: boolean;
  depth: number;
  /** Comments that are already assigned, by the index of their token. */
  readonly taken: Set<number>;
  /** Parses an expression; a field, since the parts of the grammar depend on one another. */
  readonly expression: (reader: Reader) => Expression;
}

/** Thrown at the first mistake of an attribute or block header; caught where parsing can continue. */
export class Mistake extends Error {
  readonly problem: Problem;
  constructor(found: Problem) {
    super(found.message);
    this.problem = found;
  }
}

/** A reader for a whole file. */
export function readerOf(source: SourceFile, expression: Reader['expression']): Reader {
  return readerOfText(source, source.text, 'file', (offset) => offset, expression);
}

/** A reader for a text inside a file; `place` maps its offsets. */
export function readerOfText(
  source: SourceFile,
  text: string,
  mode: 'file' | 'template',
  place: (offset: number) => number,
  expression: Reader['expression'],
): Reader {
  return {
    source,
    text,
    tokens: scan(text, mode),
    problems: [],
    place,
    at: 0,
    newlines: true,
    depth: 0,
    taken: new Set(),
    expression,
  };
}

const LAST: Token = { kind: 'end', start: 0, end: 0, fault: undefined };

/** The next significant token; skips comments, and line breaks unless they are significant. */
export function peek(reader: Reader): Token {
  const { tokens, newlines, text } = reader;
  for (let at = reader.at; at < tokens.length; at++) {
    const token = tokens[at] ?? LAST;
    if (token.kind === 'newline') {
      if (!newlines) continue;
    } else if (token.kind === 'comment') {
      if (!newlines || text.charCodeAt(token.end - 1) !== 10) continue;
      reader.at = at;
      return { kind: 'newline', start: token.end - 1, end: token.end, fault: undefined };
    }
    reader.at = at;
    return token;
  }
  return tokens.at(-1) ?? LAST;
}

/** Consumes the next significant token. */
export function read(reader: Reader): Token {
  const token = peek(reader);
  if (token.kind !== 'end') reader.at++;
  return token;
}

/** Consumes the next token if it is of this kind. */
export function accept(reader: Reader, kind: TokenKind): Token | undefined {
  const token = peek(reader);
  if (token.kind !== kind) return undefined;
  return read(reader);
}

/** Consumes the next token, which must be of this kind. */
export function expect(reader: Reader, kind: TokenKind, fault: Fault, related?: RelatedToken): Token {
  const token = peek(reader);
  if (token.kind !== kind) throw mistake(reader, token, fault, related);
  return read(reader);
}

/** Another place that explains a mistake. */
export interface RelatedToken {
  readonly message: string;
  readonly token: { readonly start: number; readonly end: number };
}

/** The mistake at a token: the token's own fault, or what was expected instead. */
export function mistake(reader: Reader, token: Token, fault: Fault, related?: RelatedToken): Mistake {
  const { message, hint } = token.fault ?? fault;
  return new Mistake(
    problem('bake/syntax', message, {
      ...(hint === undefined ? {} : { hint }),
      span: spanOf(reader, token.start, Math.max(token.end, token.start + (token.kind === 'end' ? 0 : 1))),
      ...(related === undefined
        ? {}
        : {
            related: [
              { message: related.message, span: spanOf(reader, related.token.start, related.token.end) },
            ],
          }),
    }),
  );
}

/** A mistake at an opening bracket that is not closed. */
export function unclosed(reader: Reader, open: Token, message: string, sign: string): Mistake {
  return mistake(reader, open, {
    message,
    hint: `Write ${sign} where it ends; brackets and quotes come in pairs.`,
  });
}

/** A description of a token, for messages. */
export function shown(reader: Reader, token: Token): string {
  if (token.kind === 'end') return 'the end of the file';
  if (token.kind === 'newline') return 'the end of the line';
  const text = reader.text.slice(token.start, token.end);
  return text.length > 30 ? `${text.slice(0, 29)}…` : text;
}

export function spanOf(reader: Reader, start: number, end: number): Span {
  return { source: reader.source, start: reader.place(start), end: reader.place(end) };
}

/** The text of a token as it was written. */
export function textOf(reader: Reader, token: Token): string {
  return reader.text.slice(token.start, token.end);
}

/** Whether the token is this keyword, which elsewhere is an ordinary name. */
export function isWord(reader: Reader, token: Token, word: string): boolean {
  return (
    token.kind === 'name' &&
    token.end - token.start === word.length &&
    reader.text.startsWith(word, token.start)
  );
}

/** Runs a function with line breaks significant or not. */
export function withNewlines<T>(reader: Reader, newlines: boolean, act: () => T): T {
  const before = reader.newlines;
  reader.newlines = newlines;
  const result = act();
  reader.newlines = before;
  return result;
}

/** Enters one level of nesting. */
export function deeper<T>(reader: Reader, act: () => T): T {
  if (reader.depth >= MAX_DEPTH) throw tooDeep(reader, peek(reader));
  reader.depth++;
  const result = act();
  reader.depth--;
  return result;
}

/** The mistake of a nesting that is too deep. */
export function tooDeep(reader: Reader, token: Token): Mistake {
  return mistake(
    reader,
    { ...token, fault: undefined },
    {
      message: `This is nested deeper than ${MAX_DEPTH} levels`,
      hint: 'Look for brackets that are not closed; or build the value in several steps.',
    },
  );
}
