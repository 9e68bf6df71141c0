/** What the ledger of sent files takes for the same file, for another content, and for something that it must not trust. */
import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { contentName, SentLedger, type Shipment } from '../../lib/fingerprint/mod.ts';
import { StatTable } from '../../lib/fingerprint/stat-table.ts';
import type { FilePart } from '../../lib/model/mod.ts';
import { makeTempDir, makeTree } from '../rig/temp.ts';

const MS = 1_000_000n;

interface SentFile {
  readonly path: string;
  /** Two hexadecimal digits, repeated. */
  readonly content: string;
  readonly mode?: number;
  readonly size?: number;
  readonly mtimeMs?: number;
}

/** Files on their way, signatures and all, made by hand; directories end in `/`. */
function shipment(files: readonly SentFile[], local = 'context', root = '/nowhere'): Shipment {
  const stats = new StatTable();
  const rows = files.map((file) => {
    stats.add(file.path.replace(/\/$/, ''));
    const time = BigInt(file.mtimeMs ?? 1000) * MS + 7n;
    return [BigInt(file.mode ?? 0o100644), BigInt(file.size ?? 5), time, 1n, 1n];
  });
  stats.fill(0, new BigInt64Array(rows.flat()));
  const parts = files.map(({ path: name, content, mode }): FilePart => {
    return name.endsWith('/')
      ? { path: name.slice(0, -1), kind: 'dir', mode: mode ?? 0o755, content: '' }
      : { path: name, kind: 'file', mode: (mode ?? 0o644) & 0o7777, content: content.repeat(32) };
  });
  return { local, hashed: { root, files: parts, fileCount: parts.length, bytes: 0, stats } };
}

async function ledgers(t: TestContext) {
  const dir = path.join(await makeTempDir(t), 'made', 'on', 'demand');
  const open = (address = 'unix:///engine') => new SentLedger(dir, address);
  const file = async (): Promise<string> => path.join(dir, (await readdir(dir))[0] ?? '');
  return { dir, open, file };
}

const A: SentFile = { path: 'd/a', content: 'aa' };

test('a file conflicts with one of the same name, mode, size and time, and with no other', async (t) => {
  const { open } = await ledgers(t);
  const ledger = open();
  assert.equal(await ledger.announce([shipment([A])]), undefined);
  const conflict = async (file: SentFile, local?: string) => await ledger.announce([shipment([file], local)]);
  assert.equal(await conflict({ ...A, content: 'bb' }), 'context: d/a');
  assert.equal(await conflict(A), undefined);
  assert.equal(await conflict({ ...A, content: 'bb', path: 'd/b' }), undefined);
  assert.equal(await conflict({ ...A, content: 'bb', mode: 0o100755 }), undefined);
  assert.equal(await conflict({ ...A, content: 'bb', size: 6 }), undefined);
  assert.equal(await conflict({ ...A, content: 'bb', mtimeMs: 1001 }), undefined);
  assert.equal(await conflict({ ...A, content: 'bb' }, 'dockerfile'), undefined);
  // Fields do not run together: `d/a` and 1.. against `d/a1` and …
  assert.equal(await conflict({ path: 'x', content: 'cc', mode: 12, size: 3 }), undefined);
  assert.equal(await conflict({ path: 'x1', content: 'dd', mode: 2, size: 3 }), undefined);
  assert.equal(await conflict({ path: 'x', content: 'ee', mode: 1, size: 23 }), undefined);
  assert.equal(await conflict({ path: 'xd', content: 'ff' }, 'contex'), undefined);
  assert.equal(await conflict({ path: 'd', content: '00' }, 'contexx'), undefined);
});

test('where one file conflicts nothing is noted, and what was noted first stays', async (t) => {
  const { open, file } = await ledgers(t);
  const ledger = open();
  await ledger.announce([shipment([A])]);
  const before = await readFile(await file());
  const both = [shipment([{ path: 'new', content: 'cc' }]), shipment([{ ...A, content: 'bb' }])];
  assert.equal(await ledger.announce(both), 'context: d/a');
  assert.equal(await ledger.announce(both), 'context: d/a', 'the first is still the one that was sent');
  assert.deepEqual(await readFile(await file()), before);
  assert.equal(await ledger.announce([shipment([{ path: 'new', content: 'dd' }])]), undefined);
});

test('an entry is twelve bytes of look and twelve of content, written once', async (t) => {
  const { dir, open, file } = await ledgers(t);
  const ledger = open();
  await ledger.announce([shipment([A, { ...A, path: 'd/b' }, A])]);
  assert.match(path.basename(await file()), /^[0-9a-f]{16}\.sent$/);
  const bytes = await readFile(await file());
  assert.equal(bytes.length, 48);
  assert.equal(bytes.subarray(12, 24).toString('hex'), 'aa'.repeat(12));
  await ledger.announce([shipment([A])]);
  await open().announce([shipment([A])]);
  assert.equal((await stat(await file())).size, 48);
  await open('tcp://other').announce([shipment([{ ...A, content: 'bb' }])]);
  assert.equal((await readdir(dir)).length, 2, 'each engine has a ledger of its own');
});

