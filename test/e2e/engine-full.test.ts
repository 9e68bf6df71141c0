/** An engine whose disk is full: what each command says of it, and the way out. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fillDisk, makeSmallDisk, smallDiskSkip } from '../rig/full-disk.ts';
import { makeOwnEngine } from '../rig/own-engine.ts';
import { realEngine } from '../rig/real-engine.ts';
import { type Cleanup, makeTree } from '../rig/temp.ts';

const MIB = 1024 ** 2;
/** As much as a first start wants, and what the builds of this test take. */
const DISK = 640 * MIB;

/** Cleans up last first: the disk goes when its engine is gone. */
function lastFirst(t: Cleanup): Cleanup {
  const open: (() => unknown)[] = [];
  t.after(async () => {
    for (const clean of open.reverse()) await clean();
  });
  return {
    after: (clean) => {
      open.push(clean);
    },
  };
}

test('an engine whose disk is full says so, is pruned, and builds again; one that is down comes up for it', {
  skip: realEngine.skip || smallDiskSkip,
  timeout: 300_000,
}, async (t) => {
  const cleanup = lastFirst(t);
  const disk = await makeSmallDisk(cleanup, DISK);
  assert(disk !== undefined, 'no disk can be mounted');
  const engine = await makeOwnEngine(cleanup, path.join(disk, 'home'));
  await engine.up();
  const cwd = await makeTree(cleanup, {
    'builds.yaml': 'builds: { app: { context: ., tags: [local/app:1] } }\n',
    Dockerfile: 'FROM scratch\nCOPY big /\n',
  });
  const at = { cwd };
  const change = () => writeFile(path.join(cwd, 'big'), randomFillSync(new Uint8Array(30 * MIB)));
  const free = async () => {
    const { bavail, bsize } = await statfs(disk);
    return bavail * bsize;
  };
  /** Until next to nothing is left. */
  const fill = async () => {
    await fillDisk(disk, 20 * MIB);
    await change();
    const failed = await engine.run(['run'], at);
    assert.equal(failed.exitCode, 5, failed.stderr);
    assert.match(failed.stderr, /error\[engine\/disk-full\]/);
    assert.match(failed.stderr, /bake-ts engine prune/);
    // What was sent for the build is let go of in the meantime.
    for (const name of ['rest', 'more', 'most'])
      await writeFile(path.join(disk, name), Buffer.alloc(await free()));
  };
  const expectRun = async () => {
    const done = await engine.run(['run'], at);
    assert.equal(done.exitCode, 0, done.stderr);
  };
  await change();
  await expectRun();
  await change();
  await expectRun();

  await fill();
  const du = await engine.run(['engine', 'du'], at);
  // It asks BuildKit to write down sizes, for which there may be room in its database yet.
  if (du.exitCode === 0) assert.match(du.stdout, /^app +\d/m);
  else assert.match(`${du.exitCode} ${du.stderr}`, /^5 error\[engine\/disk-full\]/);
  const up = await engine.run(['engine', 'up'], at);
  assert.equal(up.exitCode, 0, up.stderr);
  assert.match(up.stderr, /warning\[engine\/disk-full\].*only \d+ MiB are free/);
  const pruned = await engine.run(['engine', 'prune', '--keep', '1MB'], at);
  assert.equal(pruned.exitCode, 0, pruned.stderr);
  assert.match(pruned.stdout, /^deleted \d+(?:\.\d)? MB of the cache/);
  assert.ok((await free()) > 60 * MIB, String(await free()));
  await change();
  // The room that was laid by is in use now, and there is less than an engine wants to lay it by again.
  await expectRun();

  // Down, full to the last byte, and up again.
  const all = await engine.run(['engine', 'prune', '--all', '--yes'], at);
  assert.equal(all.exitCode, 0, all.stderr);
  assert.equal((await engine.run(['engine', 'down'], at)).exitCode, 0);
  await fillDisk(disk);
  await writeFile(path.join(disk, 'rest'), Buffer.alloc(await free()));
  const again = await engine.run(['engine', 'up'], at);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.match(again.stderr, /warning\[engine\/disk-full\]/);
  assert.equal((await engine.run(['engine', 'down'], at)).exitCode, 0);
  // With nothing laid by it cannot.
  await rm(path.join(engine.home, 'engine-state/reserve'));
  await writeFile(path.join(disk, 'last'), Buffer.alloc(await free()));
  const refused = await engine.run(['engine', 'up'], at);
  assert.equal(refused.exitCode, 5);
  assert.match(refused.stderr, /error\[engine\/disk-full\]/);
});
