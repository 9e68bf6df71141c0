/** Attributes and elements of values: `of.name`, `of[key]`, and the elements of `of[*]`. */
import type { Span } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import { convert } from './conversion.ts';
import { type Failure, failure, type Outcome } from './evaluation.ts';
import { isInfinite, toInteger } from './number.ts';
import { NUMBER, STRING, typeName } from './types.ts';
import type { Type, Value } from './value.ts';

/** `of.name`; the span is that of the whole expression. */
export function attributeOf(of: Value, name: string, span: Span): Outcome {
  if (of.kind === 'null') {
    return failure(span, `null has no attribute ${name}`, {
      hint: 'The value before the dot is null here.',
    });
  }
  if (of.kind === 'mapping') {
    return entryOf(of.entries, name) ?? noEntry(of, name, span);
  }
  return failure(span, `${withArticle(of.type)} has no attribute ${name}`, {
    hint: hintForAttribute(of, name),
  });
}

function hintForAttribute(of: Value, name: string): string {
  if (of.kind !== 'sequence') return 'Only objects and maps have attributes.';
  return of.type.kind === 'set'
    ? `Use [for one in … : one.${name}] for all of its elements.`
    : `Use [0].${name} for the first element, or [*].${name} for all of them.`;
}

function entryOf(entries: ReadonlyMap<string, Value>, name: string): Value | undefined {
  return entries.get(name) ?? entries.get(name.normalize('NFC'));
}

function noEntry(of: Extract<Value, { kind: 'mapping' }>, name: string, span: Span): Failure {
  const what = of.type.kind === 'map' ? 'map' : 'object';
  return failure(span, `This ${what} has no ${JSON.stringify(name)}`, { hint: hintForEntry(of, name) });
}

function hintForEntry(of: Extract<Value, { kind: 'mapping' }>, name: string): string {
  const names = [...of.entries.keys()];
  const near = didYouMean(name, names);
  if (near !== undefined) return near;
  if (names.length === 0) return 'It is empty.';
  return `It has ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}.`;
}

function withArticle(type: Type): string {
  const name = typeName(type);
  return `${/^[aeiou]/.test(name) ? 'An' : 'A'} ${name}`;
}

/** `of[key]`; the span is that of the whole expression. */
export function elementOf(of: Value, key: Value, span: Span): Outcome {
  if (of.kind === 'null') {
    return failure(span, 'null has no elements', { hint: 'The value before the bracket is null here.' });
  }
  if (key.kind === 'null') return failure(span, 'The key in the brackets is null');
  if (of.kind === 'mapping') {
    const converted = convert(key, STRING);
    if (!converted.ok) return failure(span, `The key in the brackets cannot be used: ${converted.message}`);
    const name = converted.value.kind === 'string' ? converted.value.value : '';
    return entryOf(of.entries, name) ?? noEntry(of, name, span);
  }
  if (of.kind !== 'sequence') return failure(span, `${withArticle(of.type)} has no elements`);
  if (of.type.kind === 'set') {
    return failure(span, 'The elements of a set have no order and no keys', {
      hint: 'Loop over it: [for one in … : one].',
    });
  }
  const converted = convert(key, NUMBER);
  if (!converted.ok) return failure(span, `The index cannot be used: ${converted.message}`);
  return itemAt(of.items, converted.value, span);
}

function itemAt(items: readonly Value[], key: Value, span: Span): Outcome {
  const whole = key.kind === 'number' && !isInfinite(key.value) ? toInteger(key.value) : undefined;
  if (whole === undefined) return failure(span, 'The index is not a whole number');
  if (whole < 0n) return failure(span, 'The index is negative', { hint: 'Use [0] for the first element.' });
  const item = whole < BigInt(items.length) ? items[Number(whole)] : undefined;
  if (item !== undefined) return item;
  const count = items.length === 1 ? '1 element' : `${items.length} elements`;
  return failure(
    span,
    items.length === 0 ? 'The list is empty' : `The list has ${count}, so there is no [${whole}]`,
    {
      hint:
        items.length === 0 ? 'Check length(…) > 0 first.' : `Valid indexes are [0] to [${items.length - 1}].`,
    },
  );
}
