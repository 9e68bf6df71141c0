import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { type BuildRecord, type Digest, KEY_VERSION, type KeyParts } from '../../lib/model/mod.ts';
import { type LastInputs, type LastResult, StateStore, stateDirectory } from '../../lib/state/mod.ts';
import { makeTempDir } from '../rig/temp.ts';

const KEY = 'ab'.repeat(32);
const DIGEST: Digest = `sha256:${'cd'.repeat(32)}`;

const record = (changes: Partial<BuildRecord> = {}): BuildRecord => ({
  version: KEY_VERSION,
  key: KEY,
  build: 'app',
  digest: DIGEST,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  platforms: [],
  refs: ['localhost:5000/app:1'],
  finishedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 5,
  steps: { total: 2, cached: 1 },
  ...changes,
});

const parts: KeyParts = {
  version: KEY_VERSION,
  dockerfile: 'FROM scratch',
  target: '',
  platforms: [],
  args: {},
  files: {},
  images: {},
  parents: {},
  options: {},
};
const last = (key = KEY): LastInputs => ({ key, parts });

/** Every file below a directory, relative, sorted. */
async function filesBelow(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort();
}

test('state lies in BAKE_TS_HOME, else where XDG says, else below the home directory; relative ones do not count', () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ BAKE_TS_HOME: '/own', XDG_STATE_HOME: '/xdg', HOME: '/h' }, '/own/state'],
    [{ BAKE_TS_HOME: 'own', XDG_STATE_HOME: '/xdg', HOME: '/h' }, '/xdg/bake-ts'],
    [{ XDG_STATE_HOME: '/xdg' }, '/xdg/bake-ts'],
    [{ XDG_STATE_HOME: 'xdg', HOME: '/h' }, '/h/.local/state/bake-ts'],
    [{ HOME: '/h' }, '/h/.local/state/bake-ts'],
    [{}, path.join(homedir(), '.local/state/bake-ts')],
  ];
  for (const [env, expected] of cases) assert.equal(stateDirectory(env), expected, JSON.stringify(env));
});

test('what is written lies where the head of lib/state says, whole and without drafts', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src/project');
  assert.deepEqual(await store.writeRecord(record({ build: 'a/b' }), last()), { ok: true, value: undefined });
  await store.writeImageFacts(DIGEST, 'linux/arm64/v8', { env: ['A=1'], onbuild: [] });
  const [image, lastFile, recordFile, ...more] = await filesBelow(dir);
  assert.equal(image, `images/cd/${'cd'.repeat(32)}-linux-arm64-v8.json`);
  assert.match(lastFile ?? '', /^last\/[0-9a-f]{16}\/a_b~[0-9a-f]{16}\.json$/);
  assert.equal(recordFile, `records/ab/${KEY}.json`);
  assert.deepEqual(more, []);
  assert.equal(
    await readFile(path.join(dir, recordFile), 'utf8'),
    `${JSON.stringify(record({ build: 'a/b' }))}\n`,
  );
  assert.equal(store.statDir, path.join(dir, 'stats'));
});

test('a record is read back under its key, and is nothing under another, of another version, damaged or dropped', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src');
  assert.equal(await store.readRecord(KEY), undefined);
  await store.dropRecord(KEY); // where there is none, nothing is to be done
  await store.writeRecord(record(), last());
  assert.deepEqual(await store.readRecord(KEY), record());
  assert.equal(await store.readRecord('ef'.repeat(32)), undefined);

  const file = path.join(dir, 'records/ab', `${KEY}.json`);
  for (const damaged of [
    JSON.stringify(record({ version: KEY_VERSION + 1 })),
    JSON.stringify(record({ key: 'ef'.repeat(32) })),
    JSON.stringify(record()).slice(0, -5),
    'null',
    '',
  ]) {
    await writeFile(file, damaged);
    assert.equal(await store.readRecord(KEY), undefined, damaged);
  }

  await store.writeRecord(record(), last());
  await store.dropRecord(KEY);
  assert.equal(await store.readRecord(KEY), undefined);
  assert.deepEqual(await store.readLast('app'), last(), 'the latest inputs stay, to compare with');
});

