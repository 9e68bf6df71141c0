/**
 * Splits HCL into tokens (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#lexical-elements). Templates are
 * recognised here, since only nesting determines where a text continues after `${…}`.
 */

/** Punctuation. */
type Sign =
  | '{'
  | '}'
  | '['
  | ']'
  | '('
  | ')'
  | '.'
  | ','
  | '*'
  | '/'
  | '%'
  | '+'
  | '-'
  | '='
  | '<'
  | '>'
  | '!'
  | '?'
  | ':'
  | '=='
  | '!='
  | '>='
  | '<='
  | '&&'
  | '||'
  | '::'
  | '...'
  | '=>';

export type TokenKind =
  | Sign
  | 'name'
  | 'number'
  | 'newline'
  | 'comment'
  | 'quote'
  | 'end-quote'
  | 'heredoc'
  | 'end-heredoc'
  /** Text of a template, with its escapes. */
  | 'text'
  /** `${` or `${~` */
  | 'interpolation'
  /** `%{` or `%{~` */
  | 'directive'
  /** `}` or `~}` that closes one of the above. */
  | 'end-sequence'
  /** Not allowed in a file; the fault says why. */
  | 'bad'
  /** The same for a quoted text that is not closed on its line. */
  | 'broken-quote'
  | 'end';

/** Why a token is not allowed, as text. */
export interface Fault {
  readonly message: string;
  readonly hint?: string;
}

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  readonly fault: Fault | undefined;
}

/** The context of the scanner: code (of the file or in `${…}`), quoted text, heredoc, bare template. */
type Frame =
  | { readonly kind: 'code'; readonly isSequence: boolean; braces: number }
  | { readonly kind: 'quoted'; readonly start: number }
  | { readonly kind: 'heredoc'; readonly marker: string; atLineStart: boolean }
  | { readonly kind: 'bare' };

interface Scanner {
  readonly text: string;
  readonly tokens: Token[];
  readonly frames: Frame[];
  at: number;
}

