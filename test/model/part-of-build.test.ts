import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partOfBuild, type TypedAttributes } from '../../lib/model/mod.ts';
import { makeBuild } from '../rig/sets.ts';

test('a part of a build has the annotations that BuildKit takes for it', () => {
  const build = makeBuild('app', {
    platforms: ['linux/amd64', 'linux/arm64', 'linux/arm/v7'],
    platformsWritten: ['local'],
    annotations: new Map([
      ['plain', 'all'],
      ['manifest:both', 'all'],
      ['manifest[linux/arm64/v8]:plain', 'arm64'],
      ['manifest[linux/amd64]:amd64', 'amd64'],
      ['manifest-descriptor[linux/arm64]:d', 'arm64'],
      ['index:i', 'index'],
      ['index-descriptor:j', 'index'],
    ]),
  });
  const { platforms, platformsWritten, annotations } = partOfBuild(build, ['linux/arm64']);
  assert.deepEqual([platforms, platformsWritten], [['linux/arm64'], undefined]);
  assert.deepEqual(
    [...annotations],
    [
      ['manifest:both', 'all'],
      ['manifest:plain', 'arm64'],
      ['manifest-descriptor:d', 'arm64'],
    ],
  );
  assert.deepEqual(
    [...partOfBuild(build, ['linux/amd64', 'linux/arm/v7']).annotations],
    [
      ['plain', 'all'],
      ['manifest:both', 'all'],
      ['manifest[linux/amd64]:amd64', 'amd64'],
    ],
  );
});

function cache(type: string, attributes: Readonly<Record<string, string>>): TypedAttributes {
  return { type, attributes: new Map(Object.entries(attributes)) };
}

function inWords(caches: readonly TypedAttributes[]): readonly string[] {
  return caches.map(({ type, attributes }) =>
    [type, ...[...attributes].map(([key, value]) => `${key}=${value}`)].join(','),
  );
}

test('a part writes caches of its own, and reads them before those of the whole build', () => {
  const build = makeBuild('app', {
    platforms: ['linux/amd64', 'linux/arm64'],
    cacheFrom: [
      cache('registry', { ref: 'registry.example.com/cache/app' }),
      cache('registry', { ref: 'registry.example.com/cache/base' }),
      cache('local', { src: '/cache' }),
      cache('gha', {}),
    ],
    cacheTo: [
      cache('registry', { ref: 'registry.example.com/cache/app', mode: 'max' }),
      cache('local', { dest: '/cache' }),
      cache('gha', { mode: 'max' }),
      cache('s3', { bucket: 'b', name: 'one;two' }),
      cache('inline', {}),
    ],
  });
  const { cacheFrom, cacheTo } = partOfBuild(build, ['linux/arm64']);
  assert.deepEqual(inWords(cacheTo), [
    'registry,ref=registry.example.com/cache/app:latest-linux-arm64,mode=max',
    'local,dest=/cache,tag=latest-linux-arm64',
    'gha,mode=max,scope=buildkit-linux-arm64',
    's3,bucket=b,name=one-linux-arm64;two-linux-arm64',
    'inline',
  ]);
  assert.deepEqual(inWords(cacheFrom), [
    'registry,ref=registry.example.com/cache/app:latest-linux-arm64',
    'registry,ref=registry.example.com/cache/app',
    'registry,ref=registry.example.com/cache/base',
    'local,src=/cache,tag=latest-linux-arm64',
    'local,src=/cache',
    'gha,scope=buildkit-linux-arm64',
    'gha',
  ]);
});

test('parts with several platforms have different caches', () => {
  const build = makeBuild('app', {
    platforms: ['linux/amd64', 'linux/arm64', 'linux/arm/v7'],
    cacheTo: [cache('registry', { ref: 'registry.example.com/app:cache' })],
  });
  const refs = [['linux/amd64'], ['linux/arm64', 'linux/arm/v7']].map(
    (platforms) => inWords(partOfBuild(build, platforms).cacheTo)[0],
  );
  assert.deepEqual(refs, [
    'registry,ref=registry.example.com/app:cache-linux-amd64',
    'registry,ref=registry.example.com/app:cache-linux-arm64-linux-arm-v7',
  ]);
});

test('a build that names no platform is no part of another one: its caches stay', () => {
  const build = makeBuild('app', { cacheTo: [cache('registry', { ref: 'registry.example.com/app:cache' })] });
  assert.deepEqual(partOfBuild(build).cacheTo, build.cacheTo);
});
