/** What follows when buildctl fails: how often it is called again, what is said, and what is blamed. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { formatLock } from '../../lib/lock/mod.ts';
import { type BakeEvent, ok, problem } from '../../lib/model/mod.ts';
import { bakeWith, type EngineAccess } from '../../lib/run/mod.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText, lifeOf } from '../rig/failure-bench.ts';
import { accessTo, envOf, type FakeWorld, makeFakeWorld, prepareIn, putBase } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const BUSY = 'error: failed to solve: dial unix /run/containerd.sock: connect: connection refused';

/** One build on `base:1`. */
async function makeOne(t: Cleanup): Promise<FakeWorld> {
  const world = await makeFakeWorld(
    t,
    (host) => ({
      'builds.yaml': `builds:\n  a: { context: ., push: true, tags: ["${host}/app/a:1"] }\n`,
      Dockerfile: `FROM ${host}/base:1\nCOPY file /\n`,
      file: 'a\n',
    }),
    { lax: true },
  );
  putBase(world.registry, 'base', '1', 'one');
  return world;
}

const retriesOf = ({ events }: Pick<Baked, 'events'>) =>
  events.flatMap((event) =>
    event.type === 'retry' ? [[event.build, event.attempt, event.delayMs, event.why]] : [],
  );

test('a fault that passes is tried again, each time as another attempt in a directory of its own', async (t) => {
  const world = await makeOne(t);
  const dirs: string[] = [];
  world.engine.fault({
    at: 'start',
    times: 2,
    act: ({ argv }) => {
      const dir = path.dirname(argv[argv.indexOf('--metadata-file') + 1] ?? '');
      // What failed before has left nothing.
      assert.deepEqual(dirs.filter(existsSync), []);
      assert.equal(existsSync(dir), true);
      dirs.push(dir);
    },
  });
  world.engine.fault({ at: 'start', times: 2, act: { fail: BUSY } });
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(new Set(dirs).size, 2);
  assert.equal(lifeOf(baked, 'a'), 'KDSRSRSTF');
  const [[, , , why] = []] = retriesOf(baked);
  assert.match(String(why), /containerd/);
  assert.deepEqual(retriesOf(baked), [
    ['a', 1, 1_000, why],
    ['a', 2, 4_000, why],
  ]);
  const attempts = baked.events.flatMap((event) => (event.type === 'node-started' ? [event.attempt] : []));
  assert.deepEqual(attempts, [1, 2, 3]);
});

test('a build that fails or is cancelled says which of its steps are known', async (t) => {
  const world = await makeOne(t);
  const host = world.registry.host;
  await world.write({ Dockerfile: `FROM ${host}/base:1\nCOPY file /\nRUN one\n` });
  assertOk(await world.bake());
  await world.write({ Dockerfile: `FROM ${host}/base:1\nCOPY file /\nRUN one\nRUN exit 3\nRUN more\n` });
  const failed = await world.bake();
  assert.equal(kindsText(failed), 'a failed');
  assert.deepEqual(failed.outcome('a').steps, { total: 3, cached: 2 });
  await world.write({ Dockerfile: `FROM ${host}/base:1\nCOPY file /\nRUN one\nRUN other\n` });
  world.engine.fault({ at: 'built', act: 'hang' });
  const stopper = new AbortController();
  const cancelled = await world.bake({
    signal: stopper.signal,
    onEvent: (event) => {
      if (event.type === 'vertex' && event.name.includes('RUN other')) stopper.abort();
    },
  });
  assert.equal(kindsText(cancelled), 'a cancelled');
  assert.deepEqual(cancelled.outcome('a').steps, { total: 3, cached: 2 });
});

test('a run that is cancelled while a build waits is not tried again', async (t) => {
  const world = await makeOne(t);
  world.engine.fault({ at: 'start', act: { fail: BUSY } });
  const controller = new AbortController();
  const summary = await bakeWith(accessTo(world.engine), {
    ...(await prepareIn(world)),
    env: envOf(world),
    signal: controller.signal,
    sleep: async () => controller.abort(),
  });
  assert.deepEqual(
    summary.outcomes.map(({ build, kind, problem }) => [build, kind, problem]),
    [['a', 'cancelled', undefined]],
  );
  assert.equal(summary.buildctlCalls, 1);
});

