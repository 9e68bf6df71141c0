/** What a session opens, counts and closes, and what its passes go by. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { emptyStored, readContent } from '../../lib/buildctl/mod.ts';
import { formatLock } from '../../lib/lock/mod.ts';
import { type EventBody, fail, problem } from '../../lib/model/mod.ts';
import type { EngineAccess } from '../../lib/run/mod.ts';
import { type Session, withSession } from '../../lib/run/session.ts';
import type { SessionOptions } from '../../lib/run/session-options.ts';
import { defaultJobs } from '../../lib/system/mod.ts';
import { accessTo, envOf, type FakeWorld, makeFakeWorld, prepareIn } from '../rig/fake-world.ts';
import { specError, startFaultRegistry } from '../rig/fault-registry.ts';
import type { Cleanup } from '../rig/temp.ts';

interface Given {
  /** Lines at the head of builds.yaml. */
  readonly head?: string;
  readonly lock?: string;
}

async function makeWorld(t: Cleanup, { head = '', lock }: Given = {}): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `${head}
builds:
  a: { context: a, push: true, tags: ["${host}/app/a:1", "${host}/app/a:2"] }
  b: { context: b, tags: ["${host}/app/b:1"], contexts: { a: "build:a" }, needs: [a] }
`,
    'a/Dockerfile': 'FROM scratch\nCOPY file /a\n',
    'a/file': 'a\n',
    'b/Dockerfile': 'FROM a\nCOPY --from=a /a /b\n',
    ...(lock === undefined ? {} : { 'builds.lock': lock }),
  }));
}

async function openIn<T>(
  world: FakeWorld,
  work: (session: Session) => Promise<T>,
  options: Partial<SessionOptions> = {},
): Promise<T> {
  const prepared = await prepareIn(world);
  const all = { ...prepared, env: envOf(world), engines: accessTo(world.engine), ...options };
  const done = await withSession(all, work);
  assert(done.ok);
  return done.value;
}

test('what a session opened is closed, and its directory gone, whether the work succeeds or not', async (t) => {
  const world = await makeWorld(t);
  for (const fails of [true, false]) {
    const { signal } = new AbortController();
    let workDir = '';
    const saves: string[] = [];
    const running = openIn(
      world,
      async (session) => {
        workDir = session.workDir;
        assert.match(path.basename(workDir), /^bake-ts-/);
        assert.equal(existsSync(workDir), true);
        assert.equal(getEventListeners(signal, 'abort').length > 0, true);
        // By the clock of the machine: files as young as these are not remembered.
        const { hasher } = session;
        const close = hasher.close.bind(hasher);
        Object.assign(hasher, {
          save: async () => saves.push('saved'),
          close: async () => {
            saves.push('closed');
            await close();
          },
        });
        await session.registry.head({ registry: world.registry.host, repository: 'app/a', tag: '1' });
        if (fails) throw new Error('of the work');
        // Somebody may have tidied up.
        await rm(workDir, { recursive: true });
        return 'its result';
      },
      { signal },
    );
    if (fails) await assert.rejects(running, /of the work/);
    else assert.equal(await running, 'its result');
    assert.equal(existsSync(workDir), false);
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
    // What was learnt of files is kept for the next run, if this one worked.
    assert.deepEqual(saves, fails ? ['closed'] : ['saved', 'closed']);
    for (let turns = 0; world.registry.openSockets('bake-ts') > 0 && turns < 1000; turns++) await nextTurn();
    assert.equal(world.registry.openSockets('bake-ts'), 0);
  }
});

test('a session stops with its signal, with the reason of it, from the start or later', async (t) => {
  const world = await makeWorld(t);
  const signalOf = async (session: Session) => (await session.startPass(true)).context.signal;
  await openIn(world, async (session) => {
    const signal = await signalOf(session);
    assert.equal(signal.aborted, false);
    session.stop('fail-fast');
    assert.deepEqual([signal.aborted, signal.reason], [true, 'fail-fast']);
  });
  await openIn(
    world,
    async (session) => {
      const { aborted, reason } = await signalOf(session);
      assert.deepEqual([aborted, reason], [true, 'before']);
    },
    { signal: AbortSignal.abort('before') },
  );
  const controller = new AbortController();
  await openIn(
    world,
    async (session) => {
      const signal = await signalOf(session);
      controller.abort('later');
      assert.deepEqual([signal.aborted, signal.reason], [true, 'later']);
      const presence = await session.registry.head({
        registry: world.registry.host,
        repository: 'app/a',
        tag: '1',
      });
      assert(presence.kind === 'unknown');
      assert.equal(presence.problem.code, 'run/cancelled');
    },
    { signal: controller.signal },
  );
});

