/** Audits of runs: what agrees, what differs, what cannot be compared; an engine and a registry within this process. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fail, type Outcome, problem } from '../../lib/model/mod.ts';
import { StateStore } from '../../lib/state/mod.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText, rowTree, SAME } from '../rig/failure-bench.ts';
import { accessTo, type FakeWorld, makeFakeWorld, putBase } from '../rig/fake-world.ts';
import type { Cleanup, TreeEntry } from '../rig/temp.ts';
import { changeImage, replaceInRecords, retimed } from './change-image.ts';

const ALL = { size: { kind: 'percent', percent: 100 }, seed: 1 } as const;

async function makeAudited(
  t: Cleanup,
  tree: (host: string) => Readonly<Record<string, TreeEntry>> = rowTree,
): Promise<FakeWorld> {
  const world = await makeFakeWorld(t, tree);
  putBase(world.registry, 'base', '1', 'one');
  assertOk(await world.bake());
  world.engine.forgetCalls();
  return world;
}

const results = ({ summary }: Baked) => summary.outcomes.map(({ audit }) => audit?.result);

function warningsOf(baked: Baked) {
  return baked.events.flatMap((event) => (event.type === 'warning' ? [event.problem] : []));
}

/** What was said of a build before the audit, and then with its finding. */
function finishedOf(baked: Baked, build: string): readonly Outcome[] {
  return baked.events.flatMap((event) =>
    event.type === 'node-finished' && event.build === build ? [event.outcome] : [],
  );
}

test('an audit that agrees is said of each build, and nothing else changes', async (t) => {
  const world = await makeAudited(t);
  const tags = world.registry.store.tags();
  world.registry.forget();
  const baked = await world.bake({ audit: ALL });
  assertOk(baked);
  assert.equal(kindsText(baked), SAME);
  assert.deepEqual(baked.summary.audit, { seed: 1, candidates: 3, builds: ['a', 'b', 'c'] });
  for (const name of ['a', 'b', 'c']) {
    const { audit, reason, problem: why } = baked.outcome(name);
    assert.deepEqual(audit, { result: 'same-bytes', compared: 'digests', cached: true });
    assert.match(reason?.text ?? '', /; audited: the same bytes$/);
    assert.equal(why, undefined);
    assert.deepEqual(finishedOf(baked, name).at(-1)?.audit, audit);
  }
  assert.deepEqual(world.registry.writes(), []);
  assert.deepEqual(world.registry.store.tags(), tags);
  assert.equal(world.engine.builds.length, 3);
  assert.equal(kindsText(await world.bake()), SAME);
});

test('only builds that were up to date are drawn, as many as wanted; without any there is no engine to find', async (t) => {
  const world = await makeAudited(t);
  await world.write({ 'a/file': 'new\n' });
  const one = await world.bake({ audit: ALL });
  assert.equal(kindsText(one), 'a built, b built, c unchanged');
  assert.deepEqual(results(one), [undefined, undefined, 'same-bytes']);
  assert.deepEqual(one.summary.audit, { seed: 1, candidates: 1, builds: ['c'] });
  await world.write({
    'builds.yaml': rowTree(world.registry.host)['builds.yaml']?.replace(':dev', ':two') ?? '',
  });
  const moved = await world.bake({ audit: { ...ALL, size: { kind: 'count', count: 2 } } });
  assert.equal(kindsText(moved), 'a retagged, b retagged, c retagged');
  assert.deepEqual([moved.summary.audit?.candidates, moved.summary.audit?.builds.length], [3, 2]);
  assert.equal(results(moved).filter((one) => one === 'same-bytes').length, 2);
  const chance = await world.bake({ audit: { size: ALL.size } });
  assert(Number.isInteger(chance.summary.audit?.seed));
  const none = fail([problem('engine/none', 'there is none')]);
  const access = { ...accessTo(world.engine), find: async () => none };
  const without = await world.bake({ audit: ALL, access });
  assert.equal(without.summary.ok, false);
  assert.deepEqual(codesOf(without), ['engine/none']);
  assert.deepEqual(results(without), [undefined, undefined, undefined]);
});

