/** Our bodies as the JSON that hcl2json makes of the same file (https://github.com/tmccombs/hcl2json, as @cdktn/hcl2json has it). */
import type { Body, Expression, TemplatePart } from '../../lib/hcl/mod.ts';

type Json = unknown;

/** hcl2json calculates a sign before a literal, and refuses a file with `!2` or `-null` in it; to read, it is no mistake. */
export class CannotCalculate extends Error {}

export function toJson(body: Body): Record<string, Json> {
  if (body.kind !== 'native') throw new Error('not in the native syntax');
  const result: Record<string, Json> = {};
  for (const block of body.blocks) {
    let at: Record<string, Json> = result;
    const [last = block.type, ...others] = [block.type, ...block.labels.map(({ value }) => value)].reverse();
    for (const key of others.reverse()) {
      const inner = (at[key] ?? {}) as Record<string, Json>;
      at[key] = inner;
      at = inner;
    }
    at[last] = [...((at[last] ?? []) as Json[]), toJson(block.body)];
  }
  for (const { name, value } of body.attributes) result[name] = jsonOf(value);
  return result;
}

function sourceOf({ span }: Expression): string {
  return span.source.text.slice(span.start, span.end);
}

function jsonOf(expression: Expression): Json {
  switch (expression.kind) {
    case 'literal':
      return expression.value !== null && typeof expression.value === 'object'
        ? Number(expression.value.number)
        : expression.value;
    case 'template': {
      const [first] = expression.parts;
      if (expression.parts.length === 1 && first?.kind === 'interpolation') return jsonOf(first.value);
      return textOf(expression.parts);
    }
    case 'tuple':
      return expression.items.map(jsonOf);
    case 'object':
      return Object.fromEntries(expression.items.map(({ key, value }) => [keyOf(key), jsonOf(value)]));
    case 'unary': {
      if (expression.of.kind !== 'literal') return `\${${sourceOf(expression)}}`;
      const of = jsonOf(expression.of);
      if (expression.operator === '-' && typeof of === 'number') return -of;
      if (expression.operator === '!' && typeof of === 'boolean') return !of;
      throw new CannotCalculate();
    }
    default:
      return `\${${sourceOf(expression)}}`;
  }
}

function keyOf(key: Expression): string {
  if (key.kind === 'template') return textOf(key.parts);
  if (key.kind === 'literal') return String(jsonOf(key));
  // A reference without parentheses, which means nothing as a key and is refused when it is evaluated.
  if (rootOf(key).kind === 'variable') return sourceOf(key);
  return `\${${sourceOf(key)}}`;
}

function rootOf(expression: Expression): Expression {
  let at = expression;
  while (at.kind === 'attribute' || at.kind === 'index') at = at.of;
  return at;
}

function textOf(parts: readonly TemplatePart[]): string {
  return parts.map(partOf).join('');
}

function partOf(part: TemplatePart): string {
  switch (part.kind) {
    case 'text':
      return part.value.replace(/[$%](?=\{)/g, '$&$&');
    case 'interpolation':
      return partOfExpression(part.value);
    case 'if':
      return conditionalOf(part.test, textOf(part.yes), textOf(part.no));
    default: {
      const names = part.keyName === undefined ? part.valueName : `${part.keyName}, ${part.valueName}`;
      return `%{for ${names} in ${sourceOf(part.over)}}${textOf(part.parts)}%{endfor}`;
    }
  }
}

function conditionalOf(test: Expression, yes: string, no: string): string {
  return `%{if ${sourceOf(test)}}${yes}${no === '' ? '' : `%{else}${no}`}%{endif}`;
}

function partOfExpression(expression: Expression): string {
  // To hcl2json it is the same as a directive.
  if (expression.kind === 'conditional') {
    return conditionalOf(expression.test, partOfExpression(expression.yes), partOfExpression(expression.no));
  }
  if (expression.kind === 'template') return textOf(expression.parts);
  if (expression.kind === 'literal') return String(jsonOf(expression));
  return `\${${sourceOf(expression)}}`;
}
