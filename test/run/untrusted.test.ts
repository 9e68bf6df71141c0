/** Runs of files that are not trusted: what they send, write and keep. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { assertOk, codesOf } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';
import { makeTempDir } from '../rig/temp.ts';

const tree = (host: string) => ({
  'builds.yaml': `record: registry
builds:
  base: { context: base, tags: ["${host}/base:1"], push: always, cache-to: ["type=registry,ref=${host}/cache"] }
  app: { context: app, contexts: { base: "build:base" }, tags: ["${host}/app:1"], push: true }
`,
  'base/Dockerfile': 'FROM scratch\nCOPY file /file\n',
  'base/file': 'base\n',
  'app/Dockerfile': 'FROM base\nRUN app\n',
});

test('an untrusted run builds, and pushes, records and remembers nothing', async (t) => {
  const world = await makeFakeWorld(t, tree);
  await world.write({});
  const baked = await world.bake({ untrusted: true });
  assertOk(baked);
  assert.equal(kindsText(baked), 'base built, app built');
  assert.deepEqual(world.registry.writes(), []);
  assert.deepEqual(await world.records(), []);
  assert.equal(existsSync(path.join(world.home, 'state')), false);
  for (const { argv, env } of world.engine.calls) {
    assert.equal(
      argv.some((one) => one.includes('push=true') || one.includes('type=registry')),
      false,
    );
    assert.notEqual(env['DOCKER_CONFIG'], path.join(world.home, 'docker'));
    assert.equal(existsSync(path.join(env['DOCKER_CONFIG'] ?? '', 'config.json')), false);
  }
  // Its images have no names that anybody else's have.
  const names = [...world.engine.images.keys()];
  assert(names.length > 0);
  for (const name of names) assert(name.startsWith('127.0.0.1:1/bake/'), name);
  await world.write({
    'builds.yaml': tree(world.registry.host)['builds.yaml'].replaceAll(/push: \w+/g, 'push: false'),
  });
  assertOk(await world.bake());
  const trusted = [...world.engine.images.keys()].filter((name) => !names.includes(name));
  assert(
    trusted.some((name) => name.startsWith('127.0.0.1:1/bake/base')),
    trusted.join('\n'),
  );
  // It is not taken for what a trusted run made either: everything is built again.
  assert.equal(kindsText(await world.bake({ untrusted: true })), 'base built, app built');
});

test('an untrusted run sends no credentials to a registry', async (t) => {
  const world = await makeFakeWorld(t, tree);
  const auth = Buffer.from('user:word').toString('base64');
  const config = JSON.stringify({ auths: { [world.registry.host]: { auth } } });
  const env = { DOCKER_AUTH_CONFIG: config };
  await world.write({ 'base/Dockerfile': `FROM ${world.registry.host}/private/base:1\nCOPY file /file\n` });
  const baked = await world.bake({ untrusted: true, env });
  assert.equal(baked.summary.ok, false);
  for (const call of world.engine.calls) assert.equal(call.env['DOCKER_AUTH_CONFIG'], undefined);
  for (const request of world.registry.requests)
    assert.equal(JSON.stringify(request).includes(auth), false, JSON.stringify(request));
});

test('a run that lacks a grant builds nothing, dry or not, and says so with exit-worthy problems', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    ...tree(host),
    'builds.yaml': `builds:
  base: { context: base, network: host }
  app: { context: app, contexts: { base: "build:base" } }
`,
  }));
  for (const dryRun of [true, false]) {
    const baked = await world.bake({ dryRun });
    assert.equal(baked.summary.ok, false);
    assert.deepEqual(codesOf(baked), ['config/needs-grant']);
  }
  assert.deepEqual(world.engine.calls, []);
  assertOk(await world.bake({ allow: ['network.host'] }));
});

test('a symlink that comes up while builds run does not lead their outputs out of the repository', async (t) => {
  const outside = await makeTempDir(t, 'outside-');
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': `builds:
  one: { context: one }
  two: { context: one, needs: [one], outputs: ["type=local,dest=out/deep"] }
`,
    'one/Dockerfile': 'FROM scratch\nCOPY file /file\n',
    'one/file': 'one\n',
  }));
  let planted = false;
  const baked = await world.bake({
    onEvent: (event) => {
      if (planted || event.type !== 'node-finished' || event.build !== 'one') return;
      planted = true;
      // What an exporter of an earlier build could have written.
      symlink(outside, path.join(world.dir, 'out')).catch(() => undefined);
    },
  });
  assert.equal(planted, true);
  assert.deepEqual(codesOf(baked), ['config/needs-grant of two']);
  assert.deepEqual(await readdir(outside), []);
});
