/** What `explain` says of what was built before, with an engine and a registry within this process. */
import assert from 'node:assert/strict';
import { chmod, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { type Explanation, explainBuilds } from '../../lib/inspect/mod.ts';
import { assertOk } from '../rig/baking.ts';
import { accessTo, envOf, type FakeWorld, makeFakeWorld, prepareIn, putBase } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

function setOf(host: string, mode = 'a', tag = 'latest'): string {
  return `builds:
  base: { context: base, tags: ["${host}/ex/base:1"], push: true }
  api:
    context: api
    contexts: { base: "build:base" }
    args: { MODE: ${mode} }
    tags: ["${host}/ex/api:1", "${host}/ex/api:${tag}"]
    push: true
`;
}

interface Explaining extends FakeWorld {
  readonly report: (patterns?: readonly string[]) => ReturnType<typeof explainBuilds>;
  readonly explain: (build: string) => Promise<Explanation>;
}

async function makeExplaining(t: Cleanup): Promise<Explaining> {
  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': setOf(host),
    'base/Dockerfile': `FROM ${host}/os:1\nCOPY . /\n`,
    'base/f': '1',
    'api/Dockerfile': 'FROM base\nARG MODE\nLABEL mode=$MODE\nCOPY src /\n',
    ...Object.fromEntries(Array.from({ length: 205 }, (_, at) => [`api/src/${at}`, `${at}`])),
  }));
  putBase(world.registry, 'os', '1', 'os');
  const report = async (patterns: readonly string[] = ['*']) => {
    const { plan, dockerfiles } = await prepareIn(world, patterns);
    const engines = accessTo(world.engine);
    return explainBuilds({ plan, dockerfiles, env: envOf(world), hostArchitecture: 'amd64', engines });
  };
  const explain = async (build: string) => {
    const found = (await report()).builds.find((one) => one.build === build);
    assert(found !== undefined);
    return found;
  };
  return { ...world, report, explain };
}

