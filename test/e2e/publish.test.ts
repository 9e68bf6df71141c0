/** Publishing together, immutable tags, and records that a machine with an empty disk finds in the registry. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { startFaultProxy } from '../rig/fault-proxy.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace, named } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };

/** Builds `a`, `b` and `c`, each of one file, tagged `:TAG`. */
function three(host: string, settings: string): Readonly<Record<string, string>> {
  const tree: Record<string, string> = {
    'builds.yaml': `
${settings}
vars: { TAG: { default: dev, env: [TAG] } }
templates:
  image: { tags: ["${host}/publish/\${{ build.name }}:\${{ vars.TAG }}"], push: true }
builds:
  a: { extends: image, context: a }
  b: { extends: image, context: b }
  c: { extends: image, context: c }
`,
  };
  for (const name of ['a', 'b', 'c']) {
    tree[`${name}/Dockerfile`] = 'FROM scratch\nCOPY file /\n';
    tree[`${name}/file`] = `${name}\n`;
  }
  return tree;
}

const tagsOf = (host: string) =>
  Promise.all(['a', 'b', 'c'].map((name) => digestOf(`${host}/publish/${name}:dev`)));

test('publish: together moves every tag or none', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, three(registry.host, 'publish: together'));
  assertOk(await work.bake());
  const before = await tagsOf(registry.host);
  assert.ok(before.every((digest) => digest !== undefined));

  await work.write({ 'a/file': 'changed\n', 'b/Dockerfile': 'FROM scratch\nCOPY nothing /\n' });
  const failed = await work.bake();
  assert.equal(failed.summary.ok, false);
  assert.deepEqual(failed.kinds, { a: 'built', b: 'failed', c: 'unchanged' });
  assert.ok(
    failed.events.some((event) => event.type === 'warning' && event.problem.code === 'run/not-published'),
  );
  assert.deepEqual(await tagsOf(registry.host), before);

  await work.write({ 'b/Dockerfile': 'FROM scratch\nCOPY file /\nLABEL now=right\n' });
  await work.buildctl.reset();
  const mended = await work.bake();
  assertOk(mended);
  assert.deepEqual(mended.kinds, { a: 'retagged', b: 'built', c: 'unchanged' });
  assert.deepEqual(
    mended.outcome('a').tags.map((tag) => tag.action),
    ['retagged'],
  );
  assert.equal((await work.buildctl.builds()).length, 1);
  const after = await tagsOf(registry.host);
  assert.notEqual(after[0], before[0]);
  assert.notEqual(after[1], before[1]);
  assert.equal(after[2], before[2]);
});

test('publish: together takes tags back where one of them cannot be moved', options, async (t) => {
  const registry = await startTestRegistry(t);
  const proxy = await startFaultProxy(t, registry.host);
  const work = await makeWorkspace(t, three(proxy.host, 'publish: together'));
  assertOk(await work.bake());
  const before = await tagsOf(registry.host);
  await work.write({ 'a/file': 'A\n', 'b/file': 'B\n', 'c/file': 'C\n' });
  proxy.judge(({ from, method, path: asked }) =>
    from === 'bake-ts' && method === 'PUT' && asked.includes('/c/manifests/dev') ? 403 : 'pass',
  );
  const baked = await work.bake();
  assert.equal(baked.summary.ok, false);
  assert.ok(baked.summary.problems.some((one) => one.code.startsWith('registry/')));
  assert.ok(
    baked.events.some(
      (event) => event.type === 'warning' && event.problem.code === 'run/publish-rolled-back',
    ),
  );
  assert.deepEqual(await tagsOf(registry.host), before);
});

test('publish: together, killed between two tags, is ended by the next run', options, async (t) => {
  const registry = await startTestRegistry(t);
  const proxy = await startFaultProxy(t, registry.host);
  const work = await makeWorkspace(t, three(proxy.host, 'publish: together'));
  assertOk(await work.bake());
  const before = await tagsOf(registry.host);
  await work.write({ 'a/file': 'A\n', 'b/file': 'B\n', 'c/file': 'C\n' });
  let pid: number | undefined;
  proxy.judge(({ from, method, path: asked }) => {
    if (from !== 'bake-ts' || method !== 'PUT' || !asked.includes('/b/manifests/dev')) return 'pass';
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    return 'cut';
  });
  const killed = await work.run(['run'], {
    onStart: (child) => {
      pid = child.pid;
    },
  });
  assert.equal(killed.exitCode, undefined);
  const half = await tagsOf(registry.host);
  assert.notEqual(half[0], before[0]);
  assert.deepEqual(half.slice(1), before.slice(1));
  proxy.judge(undefined);
  await work.buildctl.reset();
  const next = await work.bake({ builds: ['a'] });
  assertOk(next);
  assert.deepEqual(
    next.events.flatMap((event) => (event.type === 'warning' ? event.problem.code : [])),
    ['run/publish-finished'],
  );
  assert.equal((await work.buildctl.builds()).length, 0);
  const after = await tagsOf(registry.host);
  assert.equal(after[0], half[0]);
  assert.ok(after.every((digest, at) => digest !== before[at]));
  assert.deepEqual((await work.bake()).kinds, { a: 'unchanged', b: 'unchanged', c: 'unchanged' });
});

