/**
 * Templates: quoted texts, heredocs, and JSON texts
 * (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#templates).
 */
import { problem } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import { resolveEscapes } from './escapes.ts';
import { parseForNames } from './parse-collection.ts';
import {
  expect,
  MAX_DEPTH,
  type Mistake,
  mistake,
  peek,
  type Reader,
  read,
  shown,
  spanOf,
  textOf,
  tooDeep,
  withNewlines,
} from './reader.ts';
import { type Token, trimEnd, trimStart } from './scan.ts';
import type { Expression, TemplatePart } from './syntax.ts';

/** A part as written, before the content of directives is nested. */
type Piece =
  | { readonly kind: 'text'; value: string; start: number; end: number }
  | {
      readonly kind: 'interpolation';
      readonly value: Expression;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'if'; readonly test: Expression; readonly start: number; readonly end: number }
  | {
      readonly kind: 'for';
      readonly keyName?: string;
      readonly valueName: string;
      readonly over: Expression;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'else' | 'endif' | 'endfor'; readonly start: number; readonly end: number };

/** A quoted text or a heredoc; the next token opens it. */
export function parseTemplate(reader: Reader): Expression {
  const open = read(reader);
  const isQuoted = open.kind === 'quote';
  const isFlush = !isQuoted && reader.text[open.start + 2] === '-';
  const pieces = readPieces(reader, open, isQuoted ? 'end-quote' : 'end-heredoc');
  const close = read(reader);
  if (isFlush) removeIndentation(pieces);
  return {
    kind: 'template',
    parts: nest(reader, pieces),
    form: isQuoted ? 'quoted' : isFlush ? 'flush-heredoc' : 'heredoc',
    span: spanOf(reader, open.start, close.end),
  };
}

/** The parts of a text that is a template as a whole, to the end of the reader's text. */
export function parseTemplateText(reader: Reader): readonly TemplatePart[] {
  return nest(reader, readPieces(reader, { kind: 'end', start: 0, end: 0, fault: undefined }, 'end'));
}

function readPieces(reader: Reader, open: Token, end: 'end-quote' | 'end-heredoc' | 'end'): Piece[] {
  const pieces: Piece[] = [];
  let stripNext = false;
  for (;;) {
    const token = peek(reader);
    if (token.kind === end) return pieces;
    if (token.kind === 'text') {
      read(reader);
      const value = textValue(reader, token, end === 'end-quote');
      pieces.push({
        kind: 'text',
        value: stripNext ? trimStart(value) : value,
        start: token.start,
        end: token.end,
      });
      stripNext = false;
    } else if (token.kind === 'interpolation' || token.kind === 'directive') {
      const previous = pieces.at(-1);
      if (previous?.kind === 'text' && token.end - token.start === 3)
        previous.value = trimEnd(previous.value);
      const { piece, close } = withNewlines(reader, false, () => readSequence(reader));
      pieces.push(piece);
      stripNext = close.end - close.start === 2;
    } else {
      throw notEnded(reader, open, token, end);
    }
  }
}

function notEnded(reader: Reader, open: Token, token: Token, end: string): Mistake {
  if (token.kind !== 'end')
    return mistake(reader, token, { message: `${shown(reader, token)} is not allowed here` });
  return end === 'end-quote'
    ? mistake(reader, open, {
        message: 'The closing quote of this string is missing',
        hint: 'Write " where it ends.',
      })
    : mistake(reader, open, {
        message: 'This heredoc is not closed',
        hint: `Write ${textOf(reader, open).replace(/^<<-?|\s+$/g, '')} on a line of its own below it, followed by a line break.`,
      });
}

/** The text of a token with escapes resolved; all faults become problems. */
function textValue(reader: Reader, token: Token, isQuoted: boolean): string {
  const { value, faults } = resolveEscapes(textOf(reader, token), isQuoted);
  for (const { at, length, message, hint } of faults) {
    const start = token.start + at;
    reader.problems.push(
      problem('bake/syntax', message, {
        ...(hint === undefined ? {} : { hint }),
        span: spanOf(reader, start, start + length),
      }),
    );
  }
  return value;
}

