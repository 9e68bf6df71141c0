/** A build in which nothing moves: it is said, and ended where that was asked for; and one that takes too long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codesOf } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const DOCKERFILE = 'FROM scratch\nCOPY file /\nRUN ["/missing"]\n';

function makeOne(t: Cleanup, more = '') {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `builds:\n  a: { context: ., push: true, tags: ["${host}/a:1"]${more} }\n`,
    Dockerfile: DOCKERFILE.replace(/RUN.*\n/, ''),
    file: 'a\n',
  }));
}

/** A step that runs, as BuildKit tells it. */
const step = (state: object) =>
  JSON.stringify({
    vertexes: [{ digest: 'sha256:s', name: '[2/2] RUN make', started: '2026-01-01T00:00:00Z', ...state }],
  });

test('what does not move is told again and again, with what is waited for, and when it moves', async (t) => {
  const world = await makeOne(t);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const run = world.engine.run;
  const access = {
    find: async () => ({
      ok: true as const,
      value: {
        address: world.engine.address,
        kind: 'environment' as const,
        source: 'the test',
        buildctl: world.engine.program,
        started: false,
        notes: [],
        warnings: [],
      },
    }),
    listImages: async () => new Map(),
    run: async (call: Parameters<typeof run>[0]) => {
      if (call.argv.includes('build')) {
        call.onErrorLine?.(step({}));
        await held;
        call.onErrorLine?.(step({ completed: '2026-01-01T00:01:00Z' }));
      }
      return run(call);
    },
  };
  let told = 0;
  const baked = await world.bake({
    access,
    stallNoticeMs: 20,
    onEvent: (event) => {
      if (event.type !== 'stalled') return;
      // The engine goes away meanwhile, and comes back.
      world.engine.isDown = ++told === 1;
      if (told === 3) release();
    },
  });
  assert.equal(kindsText(baked), 'a built');
  const events = baked.events.flatMap((event) =>
    event.type === 'stalled' || event.type === 'resumed' ? [event] : [],
  );
  const stalls = events.flatMap((event) => (event.type === 'stalled' ? [event] : []));
  assert.deepEqual(
    // On a machine that is busy, what follows may take as long.
    events.slice(0, 4).map(({ type }) => type),
    ['stalled', 'stalled', 'stalled', 'resumed'],
  );
  assert.deepEqual(
    stalls.slice(0, 3).map(({ waitsFor }) => waitsFor.replace(/\d+ms|\d+\.\ds/, 'T')),
    [
      '[2/2] RUN make (for T)',
      'the engine, which does not answer ([2/2] RUN make (for T))',
      '[2/2] RUN make (for T)',
    ],
  );
  const [first, second, third] = stalls.map(({ quietMs }) => quietMs);
  assert.ok((first ?? 0) >= 19 && (second ?? 0) >= 39 && (third ?? 0) >= 79, String([first, second, third]));
});

test('what does not move for as long as is allowed is ended, and not tried again', async (t) => {
  for (const [at, what] of [
    ['start', 'buildctl'],
    ['pushed', /^buildctl|^exporting/],
  ] as const) {
    const world = await makeOne(t);
    world.engine.fault({ at, act: 'hang' });
    const baked = await world.bake({ stallNoticeMs: 10, stallTimeoutMs: 60 });
    assert.deepEqual(codesOf(baked), ['build/stalled of a']);
    const message = baked.outcome('a').problem?.message ?? '';
    const waited = /^no progress for 60ms: it waited for (.*)$/.exec(message)?.[1] ?? message;
    assert.match(waited, typeof what === 'string' ? new RegExp(`^${what}$`) : what);
    assert.equal(world.engine.builds.length, 1);
    assert.equal(world.engine.running, 0);
    const types = baked.events.map(({ type }) => type);
    assert.ok(types.includes('stalled'));
    // What is said of a build that was ended is that, and not that it moves.
    assert.ok(types.lastIndexOf('stalled') > types.lastIndexOf('resumed'));
  }
});

test('a build that takes longer than its timeout fails with what it waited for', async (t) => {
  const world = await makeOne(t, ', timeout: 1s');
  world.engine.fault({ at: 'sent', act: 'hang' });
  const startedAt = performance.now();
  const baked = await world.bake();
  assert.deepEqual(codesOf(baked), ['build/timeout of a']);
  assert.match(baked.outcome('a').problem?.message ?? '', /^not done within 1\.0s: it waited for buildctl$/);
  assert.ok(performance.now() - startedAt < 20_000);
  assert.equal(baked.summary.cancelled, false);
  // No part of the key: what was built with one limit is there with another.
  world.engine.mend();
  assert.equal(kindsText(await world.bake()), 'a built');
  await world.write({ 'builds.yaml': (await builds(world)).replace('1s', '20m') });
  assert.equal(kindsText(await world.bake()), 'a unchanged');
});

test('the command for a secret counts, and is named', async (t) => {
  const world = await makeOne(t, ', timeout: 1, secrets: [{ id: key, command: [sleep, "600"] }]');
  const baked = await world.bake({ env: { PATH: '/usr/bin:/bin' }, stallNoticeMs: 50 });
  assert.equal(baked.outcome('a').problem?.code, 'build/timeout');
  assert.match(baked.outcome('a').problem?.message ?? '', /waited for the command for the secret `key`$/);
  const [stalled] = baked.events.flatMap((event) => (event.type === 'stalled' ? [event] : []));
  assert.equal(stalled?.waitsFor, 'the command for the secret `key`');
  assert.equal(world.engine.builds.length, 0);
});

async function builds(world: { readonly dir: string }): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return readFile(`${world.dir}/builds.yaml`, 'utf8');
}