const NAME = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
const NUMBER = /[0-9](?:(?:[0-9.]|[eE][+-]?[0-9])*(?:[0-9]|[eE][+-]?[0-9]))?/y;
const HEREDOC = /<<-?([\p{ID_Start}_][\p{ID_Continue}-]*)\r?\n/uy;
const SIGNS = /\.\.\.|==|!=|>=|<=|&&|\|\||::|=>|[{}[\]().,*/%+\-=<>!?:]/y;
const QUOTED_RUN = /(?:[^$%"\\\r\n]|\\[^\r\n])+/y;
const PLAIN_RUN = /[^$%\r\n]+/y;
const SPACE = 32;
const TAB = 9;

/** The tokens of a file, or of a single template as in JSON. The last one is `end`. */
export function scan(text: string, mode: 'file' | 'template'): readonly Token[] {
  const scanner: Scanner = {
    text,
    tokens: [],
    frames: [mode === 'file' ? { kind: 'code', isSequence: false, braces: 0 } : { kind: 'bare' }],
    at: text.charCodeAt(0) === 0xfeff ? 1 : 0,
  };
  while (scanner.at < text.length) {
    const frame = scanner.frames.at(-1);
    if (frame === undefined) break;
    if (frame.kind === 'code') scanCode(scanner, frame);
    else if (frame.kind === 'quoted') scanQuoted(scanner);
    else if (frame.kind === 'heredoc') scanHeredoc(scanner, frame);
    else scanBare(scanner);
  }
  emit(scanner, 'end', text.length);
  return scanner.tokens;
}

/** Adds a token and returns its end. */
function emit(scanner: Scanner, kind: TokenKind, end: number, fault?: Fault): number {
  scanner.tokens.push({ kind, start: scanner.at, end, fault });
  scanner.at = end;
  return end;
}

function match(scanner: Scanner, pattern: RegExp): string | undefined {
  pattern.lastIndex = scanner.at;
  return pattern.exec(scanner.text)?.[0];
}

function scanCode(scanner: Scanner, frame: Extract<Frame, { kind: 'code' }>): number {
  const { text, at } = scanner;
  const code = text.charCodeAt(at);
  if (code === SPACE || code === TAB) {
    return ++scanner.at;
  }
  if (isNameStart(code)) {
    const name = match(scanner, NAME);
    if (name !== undefined) return emit(scanner, 'name', at + name.length);
  }
  if (code >= 48 && code <= 57) return emit(scanner, 'number', at + (match(scanner, NUMBER) ?? '0').length);
  const char = text[at] ?? '';
  if (char === '\n' || text.startsWith('\r\n', at))
    return emit(scanner, 'newline', at + (char === '\n' ? 1 : 2));
  if (char === '"') {
    scanner.frames.push({ kind: 'quoted', start: at });
    return emit(scanner, 'quote', at + 1);
  }
  if (char === '#' || text.startsWith('//', at)) {
    const end = text.indexOf('\n', at);
    return emit(scanner, 'comment', end === -1 ? text.length : end + 1);
  }
  if (text.startsWith('/*', at)) {
    const end = text.indexOf('*/', at + 2);
    if (end !== -1) return emit(scanner, 'comment', end + 2);
    return emit(scanner, 'bad', text.length, {
      message: 'This comment is not closed',
      hint: 'Write */ at its end.',
    });
  }
  if (char === '<' && openHeredoc(scanner)) return scanner.at;
  if (text.startsWith('~}', at)) return endSequence(scanner, frame, 2);
  if (char === '}' && frame.isSequence && frame.braces === 0) return endSequence(scanner, frame, 1);
  if (char === '{') frame.braces++;
  if (char === '}') frame.braces--;
  const sign = match(scanner, SIGNS);
  if (sign !== undefined) return emit(scanner, sign as Sign, at + sign.length);
  const bad = String.fromCodePoint(text.codePointAt(at) ?? 0);
  return emit(scanner, 'bad', at + bad.length, faultOfCharacter(bad));
}

function isNameStart(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code > 127;
}

function openHeredoc(scanner: Scanner): boolean {
  HEREDOC.lastIndex = scanner.at;
  const found = HEREDOC.exec(scanner.text);
  if (found === null) return false;
  scanner.frames.push({ kind: 'heredoc', marker: found[1] ?? '', atLineStart: true });
  emit(scanner, 'heredoc', scanner.at + found[0].length);
  return true;
}

function endSequence(scanner: Scanner, frame: Extract<Frame, { kind: 'code' }>, length: number): number {
  if (frame.isSequence && frame.braces === 0) {
    scanner.frames.pop();
    return emit(scanner, 'end-sequence', scanner.at + length);
  }
  return emit(scanner, 'bad', scanner.at + length, {
    message: '"~}" closes nothing here',
    hint: 'Use "}" here; "~}" ends an interpolation or a directive of a template.',
  });
}

/** `${`, `%{` and similar in any kind of template; false for other text. */
function scanSequence(scanner: Scanner): boolean {
  const { text, at } = scanner;
  const sign = text[at];
  if (sign !== '$' && sign !== '%') return false;
  if (text[at + 1] === '{') {
    const end = at + (text[at + 2] === '~' ? 3 : 2);
    scanner.frames.push({ kind: 'code', isSequence: true, braces: 0 });
    emit(scanner, sign === '$' ? 'interpolation' : 'directive', end);
    return true;
  }
  const isEscape = text[at + 1] === sign && text[at + 2] === '{';
  emit(scanner, 'text', at + (isEscape ? (text[at + 3] === '~' ? 4 : 3) : 1));
  return true;
}

function scanQuoted(scanner: Scanner): number {
  const { text, at } = scanner;
  if (text[at] === '"') {
    scanner.frames.pop();
    return emit(scanner, 'end-quote', at + 1);
  }
  if (scanSequence(scanner)) return scanner.at;
  const run = match(scanner, QUOTED_RUN);
  if (run !== undefined) return emit(scanner, 'text', at + run.length);
  return breakOffQuoted(scanner);
}

/** Ends a quoted text at its line, so that what follows is parsed as if it were closed. */
function breakOffQuoted(scanner: Scanner): number {
  const { text, frames, at } = scanner;
  let open = at;
  while (frames.length > 1 && frames.at(-1)?.kind !== 'heredoc') {
    const frame = frames.pop();
    if (frame?.kind === 'quoted') open = frame.start;
  }
  const escapesLine = text[at] === '\\';
  scanner.tokens.push({
    kind: 'broken-quote',
    start: open,
    end: at,
    fault: {
      message: 'The closing quote of this string is missing',
      hint: 'Close the string on the same line. For a line break write \\n; for several lines use a heredoc: <<EOT, the lines, and EOT alone on the last one.',
    },
  });
  if (escapesLine) scanner.at++;
  else if (text[at] === '\r' && text[at + 1] !== '\n') scanner.at++;
  return scanner.at;
}

function scanHeredoc(scanner: Scanner, frame: Extract<Frame, { kind: 'heredoc' }>): number {
  const { text, at } = scanner;
  if (text[at] === '$' || text[at] === '%') {
    scanSequence(scanner);
    frame.atLineStart = false;
    // A line break directly after a single sign belongs to its text, as in other lines.
    const last = scanner.tokens.at(-1);
    const lineEnd = lineEndLength(text, scanner.at);
    if (last?.kind === 'text' && lineEnd > 0) {
      scanner.tokens[scanner.tokens.length - 1] = { ...last, end: last.end + lineEnd };
      scanner.at += lineEnd;
      frame.atLineStart = true;
    }
    return scanner.at;
  }
  const run = match(scanner, PLAIN_RUN) ?? '';
  const end = at + run.length;
  const lineEnd = lineEndLength(text, end);
  if (lineEnd > 0 && frame.atLineStart && trimSpace(run) === frame.marker) {
    scanner.frames.pop();
    emit(scanner, 'end-heredoc', end);
    return emit(scanner, 'newline', end + lineEnd);
  }
  if (lineEnd === 0 && run === '') {
    return emit(scanner, 'bad', at + 1, {
      message: 'A heredoc contains a carriage return without a line feed',
      hint: 'End its lines with LF or CR LF.',
    });
  }
  frame.atLineStart = lineEnd > 0;
  return emit(scanner, 'text', end + lineEnd);
}

function scanBare(scanner: Scanner): number {
  const { text, at } = scanner;
  if (scanSequence(scanner)) return scanner.at;
  const end = at + (match(scanner, PLAIN_RUN) ?? '').length;
  const lineEnd = lineEndLength(text, end);
  if (end === at && lineEnd === 0) return emit(scanner, 'text', text.length);
  return emit(scanner, 'text', end + lineEnd);
}

function lineEndLength(text: string, at: number): 0 | 1 | 2 {
  if (text[at] === '\n') return 1;
  return text[at] === '\r' && text[at + 1] === '\n' ? 2 : 0;
}

/** White space of Unicode and Go; JavaScript's includes U+FEFF, but not U+0085. */
const SPACES = '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const LEADING_SPACES = new RegExp(`^${SPACES}`, 'u');

/** The text without leading white space. */
export function trimStart(text: string): string {
  return text.replace(LEADING_SPACES, '');
}

/** The text without trailing white space. */
export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && LEADING_SPACES.test(text[end - 1] ?? '')) end--;
  return text.slice(0, end);
}

function trimSpace(text: string): string {
  return trimEnd(trimStart(text));
}

function faultOfCharacter(char: string): Fault {
  switch (char) {
    case "'":
      return { message: 'HCL has no single quotes', hint: 'Put the string in double quotes.' };
    case '`':
      return {
        message: 'HCL has no backtick quotes',
        hint: 'For several lines use a heredoc: <<EOT, the lines, and EOT alone on the last one.',
      };
    case '“':
    case '”':
      return {
        message: 'There is a curly quote instead of a straight one',
        hint: 'Put the string between " and ".',
      };
    case ';':
      return {
        message: 'HCL has no semicolons',
        hint: 'Put attributes and blocks on their own lines; separate items of lists with commas.',
      };
    case '&':
    case '|':
      return { message: `"${char}" alone is not an operator`, hint: `Write ${char}${char} for booleans.` };
    case '~':
    case '^':
      return { message: `"${char}" is not an operator in HCL` };
    case '$':
      return {
        message: '"$" is outside of a string',
        hint: 'Write the name alone; "${…}" is only for the inside of strings.',
      };
    default:
      return { message: `The character ${JSON.stringify(char)} has no meaning here` };
  }
}
