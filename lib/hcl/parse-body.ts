/** Bodies of HCL: attributes and blocks (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#structural-elements). */
import { type Problem, problem, type SourceFile } from '../model/mod.ts';
import { commentBehind, commentsAbove, commentsOf, takeComments } from './comments.ts';
import { resolveEscapes } from './escapes.ts';
import { isTooHigh } from './height.ts';
import { parseExpression } from './parse-expression.ts';
import {
  accept,
  expect,
  MAX_DEPTH,
  Mistake,
  mistake,
  peek,
  type Reader,
  read,
  readerOf,
  shown,
  spanOf,
  textOf,
  tooDeep,
  unclosed,
} from './reader.ts';
import type { Token } from './scan.ts';
import type { Block, BodyAttribute, NativeBody } from './syntax.ts';

/** Parses a file in HCL's own syntax: everything that can be read, and all mistakes that can be distinguished. */
export function parseHcl(source: SourceFile): { body: NativeBody; problems: readonly Problem[] } {
  const reader = readerOf(source, parseExpression);
  const body = parseBody(reader, undefined);
  return { body, problems: reader.problems };
}

/** A body under construction. */
interface Draft {
  readonly attributes: Map<string, BodyAttribute>;
  readonly blocks: Block[];
}

/** A body up to its closing brace (which is consumed) or to the end of the file. */
function parseBody(reader: Reader, open: Token | undefined): NativeBody {
  const draft: Draft = { attributes: new Map(), blocks: [] };
  const firstIndex = reader.at;
  const start = open?.start ?? 0;
  let end = start;
  let isBroken = false;
  for (;;) {
    if (accept(reader, 'newline') !== undefined) continue;
    const token = peek(reader);
    if (token.kind === 'end' || (token.kind === '}' && open !== undefined)) {
      end = token.end;
      break;
    }
    const problemCount = reader.problems.length;
    // After a mistake, tokens that are no item belong to it: the rest of an expression, lines of a text.
    if (isBroken && token.kind !== 'name') skipItem(reader, reader.at);
    else attempt(reader, () => parseItem(reader, draft, token));
    isBroken = reader.problems.length > problemCount || (isBroken && token.kind !== 'name');
  }
  const loose = takeComments(reader, firstIndex, reader.at);
  if (open !== undefined) {
    if (peek(reader).kind === 'end') {
      report(reader, unclosed(reader, open, 'This block is not closed', '}'));
    } else {
      read(reader);
    }
  }
  return {
    kind: 'native',
    attributes: [...draft.attributes.values()],
    blocks: draft.blocks,
    loose,
    span: spanOf(reader, start, end),
  };
}

/** Parses something; a mistake becomes a problem, and parsing continues at the next item. */
function attempt(reader: Reader, act: () => void): void {
  const { newlines, depth } = reader;
  const startIndex = reader.at;
  try {
    act();
  } catch (error) {
    report(reader, error);
    reader.newlines = newlines;
    reader.depth = depth;
    if (reader.problems.length < MAX_PROBLEMS) skipItem(reader, startIndex);
    else reader.at = reader.tokens.length - 1;
  }
}

/** Maximum number of mistakes: a file with more is not HCL at all. */
const MAX_PROBLEMS = 50;

function report(reader: Reader, error: unknown): void {
  if (!(error instanceof Mistake)) throw error;
  if (reader.problems.length < MAX_PROBLEMS) reader.problems.push(error.problem);
}

const OPENERS = new Set(['{', '[', '(', 'quote', 'heredoc', 'interpolation', 'directive']);
const CLOSERS: Readonly<Record<string, readonly string[]>> = {
  '}': ['{'],
  ']': ['['],
  ')': ['('],
  'end-quote': ['quote'],
  'end-heredoc': ['heredoc'],
  'end-sequence': ['interpolation', 'directive'],
};

/**
 * Skips the item that starts at a token: to the end of the line on which its brackets are closed, if that is after the
 * mistake. If they are never closed, to the first line that looks like an item of the outermost body.
 */
function skipItem(reader: Reader, startIndex: number): void {
  const { tokens, at: mistakeIndex } = reader;
  const open: string[] = [];
  for (let at = startIndex; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined || token.kind === 'end') break;
    if (OPENERS.has(token.kind)) open.push(token.kind);
    // A broken quoted text ends with its line, and with it everything that was opened inside.
    if (token.kind === 'broken-quote')
      open.length = Math.max(0, open.indexOf('quote', open.lastIndexOf('heredoc') + 1));
    const openers = CLOSERS[token.kind];
    if (openers !== undefined) {
      const opener = lastOf(open, openers);
      if (opener === -1 && token.kind === '}' && at >= mistakeIndex && reader.depth > 0) {
        reader.at = at;
        return;
      }
      if (opener !== -1) open.length = opener;
    }
    const endsLine =
      token.kind === 'newline' || (token.kind === 'comment' && reader.text[token.end - 1] === '\n');
    if (endsLine && open.length === 0 && at >= mistakeIndex) {
      reader.at = at + 1;
      return;
    }
  }
  reader.at = nextItemAtMargin(reader, Math.max(mistakeIndex, startIndex + 1));
}

