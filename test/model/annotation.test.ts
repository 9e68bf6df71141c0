import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnnotationKey } from '../../lib/model/mod.ts';

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
