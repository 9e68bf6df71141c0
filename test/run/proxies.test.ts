/** Proxies of steps in whole runs: who gets them, what they change, and that nothing shows a password. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { assertOk, codesOf } from '../rig/baking.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const USER = 'user:pass-word';
const SECRET = `http://${USER}@proxy.test:3128`;
const OPEN = /pass-word|dXNlcjpwYXNzLXdvcmQ/;

const makeWorld = (t: Cleanup, rest = '', dockerfile = 'FROM scratch\nRUN one\n'): Promise<FakeWorld> =>
  makeFakeWorld(t, (host) => ({
    'builds.yaml': `
builds:
  a: { context: ., push: true, tags: ["${host}/proxied/a:1"]${rest} }
`,
    Dockerfile: dockerfile,
  }));

/** The arguments that buildctl got last, as it takes them: those without a value from its environment. */
function given({ engine }: FakeWorld): Readonly<Record<string, string | undefined>> {
  const call = engine.calls.findLast(({ argv }) => argv.includes('build'));
  const words = (call?.argv ?? []).filter((word) => word.startsWith('build-arg:'));
  return Object.fromEntries(
    words.map((word) => {
      const [, name = '', value] = /^build-arg:([^=]+)(?:=(.*))?$/.exec(word) ?? [];
      return [name, value ?? call?.env[name]];
    }),
  );
}

/** Everything below a directory, as one text. */
async function textBelow(dir: string): Promise<string> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return (
    await Promise.all(files.map((one) => readFile(path.join(one.parentPath, one.name), 'latin1')))
  ).join('\n');
}

test('steps get the proxies of the environment, and another proxy is no change', async (t) => {
  const world = await makeWorld(t);
  const one = await world.bake({ env: { http_proxy: 'http://one:1', NO_PROXY: 'a' } });
  assertOk(one);
  assert.deepEqual(given(world), {
    HTTP_PROXY: 'http://one:1',
    http_proxy: 'http://one:1',
    NO_PROXY: 'a',
    no_proxy: 'a',
  });
  assert.deepEqual((await world.bake({ env: { http_proxy: 'http://two:1' } })).kinds, { a: 'unchanged' });
  const none = await world.bake({ force: true });
  assert.deepEqual(given(world), {});
  assert.equal(none.outcome('a').digest, one.outcome('a').digest);
});

test('one that the Dockerfile declares is an argument as any other', async (t) => {
  const world = await makeWorld(t, '', 'FROM scratch\nARG http_proxy\nRUN one\n');
  assertOk(await world.bake({ env: { HTTP_PROXY: 'http://one:1' } }));
  assert.deepEqual((await world.bake({ env: { HTTP_PROXY: 'http://one:1' } })).kinds, { a: 'unchanged' });
  const two = await world.bake({ env: { HTTP_PROXY: 'http://two:1' } });
  assert.deepEqual(two.kinds, { a: 'built' });
  assert.match(two.outcome('a').reason?.text ?? '', /^arg http_proxy: /);
});

test('`args` comes before the docker config, and that before the environment', async (t) => {
  const world = await makeWorld(t, ', args: { HTTPS_PROXY: "" }');
  const env = { HTTP_PROXY: 'http://env:1', ALL_PROXY: 'http://env:2' };
  const proxies = { default: { httpProxy: 'http://config:1', httpsProxy: 'http://config:2' } };
  const docker = await makeTempDir(t, 'docker-');
  await writeTree(docker, { 'config.json': JSON.stringify({ proxies }) });
  assertOk(await world.bake({ env: { ...env, DOCKER_CONFIG: docker } }));
  assert.deepEqual(given(world), {
    HTTPS_PROXY: '',
    HTTP_PROXY: 'http://config:1',
    http_proxy: 'http://config:1',
  });
});