test('another image fails the build and drops its record; the detail says what differs', async (t) => {
  const world = await makeAudited(t, (host) => ({
    ...rowTree(host),
    'c/Dockerfile': 'FROM scratch\nCOPY file /\nRUN make\n',
  }));
  world.engine.weather = 'rain';
  const baked = await world.bake({ audit: ALL });
  assert.deepEqual(results(baked), ['same-bytes', 'same-bytes', 'different']);
  const { kind, audit, problem: why } = baked.outcome('c');
  assert.deepEqual([kind, audit?.compared, audit?.cached], ['failed', 'files', false]);
  assert.equal(audit?.differences?.length, 2);
  assert(
    audit.differences.every((line) =>
      /^linux\/amd64 layer 2 \(RUN make\): (?:added|removed) run\//.test(line),
    ),
  );
  assert.deepEqual([why?.code, why?.build], ['run/audit-failed', 'c']);
  assert.equal(why?.message, '`c` was up to date, but building it gives another image');
  assert.equal(why.detail, audit.differences.join('\n'));
  assert.match(why.hint ?? '', /^Check whether a step makes different files each time/);
  assert.equal(finishedOf(baked, 'c').at(-1)?.kind, 'failed');
  const state = new StateStore(path.join(world.home, 'state'), world.dir);
  const isWrong = async (build: string) => (await state.readResult(build))?.wrong;
  assert.deepEqual([await isWrong('b'), await isWrong('c')], [undefined, true]);
  assert.equal(kindsText(await world.bake()), 'a unchanged, b unchanged, c built');
  assert.equal(await isWrong('c'), undefined);
});

test('of many differences twenty are shown and the rest counted; steps from the cache point at the key', async (t) => {
  const world = await makeAudited(t, (host) => ({
    ...rowTree(host),
    'c/Dockerfile': `FROM scratch\nCOPY file /\n${'RUN make\n'.repeat(15)}`,
  }));
  world.engine.weather = 'rain';
  // Another machine builds it in this weather, so that its steps are in the cache of the engine.
  assertOk(await world.bake({ home: `${world.home}/other` }));
  const baked = await world.bake({ audit: ALL });
  const { audit, problem: why } = baked.outcome('c');
  assert.deepEqual([audit?.result, audit?.cached, audit?.differences?.length], ['different', true, 30]);
  const lines = why?.detail?.split('\n') ?? [];
  assert.deepEqual(lines.slice(0, 20), audit?.differences?.slice(0, 20));
  assert.deepEqual(lines.slice(20), ['and 10 more']);
  assert.match(why?.hint ?? '', /: every step came from the cache of the engine/);
});

test('files that change meanwhile, and builds that fail, leave the audit unsure', async (t) => {
  const world = await makeAudited(t);
  world.engine.fault({
    when: '/a\n',
    at: 'start',
    act: () => world.write({ 'a/file': 'changed\n' }),
  });
  world.engine.fault({ when: '/c\n', at: 'start', act: { fail: 'error: failed to solve: no luck' } });
  const baked = await world.bake({ audit: ALL });
  assertOk(baked);
  assert.deepEqual(results(baked), ['not-compared', 'same-bytes', 'not-compared']);
  assert.deepEqual(baked.outcome('a').audit, {
    result: 'not-compared',
    compared: 'nothing',
    cached: false,
    why: 'its files changed during the run',
  });
  const said = warningsOf(baked).sort((one, other) => ((one.build ?? '') < (other.build ?? '') ? -1 : 1));
  assert.deepEqual(
    said.map(({ code, severity, build }) => [code, severity, build]),
    [
      ['run/audit-unsure', 'warning', 'a'],
      ['run/audit-unsure', 'warning', 'c'],
    ],
  );
  assert.equal(said[0]?.message, '`a` could not be audited: its files changed during the run');
  assert.equal(said[0].hint, 'The audit proves nothing for or against this build.');
  assert.match(said[1]?.message ?? '', /^`c` could not be audited: /);
  assert.deepEqual([said[0].detail, said[1]?.detail], [undefined, 'error: failed to solve: no luck']);
  assert(!('detail' in said[0]));
  assert.equal(baked.outcome('c').kind, 'unchanged');
  assert.equal((await world.records()).length, 3);
});

test('an audit of results that are in the engine only reads them there', async (t) => {
  const tree = (host: string) => ({
    ...rowTree(host),
    // A tag of what is not pushed is somebody else's.
    'builds.yaml': `builds:
  a: { context: c, tags: ["${host}/app/a:dev"], push: false }
  b: { context: b, contexts: { a: "build:a" } }
`,
    'c/Dockerfile': 'FROM scratch\nCOPY file /\nRUN make\n',
  });
  const world = await makeAudited(t, tree);
  const agreed = await world.bake({ audit: ALL });
  assert.deepEqual(results(agreed), ['same-bytes', 'same-bytes']);
  world.engine.weather = 'rain';
  const baked = await world.bake({ audit: ALL });
  assert.deepEqual(results(baked), ['different', 'same-bytes']);
});