/** `${…}` or `%{…}` with its closing brace. */
function readSequence(reader: Reader): { readonly piece: Piece; readonly close: Token } {
  const open = read(reader);
  const piece = open.kind === 'interpolation' ? undefined : readDirective(reader, open);
  const value = piece === undefined ? reader.expression(reader) : undefined;
  const token = peek(reader);
  const sign = reader.text[open.start] ?? '';
  const close = expect(
    reader,
    'end-sequence',
    {
      message:
        token.kind === 'end' || token.kind === 'end-quote' || token.kind === 'quote'
          ? `The closing brace of this ${sign}{ is missing`
          : `"}" is expected here, not ${shown(reader, token)}`,
      hint: `For a literal ${sign}{, as in a shell script, write ${sign}${sign}{.`,
    },
    { message: 'opened here', token: open },
  );
  if (piece !== undefined) return { piece: { ...piece, start: open.start, end: close.end }, close };
  if (value === undefined) throw mistake(reader, open, { message: 'Nothing to interpolate' });
  return { piece: { kind: 'interpolation', value, start: open.start, end: close.end }, close };
}

const DIRECTIVES = ['if', 'else', 'endif', 'for', 'endfor'];

function readDirective(reader: Reader, open: Token): Piece {
  const word = expect(reader, 'name', {
    message: `A directive is missing after %{, before ${shown(reader, peek(reader))}`,
    hint: `Valid directives: ${DIRECTIVES.join(', ')}. For a literal %{ write %%{.`,
  });
  const place = { start: open.start, end: word.end };
  const name = textOf(reader, word);
  switch (name) {
    case 'if':
      return { kind: 'if', test: reader.expression(reader), ...place };
    case 'for': {
      const names = parseForNames(reader, '%{ for NAME in LIST } or %{ for KEY, NAME in LIST }');
      return { kind: 'for', ...names, over: reader.expression(reader), ...place };
    }
    case 'else':
    case 'endif':
    case 'endfor':
      return { kind: name, ...place };
    default:
      throw mistake(reader, word, {
        message: `There is no directive "${name}"`,
        hint:
          didYouMean(name, DIRECTIVES) ??
          `Valid directives: ${DIRECTIVES.join(', ')}. For a literal %{ write %%{.`,
      });
  }
}

/**
 * Removes the common indentation of all lines. Blank lines are ignored, and lines that start with a sequence have no
 * indentation.
 */
function removeIndentation(pieces: readonly Piece[]): void {
  const first: Extract<Piece, { kind: 'text' }>[] = [];
  let least = Number.POSITIVE_INFINITY;
  let atLineStart = true;
  for (const piece of pieces) {
    if (atLineStart) {
      atLineStart = false;
      if (piece.kind !== 'text') {
        least = 0;
      } else {
        const indentation = piece.value.length - trimStart(piece.value).length;
        const isBlank = indentation === piece.value.length && piece.value.endsWith('\n');
        if (!isBlank) {
          first.push(piece);
          least = Math.min(least, indentation);
        }
      }
    }
    if (piece.kind === 'text' && piece.value.endsWith('\n')) atLineStart = true;
  }
  for (const piece of first) {
    piece.value = piece.value.slice(least);
    piece.start += least;
  }
}

/** A directive that is open, and where its parts go. */
interface Open {
  readonly piece: Extract<Piece, { kind: 'if' | 'for' }>;
  readonly outer: TemplatePart[];
  yes?: TemplatePart[];
}