test('after a run nothing differs, and nothing is done to see it', async (t) => {
  const { bake, explain, registry, engine, write, report } = await makeExplaining(t);
  assertOk(await bake());
  registry.forget();
  engine.forgetCalls();
  const api = await explain('api');
  const { host, store } = registry;
  const digest = store.manifest('ex/api', '1')?.digest;
  assert.equal(api.decision, 'unchanged');
  assert.deepEqual([api.reason?.code, api.pushes, api.role], ['inputs-same', true, 'asked']);
  assert.deepEqual(api.differences, { known: true, items: [], total: 0 });
  assert.deepEqual(api.tags, [
    { ref: `${host}/ex/api:1`, state: 'right', digest },
    { ref: `${host}/ex/api:latest`, state: 'right', digest },
  ]);
  const { last } = api;
  assert.deepEqual([last?.sameInputs, last?.digest], [true, digest]);
  assert.deepEqual(last?.steps, { total: 1, cached: 0 });
  assert((last?.sizeBytes ?? 0) > 0 && last?.platforms.length === 1);
  assert.match(last?.finishedAt ?? '', /^\d{4}-/);
  assert.equal(typeof last?.durationMs, 'number');
  assert.deepEqual(api.inputs?.parents, [
    { name: 'base', build: 'base', digest: store.manifest('ex/base', '1')?.digest },
  ]);
  assert.match(api.key ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(
    api.inputs?.contexts.map(({ name, files }) => [name, files]),
    [['context', 205]],
  );
  const base = await explain('base');
  const os = store.manifest('os', '1')?.digest;
  assert.deepEqual(base.inputs?.images, [{ image: `${host}/os:1`, digest: os, locked: false }]);
  await write({ 'builds.lock': JSON.stringify({ version: 1, images: { [`${host}/os:1`]: os } }) });
  assert.deepEqual((await explain('base')).inputs?.images, [
    { image: `${host}/os:1`, digest: os, locked: true },
  ]);
  assert.deepEqual((await report()).problems, []);
  assert.deepEqual([registry.writes(), engine.builds], [[], []]);
});

test('an argument, a mode, a file that went and one that came are differences; the reason counts them', async (t) => {
  const { bake, explain, registry, write, dir } = await makeExplaining(t);
  assertOk(await bake());
  const before = (await explain('api')).last;
  await write({ 'builds.yaml': setOf(registry.host, 'b') });
  const one = await explain('api');
  assert.equal(one.reason?.text, 'arg MODE: "a" → "b"');
  await write({ 'api/src/new': '' });
  await chmod(path.join(dir, 'api/src/1'), 0o755);
  await rm(path.join(dir, 'api/src/2'));
  const api = await explain('api');
  assert.deepEqual([api.decision, api.reason?.code], ['build', 'changed']);
  assert.deepEqual(api.differences, {
    known: true,
    total: 4,
    items: [
      'arg MODE: "a" → "b"',
      'context: mode of src/1 644 → 755',
      'context: src/2 removed',
      'context: src/new added',
    ],
  });
  assert.equal(api.reason?.text, 'arg MODE: "a" → "b", and 3 more');
  assert(!('items' in api.reason));
  assert.deepEqual(
    api.tags.map(({ state }) => state),
    ['there', 'there'],
  );
  assert.deepEqual(api.last, { ...before, sameInputs: false });
});

test('a change below alone: it depends on what comes out', async (t) => {
  const { bake, explain, write } = await makeExplaining(t);
  assertOk(await bake());
  await write({ 'base/f': '2' });
  assert.deepEqual((await explain('base')).differences.items, ['context: f changed']);
  const api = await explain('api');
  assert.deepEqual([api.decision, api.reason?.items], ['depends', ['base']]);
  assert.deepEqual([api.untracked, api.differences.items], [[], []]);
  assert.deepEqual(api.inputs?.parents, [{ name: 'base', build: 'base' }]);
});

test('of more than 200 changes the first 200, and how many there are', async (t) => {
  const { bake, explain, write } = await makeExplaining(t);
  assertOk(await bake());
  await write(Object.fromEntries(Array.from({ length: 205 }, (_, at) => [`api/src/${at}`, 'changed'])));
  const { differences } = await explain('api');
  assert.deepEqual([differences.items.length, differences.total], [200, 205]);
});

test('tags that went, moved or cannot be asked for are shown; an earlier state finds its result again', async (t) => {
  const { bake, explain, registry, write } = await makeExplaining(t);
  const { host } = registry;
  assertOk(await bake());
  await write({ 'builds.yaml': setOf(host, 'a', 'newest') });
  const missing = await explain('api');
  assert.deepEqual([missing.decision, missing.reason?.code], ['retag', 'tags-missing']);
  assert.deepEqual(missing.tags[1], { ref: `${host}/ex/api:newest`, state: 'missing' });
  await write({ 'builds.yaml': setOf(host, 'b') });
  assertOk(await bake());
  await write({ 'builds.yaml': setOf(host) });
  const back = await explain('api');
  assert.deepEqual([back.decision, back.reason?.code], ['retag', 'tags-moved']);
  assert.deepEqual(back.differences.items, ['arg MODE: "b" → "a"']);
  assert.deepEqual(
    back.tags.map(({ state }) => state),
    ['other', 'other'],
  );
  assert.deepEqual([back.last?.digest, back.last?.sameInputs], [missing.last?.digest, true]);
  registry.fault({ path: '/ex/api/', act: { kind: 'status', status: 403 } });
  const [unknown] = (await explain('api')).tags;
  assert.equal(unknown?.state, 'unknown');
  assert.match(unknown.why ?? '', /\S/);
  assert(!('digest' in unknown));
});

test('what a run would refuse is reported besides: a bad lock, secrets of what runs, missing contexts', async (t) => {
  const { report, write, registry, bake } = await makeExplaining(t);
  const codes = async () => (await report()).problems.map(({ code }) => code);
  const set = setOf(registry.host).replace(
    'context: api',
    'context: api\n    secrets: [{ id: pw, env: NOT_SET }]',
  );
  await write({
    'builds.yaml': set,
    'api/Dockerfile': 'FROM base\nARG MODE\nRUN --mount=type=secret,id=pw make\n',
  });
  assert.deepEqual(await codes(), ['build/secret-unset']);
  assertOk(await bake({ env: { NOT_SET: 'x' } }));
  // Only what runs needs its secrets.
  assert.deepEqual(await codes(), []);
  await write({ 'builds.lock': '[]' });
  assert.deepEqual(await codes(), ['config/bad-lock']);
});

/** What nothing in a set of tests gives otherwise: inline Dockerfiles, other names for builds, tags that are not pushed. */
const odd = (host: string) => ({
  'builds.yaml': `builds:
  base: { context: base }
  kept:
    context: base
    tags: ["${host}/ex/kept:1"]
    contexts: { parent: "build:base" }
    dockerfile-inline: |
      FROM parent
      ADD https://example.invalid/x /x
`,
  'base/Dockerfile': 'FROM scratch\nCOPY f /\n',
  'base/f': '1',
});

async function explainIn(world: FakeWorld, more: Partial<Parameters<typeof explainBuilds>[0]> = {}) {
  const { plan, dockerfiles } = await prepareIn(world);
  const engines = accessTo(world.engine);
  const env = envOf(world);
  return explainBuilds({ plan, dockerfiles, env, hostArchitecture: 'amd64', engines, ...more });
}

test('a parent is shown by both of its names, and an inline Dockerfile by its place', async (t) => {
  const world = await makeFakeWorld(t, odd);
  const [base, kept] = (await explainIn(world)).builds;
  assert.equal(base?.inputs?.dockerfile, 'base/Dockerfile');
  assert.equal(kept?.inputs?.dockerfile, 'inline at builds.yaml:7:24');
  assert.deepEqual(kept.inputs.parents, [{ name: 'parent', build: 'base' }]);
  // That the parent is built first is no input that cannot be known.
  assert.deepEqual([kept.decision, kept.reason?.code], ['build', 'untracked']);
  const [untracked, ...others] = kept.untracked;
  assert.deepEqual(others, []);
  assert.deepEqual(kept.reason?.items, [untracked?.what]);
  assert.match(untracked?.what ?? '', /example\.invalid/);
  assert(!('key' in kept) && !('last' in kept) && !('target' in kept.inputs));
  assert(base !== undefined && !('items' in (base.reason ?? {})));
});

test('tags of what is not pushed are somebody else’s, and are not asked for', async (t) => {
  const world = await makeFakeWorld(t, odd);
  const [, kept] = (await explainIn(world)).builds;
  assert.deepEqual([kept?.pushes, kept?.tags], [false, []]);
  assert.deepEqual(world.registry.lines(), []);
});

test('what cannot be built says that and nothing else', async (t) => {
  const world = await makeFakeWorld(t, odd);
  await rm(path.join(world.dir, 'base'), { recursive: true });
  const [base, kept] = (await explainIn(world)).builds;
  const nothing = {
    role: 'asked',
    decision: 'impossible',
    differences: { known: false, items: [], total: 0 },
    untracked: [],
    pushes: false,
    tags: [],
  } as const;
  const { problem, ...rest } = base ?? assert.fail();
  assert.deepEqual(rest, { build: 'base', ...nothing });
  assert.match(problem?.code ?? '', /^(?:context|dockerfile)\//);
  assert.deepEqual(kept, { build: 'kept', ...nothing, blockedBy: 'base' });
});

test('who stops gets no explanations', async (t) => {
  const world = await makeFakeWorld(t, odd);
  assert.deepEqual((await explainIn(world, { signal: AbortSignal.abort() })).builds, []);
});

test('records that have nowhere to go are a problem, and the explanations hold all the same', async (t) => {
  const world = await makeFakeWorld(t, (host) => {
    const tree = odd(host);
    return { ...tree, 'builds.yaml': `record: "not a reference"\n${tree['builds.yaml']}` };
  });
  const { builds, problems } = await explainIn(world);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['run/bad-record'],
  );
  assert.deepEqual(
    builds.map(({ decision }) => decision),
    ['build', 'build'],
  );
});

test('a machine that built nothing says what differs from what another one shares', async (t) => {
  const tree = (host: string) => ({
    'builds.yaml': `record: registry
builds:
  a: { context: ., tags: ["${host}/ex/a:1"], push: true, args: { A: one } }
`,
    Dockerfile: 'FROM scratch\nARG A\nCOPY src /\n',
    'src/0': '0',
  });
  const world = await makeFakeWorld(t, tree, { lax: true });
  assertOk(await world.bake());
  const fresh = { ...world, home: await makeTempDir(t, 'world-fresh-') };
  const [same] = (await explainIn(fresh)).builds;
  assert.equal(same?.decision, 'unchanged');
  // What is shared is the result of these inputs, so that there is nothing to compare them with.
  assert.deepEqual(same.differences, { known: false, items: [], total: 0 });
  assert.equal(same.last?.sameInputs, true);
  await world.write(Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`src/${at}`, 'new'])));
  const [other] = (await explainIn(fresh)).builds;
  assert.deepEqual([other?.decision, other?.reason?.code], ['build', 'changed']);
  assert.deepEqual(
    [other?.differences.known, other?.differences.total, other?.differences.items.length],
    [true, 30, 30],
  );
});
