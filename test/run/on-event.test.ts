/** A receiver of events that throws, and numbers of jobs that cannot be: errors of the caller's, after everything is tidy. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import process from 'node:process';
import { test } from 'node:test';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { bakeWith } from '../../lib/run/mod.ts';
import { verifyBuilds } from '../../lib/verify/mod.ts';
import { assertOk } from '../rig/baking.ts';
import { accessTo, envOf, type FakeWorld, makeFakeWorld, prepareIn } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir, useTempDir } from '../rig/temp.ts';

const OURS = /^bake-ts-\w{6}$/;

async function makeWorld(t: Cleanup): Promise<FakeWorld> {
  return makeFakeWorld(
    t,
    (host) => ({
      'builds.yaml': `builds:
  a: { context: ., tags: ["${host}/app/a:1"], push: true }
  b: { context: ., tags: ["${host}/app/b:1"], push: true, contexts: { a: "build:a" }, dockerfile: D }
`,
      Dockerfile: 'FROM scratch\nCOPY file /\n',
      D: 'FROM a\nCOPY file /b\n',
      file: 'x',
    }),
    { lax: true },
  );
}

/** A directory for temporary files that this test alone uses. */
async function ownTempDir(t: Cleanup): Promise<string> {
  const dir = await makeTempDir(t, 'on-event-');
  useTempDir(t, dir);
  return dir;
}

async function assertTidy(dir: string): Promise<void> {
  assert.deepEqual(
    (await readdir(dir)).filter((name) => OURS.test(name)),
    [],
  );
}

for (const [way, fail] of [
  [
    'throws',
    (error: Error) => {
      throw error;
    },
  ],
  ['gives a promise that is rejected', (error: Error) => Promise.reject(error)],
] as const) {
  test(`onEvent ${way}: bake rejects with that, whichever event it is, and nothing is left`, async (t) => {
    const dir = await ownTempDir(t);
    const count = (await (await makeWorld(t)).bake()).events.length;
    assert.ok(count > 10);
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    t.after(() => process.off('unhandledRejection', note));
    for (let at = 0; at < count; at++) {
      const world = await makeWorld(t);
      const error = new Error(`of event ${at}`);
      const seen: BakeEvent[] = [];
      const prepared = await prepareIn(world);
      const onEvent = (event: BakeEvent): unknown => {
        seen.push(event);
        return seen.length === at + 1 ? fail(error) : undefined;
      };
      const running = bakeWith(accessTo(world.engine), {
        ...prepared,
        env: envOf(world),
        onEvent,
        hostArchitecture: 'amd64',
        sleep: async () => undefined,
      });
      await assert.rejects(running, error);
      if (way === 'throws') assert.equal(seen.length, at + 1, 'no event comes after it');
      await assertTidy(dir);
      // What was begun can be finished.
      assertOk(await world.bake());
    }
    assert.deepEqual(unhandled, []);
  });
}

test('verify rejects with what onEvent throws, too', async (t) => {
  const dir = await ownTempDir(t);
  const world = await makeWorld(t);
  assertOk(await world.bake());
  const error = new Error('of an event');
  const options = {
    ...(await prepareIn(world)),
    env: envOf(world),
    engines: accessTo(world.engine),
    hostArchitecture: 'amd64',
    sleep: async () => undefined,
  };
  const onEvent = () => {
    throw error;
  };
  await assert.rejects(verifyBuilds({ ...options, onEvent }), error);
  await assert.rejects(verifyBuilds({ ...options, jobs: 0 }), TypeError);
  await assertTidy(dir);
});

test('a number of jobs that cannot be is an error of the caller, before anything is done', async (t) => {
  const dir = await ownTempDir(t);
  const world = await makeWorld(t);
  const prepared = await prepareIn(world);
  for (const jobs of [0, -1, Number.NaN, 1.5, Number.POSITIVE_INFINITY, '4' as unknown as number]) {
    const events: BakeEvent[] = [];
    const running = bakeWith(accessTo(world.engine), {
      ...prepared,
      env: envOf(world),
      jobs,
      onEvent: (event) => events.push(event),
    });
    await assert.rejects(running, { name: 'TypeError', message: /^jobs must be a whole number from 1 on/ });
    assert.deepEqual(events, []);
  }
  assert.deepEqual(world.registry.requests, []);
  await assertTidy(dir);
  assertOk(await world.bake({ jobs: 1 }));
});
