/** What the cache of a build is about: the same for every checkout and every change of files, another one for another place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Build, ContextRef } from '../../lib/model/mod.ts';
import { cacheIdentity } from '../../lib/pool/mod.ts';
import { makeBuild } from '../rig/sets.ts';

function at(root: string, given: Partial<Build> = {}): Build {
  return {
    ...makeBuild('api', {
      context: { ref: { kind: 'local', path: `${root}/api` }, written: 'api' },
      dockerfile: { kind: 'file', path: `${root}/api/Dockerfile`, written: 'api/Dockerfile' },
    }),
    ...given,
  };
}

function identityOf(given: Partial<Build> = {}, mounts: readonly string[] = []): string {
  return cacheIdentity(at('/home/me/shop', given), '/home/me/shop', mounts);
}

function inContext(ref: ContextRef): string {
  return identityOf({ context: { ref, written: '' } });
}

test('the identity is the one it always was, in any checkout', () => {
  const expected = '555773b8304dc0ef5f164c2ffde70adac9ef7a6e306f9736d150ae56b80bc8f2';
  assert.equal(identityOf(), expected);
  assert.equal(cacheIdentity(at('/ci/7'), '/ci/7', []), expected);
});

test('what changes from run to run and leaves the cache of most steps alone does not count', () => {
  const changes: readonly Partial<Build>[] = [
    { args: new Map([['VERSION', '1.2.3']]) },
    { labels: new Map([['revision', 'abc']]) },
    { target: 'test' },
    { platforms: ['linux/arm64'] },
    { name: 'renamed' },
    { noCache: true },
  ];
  for (const change of changes) assert.equal(identityOf(change), identityOf(), JSON.stringify(change));
});

test('another Dockerfile, context, row of a matrix or cache mount is another identity', () => {
  const all = [
    identityOf(),
    identityOf({ dockerfile: { kind: 'file', path: '/home/me/shop/Dockerfile', written: '' } }),
    identityOf({ dockerfile: { kind: 'inline', text: 'FROM a' } }),
    inContext({ kind: 'local', path: '/home/me/shop' }),
    inContext({ kind: 'oci-layout', path: '/home/me/shop/api' }),
    inContext({ kind: 'build', build: 'api' }),
    inContext({ kind: 'image', ref: 'api' }),
    inContext({ kind: 'git', url: 'https://example.com/api.git' }),
    inContext({ kind: 'http', url: 'https://example.com/api.tar' }),
    identityOf({ matrix: { name: 'api', row: { python: '3.12' } } }),
    identityOf({ matrix: { name: 'api', row: { python: '3.13' } } }),
    identityOf({}, ['npm']),
    identityOf({}, ['npm', 'pip']),
  ];
  assert.equal(new Set(all).size, all.length);
});

test('the order of axes and of cache mounts does not count', () => {
  assert.equal(
    identityOf({ matrix: { name: 'a', row: { one: 1, two: 2 } } }),
    identityOf({ matrix: { name: 'a', row: { two: 2, one: 1 } } }),
  );
  assert.equal(identityOf({}, ['npm', 'pip', 'npm']), identityOf({}, ['pip', 'npm']));
});

test('the text of an inline Dockerfile may change; rows are told apart, and builds are', () => {
  const inline = (text: string, name = 'api') => identityOf({ name, dockerfile: { kind: 'inline', text } });
  assert.equal(inline('FROM a'), inline('FROM b'));
  assert.notEqual(inline('FROM a'), inline('FROM a', 'web'));
});

test('a newer commit or version of a remote context is the same identity, another directory of it is another one', () => {
  const git = (url: string) => inContext({ kind: 'git', url });
  assert.equal(git('https://example.com/a.git#main'), git('https://example.com/a.git#4f1c'));
  assert.equal(git('https://example.com/a.git#main:api'), git('https://example.com/a.git#4f1c:api'));
  assert.notEqual(git('https://example.com/a.git#main:api'), git('https://example.com/a.git#main:web'));
  const image = (ref: string) => inContext({ kind: 'image', ref });
  assert.equal(image('localhost:5000/a:1'), image('localhost:5000/a:2@sha256:00'));
  assert.notEqual(image('localhost:5000/a:1'), image('localhost:5000/b:1'));
});
