/** Runs in which steps are based on layers-only images, and what happens where that goes wrong, with fakes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { FakeEngine } from '../rig/fake-engine.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const DOCKERFILES: Readonly<Record<string, string>> = {
  base: 'FROM scratch\nCOPY file /base\nRUN one\nCMD ["one"]\n',
  child: 'FROM base\nCOPY file /child\nRUN two\n',
  other: 'FROM base\nCOPY file /other\nCOPY --from=child /child /copied\nRUN three\n',
};

function treeOf(host: string, { push = true, more = '' } = {}): Readonly<Record<string, string>> {
  const build = (name: string, contexts: string) =>
    `  ${name}: { context: ${name}, push: ${push}, tags: ["${host}/app/${name}:dev"]${contexts}${name === 'base' ? '' : more} }\n`;
  return {
    'builds.yaml': `builds:\n${build('base', '')}${build('child', ', contexts: { base: "build:base" }')}${build('other', ', contexts: { base: "build:base", child: "build:child" }')}`,
    ...Object.fromEntries(Object.entries(DOCKERFILES).map(([name, text]) => [`${name}/Dockerfile`, text])),
    ...Object.fromEntries(Object.keys(DOCKERFILES).map((name) => [`${name}/file`, `${name}\n`])),
  };
}

const makeWorld = (t: Cleanup, options: { readonly push?: boolean; readonly more?: string } = {}) =>
  makeFakeWorld(t, (host) => treeOf(host, options), { lax: true });

/** Another command, which no step sees. */
const changeCommand = (world: FakeWorld) =>
  world.write({ 'base/Dockerfile': DOCKERFILES['base']?.replace('CMD ["one"]', 'CMD ["two"]') ?? '' });

/** Steps of a run by build: how many ran. */
const ranSteps = (baked: Baked) =>
  Object.fromEntries(
    baked.summary.outcomes.flatMap(({ build, steps }) =>
      steps === undefined ? [] : [[build, steps.total - steps.cached]],
    ),
  );

/** What each call of buildctl read the base by. */
const basesOf = (world: FakeWorld): readonly string[] =>
  world.engine.builds.flatMap((argv) =>
    argv.flatMap((word) => /^context:base=docker-image:\/\/[^/]+\/app\/base(.*)@/.exec(word)?.[1] ?? []),
  );

/** What lies in the base's repository besides its tag's image. */
const beside = (world: FakeWorld) =>
  world.registry.requests.flatMap(({ method, path, from }) =>
    method === 'PUT' && from === 'bake-ts' && /\/app\/base\/manifests\/sha256:/.test(path)
      ? [path.slice(path.lastIndexOf('/') + 1)]
      : [],
  );

for (const push of [true, false]) {
  test(`a parent's command runs no step of what is based on it, ${push ? 'pushed' : 'in the store'}`, async (t) => {
    const world = await makeWorld(t, { push });
    const first = await world.bake();
    assertOk(first);
    assert.deepEqual(ranSteps(first), { base: 2, child: 2, other: 3 });
    await changeCommand(world);
    // A machine that remembers the last inputs would re-base pushed images, and call nobody.
    const second = await world.bake({ home: await makeTempDir(t, 'layers-home-') });
    assertOk(second);
    assert.equal(kindsText(second), 'base built, child built, other built');
    assert.deepEqual(ranSteps(second), { base: 0, child: 0, other: 0 });
    // What was inherited is another one: the images are.
    for (const name of ['child', 'other'])
      assert.notEqual(second.outcome(name).digest, first.outcome(name).digest);
    // An engine that was never given anything makes the same.
    const fresh = await world.bake({ force: true, engine: new FakeEngine() });
    for (const name of ['base', 'child', 'other'])
      assert.equal(second.outcome(name).digest, fresh.outcome(name).digest);
    assert.deepEqual(codesOf(second), []);
  });
}

test('the layers of a parent are put beside it once, and looked up once in a run', async (t) => {
  const world = await makeWorld(t);
  assertOk(await world.bake());
  assert.equal(beside(world).length, 1);
  world.registry.forget();
  await changeCommand(world);
  // Else their images would be re-based.
  await world.write({ 'child/file': 'another\n', 'other/file': 'another\n' });
  assertOk(await world.bake());
  assert.deepEqual(beside(world), []);
  const asked = world.registry.requests.filter(
    ({ method, path, from }) =>
      from === 'bake-ts' && method === 'HEAD' && /\/app\/base\/manifests\/sha256:/.test(path),
  );
  assert.equal(asked.length, 1);
});

