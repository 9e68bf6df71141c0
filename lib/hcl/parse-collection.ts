/** Tuples, objects and `for` of HCL. */
import { commentBehind, commentsAbove, commentsOf, untakenComments } from './comments.ts';
import {
  accept,
  expect,
  isWord,
  mistake,
  peek,
  type Reader,
  read,
  shown,
  spanOf,
  textOf,
  unclosed,
  withNewlines,
} from './reader.ts';
import type { Token } from './scan.ts';
import type { Comments, Expression, ObjectItem } from './syntax.ts';

/** `[…]` */
export function parseTuple(reader: Reader): Expression {
  const open = read(reader);
  return withNewlines(reader, false, () => {
    if (isWord(reader, peek(reader), 'for')) return parseFor(reader, open, ']');
    const items: Expression[] = [];
    const comments = new Map<number, Comments>();
    for (;;) {
      const close = accept(reader, ']');
      if (close !== undefined) return tuple(close);
      peek(reader);
      const above = commentsAbove(reader, reader.at);
      items.push(reader.expression(reader));
      const after = peek(reader);
      const comma = accept(reader, ',');
      const behind = commentBehind(reader);
      if (above.length > 0 || behind !== undefined) comments.set(items.length - 1, commentsOf(above, behind));
      if (comma !== undefined) continue;
      if (after.kind === ']') return tuple(read(reader));
      throw notSeparated(reader, open, 'list', ']', 'A comma is missing between two items of this list');
    }
    function tuple(close: Token): Expression {
      const endComments = untakenComments(reader, lastIndexBefore(reader));
      return {
        kind: 'tuple',
        items,
        ...(comments.size === 0 ? {} : { comments }),
        ...(endComments.length === 0 ? {} : { endComments }),
        span: spanOf(reader, open.start, close.end),
      };
    }
  });
}

function lastIndexBefore(reader: Reader): number {
  return reader.at - 1;
}

/** The problem of a token where an item should end. */
function notSeparated(reader: Reader, open: Token, what: string, close: string, message: string) {
  const token = peek(reader);
  if (token.kind === 'end') return unclosed(reader, open, `This ${what} is not closed`, close);
  return mistake(
    reader,
    token,
    {
      message: `${message}, before ${shown(reader, token)}`,
      hint: `Write one, or ${close} where the ${what} ends.`,
    },
    { message: `the ${what} starts here`, token: open },
  );
}

/** `{…}` as a value */
export function parseObject(reader: Reader): Expression {
  const open = read(reader);
  if (withNewlines(reader, false, () => isWord(reader, peekOnly(reader), 'for'))) {
    return withNewlines(reader, false, () => parseFor(reader, open, '}'));
  }
  return withNewlines(reader, true, () => {
    const items: ObjectItem[] = [];
    for (;;) {
      if (accept(reader, 'newline') !== undefined) continue;
      const close = accept(reader, '}');
      if (close !== undefined) return object(close);
      const above = commentsAbove(reader, reader.at);
      const item = parseItem(reader, open);
      const after = peek(reader);
      const comma = accept(reader, ',');
      const behind = commentBehind(reader);
      const hasComments = above.length > 0 || behind !== undefined;
      items.push(hasComments ? { ...item, comments: commentsOf(above, behind) } : item);
      if (comma !== undefined || after.kind === 'newline') continue;
      if (after.kind === '}') return object(read(reader));
      throw notSeparated(
        reader,
        open,
        'object',
        '}',
        'A line break or comma is missing between two entries of this object',
      );
    }
    function object(close: Token): Expression {
      const endComments = untakenComments(reader, lastIndexBefore(reader));
      return {
        kind: 'object',
        items,
        ...(endComments.length === 0 ? {} : { endComments }),
        span: spanOf(reader, open.start, close.end),
      };
    }
  });
}

/** The next token without consuming it: line breaks before it may be significant. */
function peekOnly(reader: Reader): Token {
  const { at } = reader;
  const token = peek(reader);
  reader.at = at;
  return token;
}

