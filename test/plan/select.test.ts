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
    'plan/unknown-build: `webb` is no build, matrix build or group | Did you mean `web`?',
    'plan/unknown-build: `x*` matches no build or group | See `bake-ts list` for the names.',
    'plan/bad-filter: `--filter nonsense` is not of the form AXIS=VALUE | Write for example `--filter python=3.13`.',
    'plan/bad-filter: no matrix has an axis `pyton` | Did you mean `python`?',
    'plan/bad-filter: no row has `arch` on the axis `os` | Values: slim, alpine.',
  ]);
});

test('an empty selection says so', () => {
  assert.match(codes(['base', '!base'])[0] ?? '', /plan\/empty-selection/);
});
