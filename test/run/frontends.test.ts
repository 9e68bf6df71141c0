/** Frontends and raw options in whole runs: what is known is skipped, and nothing else is. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { assertOk, type Baked } from '../rig/baking.ts';
import { type FakeWorld, makeFakeWorld, prepareIn } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
/** Of an image that nobody has to be asked for. */
const LOCK = JSON.stringify({ version: 1, images: { 'docker/dockerfile:1': DIGEST } });

function makeWorld(
  t: Cleanup,
  settings: string,
  more: Readonly<Record<string, string>> = {},
): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': yamlOf(host, settings),
    'builds.lock': LOCK,
    'app/Dockerfile': 'FROM scratch\nCOPY file /file\n',
    'app/file': 'A\n',
    ...more,
  }));
}

const yamlOf = (host: string, settings: string) =>
  `builds:\n  app: { context: app, tags: ["${host}/app:1"], push: true, ${settings} }\n`;

const change = (world: FakeWorld, settings: string) =>
  world.write({ 'builds.yaml': yamlOf(world.registry.host, settings) });

const kindOf = async (world: FakeWorld): Promise<Baked['kinds'][string] | undefined> => {
  const baked = await world.bake();
  assertOk(baked);
  return baked.kinds['app'];
};

const lastArgv = ({ engine }: FakeWorld) => engine.builds.at(-1)?.join(' ') ?? '';

test("Docker's frontend is known by `source`, and counts with its digest", async (t) => {
  const settings = 'frontend: gateway.v0, source: "docker/dockerfile:1"';
  const world = await makeWorld(t, settings);
  assert.equal(await kindOf(world), 'built');
  assert(
    lastArgv(world).includes(`--frontend gateway.v0 --opt source=docker.io/docker/dockerfile:1@${DIGEST}`),
    lastArgv(world),
  );
  assert.equal(await kindOf(world), 'unchanged');
  await world.write({ 'builds.lock': LOCK.replaceAll('a'.repeat(64), 'b'.repeat(64)) });
  assert.equal(await kindOf(world), 'built', 'another digest');
  assert.equal(await kindOf(world), 'unchanged');
  await change(world, 'target: ""');
  assert.equal(await kindOf(world), 'built', 'no frontend');
});

test('any other frontend, or a named context in the place of a known one, is called each time', async (t) => {
  const replaced = 'contexts: { "docker/dockerfile:1": "docker-image://docker/dockerfile:1" }';
  for (const settings of [
    `frontend: gateway.v0, source: "x.example/fe@${DIGEST}"`,
    `frontend: gateway.v0, source: "docker/dockerfile:1", ${replaced}`,
    `dockerfile: Dockerfile.syntax, ${replaced}`,
  ]) {
    const world = await makeWorld(t, settings, {
      'app/Dockerfile.syntax': '# syntax=docker/dockerfile:1\nFROM scratch\nCOPY file /file\n',
    });
    assert.deepEqual([await kindOf(world), await kindOf(world)], ['built', 'built'], settings);
  }
  const world = await makeWorld(t, 'dockerfile: Dockerfile.syntax', {
    'app/Dockerfile.syntax': '# syntax=docker/dockerfile:1\nFROM scratch\nCOPY file /file\n',
  });
  assert.deepEqual([await kindOf(world), await kindOf(world)], ['built', 'unchanged']);
});

test('harmless opts are a part of the key; with others a build is called each time', async (t) => {
  const world = await makeWorld(t, 'opts: { hostname: one }');
  assert.deepEqual([await kindOf(world), await kindOf(world)], ['built', 'unchanged']);
  await change(world, 'opts: { hostname: two }');
  assert.deepEqual([await kindOf(world), await kindOf(world)], ['built', 'unchanged']);
  await change(world, 'opts: { contextsubdir: sub }');
  const baked = await world.bake();
  assertOk(baked);
  const decided = baked.events.find((event) => event.type === 'node-decided');
  assert.match(JSON.stringify(decided), /opts\.contextsubdir may change which files are read/);
  assert.equal(await kindOf(world), 'built');
});

test('with an opt that is not known, a named context that nothing seems to read is built and given', async (t) => {
  const settings = 'contexts: { other: "build:other" }';
  const world = await makeWorld(t, settings, { 'other/Dockerfile': 'FROM scratch\n' });
  const yaml = (more: string) =>
    `${yamlOf(world.registry.host, settings + more)}  other: { context: other }\n`;
  await world.write({ 'builds.yaml': yaml('') });
  assert.deepEqual(Object.keys((await world.bake({ builds: ['app'] })).kinds), ['app']);
  await world.write({ 'builds.yaml': yaml(', opts: { from-the-future: x }') });
  assert.deepEqual(Object.keys((await world.bake({ builds: ['app'] })).kinds), ['other', 'app']);
  assert.match(lastArgv(world), /context:other=docker-image:/);
});

test('a frontend of its own needs no Dockerfile; a file that is named must be there', async (t) => {
  const world = await makeWorld(t, '');
  const missing = async (settings: string) => {
    await change(world, settings);
    return (await prepareIn(world)).missing.map(({ code }) => code);
  };
  await world.write({ 'app/recipe': 'no words of a Dockerfile\n' });
  const gateway = 'frontend: gateway.v0, source: "x.example/fe:1"';
  assert.deepEqual(await missing(`${gateway}, dockerfile: recipe`), []);
  assert.deepEqual(await missing('dockerfile: recipe'), ['dockerfile/unknown-instruction']);
  assert.deepEqual(await missing(`${gateway}, dockerfile: gone`), ['dockerfile/missing']);
  await rm(path.join(world.dir, 'app/Dockerfile'));
  assert.deepEqual(await missing(gateway), []);
  assert.deepEqual(await missing(''), ['dockerfile/missing']);
});
