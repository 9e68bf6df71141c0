/** Converts values of a JSON file to expressions: texts are templates, other values are literals. */
import type { Problem, SourceFile, Span } from '../model/mod.ts';
import { isTooHigh } from './height.ts';
import { parseExpression } from './parse-expression.ts';
import { parseTemplateText } from './parse-template.ts';
import { MAX_DEPTH, Mistake, type Reader, readerOfText, tooDeep } from './reader.ts';
import type { Expression, JsonNode, TemplatePart } from './syntax.ts';

/** The expression that a value of a JSON file is. */
export function expressionOfJson(node: JsonNode): Expression {
  const { span } = node;
  switch (node.kind) {
    case 'array':
      return { kind: 'tuple', items: node.items.map(expressionOfJson), span };
    case 'object':
      return {
        kind: 'object',
        items: node.members.map(({ name, nameSpan, value }) => ({
          key: templateOf(name, { kind: 'scalar', value: name, span: nameSpan }),
          value: expressionOfJson(value),
        })),
        span,
      };
    default:
      return typeof node.value === 'string'
        ? templateOf(node.value, node)
        : { kind: 'literal', value: node.value, span };
  }
}

function templateOf(value: string, node: JsonNode): Expression {
  const { span } = node;
  if (!/[$%]\{/.test(value)) {
    const text = { kind: 'text', value: value.normalize('NFC'), span } as const;
    return { kind: 'template', form: 'json', parts: value === '' ? [] : [text], span };
  }
  const result = attempt(node, value, 'template', (reader) =>
    checked(reader, parseTemplateText(reader), span),
  );
  if ('problems' in result) return { kind: 'invalid', problems: result.problems, span };
  return { kind: 'template', form: 'json', parts: result.value, span };
}

function checked(reader: Reader, parts: readonly TemplatePart[], span: Span): readonly TemplatePart[] {
  const isLong = reader.tokens.length > MAX_DEPTH;
  if (isLong && isTooHigh({ kind: 'template', form: 'json', parts, span })) {
    throw tooDeep(reader, { kind: 'text', start: 0, end: reader.text.length, fault: undefined });
  }
  return parts;
}

/** Parses a JSON text that HCL uses as an unevaluated expression: a type, a name. Undefined if it is invalid. */
export function expressionInJson(expression: Expression): Expression | undefined {
  if (expression.kind !== 'template' || expression.form !== 'json') return undefined;
  const { source, start, end } = expression.span;
  const value: unknown = JSON.parse(source.text.slice(start, end));
  const node: JsonNode = { kind: 'scalar', value: String(value), span: expression.span };
  const result = attempt(node, String(value), 'file', (reader) => {
    reader.newlines = false;
    const parsed = parseExpression(reader);
    return isAtEnd(reader) ? parsed : undefined;
  });
  return 'problems' in result ? undefined : result.value;
}

function isAtEnd(reader: Reader): boolean {
  return reader.tokens
    .slice(reader.at)
    .every(({ kind }) => kind === 'newline' || kind === 'comment' || kind === 'end');
}

function attempt<T>(
  node: JsonNode,
  value: string,
  mode: 'file' | 'template',
  parse: (reader: Reader) => T,
): { readonly value: T } | { readonly problems: readonly Problem[] } {
  const { source, start } = node.span;
  const reader = readerOfText(source, value, mode, placesIn(source, start), parseExpression);
  try {
    const parsed = parse(reader);
    return reader.problems.length === 0 ? { value: parsed } : { problems: reader.problems };
  } catch (error) {
    if (error instanceof Mistake) return { problems: [...reader.problems, error.problem] };
    throw error;
  }
}

/** Maps offsets in a JSON text to offsets in the file, in which escapes are longer than their characters. */
function placesIn(source: SourceFile, start: number): (offset: number) => number {
  let places: number[] | undefined;
  return (offset) => {
    places ??= findPlaces(source.text, start);
    return places[offset] ?? places.at(-1) ?? start;
  };
}

function findPlaces(text: string, start: number): number[] {
  const places: number[] = [];
  let at = start + 1;
  while (at < text.length && text[at] !== '"') {
    places.push(at);
    at += text[at] !== '\\' ? 1 : text[at + 1] === 'u' ? 6 : 2;
  }
  places.push(at);
  return places;
}
