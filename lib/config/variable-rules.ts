/** Rules in a variable's declaration for its value: oneOf, pattern, minimum and maximum, check. */
import type { Json } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import { toCel } from './cel.ts';
import { OverBudget } from './cel-budget.ts';
import { type Evaluator, FAILED, type Scope } from './expression.ts';
import { BadRegex } from './regex.ts';
import { at, jsonText, type Node, type ScalarNode } from './tree.ts';

/** A violated rule as text, with its place. */
export interface BrokenRule {
  readonly rule: string;
  readonly location: object;
}

/** The first rule that the value violates; `keys` are those of the declaration. */
export function findBrokenRule(
  keys: ReadonlyMap<string, Node>,
  value: Json,
  scope: Scope,
  evaluator: Evaluator,
): BrokenRule | undefined {
  return (
    notOneOf(keys.get('oneOf'), value) ??
    unmatchedPattern(keys.get('pattern'), value, evaluator) ??
    outsideOf(keys.get('minimum'), keys.get('maximum'), value) ??
    failedCheck(keys.get('check'), value, scope, evaluator)
  );
}

function notOneOf(oneOf: Node | undefined, value: Json): BrokenRule | undefined {
  if (oneOf?.kind === 'list') {
    const allowed = oneOf.items.map((item) => (item.kind === 'scalar' ? item.text : ''));
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (allowed.includes(jsonText(one))) continue;
      const near = suggest(jsonText(one), allowed);
      const meant = near === undefined ? '' : `; did you mean "${near}"?`;
      return { rule: `it must be one of ${allowed.join(', ')}${meant}`, location: at(oneOf) };
    }
  }
  return undefined;
}

function unmatchedPattern(
  pattern: Node | undefined,
  value: Json,
  { matches }: Evaluator,
): BrokenRule | undefined {
  if (pattern?.kind !== 'scalar') return undefined;
  const source = pattern.text;
  const texts = Array.isArray(value) ? value : [value];
  try {
    if (texts.every((one) => matches(`^(?:${source})$`, jsonText(one ?? '')))) return undefined;
    return { rule: `it must match ${source}`, location: at(pattern) };
  } catch (thrown) {
    if (!(thrown instanceof BadRegex || thrown instanceof OverBudget)) throw thrown;
    return { rule: `its pattern ${source} cannot be used: ${thrown.message}`, location: at(pattern) };
  }
}

function outsideOf(
  minimum: Node | undefined,
  maximum: Node | undefined,
  value: Json,
): BrokenRule | undefined {
  const size = sizeOf(value);
  if (size === undefined) return undefined;
  const measure = typeof value === 'number' ? 'it' : 'its length';
  if (isNumber(minimum) && size < minimum.value)
    return { rule: `${measure} must be at least ${minimum.text}`, location: at(minimum) };
  if (isNumber(maximum) && size > maximum.value)
    return { rule: `${measure} must be at most ${maximum.text}`, location: at(maximum) };
  return undefined;
}

function isNumber(node: Node | undefined): node is ScalarNode & { readonly value: number } {
  return node?.kind === 'scalar' && typeof node.value === 'number';
}

/** The value of a number; the length of a text or list. */
function sizeOf(value: Json): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' || Array.isArray(value) ? value.length : undefined;
}

function failedCheck(
  check: Node | undefined,
  value: Json,
  scope: Scope,
  evaluator: Evaluator,
): BrokenRule | undefined {
  if (check?.kind !== 'scalar') return undefined;
  const passed = evaluator.scalar(check, { ...scope, value: toCel(value) });
  if (passed === FAILED || passed === true) return undefined;
  return { rule: `it fails its check ${check.text}`, location: at(check) };
}