test('what others note meanwhile is read, only what is new, and half an entry is left for later', async (t) => {
  const { open, file } = await ledgers(t);
  const [one, other] = [open(), open()];
  await one.announce([shipment([A])]);
  await other.announce([shipment([{ ...A, path: 'd/b', content: 'bb' }])]);
  assert.equal(await one.announce([shipment([{ ...A, path: 'd/b', content: 'cc' }])]), 'context: d/b');
  assert.equal(await other.announce([shipment([{ ...A, content: 'cc' }])]), 'context: d/a');

  await other.announce([shipment([{ ...A, path: 'd/c', content: 'cc' }])]);
  const whole = await readFile(await file());
  await truncate(await file(), whole.length - 5);
  const third = open();
  assert.equal(await third.announce([shipment([{ ...A, content: 'cc' }])]), 'context: d/a');
  await appendFile(await file(), whole.subarray(-5));
  assert.equal(await third.announce([shipment([{ ...A, path: 'd/c', content: 'dd' }])]), 'context: d/c');
});

test('a ledger that was removed, or began anew, is as good as empty', async (t) => {
  const { open, file } = await ledgers(t);
  const ledger = open();
  const other = shipment([{ ...A, content: 'bb' }]);
  await ledger.announce([shipment([A, { ...A, path: 'd/b' }])]);
  assert.equal(await ledger.announce([other]), 'context: d/a');
  await rm(await file());
  assert.equal(await ledger.announce([other]), undefined);
  assert.equal(await open().announce([shipment([A])]), 'context: d/a');

  await ledger.announce([shipment([{ ...A, path: 'd/b', content: 'cc' }])]);
  assert.equal(await ledger.announce([shipment([A])]), 'context: d/a');
  await writeFile(await file(), '');
  assert.equal(await ledger.announce([shipment([A])]), undefined);
  assert.equal(await ledger.announce([other]), 'context: d/a');
});

test('the ledger can be forgotten, also where there is none', async (t) => {
  const { dir, open } = await ledgers(t);
  const ledger = open();
  await ledger.forget();
  await ledger.announce([shipment([A])]);
  await ledger.forget();
  assert.deepEqual(await readdir(dir), []);
  assert.equal(await ledger.announce([shipment([{ ...A, content: 'bb' }])]), undefined);
  assert.equal(await ledger.announce([shipment([A])]), 'context: d/a');
});

test('after forgetting, what another process notes counts, and nothing from before', async (t) => {
  const { open } = await ledgers(t);
  const [one, other] = [open(), open()];
  const b: SentFile = { ...A, path: 'd/b' };
  await one.announce([shipment([A])]);
  await one.forget();
  await other.announce([shipment([b])]);
  assert.equal(await one.announce([shipment([{ ...A, content: 'bb' }])]), undefined);
  await one.forget();
  await other.announce([shipment([{ ...A, content: 'cc' }, b])]);
  assert.equal(await one.announce([shipment([A])]), 'context: d/a');
});

test('a ledger that began anew and is shorter is read from its beginning', async (t) => {
  const { open, file } = await ledgers(t);
  const [one, other] = [open(), open()];
  await one.announce([shipment([A, { ...A, path: 'd/b' }, { ...A, path: 'd/c' }])]);
  await one.announce([shipment([A])]);
  await writeFile(await file(), '');
  await other.announce([shipment([{ ...A, content: 'bb' }])]);
  assert.equal(await one.announce([shipment([A])]), 'context: d/a');
});

test('a full ledger is a conflict for everything, until it is forgotten', async (t) => {
  const { open, file } = await ledgers(t);
  const ledger = open();
  await ledger.announce([shipment([A])]);
  // The first whole entry that ends above 64 MiB.
  await truncate(await file(), 24 * Math.ceil((64 << 20) / 24));
  assert.equal(await ledger.announce([shipment([A])]), 'the ledger is full');
  assert.equal(ledger.wantsForgetting, false);
  await ledger.forget();
  assert.equal(await ledger.announce([shipment([A])]), undefined);
});

test('a directory of another mode is a conflict that only forgetting ends, wherever it stands', async (t) => {
  const { open } = await ledgers(t);
  const ledger = open();
  await ledger.announce([shipment([{ path: 'd/', content: '', mode: 0o755 }])]);
  assert.equal(await ledger.announce([shipment([{ path: 'd/', content: '', mode: 0o755 }])]), undefined);
  assert.equal(
    await ledger.announce([shipment([{ path: 'd/', content: '', mode: 0o755 }], 'other')]),
    undefined,
  );
  assert.equal(
    await ledger.announce([shipment([{ path: 'td/', content: '', mode: 0o700 }], 'contex')]),
    undefined,
  );
  assert.equal(ledger.wantsForgetting, false);
  assert.equal(await ledger.announce([shipment([{ path: 'd/', content: '', mode: 0o1755 }])]), 'context: d');
  assert.equal(ledger.wantsForgetting, true);
});