test(
  'a push that the registry fails at ends with its exit code, and is not begun again',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const proxy = await startFaultProxy(t, registry.host);
    const work = await makeWorkspace(t, three(proxy.host, ''));
    proxy.judge(({ from, method }) => (from === 'engine' && method === 'POST' ? 500 : 'pass'));
    const failed = await work.run(['run', 'a']);
    assert.equal(failed.exitCode, 6, failed.stderr);
    assert.match(
      failed.stderr,
      /error\[registry\/unavailable\]: the registry failed while \S+\/publish\/a was pushed \(500\)/,
    );
    assert.equal((await work.buildctl.builds()).length, 1);
    proxy.judge(undefined);
    assertOk(await work.bake({ builds: ['a'] }));
  },
);

test('an immutable tag that would change is refused before anything is built', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, three(registry.host, 'immutable: ["v*"]'));
  const released = { env: { TAG: 'v1' } };
  assertOk(await work.bake(released));
  const same = await work.bake(released);
  assertOk(same);
  assert.deepEqual(named(same, 'unchanged'), ['a', 'b', 'c']);

  await writeFile(path.join(work.dir, 'b/file'), 'changed\n');
  await work.buildctl.reset();
  await registry.forget();
  const refused = await work.bake(released);
  assert.equal(refused.summary.ok, false);
  assert.deepEqual(
    refused.summary.problems.map((one) => [one.code, one.build]),
    [['run/immutable-tag', 'b']],
  );
  assert.equal((await work.buildctl.builds()).length, 0);
  assert.deepEqual(await registry.writes(), []);
  assertOk(await work.bake({ env: { TAG: 'v2' } }));
});

test(
  'with record: registry a machine with an empty disk skips what another one built',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const work = await makeWorkspace(t, three(registry.host, 'record: registry'));
    assertOk(await work.bake());
    const home = await makeTempDir(t, 'e2e-empty-');
    await work.buildctl.reset();
    await registry.forget();
    const elsewhere = await work.bake({ env: { BAKE_TS_HOME: home } });
    assertOk(elsewhere);
    assert.deepEqual(named(elsewhere, 'unchanged'), ['a', 'b', 'c']);
    assert.equal((await work.buildctl.builds()).length, 0);
    assert.deepEqual(await registry.writes(), []);
    // One for each tag, and one for the records beside each image.
    assert.equal(elsewhere.summary.registryRequests.reads, 3 + 3);

    // What one machine builds, the other one finds; and going back finds the first result again.
    await work.write({ 'a/file': 'changed\n' });
    assertOk(await work.bake({ env: { BAKE_TS_HOME: home } }));
    await work.buildctl.reset();
    const here = await work.bake();
    assert.deepEqual(here.kinds, { a: 'unchanged', b: 'unchanged', c: 'unchanged' });
    await work.write({ 'a/file': 'a\n' });
    // Who has not built it does not move a tag because a registry says so, but builds it: from the cache.
    const third = await makeTempDir(t, 'e2e-third-');
    const dry = await work.bake({ env: { BAKE_TS_HOME: third }, dryRun: true });
    assert.equal(dry.outcome('a').reason?.code, 'tags-moved');
    const back = await work.bake();
    assertOk(back);
    assert.deepEqual(back.kinds, { a: 'retagged', b: 'unchanged', c: 'unchanged' });
    assert.equal((await work.buildctl.builds()).length, 0);
  },
);

test('an index with the same images and other attestations is left where it is', options, async (t) => {
  const registry = await startTestRegistry(t);
  const attested = (host: string) => `
builds:
  one:
    context: .
    dockerfile-inline: |
      FROM scratch
      COPY file /
    attest: ['type=provenance,mode=max']
    tags: [${host}/publish/attested:1]
    push: true
`;
  const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': attested(registry.host) });
  assertOk(await work.bake());
  const first = await digestOf(`${registry.host}/publish/attested:1`);
  // Another machine without our records builds the same images, with attestations of its own.
  assertOk(await work.bake({ env: { BAKE_TS_HOME: await makeTempDir(t, 'e2e-other-') } }));
  assert.notEqual(await digestOf(`${registry.host}/publish/attested:1`), first);
  await work.buildctl.reset();
  await registry.forget();
  const again = await work.bake();
  assertOk(again);
  assert.deepEqual(again.kinds, { one: 'unchanged' });
  assert.equal((await work.buildctl.builds()).length, 0);
  assert.deepEqual(await registry.writes(), []);
});
