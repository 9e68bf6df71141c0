/** Which names an expression uses: variables with attributes and keys, and functions. */
import type { Span } from '../model/mod.ts';
import { type Expression, SPLAT_ELEMENT, type TemplatePart } from './syntax.ts';

/** `root.name[key]`: a variable and the path into it. */
export interface Traversal {
  readonly root: string;
  /** Names of attributes, and expressions in brackets. */
  readonly steps: readonly (string | Expression)[];
  readonly span: Span;
}

/** All variables that an expression needs, in order, without those that it binds itself. */
export function variablesOf(expression: Expression): readonly Traversal[] {
  const found: Traversal[] = [];
  walk(expression, new Set([SPLAT_ELEMENT]), { variable: (one) => found.push(one) });
  return found;
}

/** All functions that an expression calls, in order. */
export function callsOf(expression: Expression): readonly { readonly name: string; readonly span: Span }[] {
  const found: { name: string; span: Span }[] = [];
  walk(expression, new Set(), { call: (name, span) => found.push({ name, span }) });
  return found;
}

interface Visitor {
  readonly variable?: (traversal: Traversal) => void;
  readonly call?: (name: string, span: Span) => void;
}

type Bound = ReadonlySet<string>;

function walk(expression: Expression, bound: Bound, visitor: Visitor): void {
  if (expression.kind === 'template') {
    walkParts(expression.parts, bound, visitor);
  } else if (
    expression.kind === 'variable' ||
    expression.kind === 'attribute' ||
    expression.kind === 'index'
  ) {
    walkTraversal(expression, bound, visitor);
  } else if (expression.kind === 'for') {
    const { over, key, value, when } = expression;
    walk(over, bound, visitor);
    const within = [key, value, when].filter((one) => one !== undefined);
    walkAll(within, withNames(bound, expression), visitor);
  } else {
    if (expression.kind === 'call') visitor.call?.(expression.name, expression.nameSpan);
    walkAll(partsOf(expression), bound, visitor);
  }
}

/** The direct parts of an expression that binds no names. */
function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'splat':
      return [expression.of, expression.each];
    case 'call':
      return expression.args;
    case 'unary':
      return [expression.of];
    case 'binary':
      return [expression.left, expression.right];
    case 'conditional':
      return [expression.test, expression.yes, expression.no];
    case 'tuple':
      return expression.items;
    case 'object':
      return expression.items.flatMap(({ key, value }) => [key, value]);
    case 'parentheses':
      return [expression.inner];
    default:
      return [];
  }
}

function walkAll(expressions: readonly Expression[], bound: Bound, visitor: Visitor): void {
  for (const one of expressions) walk(one, bound, visitor);
}

function withNames(bound: Bound, loop: { readonly keyName?: string; readonly valueName: string }): Bound {
  const inner = new Set(bound).add(loop.valueName);
  return loop.keyName === undefined ? inner : inner.add(loop.keyName);
}

function walkParts(parts: readonly TemplatePart[], bound: Bound, visitor: Visitor): void {
  for (const part of parts) {
    if (part.kind === 'interpolation') {
      walk(part.value, bound, visitor);
    } else if (part.kind === 'if') {
      walk(part.test, bound, visitor);
      walkParts(part.yes, bound, visitor);
      walkParts(part.no, bound, visitor);
    } else if (part.kind === 'for') {
      walk(part.over, bound, visitor);
      walkParts(part.parts, withNames(bound, part), visitor);
    }
  }
}

function walkTraversal(expression: Expression, bound: Bound, visitor: Visitor): void {
  const steps: (string | Expression)[] = [];
  let at = expression;
  while (at.kind === 'attribute' || at.kind === 'index') {
    steps.unshift(at.kind === 'attribute' ? at.name : at.key);
    at = at.of;
  }
  if (at.kind !== 'variable') walk(at, bound, visitor);
  else if (!bound.has(at.name)) visitor.variable?.({ root: at.name, steps, span: expression.span });
  for (const step of steps) if (typeof step !== 'string') walk(step, bound, visitor);
}
