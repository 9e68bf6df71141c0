/** No room for what buildctl itself writes beside us: its words are not those of a full disk of the engine. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { codesOf } from '../rig/baking.ts';
import { fillDisk, makeSmallDisk, smallDiskSkip } from '../rig/full-disk.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { useTempDir } from '../rig/temp.ts';
import { makeWorkspace } from './support.ts';

const PAGE = 4096;

test('a disk for temporary files that is full when buildctl says what it made', {
  skip: realEngine.skip || smallDiskSkip,
  timeout: 120_000,
}, async (t) => {
  const disk = await makeSmallDisk(t, 64 * PAGE);
  if (disk === undefined) return t.skip('no disk can be mounted');
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    'builds.yaml': `builds: { a: { context: ., tags: ["${host}/full/a:1"], push: true } }\n`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'x',
  });
  useTempDir(t, disk);
  // The note of the owner takes a page.
  await fillDisk(disk, PAGE);
  const baked = await work.bake({ env: { TMPDIR: disk } });
  assert.deepEqual(codesOf(baked), ['run/no-temp of a'], JSON.stringify(baked.outcome('a')));
  assert.deepEqual(await readdir(disk), ['filler']);
});