test('two checkouts share records and facts of images, and each has its own latest inputs', async (t) => {
  const dir = await makeTempDir(t);
  const one = new StateStore(dir, '/src/one');
  const other = new StateStore(dir, '/src/other');
  await one.writeRecord(record(), last());
  await one.writeImageFacts(DIGEST, 'linux/amd64', { env: [], onbuild: ['RUN x'] });
  assert.deepEqual(await other.readRecord(KEY), record());
  assert.deepEqual(await other.readImageFacts(DIGEST, 'linux/amd64'), { env: [], onbuild: ['RUN x'] });
  assert.equal(await other.readLast('app'), undefined);
  assert.equal(await one.readLast('ap'), undefined);

  const newer = last('ef'.repeat(32));
  assert.equal(await other.writeLast('app', newer), undefined);
  assert.deepEqual(await one.readLast('app'), last());
  assert.deepEqual(await new StateStore(dir, '/src/other').readLast('app'), newer);
});

test('what an image says is kept for each platform', async (t) => {
  const store = new StateStore(await makeTempDir(t), '/src');
  await store.writeImageFacts(DIGEST, 'linux/amd64', {
    env: ['A=1'],
    onbuild: [],
    platforms: ['linux/amd64'],
  });
  assert.equal(await store.readImageFacts(DIGEST, 'linux/arm64'), undefined);
  assert.equal(await store.readImageFacts(`sha256:${'ce'.repeat(32)}`, 'linux/amd64'), undefined);
  await store.writeImageFacts(DIGEST, 'linux/arm/v7', { env: ['A=7'], onbuild: [] });
  await store.writeImageFacts(DIGEST, 'linux/arm', { env: ['A=2'], onbuild: [] });
  assert.deepEqual((await store.readImageFacts(DIGEST, 'linux/amd64'))?.env, ['A=1']);
  assert.deepEqual((await store.readImageFacts(DIGEST, 'linux/arm/v7'))?.env, ['A=7']);
});

test('inputs that are the latest already are not written again; others, longer, shorter or damaged ones are', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src');
  assert.equal(await store.ensureLast('app', last()), undefined);
  assert.deepEqual(await store.readLast('app'), last());

  // Only the head of the file is read, so that a mark behind it shows whether the file was written again.
  const file = path.join(dir, (await filesBelow(dir))[0] ?? '');
  const marked = `${JSON.stringify({ version: 1, key: KEY, parts, mark: 1 })}\n`;
  await writeFile(file, marked);
  assert.equal(await store.ensureLast('app', last()), undefined);
  assert.equal(await readFile(file, 'utf8'), marked);

  const other = last('ef'.repeat(32));
  assert.equal(await store.ensureLast('app', other), undefined);
  assert.deepEqual(await store.readLast('app'), other);

  for (const damaged of ['', '{"key":"ef', `{"key":"${'ef'.repeat(31)}"}`, ` ${marked}`]) {
    await writeFile(file, damaged);
    assert.equal(await store.ensureLast('app', other), undefined);
    assert.deepEqual(await store.readLast('app'), other, damaged);
  }
});

test('reading the head of the latest inputs leaves no file open', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const store = new StateStore(await makeTempDir(t), '/src');
  await store.writeLast('app', last());
  const open = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  await store.ensureLast('app', last());
  const before = await open();
  for (let time = 0; time < 50; time++) await store.ensureLast('app', last());
  assert.ok((await open()) < before + 25, 'some other file may be open by chance, not fifty');
});

test('what cannot be written is a warning with the file and the reason, and no draft stays behind', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src');
  // A directory stands where the file shall come, so that the draft is written and its renaming fails.
  await mkdir(path.join(dir, 'records/ab', `${KEY}.json`, 'in-the-way'), { recursive: true });
  const written = await store.writeRecord(record(), last());
  assert.ok(!written.ok);
  const [first, more] = written.error;
  assert.equal(more, undefined);
  assert.equal(first?.code, 'state/not-written');
  assert.equal(first.severity, 'warning');
  assert.match(first.message, new RegExp(`records/ab/${KEY}\\.json\` \\((EISDIR|ENOTEMPTY|EEXIST)\\)$`));
  assert.match(first.hint ?? '', /BAKE_TS_HOME/);
  assert.deepEqual(await readdir(path.join(dir, 'records/ab')), [`${KEY}.json`]);
  assert.deepEqual(await store.readLast('app'), last(), 'the other file is written all the same');
});

