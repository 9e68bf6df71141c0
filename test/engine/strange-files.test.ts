/** Files of the engine's state that hold something else than they should: they count as not there. */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readDaemon } from '../../lib/engine/daemon.ts';
import { formatManifest, manifestFile } from '../../lib/engine/installation.ts';
import { enginePaths, readInstallation } from '../../lib/engine/mod.ts';
import { mergeRegistries } from '../../lib/engine/registries.ts';
import { makeTempDir } from '../rig/temp.ts';

const STRANGE = [
  '',
  'null',
  '[]',
  '"x"',
  '7',
  '{}',
  '[null]',
  '{"format":1,"parts":[null]}',
  '{"format":2,"parts":[]}',
];

test('a manifest, a pid file and settings of registries are taken as they should be or not at all', async (t) => {
  const home = await makeTempDir(t);
  const paths = enginePaths({ HOME: home, BAKE_TS_HOME: home, XDG_RUNTIME_DIR: path.join(home, 'run') });
  const version = path.join(paths.versionsDir, 'v');
  await mkdir(version, { recursive: true });
  await symlink(version, paths.currentLink);
  for (const dir of [paths.runtimeDir, paths.stateDir]) await mkdir(dir, { recursive: true });
  const settings = path.join(paths.stateDir, 'registries.json');
  for (const text of [...STRANGE, '{"h:1":null,"i:1":{"mirrors":5},"j:1":{"ca":{}},"k:1":[]}']) {
    await writeFile(manifestFile(version), text);
    assert.equal(await readInstallation(paths), undefined, text);
    await writeFile(settings, text);
    assert.deepEqual([...(await mergeRegistries(paths, new Map()))], [], text);
    assert.equal(await readDaemon(paths, 'buildkitd'), undefined);
  }
  const part = { part: 'runc', package: 'runc', version: '1', source: 'path', origin: 'x' } as const;
  await writeFile(manifestFile(version), formatManifest([part], '2026-01-01T00:00:00Z'));
  assert.equal((await readInstallation(paths))?.id, 'v');
  await writeFile(settings, '{"h:1":{"http":true,"mirrors":["m"]}}');
  assert.deepEqual([...(await mergeRegistries(paths, new Map()))], [['h:1', { http: true, mirrors: ['m'] }]]);
});