test('where the registry does not take it, builds read their parents as they are, and that is said once', async (t) => {
  const world = await makeWorld(t);
  world.registry.fault({
    method: 'PUT',
    from: 'bake-ts',
    path: /\/manifests\/sha256:/,
    act: { kind: 'status', status: 403 },
  });
  const baked = await world.bake();
  assertOk(baked);
  assert.deepEqual(codesOf(baked), ['warning run/no-layers-only']);
  assert.deepEqual(basesOf(world), ['', '']);
});

test('a fault of the registry that passes is waited out, since plain links would run every step', async (t) => {
  for (const method of ['HEAD', 'PUT']) {
    const world = await makeWorld(t);
    const fault = world.registry.fault({
      method,
      from: 'bake-ts',
      path: /\/app\/base\/manifests\/sha256:/,
      nth: 1,
      act: { kind: 'status', status: 500 },
    });
    const baked = await world.bake();
    assertOk(baked);
    assert.equal(fault.hits, 1);
    assert.deepEqual(codesOf(baked), []);
    assert.deepEqual(basesOf(world), [':bake-ts', ':bake-ts']);
  }
});

test('an engine that reads their configs gets plain links for the rest of the run', async (t) => {
  const world = await makeWorld(t);
  world.engine.fault({
    when: ':bake-ts@',
    at: 'start',
    act: { fail: 'error: failed to solve: dockerfile parse error: unknown instruction: BAKE_TS_LAYERS_ONLY' },
  });
  const baked = await world.bake();
  assertOk(baked);
  assert.deepEqual(codesOf(baked), ['warning build/links-not-split']);
  assert.deepEqual(basesOf(world), [':bake-ts', '', '']);
  assert.equal(baked.events.filter(({ type }) => type === 'retry').length, 1);
});

test('one that is gone is put again, and done without where that does not help', async (t) => {
  for (const [times, bases] of [
    [1, [':bake-ts', ':bake-ts', ':bake-ts']],
    [2, [':bake-ts', ':bake-ts', '', ':bake-ts']],
  ] as const) {
    const world = await makeWorld(t);
    let left: number = times;
    // Gone between our looking and the engine's.
    world.engine.fault({
      when: '/app/child,',
      at: 'sent',
      act: () => {
        if (left-- <= 0) return;
        for (const digest of beside(world)) world.registry.store.deleteManifest('app/base', digest);
      },
    });
    const baked = await world.bake();
    assertOk(baked);
    assert.deepEqual(codesOf(baked), []);
    assert.deepEqual(basesOf(world), bases);
    assert.equal(beside(world).length, 1 + times);
  }
});

test('what says by provenance what it was made of reads its parents as they are', async (t) => {
  for (const more of [
    ', attest: ["type=provenance,mode=min"]',
    ', args: { BUILDKIT_ATTEST_PROVENANCE: "mode=min" }',
  ]) {
    const world = await makeWorld(t, { more });
    assertOk(await world.bake());
    assert.deepEqual(basesOf(world), ['', '']);
    assert.deepEqual(beside(world), []);
  }
  const world = await makeWorld(t, { more: ', attest: ["type=provenance,disabled=true"]' });
  assertOk(await world.bake());
  assert.deepEqual(basesOf(world), [':bake-ts', ':bake-ts']);
});

test('a run that does not push a parent only looks for it', async (t) => {
  const world = await makeWorld(t);
  assertOk(await world.bake());
  const [layers = ''] = beside(world);
  for (const isThere of [true, false]) {
    if (!isThere) world.registry.store.deleteManifest('app/base', layers);
    await world.write({
      ...treeOf(world.registry.host, { push: false }),
      'child/file': `child ${isThere}\n`,
    });
    world.registry.forget();
    world.engine.forgetCalls();
    const baked = await world.bake({ builds: ['child'] });
    assertOk(baked);
    assert.equal(kindsText(baked), 'base unchanged, child built');
    assert.deepEqual(world.registry.writes(), []);
    assert.deepEqual(codesOf(baked), []);
    assert.deepEqual(basesOf(world), [isThere ? ':bake-ts' : '']);
  }
});