test('all tags that are to be pushed are asked for at once, and no other', async (t) => {
  const world = await makeWorld(t);
  const { host, requests } = world.registry;
  await openIn(world, async (session) => {
    session.askAhead();
    for (let turns = 0; requests.length < 2 && turns < 10_000; turns++) await nextTurn();
    for (let turns = 0; turns < 20; turns++) await nextTurn();
    assert.deepEqual(requests.map(({ method, path: asked }) => `${method} ${asked}`).sort(), [
      'HEAD /v2/app/a/manifests/1',
      'HEAD /v2/app/a/manifests/2',
    ]);
    // Their answers are kept.
    for (const tag of ['1', '2']) await session.registry.head({ registry: host, repository: 'app/a', tag });
    assert.equal(requests.length, 2);
  });
});

test('requests to registries are counted, those that write apart', async (t) => {
  const world = await makeWorld(t);
  const { host } = world.registry;
  await openIn(world, async (session) => {
    const at = { registry: host, repository: 'app/a' };
    for (const tag of ['1', '3', '4', '5']) await session.registry.head({ ...at, tag });
    await session.registry.getManifest({ ...at, tag: '2' });
    await session.registry.putBlob(at, new Uint8Array([1]));
    const count = (...methods: readonly string[]) =>
      world.registry.requests.filter(({ method }) => methods.includes(method)).length;
    assert.equal(count('HEAD') > 0 && count('GET') > 0 && count('POST', 'PUT', 'PATCH') > 0, true);
    assert.deepEqual(session.counts, {
      buildctlCalls: 0,
      registryRequests: { reads: count('HEAD', 'GET'), writes: count('POST', 'PUT', 'PATCH') },
    });
  });
});

test('one token does for all that is to be pushed, and asking for it is no write', async (t) => {
  const world = await makeWorld(t);
  const server = await startFaultRegistry(t, ({ path: asked, headers }) => {
    if (asked === '/token') return { status: 200, body: JSON.stringify({ access_token: 'tested' }) };
    if (asked === '/v2/' && headers.authorization !== undefined) return { status: 200, body: '{}' };
    if (headers.authorization === 'Bearer tested') return specError(404, 'MANIFEST_UNKNOWN');
    const realm = `http://${server.host}/token`;
    return specError(401, 'UNAUTHORIZED', { 'www-authenticate': `Bearer realm="${realm}",service="x"` });
  });
  await world.write({
    'builds.yaml': `builds:
  a: { context: a, push: true, tags: ["${server.host}/app/a:1", "${server.host}/app/b:1"] }
  b: { context: b, contexts: { a: "build:a" }, tags: ["${server.host}/app/not-pushed:1"] }
`,
  });
  const auths = { [server.host]: { identitytoken: 'it' } };
  await openIn(
    world,
    async (session) => {
      for (const repository of ['app/a', 'app/b'])
        assert.deepEqual(await session.registry.head({ registry: server.host, repository, tag: '1' }), {
          kind: 'absent',
        });
      const tokens = server.requests.filter(({ path: asked }) => asked === '/token');
      assert.deepEqual(
        tokens.map(({ method }) => method),
        ['POST'],
      );
      const body = decodeURIComponent(tokens[0]?.body ?? '');
      assert.match(body, /app\/a:pull.*app\/b:pull/);
      assert.doesNotMatch(body, /not-pushed/);
      assert.equal(session.counts.registryRequests.writes, 0);
      assert.equal(session.counts.registryRequests.reads, server.requests.length - 1);
    },
    { env: { ...envOf(world), DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } },
  );
});

test('a registry that is busy is waited for as the session waits', async (t) => {
  const world = await makeWorld(t);
  world.registry.fault({ method: 'HEAD', nth: 1, act: { kind: 'status', status: 503 } });
  let waits = 0;
  const sleep = async () => {
    waits++;
  };
  await openIn(
    world,
    async ({ registry }) => {
      const ref = { registry: world.registry.host, repository: 'app/a', tag: '1' };
      assert.equal((await registry.head(ref)).kind, 'absent');
      assert.equal(waits, 1);
    },
    { sleep },
  );
});

