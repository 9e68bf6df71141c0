/**
 * The engine takes a file for the one that it was sent under the same name before, if path, size, mode and time are the
 * same. Whatever the state of disks, no image gets another file's bytes by that.
 */
import assert from 'node:assert/strict';
import { chmod, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { readLayerEntries } from '../rig/fake-tar.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { seededRandom } from '../rig/random.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const OLD = new Date(1_700_000_000_000);
/** Until times of change differ; Deno gives them in seconds. */
const settle = () => delay('Deno' in globalThis ? 1_100 : 30);
const DOCKERFILE = 'FROM scratch\nCOPY . /\n';

const setOf = (host: string, more = '') =>
  `builds:\n  app: { context: app, dockerfile: ../Dockerfile, tags: ["${host}/app:1"], push: true${more} }\n`;

function makeWorld(t: Cleanup, more = ''): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': setOf(host, more),
    Dockerfile: DOCKERFILE,
    'app/file': 'AAAA\n',
  }));
}

/** Writes a file as one of an age long past, as restored caches, archives and normalised checkouts have them. */
async function writeOld(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  await utimes(file, OLD, OLD);
}

/** What the image of a tag holds: path → text. */
function pushed({ registry: { store } }: FakeWorld, repository = 'app'): Readonly<Record<string, string>> {
  const manifest = store.manifest(repository, '1');
  assert(manifest !== undefined, 'nothing was pushed');
  const { layers } = JSON.parse(manifest.bytes.toString()) as {
    readonly layers: readonly { readonly digest: string }[];
  };
  return Object.fromEntries(
    layers.flatMap(({ digest }) =>
      readLayerEntries(store.blob(repository, digest) ?? Buffer.alloc(0)).flatMap(
        ({ path: file, content }) => (content === undefined ? [] : [[file, content.toString()]]),
      ),
    ),
  );
}

const built = (baked: Baked) => {
  assertOk(baked);
  assert.equal(baked.outcome('app').kind, 'built');
};

test('another home on the same engine, and a lost one, get the bytes of their own files', async (t) => {
  const world = await makeWorld(t);
  const file = path.join(world.dir, 'app/file');
  await writeOld(file, 'AAAA\n');
  built(await world.bake());
  await writeOld(file, 'BBBB\n');
  built(await world.bake({ home: await makeTempDir(t) }));
  assert.equal(pushed(world)['file'], 'BBBB\n');
  await writeOld(file, 'CCCC\n');
  await rm(world.home, { recursive: true });
  built(await world.bake());
  assert.equal(pushed(world)['file'], 'CCCC\n');
});

test('another checkout at another time, with the same times, gets its own', async (t) => {
  const world = await makeWorld(t);
  await writeOld(path.join(world.dir, 'app/file'), 'AAAA\n');
  built(await world.bake());
  const other = await makeTempDir(t, 'checkout-');
  await writeTree(other, {
    'builds.yaml': setOf(world.registry.host),
    Dockerfile: DOCKERFILE,
    'app/file': '',
  });
  await writeOld(path.join(other, 'app/file'), 'BBBB\n');
  built(await world.bake({ dir: other, home: await makeTempDir(t) }));
  assert.equal(pushed(world)['file'], 'BBBB\n');
});

test('a file that is edited in place with its time kept, and one that takes its place', async (t) => {
  const world = await makeWorld(t);
  const file = path.join(world.dir, 'app/file');
  await writeOld(file, 'AAAA\n');
  built(await world.bake());
  await writeOld(file, 'BBBB\n');
  built(await world.bake());
  assert.equal(pushed(world)['file'], 'BBBB\n');
  await writeOld(`${world.dir}/new`, 'CCCC\n');
  await rename(`${world.dir}/new`, file);
  built(await world.bake());
  assert.equal(pushed(world)['file'], 'CCCC\n');
});

test('directories that change places, with files of the same size and time', async (t) => {
  const world = await makeWorld(t);
  const dir = (name: string) => path.join(world.dir, 'app', name);
  await mkdir(dir('p'));
  await mkdir(dir('q'));
  await Promise.all([writeOld(`${dir('p')}/f`, 'PPPP\n'), writeOld(`${dir('q')}/f`, 'QQQQ\n')]);
  built(await world.bake());
  await rename(dir('p'), dir('x'));
  await rename(dir('q'), dir('p'));
  await rename(dir('x'), dir('q'));
  built(await world.bake());
  assert.deepEqual([pushed(world)['p/f'], pushed(world)['q/f']], ['QQQQ\n', 'PPPP\n']);
});