test('a registry that does not give what it has leaves the audit unsure', async (t) => {
  const world = await makeAudited(t, (host) => ({
    ...rowTree(host),
    'c/Dockerfile': 'FROM scratch\nCOPY file /\nRUN make\n',
  }));
  world.engine.weather = 'rain';
  world.registry.fault({
    method: 'GET',
    path: '/app/c/',
    from: 'bake-ts',
    act: { kind: 'status', status: 403 },
  });
  const baked = await world.bake({ audit: ALL });
  assert.deepEqual(results(baked), ['same-bytes', 'same-bytes', 'not-compared']);
  assert.match(
    baked.outcome('c').audit?.why ?? '',
    /^[\d.:]+ denied GET \S+\/app\/c\/manifests\/\S+ \(403\)$/,
  );
});

test('an audit of a run that is stopped is no finding', async (t) => {
  const world = await makeAudited(t);
  const controller = new AbortController();
  world.engine.fault({ at: 'start', act: () => controller.abort() });
  const baked = await world.bake({ audit: ALL, signal: controller.signal, builds: ['c'] });
  const { kind, audit } = baked.outcome('c');
  assert.deepEqual([kind, audit?.result, audit?.why], ['unchanged', 'not-compared', 'the run was cancelled']);
  assert.equal((await world.records()).length, 3);
});

test('a parent that is not pushed now, but is in its registry from before, is read there', async (t) => {
  const tree = (push: boolean) => (host: string) => ({
    ...rowTree(host),
    'builds.yaml': `builds:
  a: { context: a, tags: ["${host}/app/a:dev"], push: ${push} }
  b: { context: b, contexts: { a: "build:a" }, tags: ["${host}/app/b:dev"], push: true }
`,
  });
  const world = await makeAudited(t, tree(true));
  await world.write(tree(false)(world.registry.host));
  const baked = await world.bake({ audit: ALL });
  assertOk(baked);
  assert.equal(kindsText(baked), 'a built, b unchanged');
  assert.deepEqual(results(baked), [undefined, 'same-bytes']);
});

/** A build whose steps are based on the layers of another one alone, both pushed. */
const layeredTree = (host: string) => ({
  ...rowTree(host),
  'a/Dockerfile': 'FROM scratch\nCOPY file /a\nCMD ["a"]\n',
  'b/Dockerfile': 'FROM a\nCOPY file /b\n',
});

/** What each call of buildctl read `a` by: `:bake-ts` is the name of its layers alone. */
const basesOf = ({ engine }: FakeWorld): readonly string[] =>
  engine.builds.flatMap((argv) =>
    argv.flatMap((word) => /^context:a=docker-image:\/\/[^/]+\/app\/a(.*)@/.exec(word)?.[1] ?? []),
  );

test('steps of an audit are based on what those of the build were, so that they come from the cache', async (t) => {
  const world = await makeAudited(t, layeredTree);
  world.registry.forget();
  const baked = await world.bake({ audit: ALL, builds: ['b'] });
  assert.deepEqual(basesOf(world), [':bake-ts']);
  const same = { result: 'same-bytes', compared: 'digests', cached: true } as const;
  assert.deepEqual(baked.outcome('b').audit, same);
  assert.deepEqual(world.registry.writes(), []);
});

test('an engine that cannot base steps on layers alone audits on the image, and says why it began anew', async (t) => {
  const world = await makeAudited(t, layeredTree);
  const words = 'dockerfile parse error: unknown instruction: BAKE_TS_LAYERS_ONLY';
  world.engine.fault({ when: ':bake-ts@', at: 'start', act: { fail: `error: failed to solve: ${words}` } });
  const baked = await world.bake({ audit: ALL, builds: ['b'] });
  assert.deepEqual(basesOf(world), [':bake-ts', '']);
  assert.equal(baked.outcome('b').audit?.result, 'same-bytes');
  const retries = baked.events.flatMap((event) => (event.type === 'retry' ? [event] : []));
  assert.deepEqual(
    retries.map(({ build, delayMs }) => [build, delayMs]),
    [['b', 0]],
  );
  assert.match(retries[0]?.why ?? '', /config of a layers-only image/);
});

