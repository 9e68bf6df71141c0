import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LocalImage } from '../../lib/engine/mod.ts';
import { type BuildSet, formatImageRef, type ImageRef, isDigest } from '../../lib/model/mod.ts';
import { storeName } from '../../lib/run/mod.ts';
import { findGone } from '../../lib/storage/gone.ts';
import { type ImageOwners, ownImages } from '../../lib/storage/owners.ts';

const ROOT = '/repo';
const digestOf = (digit: string) => {
  const digest = `sha256:${digit.repeat(64)}`;
  assert(isDigest(digest));
  return digest;
};

function image(name: string, digit = 'a'): LocalImage {
  return { name, mediaType: '', digest: digestOf(digit), size: '1 B', sizeBytes: 1, platforms: [] };
}

const api: ImageRef = { registry: 'docker.io', repository: 'shop/api', tag: '2' };
const kept = (root: string, build: string, isolated = false) =>
  formatImageRef(storeName({ root, isolated }, build));
const given = new Map(
  ['docker.io/shop/api:1', 'docker.io/shop/both:1', 'docker.io/shop/api:2'].map((name) => [
    name,
    new Map([[digestOf('a'), 'api']]),
  ]),
);
const OWNERS: ImageOwners = {
  own: { root: ROOT, given },
  builds: new Map([
    ['api', [api]],
    ['base', []],
  ]),
  gone: new Set(['old']),
  others: [{ root: '/other', given: new Map([['docker.io/shop/both:1', new Map([[digestOf('a'), 'x']])]]) }],
  goneRoots: ['/deleted'],
};

test('an image is removed as ours only where this repository is known to have given it', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['docker.io/shop/api:2', 'a', 'build'],
    ['docker.io/shop/api:1', 'a', 'unnamed'],
    // Somebody else has given the name to another image since.
    ['docker.io/shop/api:1', 'b', 'other'],
    // Another checkout on this machine gives it the same name.
    ['docker.io/shop/both:1', 'a', 'other'],
    ['docker.io/library/alpine:3', 'a', 'other'],
    [kept(ROOT, 'base'), 'a', 'build'],
    [kept(ROOT, 'base', true), 'a', 'build'],
    [`${kept(ROOT, 'base')}-layers`, 'a', 'build'],
    [kept(ROOT, 'old'), 'a', 'gone'],
    [`${kept(ROOT, 'old')}-layers`, 'a', 'gone'],
    [kept(ROOT, 'of-another-file'), 'a', 'other'],
    [kept('/other', 'old'), 'a', 'other'],
    [kept('/deleted', 'any'), 'a', 'gone'],
    [kept('/deleted', 'any', true), 'a', 'gone'],
    ['127.0.0.1:1/bake/x:by-hand', 'a', 'other'],
  ];
  for (const [name, digit, owner] of rows)
    assert.equal(ownImages([image(name, digit)], OWNERS)[0]?.owner, owner, `${name} ${digit}`);
});

test('without a builds.yaml that can be read, no image of this repository counts as unnamed or gone', () => {
  const names = ['docker.io/shop/api:1', kept(ROOT, 'old'), kept('/deleted', 'any')];
  const owned = ownImages(
    names.map((name) => image(name)),
    { ...OWNERS, builds: undefined, gone: new Set() },
  );
  assert.deepEqual(
    owned.map(({ owner }) => owner),
    ['other', 'other', 'gone'],
  );
});

const setOf = (files: readonly string[], builds: readonly string[]) =>
  ({ files, builds: new Map(builds.map((name) => [name, {}])) }) as unknown as BuildSet;

test('a build is gone where the files that it was of are read and do not have it', () => {
  const known = new Map([
    ['here', { files: ['builds.yaml'] }],
    ['old', { files: ['builds.yaml'] }],
    ['unknown', {}],
  ]);
  const set = setOf(['builds.yaml', 'more/shared.yaml'], ['here']);
  assert.deepEqual([...findGone(known, set)], ['old', 'unknown']);
  assert.deepEqual([...findGone(known, undefined)], []);
});

test('a build of another file beside it is not gone, and neither is one of which nobody knows the file', () => {
  const known = new Map([
    ['old', { files: ['builds.yaml'] }],
    ['release', { files: ['release.yaml'] }],
    ['unknown', {}],
  ]);
  assert.deepEqual([...findGone(known, setOf(['builds.yaml'], ['here']))], ['old']);
});
