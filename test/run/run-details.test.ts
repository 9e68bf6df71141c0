/** Smaller promises of a run: what it announces, how long it waits, what it writes, when the engine's store counts. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { bakeWith } from '../../lib/run/mod.ts';
import { defaultJobs } from '../../lib/system/mod.ts';
import { assertOk, codesOf } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { accessTo, envOf, makeFakeWorld, prepareIn } from '../rig/fake-world.ts';
import { CONTAINERD_AWAY } from '../rig/row-faults.ts';

const DOCKERFILES = {
  'a/Dockerfile': 'FROM scratch\nCOPY file /a\nRUN make\n',
  'a/file': 'a\n',
  'b/Dockerfile': 'FROM base\nCOPY file /b\nRUN make\n',
  'b/file': 'b\n',
};

const pair =
  (more: { readonly head?: string; readonly a?: string; readonly b?: string } = {}) =>
  (host: string) => ({
    ...DOCKERFILES,
    'builds.yaml': `${more.head ?? ''}
builds:
  a: { context: a, tags: ["${host}/app/a:1"], push: true${more.a ?? ''} }
  b: { context: b, tags: ["${host}/app/b:1"], push: true, contexts: { base: "build:a" }${more.b ?? ''} }
`,
  });

test('a run announces what each build needs, and how many run at a time', async (t) => {
  const world = await makeFakeWorld(t, pair());
  const prepared = await prepareIn(world);
  for (const [jobs, concurrency] of [
    [3, 3],
    [undefined, defaultJobs()],
  ] as const) {
    const events: BakeEvent[] = [];
    await bakeWith(accessTo(world.engine), {
      ...prepared,
      env: envOf(world),
      dryRun: true,
      onEvent: (event) => events.push(event),
      ...(jobs === undefined ? {} : { jobs }),
    });
    const [started, planned] = events;
    assert(started?.type === 'run-started' && planned?.type === 'planned');
    assert.equal(started.concurrency, concurrency);
    assert.deepEqual(
      planned.nodes.map(({ build, needs }) => [build, needs]),
      [
        ['a', []],
        ['b', ['a']],
      ],
    );
  }
});

test('a passing fault is waited out, longer the second time, and given up after the third', async (t) => {
  const world = await makeFakeWorld(t, pair(), { lax: true });
  world.engine.fault({ at: 'start', act: { fail: CONTAINERD_AWAY } });
  const waits: number[] = [];
  const summary = await bakeWith(accessTo(world.engine), {
    ...(await prepareIn(world)),
    env: envOf(world),
    sleep: async (ms) => {
      waits.push(ms);
    },
  });
  assert.equal(summary.ok, false);
  assert.deepEqual(waits, [1_000, 4_000]);
  assert.equal(summary.buildctlCalls, 3);
});

test('files are written for what was requested, and not for what is only needed', async (t) => {
  const world = await makeFakeWorld(t, pair({ a: ', outputs: ["type=local,dest=out-a"]' }));
  await world.bake({ builds: ['b'] });
  const written = world.engine.builds.map((argv) => argv.some((word) => word.includes('out-a')));
  assert(written.length >= 2 && !written.includes(true), written.join());
  await world.bake({ builds: ['a'], force: true });
  assert(world.engine.builds.at(-1)?.some((word) => word.includes('out-a')));
});

test('with publish: together a failed build keeps every tag where it is', async (t) => {
  const world = await makeFakeWorld(t, pair({ head: 'publish: together' }), { lax: true });
  world.engine.fault({
    when: '/b\n',
    at: 'start',
    act: { fail: 'process "make" did not complete successfully: exit code: 1' },
  });
  const failed = await world.bake();
  assert.equal(kindsText(failed), 'a built, b failed');
  assert.deepEqual(world.registry.store.tags(), {});
  assert(codesOf(failed).includes('warning run/not-published'), codesOf(failed).join());
  world.engine.mend();
  const healed = await world.bake();
  assertOk(healed);
  assert.equal(Object.keys(world.registry.store.tags()).length, 2);
  assert.deepEqual(
    healed.outcome('a').tags.map(({ action }) => action),
    ['retagged'],
  );
});

test('an image that is not pushed is there only if the store has it under all of its names', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    ...DOCKERFILES,
    'builds.yaml': 'builds: { a: { context: a, tags: ["x.example/a:1", "x.example/a:2"] } }\n',
  }));
  assertOk(await world.bake());
  assert.equal(kindsText(await world.bake()), 'a unchanged');
  world.engine.images.delete('x.example/a:2');
  const again = await world.bake();
  assert.equal(kindsText(again), 'a built');
  assert.equal(again.outcome('a').reason?.code, 'image-gone');
});

test('a run leaves nothing in its temporary directory, whether it works or not', async (t) => {
  const world = await makeFakeWorld(t, pair(), { lax: true });
  const { tmpdir } = await import('node:os');
  const ownDirs = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('bake-ts-'));
  const before = new Set(await ownDirs());
  const used: string[] = [];
  world.engine.fault({
    when: '/b\n',
    at: 'start',
    act: { fail: 'process "make" did not complete successfully: exit code: 1' },
  });
  await world.bake({
    onEvent: (event) => {
      if (event.type === 'run-started') used.push(path.join(tmpdir(), `bake-ts-${event.runId}`));
    },
  });
  const after = (await ownDirs()).map((name) => path.join(tmpdir(), name));
  assert.equal(used.length, 1);
  assert(!before.has(path.basename(used[0] ?? '')));
  assert(!after.includes(used[0] ?? ''));
});