test('what was edited while it was sent, and edited back with its time kept, is sent again', async (t) => {
  const world = await makeWorld(t);
  const file = path.join(world.dir, 'app/file');
  await writeOld(file, 'AAAA\n');
  await settle();
  world.engine.fault({ at: 'start', times: 1, act: () => writeOld(file, 'XXXX\n') });
  world.engine.fault({ at: 'sent', times: 1, act: () => writeOld(file, 'AAAA\n') });
  const first = await world.bake();
  assertOk(first);
  assert.deepEqual(codesOf(first), ['warning run/changed-while-building of app']);
  assert.equal(pushed(world)['file'], 'XXXX\n', 'the edit came too late: this shows nothing');
  built(await world.bake());
  assert.equal(pushed(world)['file'], 'AAAA\n');
});

test('what nobody touched is not sent again, for another build with the same files either', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': `builds:\n${['a', 'b'].map((name) => `  ${name}: { context: app, dockerfile: ../${name}, tags: ["${host}/${name}:1"], push: true }\n`).join('')}`,
    a: DOCKERFILE,
    b: `${DOCKERFILE}LABEL b=b\n`,
    'app/file': 'AAAA\n',
  }));
  await settle();
  assertOk(await world.bake());
  const { names } = world.engine.locals;
  assert.equal(names.length, 1);
  await world.write({ b: `${DOCKERFILE}LABEL b=c\n` });
  assertOk(await world.bake());
  assert.deepEqual(world.engine.locals.names, names);
});

test('of a build whose inputs cannot be known everything is sent each time', async (t) => {
  const world = await makeWorld(t);
  await world.write({ Dockerfile: '# syntax=somebody/else:1\nFROM scratch\nCOPY . /\n' });
  const file = path.join(world.dir, 'app/file');
  for (const text of ['AAAA\n', 'BBBB\n']) {
    await writeOld(file, text);
    built(await world.bake());
    assert.equal(pushed(world)['file'], text);
  }
  assert.equal(new Set(world.engine.locals.names).size, 2);
});

test('a frontend that knows no names gets a copy of the context of which everything is sent', async (t) => {
  const world = await makeWorld(t);
  world.engine.isOld = true;
  const app = path.join(world.dir, 'app');
  await mkdir(path.join(app, 'sub/deep'), { recursive: true });
  await mkdir(path.join(app, 'empty'));
  await chmod(path.join(app, 'sub'), 0o711);
  await writeFile(path.join(app, 'run'), '#!\n', { mode: 0o755 });
  for (const text of ['AAAA\n', 'BBBB\n', 'CCCC\n']) {
    await Promise.all([writeOld(path.join(app, 'file'), text), writeOld(path.join(app, 'sub/deep/f'), text)]);
    const baked = await world.bake();
    built(baked);
    const retries = baked.events.flatMap((event) => (event.type === 'retry' ? [event.why] : []));
    assert.deepEqual(retries, ['the engine or the frontend does not support names of local sources']);
    assert.deepEqual(pushed(world), { file: text, run: '#!\n', 'sub/deep/f': text });
  }
  // The same image as with names.
  const { digest } = (await world.bake()).outcome('app');
  world.engine.isOld = false;
  assert.equal((await world.bake({ force: true })).outcome('app').digest, digest);
});

test('any edits, with times that are kept or not, on one engine and with two memories', async (t) => {
  const world = await makeWorld(t);
  const random = seededRandom(20);
  const homes = [world.home, await makeTempDir(t, 'second-home-')];
  const files = ['file', 'd/one', 'd/two', 'e/one'];
  await mkdir(path.join(world.dir, 'app/d'));
  await mkdir(path.join(world.dir, 'app/e'));
  const held = new Map([['file', 'AAAA\n']]);
  const chance = (percent: number) => random.below(100) < percent;
  for (let round = 0; round < 60; round++) {
    for (let edits = 0; edits <= round % 3; edits++) {
      const name = random.pick(files);
      const text = random.pick(['AAAA\n', 'BBBB\n', 'CCCC\n']);
      const file = path.join(world.dir, 'app', name);
      if (chance(70)) await writeOld(file, text);
      else await writeFile(file, text);
      held.set(name, text);
    }
    if (chance(20)) {
      const [one, other] = ['d', 'e'].map((name) => path.join(world.dir, 'app', name)) as [string, string];
      await rename(one, `${one}x`);
      await rename(other, one);
      await rename(`${one}x`, other);
      const moved = [...held].map(([name, text]): [string, string] => [
        name.replace(/^[de]\//, (dir) => (dir === 'd/' ? 'e/' : 'd/')),
        text,
      ]);
      held.clear();
      for (const [name, text] of moved) held.set(name, text);
    }
    if (chance(15)) await rm(path.join(random.pick(homes), 'state'), { recursive: true, force: true });
    assertOk(await world.bake({ home: random.pick(homes), force: chance(30) }));
    assert.deepEqual(pushed(world), Object.fromEntries(held), `round ${round}`);
  }
});
