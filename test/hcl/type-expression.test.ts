import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributesOf, parseHcl, readType, typeText } from '../../lib/hcl/mod.ts';

/** The type as text, or the problems, each with the text that it points at. */
function typeOf(written: string): string | readonly string[] {
  const { body, problems } = parseHcl({ path: 'test.hcl', text: `type = ${written}\n` });
  assert.deepEqual(problems, [], written);
  const attribute = attributesOf(body).attributes.get('type');
  assert.ok(attribute);
  const type = readType(attribute.value);
  if (type.ok) return typeText(type.value);
  return type.error.map(
    ({ message, span }) => `${message} @ ${span?.source.text.slice(span.start, span.end)}`,
  );
}

test('types are read as they are written', () => {
  for (const written of [
    'string',
    'number',
    'bool',
    'any',
    'list(string)',
    'set(number)',
    'map(list(any))',
    'tuple([string, list(number)])',
    'tuple([])',
    'object({ name = string, age = optional(number) })',
    'object({})',
    'list(object({ a = map(bool) }))',
  ])
    assert.equal(typeOf(written), written);
  assert.equal(typeOf('object({ "name" = string })'), 'object({ name = string })');
});

test('what is no type is told, all of it, with its place', () => {
  const rows: readonly [string, readonly string[]][] = [
    ['strin', ['"strin" is not a type @ strin']],
    ['"string"', ['this is not a type @ "string"']],
    ['list', ['"list" needs the type of its elements: list(string) @ list']],
    ['object', ['"object" needs the types of its attributes: object({ name = string }) @ object']],
    ['tuple', ['"tuple" needs the types of its elements: tuple([string, number]) @ tuple']],
    ['string()', ['the type "string" takes no parentheses @ string()']],
    ['list(string, number)', ['"list" takes one type in its parentheses @ list(string, number)']],
    ['optional(string)', ['"optional" is only for attributes of objects @ optional']],
    ['lists(string)', ['"lists" is not a type @ lists']],
    [
      'object([string])',
      ['"object" takes attributes with their types: object({ name = string }) @ [string]'],
    ],
    ['tuple(string)', ['"tuple" takes a list of types: tuple([string, number]) @ string']],
    [
      'object({ a = strin, b = list })',
      ['"strin" is not a type @ strin', '"list" needs the type of its elements: list(string) @ list'],
    ],
    ['object({ a = string, a = number })', ['the attribute "a" appears twice @ a']],
    ['object({ a = optional() })', ['"optional" takes a type: optional(string) @ optional()']],
    [
      'object({ a = optional(number, 3) })',
      ['"optional" takes only the type: attributes have no default values in bake @ optional(number, 3)'],
    ],
    ['1 + 2', ['this is not a type @ 1 + 2']],
  ];
  for (const [written, problems] of rows) assert.deepEqual(typeOf(written), problems, written);
});
