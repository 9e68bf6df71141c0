/** Which builds a run that failed is begun again with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildsToRunAgain, type EndedBuild, type Outcome } from '../../lib/model/mod.ts';

const ended = (
  build: string,
  kind: Outcome['kind'],
  more: { readonly role?: 'needed'; readonly blockedBy?: string } = {},
): EndedBuild => ({
  build,
  role: more.role ?? 'asked',
  outcome: {
    build,
    kind,
    tags: [],
    durationMs: 0,
    ...(more.blockedBy === undefined ? {} : { blockedBy: more.blockedBy }),
  },
});

test('what a failure blocked is run again with it', () => {
  assert.deepEqual(
    buildsToRunAgain([
      ended('a', 'built'),
      ended('b', 'failed'),
      ended('c', 'blocked', { blockedBy: 'b' }),
      ended('d', 'blocked', { blockedBy: 'c' }),
    ]),
    ['b', 'c', 'd'],
  );
});

test('what others need comes with them, and by itself only where nobody who asked needs it', () => {
  const base = ended('base', 'failed', { role: 'needed' });
  assert.deepEqual(
    buildsToRunAgain([base, ended('a', 'built'), ended('b', 'blocked', { blockedBy: 'base' })]),
    ['b'],
  );
  assert.deepEqual(buildsToRunAgain([base, ended('a', 'built')]), ['base']);
});

test('where all are concerned, or too many to name, it is the whole run', () => {
  assert.equal(
    buildsToRunAgain([ended('a', 'failed'), ended('b', 'blocked', { blockedBy: 'a' })]),
    undefined,
  );
  const many = Array.from({ length: 11 }, (_, at) => ended(`a${at}`, 'failed'));
  assert.equal(buildsToRunAgain([ended('fine', 'built'), ...many]), undefined);
  assert.equal(buildsToRunAgain([ended('fine', 'built'), ...many.slice(1)])?.length, 10);
});

test('where nothing failed, nothing is', () => {
  assert.deepEqual(buildsToRunAgain([ended('a', 'built'), ended('b', 'cancelled')]), []);
});
