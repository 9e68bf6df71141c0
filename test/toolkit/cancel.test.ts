/** Calls that are stopped: whichever it is, and whatever was under way, it says `run/cancelled`. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AnyProblem,
  affected,
  build,
  checkLocked,
  createRegistryClient,
  downEngine,
  engineDoctor,
  engineStatus,
  explain,
  installEngine,
  lint,
  lock,
  merge,
  openEngine,
  outdated,
  type PartResult,
  promote,
  push,
  readImageRef,
  run,
  unwrap,
  update,
  upEngine,
  verify,
} from '../../lib/mod.ts';
import { countBuilds, makePlace } from '../rig/calling-place.ts';
import { startFaultRegistry } from '../rig/fault-registry.ts';
import type { Cleanup } from '../rig/temp.ts';

type Options = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};
type Ended = { readonly ok: boolean; readonly error?: readonly AnyProblem[] };

/** What was built of `web`. */
const PARTS: readonly PartResult[] = [
  {
    build: 'web',
    kind: 'built',
    digest: `sha256:${'0'.repeat(64)}`,
    platforms: ['linux/amd64'],
    tags: [{ ref: 'r.example.com/a:1', digest: `sha256:${'0'.repeat(64)}`, action: 'pushed' }],
  },
];

/** Every call that takes a signal and gives a result. */
const CALLS: Readonly<Record<string, (options: Options) => Promise<Ended>>> = {
  affected: (options) => affected({ ...options, changed: ['web'] }),
  build: (options) => build({ ...options, context: 'web', tags: ['r.example.com/a:1'], push: true }),
  checkLocked,
  downEngine: ({ env, signal }) => downEngine({ env, signal }),
  explain,
  installEngine: ({ env, signal }) => installEngine({ env, signal, mirror: 'https://mirror.example.com' }),
  lint,
  lock,
  openEngine: ({ env, signal }) => openEngine({ env, signal }),
  merge: (options) => merge({ ...options, results: PARTS }),
  outdated,
  promote: (options) => promote({ ...options, to: ['r.example.com/live'] }),
  push,
  run,
  update,
  upEngine: ({ env, signal }) => upEngine({ env, signal }),
  verify,
};

function codesOf(ended: Ended): readonly string[] {
  return ended.ok ? ['ok'] : (ended.error ?? []).map(({ code }) => code);
}

test('a call that was stopped before it began does nothing, and says so', async (t) => {
  for (const [name, call] of Object.entries(CALLS)) {
    const { cwd, env, buildctl } = await makePlace(t);
    const ended = await call({ cwd, env, signal: AbortSignal.abort() });
    assert.deepEqual(codesOf(ended), ['run/cancelled'], name);
    assert.deepEqual(await buildctl.calls(), [], name);
    assert.equal(existsSync(path.join(cwd, 'builds.lock')), false, name);
  }
});

/** A registry that never answers, and builds that it is asked about. */
async function makeSilent(t: Cleanup) {
  let arrived = (): void => undefined;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const registry = await startFaultRegistry(t, () => {
    arrived();
    return 'hang';
  });
  const image = `${registry.host}/base:1`;
  const place = await makePlace(t, {
    'builds.yaml': `builds: { web: { context: web, tags: ["${registry.host}/web:1"], push: true } }\n`,
    'web/Dockerfile': `FROM ${image}\nCOPY . /\n`,
  });
  return { ...place, image, host: registry.host, arrival };
}

test('a call that waits for a registry ends at once', async (t) => {
  for (const name of [
    'explain',
    'lock',
    'merge',
    'outdated',
    'promote',
    'run',
    'update',
    'verify',
    'build',
  ]) {
    const { cwd, env, image, host, arrival } = await makeSilent(t);
    if (name === 'outdated' || name === 'update') {
      const locked = { version: 1, images: { [image]: `sha256:${'0'.repeat(64)}` } };
      await writeFile(path.join(cwd, 'builds.lock'), JSON.stringify(locked));
    }
    const stopper = new AbortController();
    const options = { cwd, env, signal: stopper.signal };
    const ending =
      name === 'build'
        ? build({ ...options, context: 'web', tags: [`${host}/b:1`], push: true })
        : CALLS[name]?.(options);
    await Promise.race([arrival, ending]);
    stopper.abort();
    const ended = (await ending) ?? assert.fail();
    assert.deepEqual(codesOf(ended), ['run/cancelled'], name);
  }
});

test('a call that waits for its engine ends at once', async (t) => {
  const calls: typeof CALLS = { lint, run, build: (options) => build({ ...options, context: 'web' }) };
  for (const [name, call] of Object.entries(calls)) {
    const { cwd, env, buildctl } = await makePlace(t);
    await buildctl.setRules([
      { when: ['workers'], stdout: '[]' },
      { when: ['build'], hang: true },
    ]);
    const stopper = new AbortController();
    const ending = call({ cwd, env, signal: stopper.signal });
    while ((await countBuilds(buildctl)) === 0) await delay(20);
    stopper.abort();
    assert.deepEqual(codesOf(await ending), ['run/cancelled'], name);
  }
});

test('what an opened engine and a registry client are asked ends at once', async (t) => {
  const { env, buildctl } = await makePlace(t);
  const asked: readonly (readonly [string, (engine: Engine) => Promise<Ended>])[] = [
    ['histories', (engine) => engine.histories()],
    ['cache', (engine) => engine.cache()],
    ['prune', (engine) => engine.prune()],
  ];
  for (const [name, ask] of asked) {
    const stopper = new AbortController();
    await buildctl.setRules([{ when: ['workers'], stdout: '[]' }]);
    const engine = unwrap(await openEngine({ env, signal: stopper.signal }));
    await buildctl.setRules([{ hang: true }]);
    const count = (await buildctl.calls()).length;
    const ending = ask(engine);
    await buildctl.waitForCalls(count + 1);
    stopper.abort();
    assert.deepEqual(codesOf(await ending), ['run/cancelled'], name);
    assert.deepEqual(codesOf(await ask(engine)), ['run/cancelled'], name);
  }
  const { host, arrival } = await makeSilent(t);
  const stopper = new AbortController();
  const client = createRegistryClient({ env, signal: stopper.signal });
  t.after(() => client.close());
  const ending = client.inspect(unwrap(readImageRef(`${host}/a:1`)));
  await arrival;
  stopper.abort();
  assert.deepEqual(codesOf(await ending), ['run/cancelled']);
});

test('an installation ends at once while it downloads', async (t) => {
  const { env, host, arrival } = await makeSilent(t);
  const stopper = new AbortController();
  const ending = installEngine({
    env,
    from: 'release',
    mirror: `http://${host}`,
    parts: ['buildctl'],
    signal: stopper.signal,
  });
  await Promise.race([arrival, ending]);
  stopper.abort();
  assert.deepEqual(codesOf(await ending), ['run/cancelled']);
});

test('what never fails ends, too', async (t) => {
  const { env } = await makePlace(t);
  const signal = AbortSignal.abort();
  assert.equal((await engineStatus({ env, signal })).running, false);
  assert.ok((await engineDoctor({ env, signal })).checks.length > 0);
});

type Engine = Extract<Awaited<ReturnType<typeof openEngine>>, { ok: true }>['value'];