test('what does not pass is not tried again', async (t) => {
  const world = await makeOne(t);
  world.engine.fault({ at: 'start', act: { fail: 'error: failed to solve: something else' } });
  const baked = await world.bake();
  assert.deepEqual([codesOf(baked), retriesOf(baked)], [['build/failed of a'], []]);
  assert.deepEqual([baked.outcome('a').problem?.build, baked.outcome('a').tags], ['a', []]);
  assert.equal(baked.summary.buildctlCalls, 1);
  assert.deepEqual(await world.records(), []);
});

test('credentials that a registry quotes to the engine are hidden in what buildctl says of it', async (t) => {
  const world = await makeOne(t);
  const pair = Buffer.from('robot:hunter2pass').toString('base64');
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [world.registry.host]: { auth: pair } } }) };
  const words = `you sent Basic ${pair} of robot:hunter2pass`;
  for (const [fail, code] of [
    [`error: failed to solve: failed to push r.example/x: 403 Forbidden: ${words}`, 'registry/denied'],
    [`${BUSY}: ${words}`, undefined],
    ['something else', undefined],
  ] as const) {
    world.engine.mend();
    // What a step writes is no exception.
    await world.write({ Dockerfile: `FROM ${world.registry.host}/base:1\nCOPY file /\nRUN echo ${words}\n` });
    world.engine.fault({ at: 'start', act: { fail } });
    const baked = await world.bake({ env });
    const { problem: told } = baked.outcome('a');
    if (code !== undefined) assert.equal(told?.code, code);
    const all = JSON.stringify([baked.events.filter(({ type }) => type !== 'node-keyed'), baked.summary]);
    assert.ok(!all.includes('hunter2'), all);
    assert.ok(!all.includes(pair), all);
    if (fail.includes(words)) assert.match(told?.detail ?? '', /you sent Basic \(hidden\)=? of \(hidden\)/);
  }
});

test('where the engine does not know what registries: says, the hint says that; elsewhere it says nothing', async (t) => {
  const world = await makeOne(t);
  const found = await accessTo(world.engine).find({} as never);
  assert(found.ok);
  const engine = { ...found.value, registryHint: 'Tell the engine.' };
  const access = { ...accessTo(world.engine), find: async () => ok(engine) };
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['http: server gave HTTP response to HTTPS client', 'registry/http', true],
    ['tls: failed to verify certificate: x509: unknown authority', 'registry/tls', true],
    ['failed to push r.example/x: 403 Forbidden', 'registry/denied', false],
    ['something else', 'build/failed', false],
  ];
  for (const [text, code, isHinted] of rows) {
    world.engine.mend();
    world.engine.fault({ at: 'start', act: { fail: `error: failed to solve: ${text}` } });
    const told = (await world.bake({ access })).outcome('a').problem;
    assert.deepEqual([told?.code, told?.hint === engine.registryHint], [code, isHinted]);
    const untold = (await world.bake()).outcome('a').problem;
    assert.equal(untold?.code, code);
    assert.notEqual(untold?.hint, engine.registryHint);
  }
});

test('where the engine may not push, the hint says whether there are credentials, and where they were looked for', async (t) => {
  const world = await makeOne(t);
  const { host } = world.registry;
  const words = 'unexpected status from HEAD request to http://r/v2/a/blobs/x: 401 Unauthorized';
  world.engine.fault({
    at: 'start',
    act: { fail: `error: failed to solve: failed to push ${host}/app/a: ${words}` },
  });
  const none = (await world.bake()).outcome('a').problem;
  assert.equal(none?.code, 'registry/unauthorized');
  assert.match(none.message, /requires a sign-in/);
  assert.match(none.hint ?? '', new RegExp(`^No credentials were found for ${host} `));
});