test('directories above a file are sent with their modes as they are, unless they count themselves', async (t) => {
  const root = await makeTree(t, { 'd/e/a': '', 'd/f/b': '', file: '' });
  for (const [name, mode] of [
    ['d', 0o755],
    ['d/e', 0o1750],
    ['d/f', 0o711],
  ] as const)
    await chmod(path.join(root, name), mode);
  const { open, file } = await ledgers(t);
  const ledger = open();
  const files: readonly SentFile[] = ['d/e/a', 'd/f/b', 'gone/x', 'file/x'].map((name) => ({
    path: name,
    content: 'aa',
  }));
  const sent = shipment(files, 'context', root);
  assert.equal(await ledger.announce([sent]), undefined);
  // Four files, and of the directories those that are there: a file is none, though something was below its name.
  assert.equal((await stat(await file())).size, 7 * 24);
  assert.equal(await ledger.announce([shipment([{ path: 'd/e/', content: '', mode: 0o1750 }])]), undefined);
  assert.equal(
    await ledger.announce([shipment([{ path: 'd/f/', content: '', mode: 0o1711 }])]),
    'context: d/f',
  );
  // One that counts is taken by the mode that counts, not by that of the disk.
  const counted = shipment(
    [
      { path: 'd/', content: '', mode: 0o755 },
      { path: 'd/y', content: 'aa' },
    ],
    'context',
    root,
  );
  await chmod(path.join(root, 'd'), 0o700);
  assert.equal(await ledger.announce([counted]), undefined);
  const uncounted = shipment([{ path: 'd/z', content: 'aa' }], 'context', root);
  assert.equal(await ledger.announce([uncounted]), 'context: d');
});

test('two announcements at once are one after the other, also where the first fails', async (t) => {
  const { dir, open } = await ledgers(t);
  const ledger = open();
  const both = await Promise.all([
    ledger.announce([shipment([A])]),
    ledger.announce([shipment([{ ...A, content: 'bb' }])]),
  ]);
  assert.deepEqual(both, [undefined, 'context: d/a']);
  await rm(dir, { recursive: true });
  await writeFile(dir, 'no directory');
  const failing = ledger.announce([shipment([{ ...A, path: 'd/b' }])]);
  const next = ledger.announce([shipment([{ ...A, path: 'd/c' }])]);
  await assert.rejects(failing);
  await assert.rejects(next);
  await rm(dir);
  await mkdir(dir);
  assert.equal(await ledger.announce([shipment([{ ...A, path: 'd/d' }])]), undefined);
});

test('reading the ledger leaves no file open', { skip: process.platform !== 'linux' }, async (t) => {
  const { open } = await ledgers(t);
  const ledger = open();
  await ledger.announce([shipment([A])]);
  const before = (await readdir('/proc/self/fd')).length;
  for (let time = 0; time < 50; time++) await ledger.announce([shipment([A])]);
  assert.ok((await readdir('/proc/self/fd')).length < before + 25);
});

test('the name of a content is the same for the same files, and no two contents run together into one', () => {
  const name = (...shipments: readonly Shipment[]) => contentName(shipments);
  assert.match(name(shipment([A])), /^bake[0-9a-f]{24}$/);
  assert.equal(name(shipment([A])), name(shipment([{ ...A, mtimeMs: 5, size: 9 }], 'context', '/elsewhere')));
  const others = [
    name(shipment([A])),
    name(shipment([{ ...A, content: 'ab' }])),
    name(shipment([{ ...A, path: 'd/b' }])),
    name(shipment([{ ...A, mode: 0o755 }])),
    name(shipment([A], 'context2')),
    name(shipment([A]), shipment([A])),
    name(shipment([A, A])),
    name(shipment([]), shipment([A])),
    name(shipment([])),
    name(shipment([], 'a'), shipment([], 'b')),
    name(shipment([], 'a0'), shipment([], 'b')),
    name(shipment([{ path: 'xfile4', content: '20' }])),
    name(shipment([{ path: 'x', content: '20' }])),
    name(shipment([{ path: 'x', content: '20' }], 'context1')),
    name(shipment([{ path: 'x/', content: '', mode: 0o644 }])),
  ];
  assert.equal(new Set(others).size, others.length);
  // By the bytes alone, these two would be one text.
  const made = (path: string, mode: number): Shipment => {
    const one = shipment([{ path, content: '11' }]);
    return { ...one, hashed: { ...one.hashed, files: one.hashed.files.map((part) => ({ ...part, mode })) } };
  };
  assert.notEqual(name(made('a', 12)), name(made('a', 1)));
  const link = (path: string, content: string): Shipment => {
    const files: readonly FilePart[] = [{ path, kind: 'symlink', mode: 0o777, content }];
    return { local: 'context', hashed: { ...shipment([]).hashed, files } };
  };
  assert.notEqual(name(link('a', 'xsymlink511y')), name(link('asymlink511x', 'y')));
});
