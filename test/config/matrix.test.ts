/** Which rows of a matrix `exclude` takes away: a part of a row is enough, and numbers equal their text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSet } from './support.ts';

/** Which of the rows `exclude` leaves, by their number; each row is one item of the axis `v`. */
async function leftOf(values: readonly string[], exclude: string): Promise<readonly number[]> {
  const items = values.map((value, at) => `{ at: ${at}, is: ${value} }`);
  const { set } = await readSet(`
builds:
  a:
    name: a-\${{ matrix.v.at }}
    matrix: { v: [${items.join(', ')}], w: [x], exclude: [{ v: { is: ${exclude} } }] }
`);
  return [...set.builds.keys()].map((name) => Number(name.replace('a-', '')));
}

const TABLE: readonly (readonly [
  why: string,
  values: readonly string[],
  exclude: string,
  left: readonly number[],
])[] = [
  ['a number by its text', ['1', '2'], '"1"', [1]],
  ['text by a number', ['"1"', '"2"'], '1', [1]],
  ['a truth by its text', ['true', 'false'], '"true"', [1]],
  ['text by a truth', ['"true"', '"false"'], 'false', [0]],
  ['only the whole text', ['1', '10', '"01"'], '1', [1, 2]],
  ['a map by one of its keys', ['{ a: 1, b: 1 }', '{ a: 2, b: 1 }'], '{ a: 1 }', [1]],
  ['a map by two of its keys', ['{ a: 1, b: 1 }', '{ a: 1, b: 2 }'], '{ a: "1", b: 2 }', [0]],
  ['no map by a key that it has not', ['{ a: 1 }'], '{ b: 1 }', [0]],
  ['no map by what it is as text', ['{ a: 1 }'], '"[object Object]"', [0]],
  ['no text by a map', ['x'], '{ a: 1 }', [0]],
  ['a list by the same list', ['[1, 2]', '[2, 1]', '[1]', '"1,2"'], '[1, 2]', [1, 2, 3]],
  ['no list by its first item', ['[1]'], '1', [0]],
];

for (const [why, values, exclude, left] of TABLE) {
  test(`exclude takes ${why}`, async () => {
    assert.deepEqual(await leftOf(values, exclude), left);
  });
}

test('an exclusion by two axes takes only rows that have both', async () => {
  const { set } = await readSet(`
builds:
  a: { matrix: { x: [1, 2], y: [1, 2], exclude: [{ x: "1", y: 2 }, { x: 2, y: "1" }] } }
`);
  assert.deepEqual([...set.builds.keys()], ['a-1-1', 'a-2-2']);
});