test('a password is in nothing but the environment of buildctl', async (t) => {
  const world = await makeWorld(
    t,
    '',
    'FROM scratch\nARG HTTP_PROXY http_proxy Http_Proxy hTtp_proxy\nRUN one\n',
  );
  world.engine.fault({
    at: 'step',
    times: 1,
    act: {
      fail: `error: cannot reach ${SECRET}, user ${USER}, ${Buffer.from(USER).toString('base64')}, pass-word`,
    },
  });
  const failed = await world.bake({ env: { HTTP_PROXY: SECRET } });
  assert.deepEqual(given(world), { HTtp_proxy: SECRET });
  assert.match(JSON.stringify(failed.events), /cannot reach \(hidden\)/);
  assert.deepEqual(codesOf(failed), ['build/failed of a']);
  const built = await world.bake({ env: { HTTP_PROXY: SECRET } });
  assertOk(built);
  for (const { argv } of world.engine.calls) assert.doesNotMatch(argv.join(' '), OPEN);
  for (const one of [failed, built]) assert.doesNotMatch(JSON.stringify([one.summary, one.events]), OPEN);
  assert.doesNotMatch(await textBelow(world.home), OPEN);
  assert.doesNotMatch(await textBelow(world.dir), OPEN);
  // The one that BuildKit keeps out of everything is no input.
  const other = await world.bake({ env: { HTTP_PROXY: SECRET.replace('pass-word', 'other-word') } });
  assert.deepEqual(other.kinds, { a: 'unchanged' });
});

test('where provenance would show it, a proxy with a user is left out, which is said of each build that runs', async (t) => {
  const world = await makeWorld(t, ', attest: ["type=provenance,mode=max"]');
  const env = { HTTP_PROXY: SECRET, NO_PROXY: 'a' };
  const baked = await world.bake({ env });
  assert.deepEqual(given(world), { NO_PROXY: 'a', no_proxy: 'a' });
  assert.deepEqual(codesOf(baked), ['warning build/proxy-withheld of a']);
  assert.deepEqual(codesOf(await world.bake({ env })), []);
});

test('a Dockerfile that comes with a git context gets no passwords', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': 'builds:\n  a: { context: "https://git.test/r.git" }\n',
  }));
  const baked = await world.bake({ env: { HTTP_PROXY: SECRET, NO_PROXY: 'a' } });
  assert.deepEqual(given(world), { NO_PROXY: 'a', no_proxy: 'a' });
  assert.ok(codesOf(baked).includes('warning build/proxy-withheld of a'), codesOf(baked).join());
});

test('steps of strangers get no passwords, which is said once and only where something is built', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': 'builds:\n  a: { context: . }\n  b: { context: . }\n',
    Dockerfile: 'FROM scratch\nRUN one\n',
  }));
  const env = { HTTP_PROXY: SECRET, HTTPS_PROXY: 'http://open:1' };
  const baked = await world.bake({ untrusted: true, env });
  assertOk(baked);
  const builds = world.engine.calls.filter(({ argv }) => argv.includes('build'));
  assert.equal(builds.length, 2);
  for (const { argv } of builds) {
    const names = argv.filter((one) => one.startsWith('build-arg:'));
    assert.deepEqual(names, ['build-arg:HTTPS_PROXY=http://open:1', 'build-arg:https_proxy=http://open:1']);
  }
  assert.deepEqual(codesOf(baked), ['warning build/proxy-withheld']);
  assert.doesNotMatch(JSON.stringify([baked.summary, baked.events]), OPEN);
  assert.deepEqual(codesOf(await world.bake({ untrusted: true, env, dryRun: true })), []);
});

test('a docker config that cannot be read is warned of, and steps get no proxies', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': 'builds:\n  a: { context: . }\n',
    Dockerfile: 'FROM scratch\nRUN one\n',
    'docker/config.json': '{ "proxies": pass-word',
  }));
  const env = { DOCKER_CONFIG: path.join(world.dir, 'docker'), HTTP_PROXY: 'http://env:1' };
  const baked = await world.bake({ env });
  assert.deepEqual(codesOf(baked), ['warning registry/bad-config']);
  assert.deepEqual(given(world), {});
  assert.doesNotMatch(JSON.stringify(baked.events), OPEN);
});
