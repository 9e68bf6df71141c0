/** Expressions of HCL (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#expressions). */
import type { Span } from '../model/mod.ts';
import { parseObject, parseTuple } from './parse-collection.ts';
import { parseTemplate } from './parse-template.ts';
import {
  accept,
  deeper,
  expect,
  MAX_DEPTH,
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
import { type BinaryOperator, type Expression, SPLAT_ELEMENT } from './syntax.ts';

/** Precedence of the operators; all are left-associative. */
const LEVELS: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
};

/** Parses the longest expression at the current position. */
export function parseExpression(reader: Reader): Expression {
  return deeper(reader, () => parseConditional(reader));
}

function parseConditional(reader: Reader): Expression {
  const test = parseBinary(reader, 1);
  const question = accept(reader, '?');
  if (question === undefined) return test;
  const yes = parseExpression(reader);
  expect(
    reader,
    ':',
    {
      message: `A conditional needs ":" and a second value, but here is ${shown(reader, peek(reader))}`,
      hint: 'Write CONDITION ? VALUE : OTHER_VALUE.',
    },
    { message: 'the conditional starts here', token: question },
  );
  const no = parseExpression(reader);
  return { kind: 'conditional', test, yes, no, span: between(test.span, no.span) };
}

function parseBinary(reader: Reader, level: number): Expression {
  let left = parseOperand(reader);
  for (let length = 0; ; length++) {
    const token = peek(reader);
    const own = LEVELS[token.kind];
    if (own === undefined || own < level) return left;
    if (length >= MAX_DEPTH) throw tooLong(reader, token);
    read(reader);
    const right = deeper(reader, () => parseBinary(reader, own + 1));
    const operator = token.kind as BinaryOperator;
    left = { kind: 'binary', operator, left, right, span: between(left.span, right.span) };
  }
}

function tooLong(reader: Reader, token: Token) {
  return mistake(reader, token, {
    message: `This expression has more than ${MAX_DEPTH} operators in a row`,
    hint: 'Use join(), concat() or a for expression, or build the value in several steps.',
  });
}

function parseOperand(reader: Reader): Expression {
  return parseTraversal(reader, parseTerm(reader));
}

function parseTerm(reader: Reader): Expression {
  const token = peek(reader);
  switch (token.kind) {
    case 'name':
      return parseName(reader);
    case 'number':
      return parseNumber(reader);
    case 'quote':
    case 'heredoc':
      return parseTemplate(reader);
    case '(':
      return parseParentheses(reader);
    case '[':
      return parseTuple(reader);
    case '{':
      return parseObject(reader);
    case '-':
    case '!': {
      read(reader);
      const of = deeper(reader, () => parseOperand(reader));
      const span = between(spanOf(reader, token.start, token.end), of.span);
      return { kind: 'unary', operator: token.kind, of, span };
    }
    default:
      throw mistake(reader, token, {
        message: `A value is missing before ${shown(reader, token)}`,
        hint: 'Write a string in quotes, a number, true, false, null, a name, a list in [ ] or an object in { }.',
      });
  }
}

function parseName(reader: Reader): Expression {
  const token = read(reader);
  const next = peek(reader).kind;
  if (next === '(' || next === '::') return parseCall(reader, token);
  const span = spanOf(reader, token.start, token.end);
  const name = textOf(reader, token);
  if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true', span };
  if (name === 'null') return { kind: 'literal', value: null, span };
  return { kind: 'variable', name, span };
}

const NUMBER = /^[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,9})?$/;

function parseNumber(reader: Reader): Expression {
  const token = read(reader);
  const number = textOf(reader, token);
  if (!NUMBER.test(number)) {
    throw mistake(reader, token, {
      message: `${shown(reader, token)} is not a number`,
      hint: 'Use one decimal point, as in 1.5; put a version in quotes.',
    });
  }
  return { kind: 'literal', value: { number }, span: spanOf(reader, token.start, token.end) };
}

function parseParentheses(reader: Reader): Expression {
  const open = read(reader);
  return withNewlines(reader, false, () => {
    const inner = parseExpression(reader);
    const close = closing(reader, ')', open, 'These parentheses are not closed');
    return { kind: 'parentheses', inner, span: spanOf(reader, open.start, close.end) };
  });
}

/** Reads the closing bracket. If the file ends before it, the mistake is reported at the opening one. */
function closing(reader: Reader, sign: ')' | ']', open: Token, message: string): Token {
  if (peek(reader).kind === 'end') throw unclosed(reader, open, message, sign);
  return expect(
    reader,
    sign,
    {
      message: `"${sign}" is expected here, not ${shown(reader, peek(reader))}`,
      hint: 'Check for a missing operator or comma before it.',
    },
    { message: 'opened here', token: open },
  );
}

