import assert from 'node:assert/strict';
import { homedir, userInfo } from 'node:os';
import { test } from 'node:test';
import { homeDirectory, ownUid } from '../../lib/system/mod.ts';

test('who runs this is known by number, and where their home is', () => {
  assert.equal(ownUid(), userInfo().uid);
  assert.equal(homeDirectory({ HOME: '/elsewhere' }), '/elsewhere');
  assert.equal(homeDirectory({}), homedir());
});
