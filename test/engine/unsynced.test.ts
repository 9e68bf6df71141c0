/** The database that does not wait for the disk: when, what is believed of it, and what is dropped. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { enginePaths } from '../../lib/engine/paths.ts';
import { isUnsynced, prepareDatabase, settleDatabase } from '../../lib/engine/unsynced.ts';
import { isCi } from '../../lib/util/is-ci.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const DATABASE = 'engine-state/containerd/io.containerd.metadata.v1.bolt/meta.db';
const NOTE = 'engine-state/unsynced.json';

async function setUp(t: Cleanup, tree: Readonly<Record<string, string>> = {}) {
  const home = await makeTempDir(t);
  await writeTree(home, {
    [DATABASE]: 'pages',
    'engine-state/buildkit/cache.db': 'pages',
    'engine-state/logs/containerd.log': 'lines',
    ...tree,
  });
  const paths = enginePaths({ BAKE_TS_HOME: home });
  const prepare = async (ci: string | undefined, version = '2.4.2') => {
    const prepared = await prepareDatabase(paths, version, { env: { BAKE_TS_HOME: home, CI: ci } });
    assert(prepared.ok, JSON.stringify(prepared));
    return prepared.value;
  };
  const has = (file: string) => existsSync(path.join(home, file));
  return { home, paths, prepare, has };
}

test('CI is what its systems say', () => {
  for (const value of ['true', '1', 'yes']) assert.equal(isCi({ CI: value }), true, value);
  for (const value of ['', 'false', undefined]) assert.equal(isCi({ CI: value }), false, String(value));
});

test('the disk is waited for but in CI, and but where containerd can do without', async (t) => {
  const { paths, prepare } = await setUp(t);
  for (const [ci, version, expected] of [
    [undefined, '2.4.2', false],
    ['false', '2.4.2', false],
    ['true', '1.7.20', false],
    ['true', '2.4.2', true],
    [undefined, '2.4.2', false],
  ] as const) {
    assert.equal(await prepare(ci, version), undefined);
    assert.equal(await isUnsynced(paths), expected, `CI=${ci}, containerd ${version}`);
  }
});

test('what this boot has in memory is kept, and settled it is as good as any', async (t) => {
  const { paths, prepare, has } = await setUp(t);
  await prepare('true');
  assert.equal(await prepare('true'), undefined);
  assert(has(DATABASE) && has(NOTE));
  await settleDatabase(paths);
  assert(has(DATABASE) && !has(NOTE));
  await settleDatabase(paths);
  assert.equal(await isUnsynced(paths), false);
});

for (const [what, note] of [
  ['another boot', '{"bootId":"00000000-0000-0000-0000-000000000000"}'],
  ['no boot that can be read', '{"bootId":'],
] as const)
  test(`what a machine that went down had not written is dropped: a note of ${what}`, async (t) => {
    const { home, prepare, has } = await setUp(t, { [NOTE]: note });
    const warning = await prepare(undefined);
    assert.equal(warning?.code, 'engine/state-dropped');
    assert.equal(warning?.severity, 'warning');
    assert(!has('engine-state/containerd') && !has('engine-state/buildkit') && !has(NOTE));
    assert.equal(await readFile(path.join(home, 'engine-state/logs/containerd.log'), 'utf8'), 'lines');
    assert.equal(await prepare(undefined), undefined);
  });

test('without a note the state is believed, whatever boot it is of', async (t) => {
  const { prepare, has } = await setUp(t);
  assert.equal(await prepare(undefined), undefined);
  assert(has(DATABASE) && has('engine-state/buildkit/cache.db'));
});
