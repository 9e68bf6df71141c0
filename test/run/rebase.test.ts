/** Whole runs in which only configs of bases or labels changed: what is put, what is built after all, and what is said. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fail, problem } from '../../lib/model/mod.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { accessTo, type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const reasonOf = (baked: Baked, build: string) => baked.outcome(build).reason;
const NO_STEPS = { total: 0, cached: 0 };

interface Options {
  /** Lines at the head of builds.yaml. */
  readonly head?: string;
  /** Settings of `child` and `leaf`. */
  readonly child?: string;
  /** A second place of every tag, as `HOST/PATH`. */
  readonly second?: string;
}

/** `base`, `child` on it, `leaf` on that, and `files`, of which only an intermediate stage is based on it. */
function chain({ head = '', child = '', second }: Options = {}) {
  return (host: string): Readonly<Record<string, string>> => {
    const tags = (name: string) =>
      `tags: ["${host}/app/${name}:dev"${second === undefined ? '' : `, "${second}/${name}:dev"`}]`;
    return {
      'builds.yaml': `${head}
vars: { REV: { default: r1, env: [REV] } }
templates: { image: { push: true, labels: { rev: "\${{ vars.REV }}" } } }
builds:
  base: { extends: image, context: base, ${tags('base')} }
  child: { extends: image, context: child, contexts: { base: "build:base" }, ${tags('child')}${child} }
  leaf: { extends: image, context: leaf, contexts: { child: "build:child" }, ${tags('leaf')}${child} }
  files: { push: true, context: files, contexts: { base: "build:base" }, ${tags('files')} }
`,
      'base/Dockerfile': base(),
      'base/file': 'base\n',
      'child/Dockerfile': 'FROM base\nRUN child\nLABEL of=child\n',
      'leaf/Dockerfile': 'FROM child AS one\nENTRYPOINT ["/leaf"]\nFROM one\nCOPY file /leaf\n',
      'leaf/file': 'leaf\n',
      'files/Dockerfile': 'FROM base AS make\nRUN make\nFROM scratch\nCOPY --from=make run /run\n',
    };
  };
}

function base(more: Readonly<{ label?: string; cmd?: string; env?: string }> = {}): string {
  const { label = '1', cmd = '["a"]', env = '1' } = more;
  // With a variable in a label, and two commands, the engine has to say what comes of an edit.
  return `FROM scratch\nCOPY file /base\nENV X=${env}\nLABEL of=$X\nLABEL v=${label}\nCMD ["none"]\nCMD ${cmd}\n`;
}

async function makeChain(t: Cleanup, options: Options = {}): Promise<FakeWorld> {
  const world = await makeFakeWorld(t, chain(options));
  assertOk(await world.bake());
  world.registry.forget();
  world.engine.forgetCalls();
  return world;
}

/** The config that a tag's image has. */
function configOf({ registry }: FakeWorld, name: string): Readonly<Record<string, unknown>> {
  const manifest = registry.store.manifest(`app/${name}`, 'dev');
  const { config } = JSON.parse(manifest?.bytes.toString() ?? '');
  const { config: inside } = JSON.parse(registry.store.blob(`app/${name}`, config.digest)?.toString() ?? '');
  return inside;
}

test('a label of a base is passed on without a call of buildctl, and is remembered', async (t) => {
  const world = await makeChain(t);
  await world.write({ 'base/Dockerfile': base({ label: '2' }) });
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 1);
  assert.equal(kindsText(baked), 'base built, child built, leaf built, files unchanged');
  for (const name of ['child', 'leaf']) assert.deepEqual(baked.outcome(name).steps, NO_STEPS);
  assert.deepEqual(configOf(world, 'leaf')['Labels'], { of: 'child', rev: 'r1', v: '2' });
  assert.deepEqual(reasonOf(baked, 'leaf'), {
    code: 'parent-config',
    text: 'labels of child changed: no step runs',
    items: ['label v of child: "1" → "2"'],
  });
  assert.equal(reasonOf(baked, 'files')?.text, 'labels of base do not reach it, its tag is up to date');
  const decisions = baked.events.flatMap((event) => (event.type === 'node-decided' ? [event.decision] : []));
  assert.deepEqual(decisions.sort(), ['build', 'rebase', 'rebase', 'unchanged']);
  assert.deepEqual(world.registry.store.brokenTags(), []);
  for (const record of await world.records()) if (record.build === 'leaf') assert(record.steps.total > 0);
  world.registry.forget();
  const again = await world.bake();
  assert.equal(kindsText(again), 'base unchanged, child unchanged, leaf unchanged, files unchanged');
  assert.deepEqual(world.registry.writes(), []);
  // The image is remembered under its present key as well.
  assert.equal(reasonOf(again, 'files')?.text, 'inputs unchanged, its tag is up to date');
  // What was built before it is found again as well.
  await world.write({ 'base/Dockerfile': base() });
  assert.equal(
    kindsText(await world.bake()),
    'base retagged, child retagged, leaf retagged, files unchanged',
  );
});

