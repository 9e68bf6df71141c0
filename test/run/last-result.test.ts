/** What is remembered as the image that a build gave the last time, which `push` goes by: of every success, with a key or without. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { type LastResult, StateStore } from '../../lib/state/mod.ts';
import { assertOk } from '../rig/baking.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';

interface Given {
  readonly file: string;
  readonly head?: string;
  /** Keys of the build. */
  readonly keys?: string;
  readonly tags?: readonly string[];
}

const tree =
  ({ file, head = '', keys = '', tags = ['1'] }: Given) =>
  (host: string) => ({
    'builds.yaml': `${head}
builds:
  app: { context: ., tags: [${tags.map((tag) => `"${host}/app:${tag}"`).join(', ')}], ${keys} }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file,
  });

const lastOf = ({ home, dir }: FakeWorld): Promise<LastResult | undefined> =>
  new StateStore(path.join(home, 'state'), dir).readResult('app');

/** Without the time. */
async function briefly(world: FakeWorld) {
  const { finishedAt: _, digest, tags, ...flags } = (await lastOf(world)) ?? assert.fail('nothing');
  return { digest, tags: tags.map((tag) => tag.replace(/^.*:/, '')), ...flags };
}

/** Nobody knows what it changes, so nothing is kept under a key. */
const UNTRACKED = 'push: true, opts: { unknown: x }';

test('of every success: built, untracked, unchanged and retagged', async (t) => {
  const world = await makeFakeWorld(t, tree({ file: 'one' }), { lax: true });
  const { host } = world.registry;
  const step = async (given: Given) => {
    await world.write(tree(given)(host));
    const baked = await world.bake();
    assertOk(baked);
    const { digest, kind, key } = baked.outcome('app');
    return { digest, kind, key, last: await briefly(world) };
  };
  const first = await step({ file: 'one' });
  assert.deepEqual(first.last, { digest: first.digest, tags: ['1'] });
  const again = await step({ file: 'one' });
  assert.deepEqual([again.kind, again.last], ['unchanged', first.last]);
  const untracked = await step({ file: 'two', keys: UNTRACKED });
  assert.equal(untracked.key, undefined);
  assert.deepEqual(untracked.last, { digest: untracked.digest, tags: ['1'], pushed: true });
  const pushed = await step({ file: 'one', keys: 'push: true' });
  assert.deepEqual(pushed.last, { digest: first.digest, tags: ['1'], pushed: true });
  const retagged = await step({ file: 'one', keys: 'push: true', tags: ['1', '2'] });
  assert.equal(retagged.kind, 'retagged');
  assert.deepEqual(retagged.last, { digest: first.digest, tags: ['1', '2'], pushed: true });
  // Of the same image the tags of earlier runs stay; of another one they do not.
  assert.deepEqual((await step({ file: 'one', keys: 'push: true', tags: ['2'] })).last.tags, ['1', '2']);
  assert.deepEqual((await step({ file: 'three', tags: ['3'] })).last.tags, ['3']);
  const before = await lastOf(world);
  await world.write(tree({ file: 'four', tags: ['3'] })(host));
  assertOk(await world.bake({ dryRun: true }));
  assert.deepEqual(await lastOf(world), before);
});

test('a re-based image is the last one too', async (t) => {
  const world = await makeFakeWorld(t, tree({ file: 'one', keys: 'push: true, labels: { a: x }' }), {
    lax: true,
  });
  assertOk(await world.bake());
  await world.write(tree({ file: 'one', keys: 'push: true, labels: { a: y }' })(world.registry.host));
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(baked.summary.buildctlCalls, 0);
  assert.equal((await briefly(world)).digest, baked.outcome('app').digest);
});

test('an image whose tag was refused is the last one all the same; where a step failed, the one before is', async (t) => {
  const world = await makeFakeWorld(t, tree({ file: 'one', keys: 'push: true' }), { lax: true });
  const { registry, engine } = world;
  assertOk(await world.bake());
  const first = await briefly(world);
  await world.write(tree({ file: 'two', keys: 'push: true' })(registry.host));
  engine.fault({ when: '', at: 'start', act: { fail: 'error: failed to solve: broken' } });
  assert.equal((await world.bake()).summary.ok, false);
  assert.deepEqual(await briefly(world), first);
  engine.mend();
  registry.fault({ method: 'PUT', path: '/app/manifests/1', act: { kind: 'status', status: 403 } });
  const refused = await world.bake();
  assert.equal(refused.outcome('app').problem?.code, 'registry/denied');
  assert.notEqual((await briefly(world)).digest, first.digest);
  assert.equal((await briefly(world)).digest, refused.outcome('app').digest);
});

test('a tag with a sensitive value is noted nowhere', async (t) => {
  const head = 'vars: { PW: { default: hunter22, sensitive: true } }';
  const tags = ['1', 'of-${{ vars.PW }}'];
  const world = await makeFakeWorld(t, tree({ file: 'one', head, tags, keys: 'push: true' }), { lax: true });
  assertOk(await world.bake());
  assert.deepEqual((await briefly(world)).tags, ['1']);
});

test('what is not kept in a store is remembered without tags', async (t) => {
  const world = await makeFakeWorld(t, tree({ file: 'one', keys: 'outputs: ["type=oci,dest=out.tar"]' }), {
    lax: true,
  });
  assertOk(await world.bake());
  assert.deepEqual((await lastOf(world))?.tags ?? [], []);
});