test('the engine is the one of the address given', async (t) => {
  const world = await makeWorld(t);
  const asked: unknown[] = [];
  const engines: EngineAccess = {
    ...accessTo(world.engine),
    find: async ({ flagAddress }) => {
      asked.push(flagAddress);
      return fail([problem('engine/none-found', 'none')]);
    },
  };
  await openIn(world, async ({ engine }) => assert.equal((await engine.ready()).ok, false), { engines });
  await openIn(
    world,
    async ({ engine }) => {
      assert.equal((await engine.ready()).ok, false);
      assert.equal(await engine.platform(), 'unknown/tcp://x:1');
    },
    { engines, address: 'tcp://x:1' },
  );
  assert.deepEqual(asked, [undefined, 'tcp://x:1']);
});

test('tags move together where the set or the run wants it', async (t) => {
  for (const [head, atomic, isTogether] of [
    ['', false, false],
    ['', true, true],
    ['publish: together', false, true],
    ['publish: each', false, false],
  ] as const) {
    const world = await makeWorld(t, { head });
    await openIn(
      world,
      async (session) => {
        const { publisher } = (await session.startPass(false)).context;
        const at = { registry: world.registry.host, repository: 'app/a' };
        const nowhere = { ...at, digest: `sha256:${'0'.repeat(64)}` } as const;
        const put = await publisher.publish({
          build: 'a',
          source: nowhere,
          refs: [{ ...at, tag: '1' }],
          fresh: false,
        });
        assert.equal(put.ok, isTogether, `${head} ${atomic}`);
        assert.deepEqual(publisher.dropWaiting(), isTogether ? ['a'] : []);
      },
      { atomic },
    );
  }
});

test('an image that builds.lock pins is taken as it says, without asking', async (t) => {
  const digest = `sha256:${'1'.repeat(64)}` as const;
  const lock = formatLock([{ written: 'r.example/base:1', digest }]);
  const world = await makeWorld(t, { lock });
  await openIn(world, async (session) => {
    const { images } = (await session.startPass(true)).context.keying;
    assert.deepEqual(await images.lookUp('r.example/base:1'), { kind: 'known', digest });
    assert.deepEqual(session.counts.registryRequests, { reads: 0, writes: 0 });
  });
});

test('a pass goes by the options of the session', async (t) => {
  const world = await makeWorld(t, {
    head: 'registries: { "plain.example": { http: true }, "own.example": { insecure: true }, "r.example": {} }',
  });
  const heard: EventBody[] = [];
  const emit = (event: EventBody) => heard.push(event);
  await openIn(
    world,
    async (session) => {
      const { context, results } = await session.startPass(true);
      assert.equal(results.size, 0);
      assert.deepEqual([context.dryRun, context.deciding.force], [true, true]);
      assert.equal(context.building.enginePlatform, 'linux/s390x');
      assert.equal(context.keying.enginePlatform, 'linux/s390x');
      assert.equal(context.building.naming.root, world.dir);
      for (const { registry } of [context.deciding.layers, context.deciding.configs])
        assert.equal(registry, session.registry);
      world.engine.images.set('x.example/a:1', `sha256:${'1'.repeat(64)}`);
      assert.deepEqual(await session.engine.storedImages(), { digests: world.engine.images });
      assert.equal(context.building.naming.worker(), 'containerd');
      const { isInsecure, calling } = context.building;
      const hosts = ['plain.example', 'own.example', 'r.example', 'unknown.example'];
      assert.deepEqual(hosts.map(isInsecure), [true, true, false, false]);
      // What waits longest for others goes first.
      assert.equal((await calling.priorityOf('a')) > (await calling.priorityOf('b')), true);
      assert.equal(await calling.priorityOf('none'), 0);
      const dirs = [calling.newWorkDir(), calling.newWorkDir()];
      assert.equal(new Set(dirs).size, 2);
      for (const dir of dirs) assert.equal(path.dirname(dir), session.workDir);
      // Questions do not count.
      const engine = await calling.engine();
      assert(engine.ok);
      await readContent(engine.value.buildctl, `sha256:${'1'.repeat(64)}`);
      assert.equal(session.counts.buildctlCalls, 0);
      await emptyStored(engine.value.buildctl, { names: ['x'], workDir: calling.newWorkDir() });
      assert.equal(session.counts.buildctlCalls, 1);
      heard.length = 0;
      assert.equal(calling.root, world.dir);
      assert.deepEqual(await calling.missingSecrets(a(world)), []);
      context.emit({ type: 'interrupted', signal: 'x' });
      assert.deepEqual(heard.splice(0), [{ type: 'interrupted', signal: 'x' }]);
      const silent = await session.startPass(false, () => undefined);
      silent.context.emit({ type: 'interrupted', signal: 'x' });
      silent.context.building.calling.emit({ type: 'interrupted', signal: 'x' });
      assert.deepEqual([silent.context.dryRun, heard], [false, []]);
      await assert.rejects(context.building.rebuild('none'), /`none` is not in the plan/);
    },
    { force: true, emit, hostArchitecture: 's390x' },
  );
  await openIn(world, async (session) => {
    const { context } = await session.startPass(true);
    assert.equal(context.deciding.force, false);
    // Nobody has to listen.
    context.emit({ type: 'interrupted', signal: 'x' });
  });
});

