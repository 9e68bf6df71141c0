/** Whose an engine's folders are: nothing of somebody else's is used, believed or removed. */
import assert from 'node:assert/strict';
import { chown, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import {
  downEngine,
  enginePaths,
  engineStatus,
  findEngine,
  removeEngine,
  upEngine,
} from '../../lib/engine/mod.ts';
import { checkOwnership } from '../../lib/engine/ownership.ts';
import { makeTempDir } from '../rig/temp.ts';

const options = { skip: process.platform === 'linux' ? false : 'for Linux' };

/** A home whose state belongs to somebody else: made so by root, or by a link to what is root's. */
async function makeForeign(t: TestContext): Promise<Record<string, string>> {
  const home = await makeTempDir(t);
  const state = path.join(home, 'engine-state');
  if (process.getuid?.() === 0) {
    await mkdir(state);
    await chown(state, 1234, 1234);
  } else await symlink('/usr', state);
  return { BAKE_TS_HOME: home, HOME: home, PATH: process.env['PATH'] ?? '' };
}

test('the state of another user is refused by each command', options, async (t) => {
  const env = await makeForeign(t);
  for (const call of [upEngine, downEngine, removeEngine]) {
    const refused = await call({ env });
    assert(!refused.ok, call.name);
    // Whoever runs this on a machine that no engine can run on hears of that first.
    assert(refused.error.some(({ code }) => code === 'engine/other-user') || call === upEngine, call.name);
  }
  const found = await findEngine({ env, autoStart: true, wellKnownSockets: [] });
  assert(!found.ok);
  assert.equal(found.error[0]?.code, 'engine/other-user');
  assert.match(
    found.error[0]?.message ?? '',
    /belongs to (?:root|user 1234), and you are (?:root|user \d+)$/,
  );
});

test('a runtime directory that is a link is neither believed nor cleared', options, async (t) => {
  const home = await makeTempDir(t);
  const env = { BAKE_TS_HOME: home, HOME: home, PATH: process.env['PATH'] ?? '' };
  const paths = enginePaths(env);
  const victim = await makeTempDir(t);
  await mkdir(path.join(victim, 'containerd'));
  await writeFile(path.join(victim, 'containerd/precious'), '');
  const bait = { pid: process.pid, startTicks: 1, bootId: 'x', name: 'buildkitd' };
  const texts = { file: '/x', version: '1', address: '/x', logFile: '/x', startedAt: 'now' };
  await writeFile(path.join(victim, 'buildkitd.pid.json'), JSON.stringify({ ...bait, ...texts }));
  await mkdir(paths.stateDir);
  await symlink(victim, paths.runtimeDir);
  assert.equal((await checkOwnership(paths))?.code, 'engine/unsafe-directory');
  for (const call of [downEngine, removeEngine]) {
    const refused = await call({ env });
    assert.equal(refused.ok ? '' : refused.error[0]?.code, 'engine/unsafe-directory', call.name);
  }
  assert.deepEqual((await engineStatus({ env })).daemons, []);
  assert.deepEqual(await readdir(victim, { recursive: true }), [
    'buildkitd.pid.json',
    'containerd',
    'containerd/precious',
  ]);
});

test('a state that is a link to another disk is used, but not removed', options, async (t) => {
  const home = await makeTempDir(t);
  const env = { BAKE_TS_HOME: home, HOME: home, PATH: process.env['PATH'] ?? '' };
  const disk = await makeTempDir(t);
  await writeFile(path.join(disk, 'precious'), '');
  const paths = enginePaths(env);
  await symlink(disk, paths.stateDir);
  assert.equal(await checkOwnership(paths), undefined);
  const refused = await removeEngine({ env });
  assert(!refused.ok);
  assert.equal(refused.error[0]?.code, 'engine/cannot-remove');
  assert((await readdir(disk)).includes('precious'));
});