/** Nests the content of directives, and joins consecutive texts. */
function nest(reader: Reader, pieces: readonly Piece[]): readonly TemplatePart[] {
  const opened: Open[] = [];
  let parts: TemplatePart[] = [];
  for (const piece of meld(pieces)) {
    if (piece.kind === 'text' || piece.kind === 'interpolation') {
      parts.push(partOf(reader, piece));
    } else if (piece.kind === 'if' || piece.kind === 'for') {
      opened.push({ piece, outer: parts });
      if (reader.depth + opened.length > MAX_DEPTH) throw tooDeep(reader, asToken(piece));
      parts = [];
    } else {
      parts = endDirective(reader, piece, opened, parts);
    }
  }
  const open = opened.at(-1);
  if (open === undefined) return parts;
  throw mistake(reader, asToken(open.piece), {
    message: `This %{ ${open.piece.kind} } is not closed`,
    hint: `Write %{ end${open.piece.kind} } where it ends.`,
  });
}

function asToken(piece: { readonly start: number; readonly end: number }): Token {
  return { kind: 'directive', start: piece.start, end: piece.end, fault: undefined };
}

function partOf(reader: Reader, piece: Extract<Piece, { kind: 'text' | 'interpolation' }>): TemplatePart {
  const span = spanOf(reader, piece.start, piece.end);
  return piece.kind === 'text'
    ? { kind: 'text', value: piece.value, span }
    : { kind: 'interpolation', value: piece.value, span };
}

/** Joins consecutive texts, in Unicode's form NFC. */
function meld(pieces: readonly Piece[]): readonly Piece[] {
  const melded: Piece[] = [];
  let texts: Extract<Piece, { kind: 'text' }>[] = [];
  const flush = () => {
    const [first] = texts;
    if (first === undefined) return;
    const value = texts.map((one) => one.value).join('');
    melded.push({ ...first, value: value.normalize('NFC'), end: texts.at(-1)?.end ?? first.end });
    texts = [];
  };
  for (const piece of pieces) {
    if (piece.kind === 'text') {
      texts.push(piece);
    } else {
      flush();
      melded.push(piece);
    }
  }
  flush();
  return melded;
}

/** Ends the innermost directive or its first half; returns where the following parts go. */
function endDirective(
  reader: Reader,
  piece: Extract<Piece, { kind: 'else' | 'endif' | 'endfor' }>,
  opened: Open[],
  parts: TemplatePart[],
): TemplatePart[] {
  const open = opened.at(-1);
  const wanted = open === undefined ? undefined : open.piece.kind === 'for' ? ['endfor'] : ['endif', 'else'];
  if (
    open === undefined ||
    !wanted?.includes(piece.kind) ||
    (piece.kind === 'else' && open.yes !== undefined)
  ) {
    const isSecondElse = piece.kind === 'else' && open?.piece.kind === 'if';
    throw mistake(
      reader,
      asToken(piece),
      {
        message: isSecondElse
          ? 'This is a second "else" of one "if"'
          : `This %{ ${piece.kind} } has no matching start`,
        hint:
          open === undefined
            ? 'Directives come in pairs: %{ if } and %{ endif }, %{ for } and %{ endfor }.'
            : `Write %{ end${open.piece.kind} } before it.`,
      },
      open === undefined
        ? undefined
        : { message: `this "${open.piece.kind}" is open`, token: asToken(open.piece) },
    );
  }
  if (piece.kind === 'else') {
    open.yes = parts;
    return [];
  }
  opened.pop();
  const span = spanOf(reader, open.piece.start, piece.end);
  if (open.piece.kind === 'if') {
    const yes = open.yes ?? parts;
    open.outer.push({
      kind: 'if',
      test: open.piece.test,
      yes,
      no: open.yes === undefined ? [] : parts,
      span,
    });
  } else {
    const { keyName, valueName, over } = open.piece;
    open.outer.push({
      kind: 'for',
      ...(keyName === undefined ? {} : { keyName }),
      valueName,
      over,
      parts,
      span,
    });
  }
  return open.outer;
}
