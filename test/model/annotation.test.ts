import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnnotationKey, partOfBuild } from '../../lib/model/mod.ts';
import { makeBuild } from '../rig/sets.ts';

test('a key says its level, its platform and its name', () => {
  assert.deepEqual(parseAnnotationKey('org.example.a'), { level: 'manifest', name: 'org.example.a' });
  assert.deepEqual(parseAnnotationKey('index:a:b'), { level: 'index', name: 'a:b' });
  assert.deepEqual(parseAnnotationKey('manifest-descriptor[linux/arm64]:a'), {
    level: 'manifest-descriptor',
    platform: 'linux/arm64',
    name: 'a',
  });
  assert.deepEqual(parseAnnotationKey('other:a'), { level: 'manifest', name: 'other:a' });
});

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