test('a failure over an image that builds.lock pins and its registry has no more is laid to that', async (t) => {
  const world = await makeOne(t);
  const written = `${world.registry.host}/base:1`;
  const gone = `sha256:${'0'.repeat(64)}` as const;
  const rows: readonly (readonly [string, string])[] = [
    [`failed to resolve source metadata for ${written}: not found`, 'build/base-missing'],
    [`failed to resolve source metadata for ${written}: timeout`, 'build/base-unreachable'],
    ['failed to calculate checksum of ref x: "/file": not found', 'build/file-missing'],
    ['something else', 'build/failed'],
    ['process "make" did not complete successfully: exit code: 1', 'build/step-failed'],
    ['failed to push r.example/x: 403 Forbidden', 'registry/denied'],
  ];
  for (const [text, code] of rows) {
    world.engine.mend();
    world.engine.fault({ at: 'start', act: { fail: `error: failed to solve: ${text}` } });
    await world.write({ 'builds.lock': formatLock([{ written, digest: gone }]) });
    const locked = (await world.bake()).outcome('a').problem;
    if (code === 'build/step-failed' || code === 'registry/denied') {
      assert.equal(locked?.code, code);
      continue;
    }
    assert.equal(locked?.code, 'run/locked-image-gone', code);
    assert.equal(locked?.build, 'a');
    assert.equal(locked?.hint, `Lock the current digest of the tag: bake-ts update '${written}'`);
    assert.match(locked?.message ?? '', new RegExp(`pins .*base:1.* to ${gone}`));
    // One that is still there is not to blame.
    const digest = world.registry.store.tags()['base:1'] as `sha256:${string}`;
    await world.write({ 'builds.lock': formatLock([{ written, digest }]) });
    const unlocked = (await world.bake()).outcome('a').problem;
    assert.equal(unlocked?.code, code);
    assert.equal(locked?.detail, unlocked?.detail);
  }
});

/** `a` and `b` on it, in the engine's own store. */
const makeStored = (t: Cleanup, more = '') =>
  makeFakeWorld(t, () => ({
    'builds.yaml': `builds:\n  a: { context: a${more} }\n  b: { context: b, contexts: { a: "build:a" } }\n`,
    'a/Dockerfile': 'FROM scratch\nCOPY file /a\n',
    'a/file': 'a\n',
    'b/Dockerfile': 'FROM a\nCOPY file /b\n',
    'b/file': 'b\n',
  }));

test('where a parent is lost, its child is built again at once, once it is there again', async (t) => {
  const world = await makeStored(t);
  assertOk(await world.bake({ builds: ['b'] }));
  await world.write({ 'b/file': 'B\n' });
  world.engine.loseImages();
  const waits: number[] = [];
  const events: BakeEvent[] = [];
  const summary = await bakeWith(accessTo(world.engine), {
    ...(await prepareIn(world, ['b'])),
    env: envOf(world),
    hostArchitecture: 'amd64',
    sleep: async (ms) => {
      waits.push(ms);
    },
    onEvent: (event) => events.push(event),
  });
  assert.equal(summary.ok, true);
  assert.deepEqual(retriesOf({ events }), [['b', 1, 0, 'the engine lost the image of a parent']]);
  assert.deepEqual(waits, []);
  const decided = events.flatMap((event) =>
    event.type === 'node-decided' && event.build === 'a' ? [[event.decision, event.reason.code]] : [],
  );
  assert.deepEqual(decided, [
    ['unchanged', 'not-needed'],
    ['build', 'parent-lost'],
  ]);
});

test('a parent that is lost in the run that made it is not made again', async (t) => {
  const world = await makeStored(t);
  world.engine.fault({ when: '/b\n', at: 'start', act: () => world.engine.loseImages() });
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a built, b failed');
  assert.equal(baked.outcome('b').problem?.code, 'build/parent-lost');
  assert.equal(world.engine.builds.filter((argv) => argv.some((word) => word.endsWith('/a'))).length, 1);
});

test('what a worker without a store makes lies in a directory until the run is over', async (t) => {
  for (const more of ['', ', outputs: ["type=local,dest=out"]']) {
    const world = await makeStored(t, more);
    world.engine.worker = 'oci';
    let layout = '';
    world.engine.fault({
      when: '/b\n',
      at: 'start',
      act: ({ argv }) => {
        layout = argv[argv.indexOf('--oci-layout') + 1]?.replace(/^[^=]*=/, '') ?? '';
        assert.equal(existsSync(layout), true);
      },
    });
    assertOk(await world.bake());
    assert.notEqual(layout, '');
    assert.equal(existsSync(layout), false);
  }
});

test('what a build left on this machine is gone when the next one begins', async (t) => {
  const world = await makeStored(t);
  const dirs: string[] = [];
  world.engine.fault({
    at: 'start',
    act: ({ argv }) => {
      assert.deepEqual(dirs.filter(existsSync), []);
      dirs.push(path.dirname(argv[argv.indexOf('--metadata-file') + 1] ?? ''));
    },
  });
  assertOk(await world.bake());
  assert.equal(dirs.length >= 2, true);
});

