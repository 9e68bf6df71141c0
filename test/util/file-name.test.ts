import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileNameOf } from '../../lib/util/file-name.ts';

test('names of files are plain ones, on every system another one for each name', () => {
  const plain = [
    'api',
    'api-3.12',
    'a_b',
    '9',
    'console',
    'com',
    'com10',
    'v1.'.concat('0'),
    'a'.repeat(100),
  ];
  for (const name of plain) assert.equal(fileNameOf(name), name);
  const odd = [
    'App',
    'aPP',
    'a/b',
    'a\\b',
    'a:b',
    'con',
    'nul.json',
    'com1',
    'lpt9.x',
    'aux',
    'a.',
    '..',
    '.a',
    'é',
    'e\u0301',
    '',
    ' a',
    'a'.repeat(101),
    '~',
  ];
  const names = odd.map(fileNameOf);
  for (const [at, name] of names.entries()) assert.match(name, /^[\w-]{0,80}~[0-9a-f]{16}$/, odd[at]);
  // Also where case does not count.
  assert.equal(new Set([...plain, ...names].map((one) => one.toLowerCase())).size, plain.length + odd.length);
});
