/** HCL in JSON, and what bodies of both syntaxes hold by a schema. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attributesOf,
  type Body,
  contentOf,
  evaluate,
  expressionInJson,
  parseHcl,
  parseHclJson,
  toJsonText,
  unexpectedItems,
} from '../../lib/hcl/mod.ts';
import { scopeOf, shown, variablesIn } from './support.ts';

const SCHEMA = { attributes: ['a', 'b'], blocks: { target: 1, group: 1, plain: 0 } };
const SCOPE = scopeOf(variablesIn('s = "str"\nl = [1]\n'));

function bodyOf(value: unknown): Body {
  const { body, problems } = parseHclJson({ path: 'x.json', text: JSON.stringify(value) });
  assert.deepEqual(problems, []);
  return body;
}

function valuesIn(body: Body): Record<string, string | undefined> {
  const { attributes, problems } = attributesOf(body);
  assert.deepEqual(problems, []);
  return Object.fromEntries(
    [...attributes].map(([name, { value }]) => {
      const result = evaluate(value, SCOPE);
      return [name, result.ok ? toJsonText(result.value) : result.problems.map(shown).join()];
    }),
  );
}

test('values of JSON are texts with templates, numbers, bools, null, tuples and objects', () => {
  const body = bodyOf({
    '//': 'a comment',
    a: 'x${s}',
    b: '${l}',
    c: [1.5, true, null, {}],
    d: { '${s}': 1, '//': 2 },
    e: '$${s}',
  });
  assert.deepEqual(valuesIn(body), {
    a: '"xstr"',
    b: '[1]',
    c: '[1.5,true,null,{}]',
    d: '{"//":2,"str":1}',
    e: '"${s}"',
  });
  const twice = parseHclJson({ path: 'x.json', text: '{"a": {"b": 1, "b": 2}}' }).body;
  assert.deepEqual(valuesIn(twice), { a: '"b": The name "b" appears twice in this object' });
});

test('what is no template is a problem of whoever evaluates it, at its place behind escapes', () => {
  const text = '{"a": "\\u0041\\n${x y}", "b": 1}';
  const { body, problems } = parseHclJson({ path: 'x.json', text });
  assert.deepEqual(problems, []);
  const { attributes } = attributesOf(body);
  const result = evaluate(attributes.get('a')?.value ?? assert.fail(), SCOPE);
  assert.ok(!result.ok);
  assert.equal(result.problems[0]?.span?.start, text.indexOf('y}'));
});

test('templates of JSON nest within limits', () => {
  const deep = [`${'('.repeat(100)}x${`${' + 1'.repeat(200)})`.repeat(100)}`, '['.repeat(10_000)];
  for (const expression of deep) {
    const { attributes } = attributesOf(bodyOf({ a: `\${${expression}}` }));
    const result = evaluate(attributes.get('a')?.value ?? assert.fail(), SCOPE);
    assert.ok(!result.ok);
    assert.match(result.problems[0]?.message ?? '', /deeper than/);
  }
});

test('blocks are objects by their labels, or arrays of them', () => {
  const body = bodyOf({
    a: 1,
    target: { x: { '//': 'about x', tags: ['t'] }, y: [{ n: 1 }, { n: 2 }] },
    group: [{ g: {} }, { h: null }],
    plain: [{}, {}],
    other: 1,
  });
  const { content, problems } = contentOf(body, SCHEMA);
  assert.deepEqual(problems, []);
  assert.deepEqual([...content.attributes.keys()], ['a']);
  assert.deepEqual(
    content.blocks.map(({ type, labels, comments }) => [
      type,
      ...labels.map(({ value }) => value),
      ...comments.above,
    ]),
    [['target', 'x', 'about x'], ['target', 'y'], ['target', 'y'], ['group', 'g'], ['plain'], ['plain']],
  );
  assert.deepEqual(unexpectedItems(content.rest, SCHEMA).map(shown), [
    '"other": There is no attribute or block other here',
  ]);
});

test('bodies that do not fit the schema are problems', () => {
  const cases: readonly (readonly [value: unknown, ...found: readonly string[]])[] = [
    [{ target: 1 }, '1: What target holds must be a JSON object or an array of objects'],
    [{ target: {} }, '{}: This target has no name'],
    [{ target: { x: 'y' } }, '"y": A target must be a JSON object or an array of objects'],
    [[{ a: 1 }, 2], '2: Each item of the value must be a JSON object or an array of objects'],
    [[{ a: 1 }, { a: 2 }], '"a": a is set twice'],
  ];
  for (const [value, ...found] of cases) {
    assert.deepEqual(contentOf(bodyOf(value), SCHEMA).problems.map(shown), found);
  }
  const text = 'target {\n}\ntarget "a" "b" {\n}\nplain {\n}\na {\n}\ngruop "x" {\n}\nc = 1\ngroup = 1\n';
  const { content, problems } = contentOf(parseHcl({ path: 'x.hcl', text }).body, SCHEMA);
  assert.deepEqual(problems.map(shown), [
    'target: This target has no name',
    '"b": This target has too many labels',
  ]);
  assert.deepEqual(
    unexpectedItems(content.rest, SCHEMA).map((one) => [shown(one), one.hint]),
    [
      ['c: There is no attribute c here', 'Valid names: a, b, target, group, plain.'],
      ['group: group is a block, not an attribute', 'Write group "NAME" { … }.'],
      ['a: a is an attribute, not a block', 'Write a = { … }.'],
      ['gruop: There is no block gruop here', 'Did you mean "group"?'],
    ],
  );
  assert.deepEqual(attributesOf(content.rest).problems.map(shown), [
    'a: Blocks such as a are not allowed here',
  ]);
});

test('a text of JSON is an expression where HCL wants one', () => {
  const { attributes } = attributesOf(bodyOf({ a: 'list(string)', b: 'x.y', c: 'not one', d: 1 }));
  const kindOf = (name: string) => expressionInJson(attributes.get(name)?.value ?? assert.fail())?.kind;
  assert.deepEqual(['a', 'b', 'c', 'd'].map(kindOf), ['call', 'attribute', undefined, undefined]);
});

/** Texts, and what is said of them. */
const MISTAKES: readonly (readonly [text: string, found: string])[] = [
  ['', ': The file ends where a value is expected'],
  ['{"a": 1,}', ',: JSON allows no comma after the last item'],
  ['{"a" 1}', '1: A colon is missing after this name'],
  ['{a: 1}', 'a: The name of a member is expected here'],
  ['{"a": tru}', 'tru: tru is not a JSON value'],
  ['{"a": 01}', '01: 01 is not a JSON number'],
  ['{"a": "x}', '"x}: The closing quote of this string is missing'],
  ['{"a": "\\q"}', '\\q: Invalid escape \\q in JSON'],
  ['{"a": "\t"}', '\t: A string contains a control character'],
  ['{"a": [1 2]}', '2: A comma or ] is expected here, not 2'],
  ['{"a": [1', '[: This list is not closed'],
  ['{"a": 1', '{: This object is not closed'],
  ['{} {}', '{: Something follows the end of the JSON value'],
  ['"x"', '"x": The file must be a JSON object or an array of objects'],
  ['['.repeat(100_000), '[: This is nested deeper than 250 levels'],
];

test('mistakes in JSON are said at their place', () => {
  for (const [text, found] of MISTAKES) {
    const { problems } = parseHclJson({ path: 'x.json', text });
    assert.deepEqual(problems.map(shown), [found], text.slice(0, 40));
  }
});
