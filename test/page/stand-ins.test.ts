/** What the playground has in the place of Node's modules, compared with them. */
import assert from 'node:assert/strict';
import { Buffer as NodeBuffer } from 'node:buffer';
import { posix } from 'node:path';
import { test } from 'node:test';
import { Buffer } from '../../lib/page/playground/browser/buffer.ts';
import {
  closeSync,
  existsSync,
  fstatSync,
  mountFiles,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from '../../lib/page/playground/browser/fs.ts';
import * as path from '../../lib/page/playground/browser/path.ts';

const PATHS = [
  '',
  '.',
  '..',
  '/',
  '/a',
  '/a/',
  'a',
  'a/b',
  './a',
  '../a',
  '/a/../b',
  'a/./b//c/',
  '/..',
  '../../a',
];
const NAMES = [...PATHS, 'a.b', '.a', 'a.', '/x/a.tar.gz', '..b', '/a.b/c', 'x.'];

test('paths are what they are on Linux', () => {
  for (const name of NAMES) {
    assert.equal(path.normalize(name), posix.normalize(name), `normalize ${name}`);
    assert.equal(path.dirname(name), posix.dirname(name), `dirname ${name}`);
    assert.equal(path.basename(name), posix.basename(name), `basename ${name}`);
    assert.equal(path.basename(name, '.b'), posix.basename(name, '.b'), `basename ${name} .b`);
    assert.equal(path.extname(name), posix.extname(name), `extname ${name}`);
    assert.equal(path.isAbsolute(name), posix.isAbsolute(name));
    for (const other of PATHS) {
      assert.equal(path.join(name, other), posix.join(name, other), `join ${name} ${other}`);
      assert.equal(
        path.resolve('/w', name, other),
        posix.resolve('/w', name, other),
        `resolve ${name} ${other}`,
      );
      const [from, to] = [posix.resolve('/w', name), posix.resolve('/w', other)];
      assert.equal(path.relative(from, to), posix.relative(from, to), `relative ${from} ${to}`);
    }
  }
});

test('bytes are written as Node writes them', () => {
  for (const text of ['', 'a', 'ab', 'abc', 'äöü', '🙂 \u0000', '\uFEFFx', '\u00ff\u00fe??>>']) {
    const [own, node] = [Buffer.from(text), NodeBuffer.from(text)];
    for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const) {
      const written = node.toString(encoding);
      assert.equal(own.toString(encoding), written, `${text} in ${encoding}`);
      assert.ok(own.equals(Buffer.from(written, encoding)), `${text} from ${encoding}`);
    }
    assert.equal(Buffer.byteLength(text), NodeBuffer.byteLength(text));
  }
  assert.equal(Buffer.from([0xff, 0x41]).toString('utf8'), '\uFFFDA');
  assert.ok(Buffer.concat([Buffer.from('a'), Buffer.from('b')]).equals(Buffer.from('ab')));
  for (const [a, b] of [
    ['a', 'b'],
    ['b', 'a'],
    ['a', 'ab'],
    ['ab', 'a'],
    ['a', 'a'],
  ] as const)
    assert.equal(
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
      NodeBuffer.compare(NodeBuffer.from(a), NodeBuffer.from(b)),
    );
});

test('the disk has the files, their directories, and nothing else', () => {
  mountFiles(
    new Map([
      ['/r/a/b', 'hé'],
      ['/r/c', ''],
    ]),
  );
  assert.equal(readFileSync('/r/a/b', 'utf8'), 'hé');
  assert.deepEqual(readdirSync('/r'), ['a', 'c']);
  assert.equal(statSync('/r/a')?.isDirectory(), true);
  assert.equal(statSync('/r/a/b')?.size, 3);
  assert.equal(statSync('/r/a/b', { bigint: true })?.size, 3n);
  assert.equal(existsSync('/r/x'), false);
  assert.equal(statSync('/r/x', { throwIfNoEntry: false }), undefined);
  for (const call of [
    () => statSync('/r/x'),
    () => readFileSync('/r/x'),
    () => openSync('/r/x'),
    () => readdirSync('/r/x'),
  ])
    assert.throws(call, { code: 'ENOENT' });
  assert.throws(() => readFileSync('/r/a'), { code: 'EISDIR' });
  const handle = openSync('/r/a/b');
  assert.equal(fstatSync(handle)?.size, 3);
  const target = Buffer.alloc(8);
  assert.equal(readSync(handle, target, 0, 2), 2);
  assert.equal(readSync(handle, target, 2, 8), 1);
  assert.equal(readSync(handle, target, 3, 8), 0);
  assert.equal(target.subarray(0, 3).join(), [...NodeBuffer.from('hé')].join());
  closeSync(handle);
  assert.throws(() => readSync(handle, target, 0, 1), { code: 'EBADF' });
});