function parseItem(reader: Reader, open: Token): ObjectItem {
  if (peek(reader).kind === 'end') throw unclosed(reader, open, 'This object is not closed', '}');
  const key = asKey(reader.expression(reader));
  const separator = peek(reader);
  if (separator.kind !== '=' && separator.kind !== ':') {
    if (separator.kind === 'end') throw unclosed(reader, open, 'This object is not closed', '}');
    throw mistake(
      reader,
      separator,
      {
        message: `"=" is missing after a key, before ${shown(reader, separator)}`,
        hint: 'Write KEY = VALUE; put keys with dots or spaces in quotes.',
      },
      { message: 'the object starts here', token: open },
    );
  }
  read(reader);
  return { key, value: reader.expression(reader) };
}

/** An identifier or keyword is used literally as a key. */
function asKey(key: Expression): Expression {
  const word =
    key.kind === 'variable'
      ? key.name
      : key.kind === 'literal' && typeof key.value !== 'object'
        ? String(key.value)
        : key.kind === 'literal' && key.value === null
          ? 'null'
          : undefined;
  if (word === undefined) return key;
  return {
    kind: 'template',
    form: 'bare',
    parts: [{ kind: 'text', value: word, span: key.span }],
    span: key.span,
  };
}

function parseFor(reader: Reader, open: Token, closeSign: ']' | '}'): Expression {
  read(reader);
  const names = parseForNames(reader, '[for NAME in LIST : VALUE] or {for KEY, NAME in LIST : KEY => VALUE}');
  const over = reader.expression(reader);
  expect(reader, ':', {
    message: `":" is missing after the value that "for" loops over, before ${shown(reader, peek(reader))}`,
    hint: 'Write [for NAME in LIST : VALUE].',
  });
  const first = reader.expression(reader);
  const hasKey = accept(reader, '=>') !== undefined;
  const value = hasKey ? reader.expression(reader) : first;
  const ellipsis = accept(reader, '...');
  const when = isWord(reader, peek(reader), 'if') ? parseWhen(reader) : undefined;
  if (peek(reader).kind === 'end') throw unclosed(reader, open, 'This "for" is not closed', closeSign);
  const close = expect(
    reader,
    closeSign,
    { message: `"${closeSign}" is expected here, not ${shown(reader, peek(reader))}` },
    { message: 'the "for" starts here', token: open },
  );
  if (hasKey !== (closeSign === '}') || (ellipsis !== undefined && !hasKey)) {
    throw wrongFor(reader, open, closeSign, ellipsis);
  }
  return {
    kind: 'for',
    ...names,
    over,
    ...(hasKey ? { key: first } : {}),
    value,
    ...(when === undefined ? {} : { when }),
    group: ellipsis !== undefined,
    span: spanOf(reader, open.start, close.end),
  };
}

function wrongFor(reader: Reader, open: Token, closeSign: ']' | '}', ellipsis: Token | undefined) {
  if (closeSign === '}') {
    return mistake(reader, open, {
      message: 'A "for" in braces needs a key',
      hint: 'Write {for NAME in LIST : KEY => VALUE}, or brackets for a list.',
    });
  }
  if (ellipsis !== undefined) {
    return mistake(reader, ellipsis, {
      message: '"..." groups values of equal keys, but a list has no keys',
      hint: 'Write the "for" in braces: {for NAME in LIST : KEY => VALUE...}.',
    });
  }
  return mistake(reader, open, {
    message: 'A "for" in brackets makes a list, which has no keys',
    hint: 'Write the "for" in braces, or leave out "KEY =>".',
  });
}

function parseWhen(reader: Reader): Expression {
  read(reader);
  return reader.expression(reader);
}

/** `k, v in`, of an expression or of a template directive; `form` is its syntax for messages. */
export function parseForNames(
  reader: Reader,
  form: string,
): { readonly keyName?: string; readonly valueName: string } {
  const hint = `Write ${form}.`;
  const name = () =>
    textOf(
      reader,
      expect(reader, 'name', {
        message: `"for" needs a name here, not ${shown(reader, peek(reader))}`,
        hint,
      }),
    );
  const first = name();
  const second = accept(reader, ',') === undefined ? undefined : name();
  const word = peek(reader);
  if (!isWord(reader, word, 'in')) {
    throw mistake(reader, word, { message: `"in" is missing before ${shown(reader, word)}`, hint });
  }
  read(reader);
  return second === undefined ? { valueName: first } : { keyName: first, valueName: second };
}