test('a command goes as far as nobody has one of his own', async (t) => {
  const world = await makeChain(t);
  await world.write({ 'base/Dockerfile': base({ cmd: '["b"]' }) });
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 1);
  assert.deepEqual(configOf(world, 'child')['Cmd'], ['b']);
  assert.equal(configOf(world, 'leaf')['Cmd'], undefined);
  assert.equal(reasonOf(baked, 'child')?.text, 'CMD of base changed: no step runs');
  assert.equal(reasonOf(baked, 'leaf')?.text, 'CMD of child changed: no step runs');
});

test('what a step can see is built', async (t) => {
  const world = await makeChain(t);
  await world.write({ 'base/Dockerfile': base({ env: '2', label: '2' }) });
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 4);
  await world.write({ 'base/file': 'changed\n' });
  assert.equal((await world.bake()).summary.buildctlCalls, 4);
});

test('labels with the commit need no engine, and a dry run knows their digests', async (t) => {
  const world = await makeChain(t);
  const env = { REV: 'r2' };
  const none = problem('engine/none-found', 'there is no engine in this test');
  const access = { ...accessTo(world.engine), find: async () => fail([none]) };
  const dry = await world.bake({ env, access, dryRun: true });
  assert.deepEqual(world.registry.writes(), []);
  assert.equal(kindsText(dry), 'base built, child built, leaf built, files unchanged');
  const baked = await world.bake({ env, access });
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 0);
  const digests = (one: Baked) => one.summary.outcomes.map(({ digest }) => digest);
  assert.deepEqual(digests(dry), digests(baked));
  assert.deepEqual(configOf(world, 'leaf')['Labels'], { of: 'child', rev: 'r2', v: '1' });
  // What the images were made of was remembered when they were built.
  const read = world.registry.requests.filter(({ method }) => method === 'GET');
  assert.deepEqual(
    read.map(({ path }) => path).filter((one) => one !== '/v2/'),
    [],
  );
  assert.deepEqual(
    ['base', 'leaf'].map((name) => reasonOf(baked, name)?.text),
    ['only its labels changed: no step runs', 'labels of child and its labels changed: no step runs'],
  );
});

test('every repository gets the image before any tag, in another registry too', async (t) => {
  const second = await startFakeRegistry(t, {});
  const world = await makeChain(t, { second: `${second.host}/copy` });
  await world.write({ 'base/Dockerfile': base({ label: '2' }) });
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 1);
  for (const name of ['child', 'leaf']) {
    assert.deepEqual(second.store.tags()[`copy/${name}:dev`], baked.outcome(name).digest);
    assert.deepEqual(world.registry.store.tags()[`app/${name}:dev`], baked.outcome(name).digest);
  }
  for (const { store, earlyTags } of [world.registry, second]) {
    assert.deepEqual(store.brokenTags(), []);
    assert.deepEqual(earlyTags, []);
  }
});

test('where the new config cannot be put, the build runs, and says so', async (t) => {
  const world = await makeChain(t);
  world.registry.fault({
    method: 'POST',
    from: 'bake-ts',
    path: '/app/child/blobs/uploads',
    act: { kind: 'status', status: 403 },
  });
  await world.write({ 'base/Dockerfile': base({ label: '2' }) });
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 2, 'base and child; the layers of both come from the cache');
  const decisions = baked.events.flatMap((event) =>
    event.type === 'node-decided' && event.build === 'child' ? [[event.decision, event.reason.code]] : [],
  );
  assert.deepEqual(decisions, [
    ['rebase', 'parent-config'],
    ['build', 'changed'],
  ]);
  assert.equal(reasonOf(baked, 'child')?.code, 'changed');
  assert.deepEqual(configOf(world, 'child')['Labels'], { of: 'child', rev: 'r1', v: '2' });
});

test('what cannot be read any more is built', async (t) => {
  const world = await makeChain(t);
  await world.write({ 'base/Dockerfile': base({ label: '2' }) });
  world.registry.fault({
    method: 'GET',
    from: 'bake-ts',
    path: '/app/base/blobs',
    act: { kind: 'status', status: 404 },
  });
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 4);
});

