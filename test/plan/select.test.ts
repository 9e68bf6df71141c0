import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectBuilds } from '../../lib/plan/mod.ts';
import { makeBuild, makeSet } from '../rig/sets.ts';

const row = (name: string, python: string, os: string) =>
  makeBuild(name, { matrix: { name: 'api', row: { python, os: { name: os } } } });
const set = makeSet(
  [
    makeBuild('base'),
    row('api-312-slim', '3.12', 'slim'),
    row('api-313-slim', '3.13', 'slim'),
    row('api-313-alpine', '3.13', 'alpine'),
    makeBuild('web'),
  ],
  { default: ['base', 'web'], services: ['api-312-slim', 'web'] },
);

function names(patterns: readonly string[], filters: readonly string[] = []): readonly string[] {
  const selected = selectBuilds(set, { patterns, filters });
  assert.ok(selected.ok, JSON.stringify(selected));
  return [...selected.value];
}

function codes(patterns: readonly string[], filters: readonly string[] = []): readonly string[] {
  const selected = selectBuilds(set, { patterns, filters });
  assert.ok(!selected.ok);
  return selected.error.map((one) => `${one.code}: ${one.message} | ${one.hint ?? ''}`);
}

test('nothing typed means the group default', () => {
  assert.deepEqual(names([]), ['base', 'web']);
});

test('without a group default, nothing typed means every build', () => {
  const selected = selectBuilds(makeSet([makeBuild('a'), makeBuild('b')]), { patterns: [] });
  assert.ok(selected.ok);
  assert.deepEqual([...selected.value], ['a', 'b']);
});

test('builds, matrix builds, groups and globs can be named, and come in the order of the file', () => {
  assert.deepEqual(names(['web', 'base']), ['base', 'web']);
  assert.deepEqual(names(['api']), ['api-312-slim', 'api-313-slim', 'api-313-alpine']);
  assert.deepEqual(names(['services']), ['api-312-slim', 'web']);
  assert.deepEqual(names(['api-*-slim']), ['api-312-slim', 'api-313-slim']);
  assert.deepEqual(names(['{base,web}']), ['base', 'web']);
});

test('a leading ! takes away, from the default if it comes first', () => {
  assert.deepEqual(names(['api', '!*-alpine']), ['api-312-slim', 'api-313-slim']);
  assert.deepEqual(names(['!web']), ['base']);
});

test('filters keep rows by axis, alternatives within one axis, objects by their name', () => {
  assert.deepEqual(names(['api'], ['python=3.13']), ['api-313-slim', 'api-313-alpine']);
  assert.deepEqual(names(['*'], ['os=alpine']), ['api-313-alpine']);
  assert.deepEqual(names(['api'], ['python=3.12', 'python=3.13', 'os=slim']), [
    'api-312-slim',
    'api-313-slim',
  ]);
});

test('every wrong name and filter is reported at once, with what was meant', () => {
  assert.deepEqual(codes(['webb', 'x*'], ['pyton=3.13', 'os=arch', 'nonsense']), [
    'plan/unknown-build: `webb` is not a build, matrix build or group | Did you mean `web`?',
    'plan/unknown-build: `x*` matches no build or group | See `bake-ts list` for the names.',
    'plan/bad-filter: The filter `nonsense` is not of the form AXIS=VALUE | Write for example `python=3.13`.',
    'plan/bad-filter: no matrix has an axis `pyton` | Did you mean `python`?',
    'plan/bad-filter: no row has `arch` on the axis `os` | Values: slim, alpine.',
  ]);
});

test('an empty selection says so', () => {
  assert.match(codes(['base', '!base'])[0] ?? '', /plan\/empty-selection/);
});