/** A build without secrets. */
function a({ dir }: FakeWorld) {
  return { name: 'a', secrets: [], dir } as unknown as Parameters<
    Awaited<ReturnType<Session['startPass']>>['context']['building']['calling']['missingSecrets']
  >[0];
}

test('calls of buildctl run so many at a time as asked for, or two for each processor', async (t) => {
  const world = await makeWorld(t);
  for (const [jobs, expected] of [
    [1, 1],
    [3, 3],
    [undefined, defaultJobs()],
  ] as const) {
    await openIn(
      world,
      async (session) => {
        const { permits } = (await session.startPass(true)).context.building.calling;
        let running = 0;
        let most = 0;
        const one = async () => {
          most = Math.max(most, ++running);
          await nextTurn();
          running--;
        };
        await Promise.all(Array.from({ length: expected + 2 }, () => permits.with(0, one)));
        assert.equal(most, expected);
      },
      jobs === undefined ? {} : { jobs },
    );
  }
});

test('waiting ends with the signal, or with the time', async (t) => {
  const world = await makeWorld(t);
  await openIn(world, async (session) => {
    const { sleep } = (await session.startPass(true)).context.building.calling;
    const before = performance.now();
    await sleep(30);
    assert.equal(performance.now() - before >= 25, true);
    const waiting = sleep(60_000);
    session.stop('');
    await waiting;
    await sleep(60_000);
  });
  const slept: [number, boolean | undefined][] = [];
  await openIn(
    world,
    async (session) => {
      await (await session.startPass(true)).context.building.calling.sleep(5);
      assert.deepEqual(slept, [[5, false]]);
    },
    {
      sleep: async (ms, signal) => {
        slept.push([ms, signal?.aborted]);
      },
    },
  );
});

test('what is wrong with builds.lock, or with where results are remembered, is told by the session', async (t) => {
  const broken = await makeWorld(t, { lock: 'images: [' });
  await openIn(broken, async ({ lock, records }) => {
    assert.equal(lock.ok, false);
    assert.deepEqual(records, { ok: true, value: undefined });
  });
  const fine = await makeWorld(t, { head: 'record: registry' });
  await openIn(fine, async ({ lock, records }) => {
    assert.deepEqual(lock, { ok: true, value: undefined });
    assert(records.ok && records.value !== undefined);
    assert.deepEqual(
      records.value.readFrom('a').map(({ repository }) => repository),
      ['app/a'],
    );
  });
  fine.registry.forget();
  await openIn(fine, async ({ memory }) => assert.equal(await memory.recall('0'.repeat(64), 'a'), undefined));
  assert.equal(
    fine.registry.requests.some(({ path: asked }) => asked === '/v2/app/a/manifests/bake-records'),
    true,
  );
});

test('a build whose image is gone is built again once, however many ask for it', async (t) => {
  const world = await makeWorld(t);
  await openIn(world, async (session) => {
    const { context, results } = await session.startPass(false);
    const [one, other] = await Promise.all([context.building.rebuild('a'), context.building.rebuild('a')]);
    assert.equal(one, other);
    assert.deepEqual([one.outcome.kind, one.outcome.reason?.code], ['built', 'parent-lost']);
    assert.equal(results.get('a'), one);
    assert.equal(world.engine.builds.length, 1);
  });
});