function parseCall(reader: Reader, first: Token): Expression {
  let name = textOf(reader, first);
  let last = first;
  while (accept(reader, '::') !== undefined) {
    last = expect(reader, 'name', {
      message: `The name of a function is missing after "${name}::"`,
      hint: 'Add the name, and the arguments in parentheses.',
    });
    name += `::${textOf(reader, last)}`;
  }
  const nameSpan = spanOf(reader, first.start, last.end);
  const open = expect(reader, '(', {
    message: `The arguments of ${name} are missing`,
    hint: `Write them in parentheses: ${name}(…).`,
  });
  return withNewlines(reader, false, () => {
    const args: Expression[] = [];
    for (;;) {
      const empty = accept(reader, ')');
      if (empty !== undefined) return call(empty, false);
      args.push(parseExpression(reader));
      const expand = accept(reader, '...') !== undefined;
      if (!expand && accept(reader, ',') !== undefined) continue;
      return call(closing(reader, ')', open, `The call of ${name} is not closed`), expand);
    }
    function call(close: Token, expand: boolean): Expression {
      return { kind: 'call', name, nameSpan, args, expand, span: spanOf(reader, first.start, close.end) };
    }
  });
}

/** Postfix operators: `.name`, `[key]`, `[*]`, `.*`. */
function parseTraversal(reader: Reader, from: Expression): Expression {
  let of = from;
  for (let length = 0; ; length++) {
    const token = peek(reader);
    if (token.kind !== '.' && token.kind !== '[') return of;
    if (length >= MAX_DEPTH) throw tooLong(reader, token);
    of = token.kind === '.' ? parseDot(reader, of) : parseBracket(reader, of);
  }
}

function parseDot(reader: Reader, of: Expression): Expression {
  const dot = read(reader);
  if (peek(reader).kind !== '*') return parseMember(reader, of, dot);
  const star = read(reader);
  let each: Expression = { kind: 'variable', name: SPLAT_ELEMENT, span: spanOf(reader, dot.start, star.end) };
  for (let length = 0; peek(reader).kind === '.'; length++) {
    const next = read(reader);
    if (length >= MAX_DEPTH) throw tooLong(reader, next);
    if (peek(reader).kind === '*') {
      throw mistake(reader, peek(reader), {
        message: 'A ".*" cannot be inside another one',
        hint: 'Use [*] for both.',
      });
    }
    each = parseMember(reader, each, next);
  }
  return { kind: 'splat', of, each, span: between(of.span, each.span) };
}

function parseMember(reader: Reader, of: Expression, dot: Token): Expression {
  const token = peek(reader);
  if (token.kind === 'name') {
    read(reader);
    const span = between(of.span, spanOf(reader, dot.start, token.end));
    return { kind: 'attribute', of, name: textOf(reader, token), span };
  }
  if (token.kind !== 'number') {
    throw mistake(reader, token, {
      message: `The name of an attribute is missing before ${shown(reader, token)}`,
      hint: 'Write a name after a dot; put any other key in brackets: ["key"].',
    });
  }
  const written = textOf(reader, token);
  if (written.includes('.')) {
    throw mistake(reader, token, {
      message: 'Two indexes cannot be written with dots in a row',
      hint: `Write ${written
        .split('.')
        .map((one) => `[${one}]`)
        .join('')}.`,
    });
  }
  const key = parseNumber(reader);
  return { kind: 'index', of, key, span: between(of.span, key.span) };
}

function parseBracket(reader: Reader, of: Expression): Expression {
  const open = read(reader);
  if (peek(reader).kind === '*') {
    read(reader);
    const close = closing(reader, ']', open, 'This bracket is not closed');
    const element = {
      kind: 'variable',
      name: SPLAT_ELEMENT,
      span: spanOf(reader, open.start, close.end),
    } as const;
    const each = deeper(reader, () => parseTraversal(reader, element));
    return { kind: 'splat', of, each, span: between(of.span, each.span) };
  }
  return withNewlines(reader, false, () => {
    const key = parseExpression(reader);
    const close = closing(reader, ']', open, 'This bracket is not closed');
    return { kind: 'index', of, key, span: between(of.span, spanOf(reader, open.start, close.end)) };
  });
}

function between(start: Span, end: Span): Span {
  return { source: start.source, start: start.start, end: end.end };
}