/** Index of the last of these kinds near the end: brackets further out are not closed by accident. */
function lastOf(open: readonly string[], kinds: readonly string[]): number {
  for (let at = open.length - 1; at >= Math.max(0, open.length - 32); at--) {
    if (kinds.includes(open[at] ?? '')) return at;
  }
  return -1;
}

/** Index of the next token at the start of a line that is a name starting an item; otherwise the end. */
function nextItemAtMargin(reader: Reader, from: number): number {
  const { tokens, text } = reader;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at];
    const next = tokens[at + 1]?.kind;
    const isItem = next === '=' || next === '{' || next === 'quote' || next === 'name';
    if (token?.kind === 'name' && isItem && text[token.start - 1] === '\n') return at;
  }
  return tokens.length - 1;
}

function parseItem(reader: Reader, draft: Draft, token: Token): void {
  if (token.kind !== 'name') throw notAnItem(reader, token);
  const index = reader.at;
  const name = read(reader);
  const next = peek(reader);
  if (next.kind === '=') {
    const attribute = parseAttribute(reader, name, index);
    addAttribute(reader, draft, attribute);
    endItem(reader, 'attribute');
  } else if (next.kind === 'quote' || next.kind === '{' || next.kind === 'name') {
    draft.blocks.push(parseBlock(reader, name, index));
  } else {
    throw neither(reader, name, next);
  }
}

function notAnItem(reader: Reader, token: Token): Mistake {
  if (token.kind === 'quote') {
    return mistake(reader, token, {
      message: 'The name of an attribute must not be in quotes',
      hint: 'Remove the quotes; only keys of objects may have them.',
    });
  }
  if (token.kind === '}') {
    read(reader);
    return mistake(reader, token, {
      message: 'This "}" closes nothing',
      hint: 'Remove it, or look above for an extra brace.',
    });
  }
  return mistake(reader, token, {
    message: `An attribute or a block is expected here, not ${shown(reader, token)}`,
    hint: 'Write NAME = VALUE for an attribute, TYPE "LABEL" { … } for a block.',
  });
}

function neither(reader: Reader, name: Token, next: Token): Mistake {
  const written = shown(reader, name);
  if (next.kind === ':') {
    return mistake(reader, next, {
      message: `"=" is expected after ${written}, not ":"`,
      hint: `Write ${written} = VALUE.`,
    });
  }
  const at = next.fault === undefined ? name : next;
  return mistake(reader, at, {
    message: `${written} is neither an attribute nor a block`,
    hint: `For an attribute write ${written} = VALUE, for a block ${written} "LABEL" { … }.`,
  });
}

function addAttribute(reader: Reader, draft: Draft, attribute: BodyAttribute): void {
  const twin = draft.attributes.get(attribute.name);
  if (twin === undefined) {
    draft.attributes.set(attribute.name, attribute);
    return;
  }
  reader.problems.push(
    problem('bake/syntax', `${attribute.name} is set twice`, {
      hint: 'Keep one of the two.',
      span: attribute.nameSpan,
      related: [{ message: 'set here first', span: twin.nameSpan }],
    }),
  );
}

function parseAttribute(reader: Reader, name: Token, index: number): BodyAttribute {
  const above = commentsAbove(reader, index);
  read(reader);
  const value = reader.expression(reader);
  if (reader.at - index > MAX_DEPTH && isTooHigh(value)) throw tooDeep(reader, name);
  peek(reader);
  const behind = commentBehind(reader);
  const inside = takeComments(reader, index, reader.at).flatMap(({ lines }) => lines);
  return {
    name: textOf(reader, name),
    nameSpan: spanOf(reader, name.start, name.end),
    value,
    comments: commentsOf(inside.length === 0 ? above : [...above, ...inside], behind),
    span: { source: reader.source, start: reader.place(name.start), end: value.span.end },
  };
}

/** Reads the line break that ends an attribute or a block. */
function endItem(reader: Reader, what: 'attribute' | 'block'): void {
  const token = peek(reader);
  if (token.kind === 'newline' || token.kind === 'end') {
    read(reader);
    return;
  }
  const isComma = token.kind === ',';
  throw mistake(reader, token, {
    message: isComma
      ? `There is a comma after this ${what}`
      : `A line break is missing after this ${what}, before ${shown(reader, token)}`,
    hint: isComma
      ? 'Remove it: line breaks separate attributes and blocks.'
      : what === 'attribute'
        ? 'Put each attribute on its own line, or add a missing quote or operator.'
        : 'Start a new line after each block.',
  });
}

