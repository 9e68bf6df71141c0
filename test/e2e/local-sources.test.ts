/**
 * With the real engine: files of the same path, size, mode and time that hold other bytes, with a memory that is lost, of
 * somebody else, or right; and contexts that take turns.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { unpackImage } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace } from './support.ts';

const OLD = new Date(1_700_000_000_000);
const options = { skip: realEngine.skip, timeout: 120_000 };

test('the image holds the file that is there, whoever sent another one before', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    'builds.yaml': `builds:\n  app: { context: app, tags: ["${registry.host}/app:1"], push: true }\n`,
    'app/Dockerfile': 'FROM scratch\nCOPY file /file\n',
    'app/file': '',
  });
  const file = path.join(work.dir, 'app/file');
  const other = await makeTempDir(t, 'other-home-');
  const homes = [work.home, other, work.home, other, work.home];
  for (const [round, home] of homes.entries()) {
    const text = `${randomBytes(8).toString('hex')}\n`;
    await writeFile(file, text);
    await utimes(file, OLD, OLD);
    if (round === 2) await rm(path.join(work.home, 'state'), { recursive: true, force: true });
    const baked = await work.bake({ env: { BAKE_TS_HOME: home } });
    assertOk(baked);
    assert.equal(baked.outcome('app').kind, 'built');
    const unpacked = await makeTempDir(t, 'image-');
    await unpackImage(`${registry.host}/app:1`, unpacked);
    assert.equal(await readFile(path.join(unpacked, 'file'), 'utf8'), text, `round ${round}`);
  }
});

test('contexts that take turns are sent once', options, async (t) => {
  const MB = 1_000_000;
  const registry = await startTestRegistry(t);
  const labelled = (label: string) => `FROM scratch\nLABEL label=${label}\nCOPY . /\n`;
  const build = (name: string) =>
    `  ${name}: { context: ${name}/files, dockerfile: ../Dockerfile, tags: ["${registry.host}/${name}:1"], push: true }\n`;
  const work = await makeWorkspace(t, {
    'builds.yaml': `builds:\n${build('a')}${build('b')}`,
    'a/Dockerfile': labelled('one'),
    'b/Dockerfile': labelled('one'),
    'a/files/data': { content: new Uint8Array(randomBytes(5 * MB)) },
    'b/files/data': { content: new Uint8Array(randomBytes(5 * MB)) },
  });
  const sentIn = async () => {
    const baked = await work.bake();
    assertOk(baked);
    assert.deepEqual(Object.values(baked.kinds), ['built', 'built']);
    const most = new Map<string, number>();
    for (const event of baked.events)
      if (event.type === 'transfer' && event.id.startsWith('transferring') && event.id.includes('-context'))
        most.set(event.build, Math.max(most.get(event.build) ?? 0, event.current));
    return [...most.values()].reduce((sum, one) => sum + one, 0);
  };
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  assert((await sentIn()) >= 10 * MB);
  await work.write({ 'a/Dockerfile': labelled('two'), 'b/Dockerfile': labelled('two') });
  const again = await sentIn();
  assert(again < MB / 10, `${again} bytes were sent again`);
});
