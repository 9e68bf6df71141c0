import assert from 'node:assert/strict';
import {
  type Expression,
  evaluate,
  parseHcl,
  type Scope,
  standardFunctions,
  toJsonText,
  type Value,
} from '../../lib/hcl/mod.ts';
import type { Problem } from '../../lib/model/mod.ts';

/** The expression of `a = TEXT`; its places are those in that file. */
export function expressionOf(text: string): Expression {
  const { body, problems } = parseHcl({ path: 'x.hcl', text: `a = ${text}\n` });
  assert.deepEqual(problems, [], text);
  const [attribute] = body.attributes;
  assert.ok(attribute !== undefined);
  return attribute.value;
}

const functions = standardFunctions({ now: new Date(0), random: (size) => new Uint8Array(size) });

/** A scope with these variables and all functions. */
export function scopeOf(variables: Readonly<Record<string, Value>>): Scope {
  return {
    variable: (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
    function: (name) => functions.get(name),
    variableNames: () => Object.keys(variables),
    functionNames: () => functions.keys(),
  };
}

/** Variables as they are written in a file: `NAME = VALUE`, a line each. */
export function variablesIn(text: string): Record<string, Value> {
  const { body, problems } = parseHcl({ path: 'vars.hcl', text });
  assert.deepEqual(problems, []);
  return Object.fromEntries(
    body.attributes.map(({ name, value }) => {
      const result = evaluate(value, scopeOf({}));
      assert.ok(result.ok, name);
      return [name, result.value];
    }),
  );
}

/** The value of a text as JSON, or its problems. */
export function evaluateText(
  text: string,
  variables: Readonly<Record<string, Value>> = {},
): string | readonly Problem[] {
  const result = evaluate(expressionOf(text), scopeOf(variables));
  return result.ok ? (toJsonText(result.value) ?? 'infinite') : result.problems;
}

/** A problem as `underlined text: message`, which a test can show. */
export function shown({ message, span }: Problem): string {
  return `${span === undefined ? '' : span.source.text.slice(span.start, span.end)}: ${message}`;
}