function parseBlock(reader: Reader, name: Token, index: number): Block {
  const above = commentsAbove(reader, index);
  const labels: { value: string; span: Block['span'] }[] = [];
  for (;;) {
    const token = peek(reader);
    if (token.kind === 'name') {
      read(reader);
      labels.push({ value: textOf(reader, token), span: spanOf(reader, token.start, token.end) });
    } else if (token.kind === 'quote') {
      labels.push(parseLabel(reader));
    } else {
      break;
    }
  }
  const open = openBlock(reader, name);
  const behindOpen = commentBehindBrace(reader);
  const body = parseBlockBody(reader, open);
  peek(reader);
  const behind = behindOpen ?? commentBehind(reader);
  const block: Block = {
    type: textOf(reader, name),
    typeSpan: spanOf(reader, name.start, name.end),
    labels,
    body,
    comments: commentsOf(above, behind),
    span: { source: reader.source, start: reader.place(name.start), end: body.span.end },
  };
  const token = peek(reader);
  if (token.kind === 'newline' || token.kind === 'end') read(reader);
  else attempt(reader, () => endItem(reader, 'block'));
  return block;
}

function commentBehindBrace(reader: Reader): string | undefined {
  return peek(reader).kind === 'newline' ? commentBehind(reader) : undefined;
}

function openBlock(reader: Reader, name: Token): Token {
  const token = peek(reader);
  const type = shown(reader, name);
  return expect(
    reader,
    '{',
    token.kind === '='
      ? {
          message: 'Blocks have no "="',
          hint: `Write ${type} "LABEL" { … }, or ${type} = VALUE for an attribute.`,
        }
      : {
          message: `"{" or a label is expected after ${type}, not ${shown(reader, token)}`,
          hint: 'Put the opening brace of a block on the line of its type.',
        },
    { message: 'the block starts here', token: name },
  );
}

/** The content of the braces: a body, or at most one attribute on one line. */
function parseBlockBody(reader: Reader, open: Token): NativeBody {
  const token = peek(reader);
  if (token.kind === 'newline' || token.kind === '}' || token.kind === 'end') {
    if (reader.depth >= MAX_DEPTH) {
      throw mistake(reader, open, { message: `Blocks are nested deeper than ${MAX_DEPTH} levels` });
    }
    reader.depth++;
    const body = parseBody(reader, open);
    reader.depth--;
    return body;
  }
  return parseLineBody(reader, open);
}

function parseLineBody(reader: Reader, open: Token): NativeBody {
  const token = peek(reader);
  if (token.kind !== 'name') throw notAnItem(reader, token);
  const index = reader.at;
  const name = read(reader);
  const next = peek(reader);
  if (next.kind === 'quote' || next.kind === '{' || next.kind === 'name') {
    throw mistake(reader, name, {
      message: 'A block on one line can hold one attribute and no blocks',
      hint: 'Add a line break after the opening brace.',
    });
  }
  if (next.kind !== '=') throw neither(reader, name, next);
  const attribute = parseAttribute(reader, name, index);
  const after = peek(reader);
  if (after.kind === 'end') throw unclosed(reader, open, 'This block is not closed', '}');
  const close = expect(
    reader,
    '}',
    {
      message:
        after.kind === ','
          ? 'A block on one line can hold one attribute'
          : `"}" is expected here, not ${shown(reader, after)}`,
      hint: 'For more than one attribute, or several lines, add a line break after the opening brace.',
    },
    { message: 'the block starts here', token: open },
  );
  return {
    kind: 'native',
    attributes: [attribute],
    blocks: [],
    loose: [],
    span: spanOf(reader, open.start, close.end),
  };
}

/** A quoted label: a text without templates. */
function parseLabel(reader: Reader): { value: string; span: Block['span'] } {
  const open = read(reader);
  let value = '';
  for (;;) {
    const token = read(reader);
    if (token.kind === 'end-quote') return { value, span: spanOf(reader, open.start, token.end) };
    if (token.kind === 'text') {
      const resolved = resolveEscapes(textOf(reader, token), true);
      const [fault] = resolved.faults;
      if (fault !== undefined) {
        const start = token.start + fault.at;
        throw mistake(reader, { kind: 'bad', start, end: start + fault.length, fault }, fault);
      }
      value += resolved.value;
    } else if (token.kind === 'end') {
      throw mistake(reader, open, {
        message: 'The closing quote of this label is missing',
        hint: 'Write " where it ends.',
      });
    } else {
      const sign = reader.text[token.start] ?? '';
      throw mistake(reader, token, {
        message: 'Labels of blocks are plain strings, not templates',
        hint: `For the literal text write ${sign}${sign}{.`,
      });
    }
  }
}
