/** Wildcards of one part of a path, against what Go's `filepath.Match` says of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePart, hasWildcard, unescapePart } from '../../lib/fingerprint/glob.ts';

/** Pattern, names that match, names that do not. */
const TABLE: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['*', ['', 'a', '.a', 'a\nb'], []],
  ['a*', ['a', 'ab'], ['ba', '']],
  ['*b', ['b', 'ab'], ['ba']],
  ['a*c', ['ac', 'abbc'], ['acb']],
  ['?', ['a', 'ä', '💾', '\n'], ['', 'ab']],
  ['a?c', ['abc'], ['ac', 'abbc']],
  ['[!a]', ['!', 'a'], ['b']],
  ['[ab]', ['a', 'b'], ['c', 'ab', '']],
  ['[a-c]x', ['ax', 'bx'], ['dx', 'x']],
  ['[^a]', ['b', 'é'], ['a', '']],
  ['[\\]]', [']'], ['\\', 'a']],
  ['[a\\-c]', ['a', '-', 'c'], ['b']],
  ['\\*', ['*'], ['a', '\\*']],
  ['\\?b', ['?b'], ['ab']],
  ['\\[a', ['[a'], ['a']],
  ['a.c', ['a.c'], ['abc']],
  ['a+(b)|{c}$^/', ['a+(b)|{c}$^/'], ['aa+(b)', 'b']],
  ['a\\', ['a\\'], ['a']],
  // What Go refuses matches everything, so that nothing is missed.
  ['[', ['anything'], []],
  ['[a', ['anything'], []],
  ['[a\\]', ['anything'], []],
  ['[^', ['anything'], []],
  ['[]', ['anything'], []],
  ['[^]]', ['anything'], []],
  ['[]a]', ['anything'], []],
  ['[z-a]', ['anything'], []],
];

for (const [pattern, matching, others] of TABLE) {
  test(`the part ${JSON.stringify(pattern)} matches what Go says`, () => {
    const matches = compilePart(pattern);
    for (const name of matching) assert.ok(matches(name), name);
    for (const name of others) assert.ok(!matches(name), name);
  });
}

test('a wildcard is one that is not escaped', () => {
  for (const part of ['*', 'a?', '[a]', '\\\\*', 'a\\*?', '\\\\\\\\[']) assert.ok(hasWildcard(part), part);
  for (const part of ['', 'a', '\\*', 'a\\?b', '\\[a]', '\\\\\\*', ']']) assert.ok(!hasWildcard(part), part);
});

test('escapes are taken away in pairs', () => {
  assert.equal(unescapePart('\\*a\\?\\\\*\\💾'), '*a?\\*💾');
  assert.equal(unescapePart('a\\'), 'a\\');
});