test('both files of a record that cannot be written are reported', async (t) => {
  const dir = await makeTempDir(t);
  await rm(dir, { recursive: true });
  await writeFile(dir, 'no directory');
  const written = await new StateStore(dir, '/src').writeRecord(record(), last());
  assert.ok(!written.ok);
  assert.deepEqual(
    written.error.map(({ code, message }) => [code, /\((\w+)\)$/.exec(message)?.[1]]),
    [
      ['state/not-written', 'ENOTDIR'],
      ['state/not-written', 'ENOTDIR'],
    ],
  );
});

test('a run at the same time sees one of two records whole, never a mixture', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src');
  const long = record({ refs: Array.from({ length: 5000 }, (_, at) => `localhost:5000/app:${at}`) });
  await store.writeRecord(record(), last());
  const writes = Array.from({ length: 20 }, (_, at) =>
    store.writeRecord(at % 2 === 0 ? long : record(), last()),
  );
  for (let time = 0; time < 40; time++) {
    const seen = await store.readRecord(KEY);
    assert.ok(seen !== undefined && [1, 5000].includes(seen.refs.length));
  }
  for (const { ok } of await Promise.all(writes)) assert.ok(ok);
  assert.equal((await filesBelow(dir)).length, 2);
});

test('the texts of an image are read back for their build, and nothing where they are not there or damaged', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/project');
  assert.deepEqual(await store.readImage('a/b'), []);
  await store.writeImage('a/b', ['one', 'two']);
  assert.deepEqual(await store.readImage('a/b'), ['one', 'two']);
  assert.deepEqual(await store.readImage('a'), []);
  assert.deepEqual(await new StateStore(dir, '/other').readImage('a/b'), []);
  await store.writeImage('a/b', ['three']);
  assert.deepEqual(await store.readImage('a/b'), ['three']);
  const [file = '', ...others] = await filesBelow(dir);
  assert.deepEqual(others, []);
  for (const damaged of ['null', '{', '["x"]', '{"version":1,"texts":["x",1]}', '{"version":2,"texts":[]}']) {
    await writeFile(path.join(dir, file), damaged);
    assert.deepEqual(await store.readImage('a/b'), []);
  }
});

test('the key of the latest success is read from the head of its file', async (t) => {
  const store = new StateStore(await makeTempDir(t), '/project');
  assert.equal(await store.readLastKey('a'), undefined);
  await store.writeLast('a', last('f'.repeat(64)));
  assert.equal(await store.readLastKey('a'), 'f'.repeat(64));
  assert.equal(await store.readLastKey('b'), undefined);
});

test('everything is for its owner alone, and a directory that is open is closed', async (t) => {
  const above = await makeTempDir(t);
  const dir = path.join(above, 'a/state');
  const store = new StateStore(dir, '/src');
  await store.shut(); // where there is none, nothing is to be done
  await store.writeRecord(record(), last());
  await store.writeImage('app', ['x']);
  await store.writeImageFacts(DIGEST, 'linux/amd64', { env: [], onbuild: [] });
  const modeOf = async (file: string) => (await stat(file)).mode & 0o777;
  for (const file of await filesBelow(dir)) assert.equal(await modeOf(path.join(dir, file)), 0o600, file);
  for (const one of ['', 'records', 'records/ab', 'last'])
    assert.equal(await modeOf(path.join(dir, one)), 0o700);
  await chmod(dir, 0o755);
  await store.shut();
  assert.equal(await modeOf(dir), 0o700);
});

test('files that are not what they should be are counted once, and missing ones are not', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src');
  await store.readRecord(KEY);
  await store.readLast('app');
  await store.readImage('app');
  await store.readImageFacts(DIGEST, 'linux/amd64');
  assert.deepEqual(store.warnings(), []);
  await store.writeRecord(record(), last());
  await writeFile(path.join(dir, 'records/ab', `${KEY}.json`), '[]');
  await store.readRecord(KEY);
  await store.readRecord(KEY);
  const [one, ...others] = store.warnings();
  assert.deepEqual(others, []);
  assert.deepEqual([one?.code, one?.severity], ['state/strange', 'warning']);
  assert.equal(one?.message, `a file in \`${dir}\` cannot be read: unexpected content`);
  store.noteStrange('/x/stats/y.stat');
  assert.match(store.warnings()[0]?.message ?? '', /^2 files in /);
});