test('tags stay where the base failed, and move together or not at all', async (t) => {
  const world = await makeChain(t, { head: 'publish: together' });
  const before = world.registry.store.tags();
  await world.write({ 'base/Dockerfile': base({ label: '2' }) });
  world.engine.fault({
    when: '/base\n',
    at: 'start',
    times: 1,
    act: { fail: 'error: failed to solve: broken' },
  });
  const failed = await world.bake();
  assert.equal(failed.outcome('base').kind, 'failed');
  assert.deepEqual(world.registry.store.tags(), before);
  world.registry.fault({
    method: 'PUT',
    path: '/app/leaf/manifests/dev',
    nth: 1,
    act: { kind: 'status', status: 403 },
  });
  const half = await world.bake();
  assert.equal(half.summary.ok, false);
  assert.deepEqual(world.registry.store.tags(), before);
  world.registry.mend();
  const baked = await world.bake();
  assertOk(baked);
  for (const name of ['child', 'leaf'])
    assert.equal(world.registry.store.tags()[`app/${name}:dev`], baked.outcome(name).digest);
  assert.equal(baked.summary.buildctlCalls, 0);
});

test('an immutable tag is not moved by a label either', async (t) => {
  const world = await makeChain(t, { head: 'immutable: ["dev"]' });
  const baked = await world.bake({ env: { REV: 'r2' } });
  assert.deepEqual(codesOf(baked), ['run/immutable-tag', 'run/immutable-tag', 'run/immutable-tag']);
  assert.deepEqual(world.registry.writes(), []);
});

test('what names its parents, is written elsewhere, or wants no cache is built', async (t) => {
  for (const child of [
    ', attest: ["type=provenance"]',
    ', outputs: ["type=local,dest=out"]',
    ', no-cache: true',
    ', push: false',
  ]) {
    const world = await makeChain(t, { child });
    await world.write({ 'base/Dockerfile': base({ label: '2' }) });
    const baked = await world.bake();
    assertOk(baked);
    const storeCalls = child.includes('push: false') ? 1 : 0; // what the steps of leaf are based on
    assert.equal(baked.summary.buildctlCalls, 3 + storeCalls, child);
    assert.notDeepEqual(baked.outcome('child').steps, NO_STEPS);
  }
});

test('platforms keep their index', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    ...chain()(host),
    'builds.yaml':
      chain()(host)['builds.yaml']?.replace(
        'push: true,',
        'push: true, platforms: [linux/amd64, linux/arm64],',
      ) ?? '',
  }));
  assertOk(await world.bake());
  await world.write({ 'base/Dockerfile': base({ label: '2' }) });
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 1);
  assert.deepEqual(baked.outcome('leaf').platforms, ['linux/amd64', 'linux/arm64']);
  assert.deepEqual(world.registry.store.brokenTags(), []);
});

test('a machine without the last inputs builds, and goes on from there', async (t) => {
  const world = await makeChain(t, { head: 'record: registry' });
  const home = await makeTempDir(t, 'rebase-home-');
  await world.write({ 'base/Dockerfile': base({ label: '2' }) });
  const there = await world.bake({ home });
  assertOk(there);
  assert.equal(there.summary.buildctlCalls, 4);
  const next = await world.bake({ home, env: { REV: 'r2' } });
  assertOk(next);
  assert.equal(next.summary.buildctlCalls, 0);
});

test('what was built or put the last time is not read back, and what was damaged meanwhile is', async (t) => {
  const world = await makeChain(t);
  const bakeWith = async (rev: string) => {
    world.registry.forget();
    const baked = await world.bake({ env: { REV: rev } });
    assertOk(baked);
    assert.equal(baked.summary.buildctlCalls, 0);
    assert.deepEqual(configOf(world, 'leaf')['Labels'], { of: 'child', rev, v: '1' });
    return world.registry.requests.filter(({ method, path: at }) => method === 'GET' && at !== '/v2/').length;
  };
  assert.deepEqual([await bakeWith('r2'), await bakeWith('r3')], [0, 0]);
  const dir = path.join(world.home, 'state/documents');
  const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.json'));
  assert.equal(files.length, 4);
  for (const file of files) {
    const texts = await readFile(path.join(dir, file), 'utf8');
    await writeFile(path.join(dir, file), texts.replaceAll('r3', 'xx'));
  }
  assert((await bakeWith('r4')) > 0);
});