test('`default` is the group, else the build, else the matrix of that name, else everything, typed or not', () => {
  const cases: readonly (readonly [ReturnType<typeof makeSet>, readonly string[]])[] = [
    [makeSet([makeBuild('a'), makeBuild('b')], { default: ['b'] }), ['b']],
    [makeSet([makeBuild('a'), makeBuild('default')]), ['default']],
    [makeSet([makeBuild('a'), makeBuild('row', { matrix: { name: 'default', row: { x: 1 } } })]), ['row']],
    [makeSet([makeBuild('a'), makeBuild('b')]), ['a', 'b']],
  ];
  for (const [one, expected] of cases) {
    for (const patterns of [[], ['default']]) {
      const selected = selectBuilds(one, { patterns });
      assert.ok(selected.ok, JSON.stringify(selected));
      assert.deepEqual([...selected.value], expected);
    }
  }
  const plain = selectBuilds(makeSet([makeBuild('a')]), { patterns: ['defaul'] });
  assert.ok(!plain.ok, 'only the whole word means the default');
});

test('a glob over the name of a matrix or a group takes all that belongs to it', () => {
  assert.deepEqual(names(['ap?']), ['api-312-slim', 'api-313-slim', 'api-313-alpine']);
  assert.deepEqual(names(['serv*']), ['api-312-slim', 'web']);
  assert.deepEqual(names(['*', '!ap?']), ['base', 'web']);
});

test('a name that is a glob for nothing is not read as one', () => {
  const selected = selectBuilds(makeSet([makeBuild('a.b'), makeBuild('axb')]), { patterns: ['a.b'] });
  assert.ok(selected.ok);
  assert.deepEqual([...selected.value], ['a.b']);
  assert.match(codes(['ba.e'])[0] ?? '', /`ba\.e` is not a build/);
  assert.match(codes(['ba\\se'])[0] ?? '', /`ba\\se` is not a build/);
});

test('what is taken away but not there is reported without its mark, and what was meant is found', () => {
  assert.match(codes(['!webb'])[0] ?? '', /^plan\/unknown-build: `webb` .*Did you mean `web`\?$/);
  assert.match(codes(['web!'])[0] ?? '', /^plan\/unknown-build: `web!` /);
});

test('an axis may have one letter, and values of every kind are filtered by their text', () => {
  const rows = makeSet([
    makeBuild('one', { matrix: { name: 'm', row: { x: 1, y: { a: 1 }, z: null } } }),
    makeBuild('two', { matrix: { name: 'm', row: { x: true, y: { a: 2 }, z: 'a=b' } } }),
    makeBuild('three', { matrix: { name: 'other', row: { w: '1' } } }),
    makeBuild('plain'),
  ]);
  const kept = (...filters: readonly string[]): readonly string[] => {
    const selected = selectBuilds(rows, { patterns: ['*'], filters });
    assert.ok(selected.ok, JSON.stringify(selected));
    return [...selected.value];
  };
  assert.deepEqual(kept('x=1'), ['one']);
  assert.deepEqual(kept('x=true'), ['two']);
  assert.deepEqual(kept('y={"a":2}'), ['two']);
  assert.deepEqual(kept('z=null'), ['one']);
  assert.deepEqual(kept('z=a=b'), ['two']);
  assert.deepEqual(kept('x=1', 'x=true', 'z=null'), ['one']);
  const wrong = selectBuilds(rows, { patterns: ['*'], filters: ['=1', 'v=1'] });
  assert.ok(!wrong.ok);
  assert.deepEqual(
    wrong.error.map(({ message, hint }) => [message, hint]),
    [
      ['The filter `=1` is not of the form AXIS=VALUE', 'Write for example `python=3.13`.'],
      ['no matrix has an axis `v`', 'Axes: x, y, z, w.'],
    ],
  );
});

test('an empty selection says what to do: add a build, or name one of those that are there', () => {
  const none = selectBuilds(makeSet([]), { patterns: [] });
  assert.ok(!none.ok);
  assert.equal(none.error[0]?.hint, 'Add a build under `builds:`.');
  assert.match(codes(['base', '!base'])[0] ?? '', /`bake-ts list` shows all 5\.$/);
});