test('of a record, of the latest inputs and of the last result every field counts', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src');
  const platform = { platform: 'linux/amd64', digest: DIGEST, layers: DIGEST };
  const goodRecord = record({ sizeBytes: 5, platforms: [platform], local: true });
  const goodLast: LastInputs = {
    key: KEY,
    parts: {
      ...parts,
      files: { context: [{ path: 'a', kind: 'file', mode: 0o644, content: 'x' }] },
      args: { A: 'b' },
      sealed: true,
    },
    parents: { base: { ref: `h/r@${DIGEST}`, platforms: [platform] } },
  };
  const goodResult: LastResult = {
    digest: DIGEST,
    finishedAt: '2026-01-01T00:00:00.000Z',
    tags: ['h/r:1', 'h/r:2', 'h/r:3', 'h/r:4', 'h/r:5'],
    pushed: true,
    vouched: true,
    wrong: true,
  };
  await store.writeResult('app', goodResult);
  assert.deepEqual(await store.readResult('app'), goodResult);
  await store.writeRecord(goodRecord, goodLast);
  assert.deepEqual(await store.readRecord(KEY), goodRecord);
  assert.deepEqual(await store.readLast('app'), goodLast);
  for (const [file, read] of [
    [`records/ab/${KEY}.json`, () => store.readRecord(KEY)],
    [(await filesBelow(dir)).find((one) => one.startsWith('last/')) ?? '', () => store.readLast('app')],
    [(await filesBelow(dir)).find((one) => one.startsWith('results/')) ?? '', () => store.readResult('app')],
  ] as const) {
    const text = await readFile(path.join(dir, file), 'utf8');
    const places = placesIn(JSON.parse(text));
    assert.ok(places.length > 10);
    for (const place of places) {
      const value: unknown = JSON.parse(text);
      setAt(value, place, Symbol.for('odd'));
      await writeFile(
        path.join(dir, file),
        JSON.stringify(value, (_, one) => (typeof one === 'symbol' ? [0] : one)),
      );
      assert.equal(await read(), undefined, `${file} ${place.join('.')}`);
    }
    await writeFile(path.join(dir, file), text);
    assert.ok((await read()) !== undefined);
  }
});

test('where the last result cannot be written, no earlier one passes for it', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src');
  const result: LastResult = { digest: DIGEST, finishedAt: '2026-01-01T00:00:00.000Z', tags: [] };
  await store.writeResult('app', result);
  const [file = ''] = await filesBelow(dir);
  await rm(path.join(dir, file));
  await mkdir(path.join(dir, file, 'in-the-way'), { recursive: true });
  await store.writeResult('app', { ...result, pushed: true });
  assert.deepEqual([await filesBelow(dir), store.warnings()], [[], []]);
  await store.writeResult('app', result);
  assert.deepEqual(await store.readResult('app'), result);
});

test('what was found wrong and cannot be removed is said', async (t) => {
  const dir = await makeTempDir(t);
  const store = new StateStore(dir, '/src');
  await mkdir(path.join(dir, 'records'), { recursive: true });
  await writeFile(path.join(dir, 'records/ab'), 'in the place of a directory');
  await store.dropRecord(KEY);
  assert.deepEqual(
    store.warnings().map(({ code, message }) => [code, / \((\w+)\)$/.exec(message)?.[1]]),
    [['state/not-written', 'ENOTDIR']],
  );
});

/** Ways to everything in a JSON value. */
function placesIn(value: unknown, way: readonly string[] = []): readonly (readonly string[])[] {
  const own = way.length === 0 ? [] : [way];
  if (typeof value !== 'object' || value === null) return own;
  return [...own, ...Object.entries(value).flatMap(([key, one]) => placesIn(one, [...way, key]))];
}

function setAt(value: unknown, way: readonly string[], to: unknown): void {
  const [key = '', ...rest] = way;
  const map = value as Record<string, unknown>;
  if (rest.length === 0) map[key] = to;
  else setAt(map[key], rest, to);
}
