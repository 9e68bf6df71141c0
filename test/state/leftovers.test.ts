/** What is remembered of builds is found again under their names, also of those that cannot be names of files. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { forgetBuild, listKnownBuilds, listResults, projectName, StateStore } from '../../lib/state/mod.ts';
import { makeTempDir } from '../rig/temp.ts';

const DIGEST = `sha256:${'0f'.repeat(32)}` as const;
const NAMES = ['app', 'App', 'api-3.13', 'con', 'a b/c'];

test('builds are found by their names, and one that nobody names is none', async (t) => {
  const dir = await makeTempDir(t);
  const root = path.join(dir, 'checkout');
  const project = projectName(root);
  const store = new StateStore(dir, root);
  for (const name of NAMES)
    await store.writeResult(name, {
      digest: DIGEST,
      finishedAt: '2026-01-01T00:00:00.000Z',
      tags: [`r.example.com/${name.length}:1`],
    });
  assert.deepEqual(await listKnownBuilds(dir, project, NAMES), NAMES.toSorted());
  assert.deepEqual([...(await listResults(dir, project, NAMES)).keys()].sort(), NAMES.toSorted());
  // A build whose name nobody knows is not taken for another one, and its tags still count.
  assert.deepEqual(await listKnownBuilds(dir, project, []), ['api-3.13', 'app']);
  assert.equal((await listResults(dir, project, [])).size, NAMES.length);
  await forgetBuild(dir, project, 'App');
  assert.deepEqual(
    await listKnownBuilds(dir, project, NAMES),
    NAMES.filter((name) => name !== 'App').toSorted(),
  );
});