test('what says by provenance what it was made of is audited on the image itself, as it was built', async (t) => {
  const world = await makeAudited(t, (host) => ({
    ...layeredTree(host),
    'builds.yaml': `builds:
  a: { context: a, tags: ["${host}/app/a:dev"], push: true }
  b: { context: b, contexts: { a: "build:a" }, tags: ["${host}/app/b:dev"], push: true }
  p: { context: b, contexts: { a: "build:a" }, tags: ["${host}/app/p:dev"], push: true, attest: ["type=provenance,mode=min"] }
`,
  }));
  const baked = await world.bake({ audit: ALL, builds: ['b', 'p'] });
  assert.deepEqual([...basesOf(world)].sort(), ['', ':bake-ts']);
  for (const build of ['b', 'p']) assert.equal(baked.outcome(build).audit?.result, 'same-bytes');
});

test('layers that are gone are not put again for an audit', async (t) => {
  const world = await makeAudited(t, layeredTree);
  const layers = world.registry.requests.flatMap(
    ({ method, path, from }) =>
      (method === 'PUT' && from === 'bake-ts' && /\/app\/a\/manifests\/(sha256:.*)/.exec(path)?.[1]) || [],
  );
  assert.equal(layers.length, 1);
  world.registry.forget();
  // Gone between our looking and the engine's.
  world.engine.fault({
    when: ':bake-ts@',
    at: 'sent',
    act: () => {
      for (const digest of layers) world.registry.store.deleteManifest('app/a', digest);
    },
  });
  const baked = await world.bake({ audit: ALL, builds: ['b'] });
  assertOk(baked);
  const { audit } = baked.outcome('b');
  assert.equal(audit?.result, 'not-compared');
  assert.match(audit.why ?? '', /\/app\/a@sha256:\w+ is gone from its registry$/);
  assert.deepEqual(basesOf(world), [':bake-ts']);
  assert.deepEqual(world.registry.writes(), []);
});

test('what an audit builds writes nothing but a layout, and no cache', async (t) => {
  const world = await makeAudited(t, (host) => ({
    ...rowTree(host),
    'builds.yaml': `builds:
  c: { context: c, tags: ["${host}/app/c:dev"], push: true, cache-to: ["type=registry,ref=${host}/cache"] }
`,
  }));
  world.engine.forgetCalls();
  const baked = await world.bake({ audit: ALL });
  assert.equal(baked.outcome('c').audit?.result, 'same-bytes');
  const [argv = [], ...others] = world.engine.builds;
  assert.deepEqual(others, []);
  assert(!argv.includes('--export-cache'), argv.join(' '));
  const outputs = argv.filter((_, at) => argv[at - 1] === '--output');
  assert.match(outputs.join('\n'), /^type=oci,\S*\/layout\b/);
});

test('a build that gives no image leaves the audit unsure', async (t) => {
  const world = await makeAudited(t);
  world.engine.fault({
    when: '/c\n',
    at: 'end',
    act: ({ argv }) => rm(argv[argv.indexOf('--metadata-file') + 1] ?? ''),
  });
  const { audit, kind } = (await world.bake({ audit: ALL, builds: ['c'] })).outcome('c');
  assert.deepEqual([kind, audit?.why], ['unchanged', 'the build made no image']);
});

test('files that differ in their times alone are the same', async (t) => {
  const world = await makeAudited(t);
  const [old] = (await world.records()).filter(({ build }) => build === 'c');
  assert(old !== undefined);
  const digest = changeImage(world.registry.store, 'app/c', { layer: retimed });
  await replaceInRecords(world.home, old.digest, digest);
  const baked = await world.bake({ audit: ALL, builds: ['c'] });
  const { audit, reason, kind } = baked.outcome('c');
  assert.deepEqual([kind, audit], ['unchanged', { result: 'same-files', compared: 'files', cached: true }]);
  assert.match(reason?.text ?? '', /; audited: the same files, different times$/);
});

test('a platform that only one of the images has is a difference, with the image that has it', async (t) => {
  const world = await makeAudited(t);
  const [old] = (await world.records()).filter(({ build }) => build === 'c');
  assert.deepEqual(
    old?.platforms.map(({ platform }) => platform),
    ['linux/amd64'],
  );
  await replaceInRecords(world.home, '"linux/amd64"', '"linux/s390x"');
  const { kind, audit } = (await world.bake({ audit: ALL, builds: ['c'] })).outcome('c');
  assert.equal(kind, 'failed');
  assert.deepEqual(audit?.differences, [
    'linux/s390x: only in the remembered image',
    'linux/amd64: only in the new one',
  ]);
});
