/** What an engine was sent, and where it would be mistaken. */
import assert from 'node:assert/strict';
import { appendFile, chmod, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { NO_RULES } from '../../lib/dockerfile/mod.ts';
import { ContextHasher, contentName, SentLedger, type Shipment } from '../../lib/fingerprint/mod.ts';
import { makeTempDir, makeTree, type TreeEntry } from '../rig/temp.ts';

async function makeKitchen(t: TestContext, tree: Readonly<Record<string, TreeEntry>>) {
  const dir = await makeTree(t, tree);
  const state = await makeTempDir(t);
  const ship = async (source = '.'): Promise<Shipment> => {
    const hasher = new ContextHasher();
    t.after(() => hasher.close());
    const hashed = await hasher.hash({
      root: dir,
      written: '.',
      reads: [
        { source, include: [], exclude: [], span: { source: { path: '', text: '' }, start: 0, end: 0 } },
      ],
      ignore: NO_RULES,
    });
    assert(hashed.ok, JSON.stringify(hashed));
    return { local: 'context', hashed: hashed.value };
  };
  const open = () => new SentLedger(state, 'unix:///engine');
  return { dir, state, ship, open, ledger: open() };
}

test('a file with another content under the same look is a conflict, also for the next process', async (t) => {
  const { dir, ship, open, ledger } = await makeKitchen(t, { file: 'one\n' });
  const file = path.join(dir, 'file');
  await utimes(file, 1_700_000_000, 1_700_000_000);
  const first = await ship();
  assert.equal(await ledger.announce([first]), undefined);
  assert.equal(await ledger.announce([await ship()]), undefined);
  await writeFile(file, 'two\n');
  await utimes(file, 1_700_000_000, 1_700_000_000);
  const second = await ship();
  assert.equal(await ledger.announce([second]), 'context: file');
  assert.equal(await open().announce([second]), 'context: file');
  assert.equal(ledger.wantsForgetting, false, 'its next edit gives it another look');
  assert.notEqual(contentName([first]), contentName([second]));
});

test('what two processes noted at the same time is sure for none of them', async (t) => {
  const { dir, state, ship, open, ledger } = await makeKitchen(t, { file: 'one\n' });
  const time = 1_700_000_000;
  await utimes(path.join(dir, 'file'), time, time);
  const one = await ship();
  await writeFile(path.join(dir, 'file'), 'two\n');
  await utimes(path.join(dir, 'file'), time, time);
  const two = await ship();
  // Neither had read what the other one wrote.
  const elsewhere = await makeTempDir(t);
  assert.equal(await ledger.announce([one]), undefined);
  assert.equal(await new SentLedger(elsewhere, 'unix:///engine').announce([two]), undefined);
  const [name = ''] = await readdir(state);
  await appendFile(path.join(state, name), await readFile(path.join(elsewhere, name)));
  assert.equal(await open().announce([one]), 'context: file');
  assert.equal(await open().announce([two]), 'context: file');
});

test('a directory with another mode is a conflict until the engine forgets', async (t) => {
  const { dir, ship, open, ledger } = await makeKitchen(t, { 'a/b/file': 'one\n' });
  await chmod(path.join(dir, 'a/b'), 0o755);
  assert.equal(await ledger.announce([await ship()]), undefined);
  await chmod(path.join(dir, 'a/b'), 0o700);
  const second = await ship();
  assert.equal(await ledger.announce([second]), 'context: a/b');
  assert.equal(ledger.wantsForgetting, true);
  await ledger.forget();
  assert.equal(ledger.wantsForgetting, false);
  assert.equal(await ledger.announce([second]), undefined);
  assert.equal(await open().announce([second]), undefined);
});

test('a directory that does not count is sent too, above a file that does', async (t) => {
  const { dir, ship, ledger } = await makeKitchen(t, { 'a/file': 'one\n' });
  await chmod(path.join(dir, 'a'), 0o755);
  assert.equal(await ledger.announce([await ship('a/file')]), undefined);
  await chmod(path.join(dir, 'a'), 0o711);
  assert.equal(await ledger.announce([await ship('a')]), 'context: a');
});