test('a step that fails is shown in the Dockerfile', async (t) => {
  const world = await makeOne(t);
  await world.write({ Dockerfile: 'FROM scratch\nRUN exit 3\n' });
  const { problem } = (await world.bake()).outcome('a');
  assert.equal(problem?.code, 'build/step-failed');
  assert.deepEqual([problem?.place?.file, problem?.place?.line], ['Dockerfile', 2]);
});

test('directories behind named contexts are not mistaken for one another', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': `builds:
  a: { context: empty, dockerfile-inline: "FROM scratch\\nCOPY --from=files file /\\n", contexts: { files: one } }
  b: { context: empty, dockerfile-inline: "FROM scratch\\nCOPY --from=files file /\\n", contexts: { files: two } }
`,
    'empty/.keep': '',
    'one/file': '1\n',
    'two/file': '2\n',
  }));
  const same = new Date(1_700_000_000_000);
  for (const dir of ['one', 'two']) await utimes(path.join(world.dir, dir, 'file'), same, same);
  assertOk(await world.bake());
  assert.equal(world.engine.builds.length, 2);
  const names = world.engine.builds.map((argv) => /context:files=local:(\w+)/.exec(argv.join(' '))?.[1]);
  assert.equal(new Set(names).size, 2);
});

test('an engine that cannot be found fails each build that needs it, each by its name', async (t) => {
  const world = await makeOne(t);
  const access = { ...accessTo(world.engine), find: async () => ({ ok: false as const, error: [] }) };
  const baked = await world.bake({ access });
  assert.equal(kindsText(baked), 'a failed');
  const { problem } = baked.outcome('a');
  assert.deepEqual([problem?.code, problem?.build], ['engine/unreachable', 'a']);
  assert.deepEqual(retriesOf(baked), []);
});

test('a run that is stopped while the engine is looked for is cancelled, and blames nobody', async (t) => {
  const world = await makeOne(t);
  const stopper = new AbortController();
  const aborted = problem('run/cancelled', 'cancelled');
  const access = {
    ...accessTo(world.engine),
    find: async () => {
      stopper.abort();
      return { ok: false as const, error: [aborted] };
    },
  };
  const baked = await world.bake({ access, signal: stopper.signal });
  assert.deepEqual([kindsText(baked), codesOf(baked)], ['a cancelled', []]);
});

test('a base image that our client finds through a mirror and the engine does not: the hint is to tell the engine', async (t) => {
  const world = await makeFakeWorld(
    t,
    (host) => ({
      'builds.yaml': `
registries: { docker.io: { mirrors: ["${host}"] } }
builds:
  a: { context: . }
  b: { context: ., dockerfile: Other }
`,
      Dockerfile: 'FROM base:1\nRUN x\n',
      Other: 'FROM missing:1\nRUN x\n',
    }),
    { lax: true },
  );
  putBase(world.registry, 'library/base', '1', 'one');
  const failing = (name: string, message: string) =>
    world.engine.fault({ at: 'start', when: `filename=${name}`, act: { fail: message } });
  const text = (image: string) =>
    `error: failed to solve: ${image}:1: failed to resolve source metadata for docker.io/library/${image}:1: failed to do request: dial tcp: connect: network is unreachable`;
  failing('Dockerfile', text('base'));
  failing('Other', text('missing'));
  const to = accessTo(world.engine);
  const hinted: EngineAccess = {
    ...to,
    find: async (options) => {
      const found = await to.find(options);
      return found.ok ? ok({ ...found.value, registryHint: 'tell the engine' }) : found;
    },
  };
  const hints = async (access = hinted) => {
    const baked = await world.bake({ access });
    return ['a', 'b'].map((build) => baked.outcome(build).problem?.hint);
  };
  const usual = 'Check that the engine can reach its registry; log in if it is private.';
  assert.deepEqual(await hints(), ['tell the engine', usual]);
  assert.deepEqual(await hints(to), [usual, usual]);
  // About the same image, and not because of it.
  world.engine.mend();
  failing('Dockerfile', 'error: failed to solve: something else');
  const other = (await world.bake({ access: hinted, builds: ['a'] })).outcome('a').problem;
  assert.deepEqual([other?.code, other?.hint], ['build/failed', undefined]);
});
