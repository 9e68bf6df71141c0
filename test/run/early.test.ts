/** What is based on an image is built while the image is still being pushed, and is published when that is done. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import type { FaultAct, InjectedFault } from '../rig/fake-registry-faults.ts';
import { type BakeIn, type FakeWorld, makeFakeWorld, putBase } from '../rig/fake-world.ts';
import { assertPhases, phasesText } from '../rig/phase-check.ts';
import type { Cleanup, TreeEntry } from '../rig/temp.ts';

const HOLD: FaultAct = { kind: 'hold' };

/** base ← mid ← leaf, and `beside`, which reads nothing. */
function treeOf(
  host: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, TreeEntry>> {
  const buildOf = (name: string, parent?: string) =>
    `  ${name}: { context: ${name}, tags: ["${host}/app/${name}:1"], push: true${parent === undefined ? '' : `, contexts: { ${parent}: "build:${parent}" }`}${more[name] ?? ''} }\n`;
  return {
    'builds.yaml': `builds:\n${buildOf('base')}${buildOf('mid', 'base')}${buildOf('leaf', 'mid')}`,
    'base/Dockerfile': 'FROM scratch\nCOPY file /base\n',
    'base/file': 'base\n',
    'mid/Dockerfile': 'FROM base\nRUN make mid\n',
    'leaf/Dockerfile': 'FROM mid\nRUN make leaf\nRUN make more\n',
  };
}

/** Bakes with base's push held back; `meanwhile` runs once the builds are begun early that are named. */
async function bakeSlowly(
  world: FakeWorld,
  wanted: readonly string[],
  meanwhile: (push: InjectedFault) => void | Promise<void>,
  options: BakeIn = {},
): Promise<Baked> {
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  const seen = new Set<string>();
  return world.bake({
    slowPushMs: 1,
    jobs: 1,
    ...options,
    onEvent: (event) => {
      if (event.type !== 'early-finished') return;
      seen.add(event.build);
      if (wanted.every((name) => seen.has(name))) {
        const run = async () => meanwhile(push);
        run().catch(() => undefined);
      }
    },
  });
}

const callsOf = (world: FakeWorld, build: string) =>
  world.engine.builds.filter((argv) => argv.some((one) => one.endsWith(`/${build}`)));

/** Holds base's push back for a while, where nothing is to begin meanwhile. */
async function bakeHeld(world: FakeWorld, options: BakeIn = {}): Promise<Baked> {
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  const run = world.bake({ slowPushMs: 1, ...options });
  await push.reached;
  setTimeout(() => push.release(), 50);
  return run;
}

/** Bakes with base's push held back, and refused when `until` is over. */
function bakeRefused(world: FakeWorld, until: Promise<void>, options: BakeIn = {}): Promise<Baked> {
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  const refuse = () => {
    world.registry.fault({
      method: 'PUT',
      path: /app\/base\/manifests/,
      act: { kind: 'status', status: 403 },
    });
    push.release();
  };
  until.then(refuse, refuse);
  return world.bake({ slowPushMs: 1, ...options });
}

const textOf = ({ events }: Baked): readonly string[] =>
  events.flatMap((event) => {
    if (event.type === 'early-started') return `${event.build} early while ${event.waitsFor.join(', ')}`;
    if (event.type === 'tag') return `tag of ${event.build}`;
    if (event.type === 'node-finished') return `${event.build} ${event.outcome.kind}`;
    return [];
  });

async function makeWorld(t: Cleanup, more?: Readonly<Record<string, string>>): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => treeOf(host, more));
}

test('a chain runs to its end while its base is pushed, with one permit, and is published after it', async (t) => {
  const world = await makeWorld(t);
  const tagsThen: string[] = [];
  const baked = await bakeSlowly(world, ['mid', 'leaf'], (push) => {
    tagsThen.push(...Object.keys(world.registry.store.tags()));
    push.release();
  });
  assertOk(baked);
  assert.deepEqual(tagsThen, [], 'a tag was put before its parent was pushed');
  assert.deepEqual(textOf(baked), [
    'mid early while base',
    'leaf early while mid',
    'tag of base',
    'base built',
    'tag of mid',
    'mid built',
    'tag of leaf',
    'leaf built',
  ]);
  // Steps are counted where they ran.
  assert.deepEqual(baked.outcome('leaf').steps, { total: 2, cached: 0 });
  assert.deepEqual(baked.outcome('mid').steps, { total: 1, cached: 0 });
  // The same images as without it.
  const tags = world.registry.store.tags();
  const plain = await (await makeFakeWorld(t, treeOf)).bake({ force: true });
  assertOk(plain);
  for (const build of ['base', 'mid', 'leaf'])
    assert.equal(tags[`app/${build}:1`], plain.outcome(build).digest, build);
  // What was named in the engine's store for it names nothing any more.
  const kept = [...new Set(world.engine.images.values())];
  assert.equal(kept.length, 1);
  assert(kept[0] !== undefined && !Object.values(tags).includes(kept[0]));
  assert.equal(kindsText(await world.bake()), 'base unchanged, mid unchanged, leaf unchanged');
});

test('a push that is not slow starts nothing early', async (t) => {
  const world = await makeWorld(t);
  const baked = await world.bake();
  assertOk(baked);
  assert.deepEqual(
    textOf(baked).filter((text) => text.includes('early')),
    [],
  );
  assert.deepEqual([...world.engine.images.keys()], []);
  assert.equal(world.engine.builds.length, 3);
});

test('a push that fails after all fails its build, and nothing above it is published', async (t) => {
  const world = await makeWorld(t);
  const baked = await bakeSlowly(world, ['mid', 'leaf'], (push) => {
    world.registry.fault({
      method: 'PUT',
      path: /app\/base\/manifests/,
      act: { kind: 'status', status: 403 },
    });
    push.release();
  });
  assert.equal(baked.summary.ok, false);
  assert.deepEqual(baked.kinds, { base: 'failed', mid: 'blocked', leaf: 'blocked' });
  assert.deepEqual(world.registry.store.tags(), {});
  assert.deepEqual(await world.records(), []);
});

test('a step that fails early fails its build, once, and what is above it', async (t) => {
  const world = await makeWorld(t);
  await world.write({ 'mid/Dockerfile': 'FROM base\nRUN exit 3\n' });
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  const baked = await world.bake({
    slowPushMs: 1,
    onEvent: (event) => {
      if (event.type === 'node-finished' && event.build === 'mid') push.release();
    },
  });
  assert.deepEqual(baked.kinds, { base: 'built', mid: 'failed', leaf: 'blocked' });
  assert.deepEqual(codesOf(baked), ['build/step-failed of mid']);
  assert.equal(baked.outcome('leaf').blockedBy, 'mid');
  assert.deepEqual(Object.keys(world.registry.store.tags()), ['app/base:1']);
  // It was not run a second time.
  const calls = world.engine.builds.filter((argv) => argv.some((one) => one.endsWith('/mid')));
  assert.equal(calls.length, 1);
});

test('what fails early and then not is what it is at its turn', async (t) => {
  const world = await makeWorld(t);
  world.engine.fault({
    when: '/mid',
    at: 'built',
    times: 3,
    act: { fail: 'error: something about the engine' },
  });
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  const baked = await world.bake({
    slowPushMs: 1,
    onEvent: (event) => {
      if (event.type !== 'early-started') return;
      world.engine.fault({ when: '/mid', at: 'start', act: () => world.engine.mend() });
      setTimeout(() => push.release(), 20);
    },
  });
  assertOk(baked);
  assert.deepEqual(baked.kinds, { base: 'built', mid: 'built', leaf: 'built' });
});

test('a run that is cancelled during the push leaves nothing running and puts no tag', async (t) => {
  const world = await makeWorld(t);
  const stopper = new AbortController();
  const baked = await bakeSlowly(world, ['mid'], () => stopper.abort(), { signal: stopper.signal });
  assert.equal(baked.summary.cancelled, true);
  assert.deepEqual(Object.values(baked.kinds), ['cancelled', 'cancelled', 'cancelled']);
  assert.equal(world.engine.running, 0);
  assert.deepEqual(world.registry.store.tags(), {});
});

for (const [what, more] of [
  ['attested', ', attest: ["type=provenance"]'],
  ['built without cache', ', no-cache: true'],
  ['built without the cache of a stage', ', no-cache-filter: [one]'],
  ['given a secret by a command', ', secrets: [{ id: s, command: [echo, s] }]'],
] as const) {
  test(`what is ${what} is not built twice`, async (t) => {
    const world = await makeWorld(t, { mid: more });
    const baked = await bakeHeld(world);
    assertOk(baked);
    assert.deepEqual(
      textOf(baked).filter((text) => text.startsWith('mid early')),
      [],
    );
    const calls = world.engine.builds.filter((argv) => argv.some((one) => one.endsWith('/mid')));
    assert.equal(calls.length, 1);
  });
}

test('what needs a build without reading its image waits for its end', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    ...treeOf(host),
    'builds.yaml': `builds:\n  base: { context: base, tags: ["${host}/app/base:1"], push: true }\n  mid: { context: other, tags: ["${host}/app/mid:1"], push: true, needs: [base] }\n`,
    'other/Dockerfile': 'FROM scratch\nRUN make other\n',
  }));
  const baked = await bakeHeld(world);
  assertOk(baked);
  assert.deepEqual(textOf(baked), ['tag of base', 'base built', 'tag of mid', 'mid built']);
  // Nobody reads its image, so nothing is called for that.
  assert.equal(baked.summary.buildctlCalls, 2);
});

test('a slot that is taken to name an image is seen, and given back before its push is over', async (t) => {
  const world = await makeWorld(t);
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  // The call that names it goes on until it is stopped.
  world.engine.fault({ when: '127.0.0.1:1/bake/base', at: 'start', act: 'hang' });
  const baseSlots: (number | undefined)[] = [];
  const baked = await world.bake({
    slowPushMs: 1,
    jobs: 2,
    onEvent: (event) => {
      const isSlow = event.type === 'node-phase' && event.build === 'base' && event.phase === 'pushing';
      if (isSlow && baseSlots.push(event.slot) === 3) push.release();
    },
  });
  assertOk(baked);
  assert.equal(
    phasesText(baked.events, 'base').replace(/^.*?pushing@0/, 'pushing@0'),
    'pushing@0 pushing pushing@0 pushing tagging',
  );
  assertPhases(baked.events);
});

test('an engine without a store of images starts nothing early', async (t) => {
  const world = await makeWorld(t);
  world.engine.worker = 'oci';
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  const run = world.bake({ slowPushMs: 1 });
  await push.reached;
  setTimeout(() => push.release(), 50);
  const baked = await run;
  assertOk(baked);
  assert.deepEqual(
    textOf(baked).filter((text) => text.includes('early')),
    [],
  );
});

test('a slow push of what nobody reads costs no call', async (t) => {
  const world = await makeWorld(t);
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  const run = world.bake({ slowPushMs: 1, builds: ['base'] });
  await push.reached;
  setTimeout(() => push.release(), 50);
  assertOk(await run);
  assert.equal(world.engine.builds.length, 1);
});

test('a build that runs early when its parent fails is stopped, and nothing begins above it', async (t) => {
  const world = await makeWorld(t);
  const begun = new Promise<void>((resolve) => {
    world.engine.fault({ when: '/mid', at: 'start', act: () => resolve() });
  });
  world.engine.fault({ when: '/mid', at: 'start', act: 'hang' });
  const baked = await bakeRefused(world, begun);
  assert.deepEqual(baked.kinds, { base: 'failed', mid: 'blocked', leaf: 'blocked' });
  assert.equal(baked.outcome('mid').blockedBy, 'base');
  assert.equal(world.engine.running, 0);
  assert.equal(callsOf(world, 'mid').length, 1);
  assert.equal(callsOf(world, 'leaf').length, 0);
  assert.deepEqual([...textOf(baked)].sort(), [
    'base failed',
    'leaf blocked',
    'mid blocked',
    'mid early while base',
  ]);
});

test('a build of several parents begins early when those that are not slow are done', async (t) => {
  const world = await makeWorld(t);
  const more = (name: string, rest: string) =>
    `  ${name}: { context: ${name}, tags: ["${world.registry.host}/app/${name}:1"], push: true${rest} }\n`;
  await world.write({
    'builds.yaml': `builds:\n${more('base', '')}${more('other', '')}${more('mid', ', contexts: { base: "build:base", other: "build:other" }')}`,
    'other/Dockerfile': 'FROM scratch\nCOPY f /f\n',
    'other/f': 'other\n',
    'mid/Dockerfile': 'FROM base\nCOPY --from=other /f /f\nRUN make mid\n',
  });
  // Up to date, so that its push cannot be a slow one by chance.
  assertOk(await world.bake({ builds: ['other'] }));
  const baked = await bakeSlowly(world, ['mid'], (push) => push.release(), { jobs: 4 });
  assertOk(baked);
  const texts = textOf(baked);
  assert(texts.includes('mid early while base'), texts.join());
  assert(texts.indexOf('other unchanged') < texts.indexOf('mid early while base'), texts.join());
  assert.deepEqual(baked.kinds, { base: 'built', other: 'unchanged', mid: 'built' });
});

test('an early start fails: why it ran, how long, and once', async (t) => {
  const world = await makeWorld(t);
  await world.write({ 'mid/Dockerfile': 'FROM base\nRUN exit 3\n' });
  const push = world.registry.fault({
    method: 'PUT',
    path: /app\/base\/manifests/,
    from: 'engine',
    act: HOLD,
  });
  const startedAt = Date.now();
  const baked = await world.bake({
    slowPushMs: 1,
    onEvent: (event) => {
      if (event.type === 'node-finished' && event.build === 'mid') push.release();
    },
  });
  const { reason, durationMs, tags } = baked.outcome('mid');
  const begun = baked.events.find((event) => event.type === 'early-started');
  assert(begun?.type === 'early-started');
  assert(reason !== undefined);
  assert.deepEqual(reason, begun.reason);
  assert.deepEqual(tags, []);
  assert(durationMs >= 0 && durationMs <= Date.now() - startedAt, `${durationMs} ms`);
  assert.deepEqual(
    textOf(baked).filter((text) => text.startsWith('mid')),
    ['mid early while base', 'mid failed'],
  );
  const failed = baked.events.findIndex((event) => event.type === 'node-finished' && event.build === 'mid');
  assert(!baked.events.slice(failed + 1).some((event) => 'build' in event && event.build === 'mid'));
});

test('with fail-fast, a step that fails early ends the run', async (t) => {
  const world = await makeWorld(t);
  await world.write({ 'mid/Dockerfile': 'FROM base\nRUN exit 3\n' });
  world.registry.fault({ method: 'PUT', path: /app\/base\/manifests/, from: 'engine', act: HOLD });
  const baked = await world.bake({ slowPushMs: 1, failFast: true });
  assert.deepEqual(baked.kinds, { base: 'cancelled', mid: 'failed', leaf: 'blocked' });
  assert.equal(world.engine.running, 0);
  assert.deepEqual(world.registry.store.tags(), {});
});

test('what turns out to be up to date is not built early', async (t) => {
  const world = await makeWorld(t);
  assertOk(await world.bake());
  world.registry.fault({
    method: 'HEAD',
    path: /app\/base\/manifests/,
    act: { kind: 'status', status: 404 },
  });
  world.engine.forgetCalls();
  const baked = await bakeHeld(world);
  assertOk(baked);
  assert.deepEqual(baked.kinds, { base: 'built', mid: 'unchanged', leaf: 'unchanged' });
  assert.deepEqual(
    textOf(baked).filter((text) => text.includes('early')),
    [],
  );
  assert.equal(callsOf(world, 'mid').length, 0);
});

test('an image that nobody pushes keeps its name in the store of the engine', async (t) => {
  const world = await makeWorld(t);
  const text = (await readFile(path.join(world.dir, 'builds.yaml'), 'utf8')).replace(
    /(mid:1"\], push: )true/,
    '$1false',
  );
  await world.write({ 'builds.yaml': text });
  const baked = await bakeSlowly(world, ['mid', 'leaf'], (push) => push.release());
  assertOk(baked);
  assert.deepEqual(textOf(baked).slice(0, 2), ['mid early while base', 'leaf early while mid']);
  const { digest } = baked.outcome('mid');
  assert(digest !== undefined);
  const names = [...world.engine.images].filter(([, held]) => held === digest);
  assert(names.length > 0, 'its name was let go of');
  assert.equal(kindsText(await world.bake()), 'base unchanged, mid unchanged, leaf unchanged');
});

test('a cache is exported at the turn of a build only', async (t) => {
  const world = await makeWorld(t, { mid: ', cache-to: ["type=local,dest=cache"]' });
  const baked = await bakeSlowly(world, ['mid'], (push) => push.release());
  assertOk(baked);
  const [early, own, ...more] = callsOf(world, 'mid').map((argv) => argv.includes('--export-cache'));
  assert.deepEqual([early, own, more], [false, true, []]);
});

test('what is attested, built without cache or given a secret by a command has no early starts above it', async (t) => {
  for (const more of [
    ', attest: ["type=provenance"]',
    ', no-cache: true',
    ', secrets: [{ id: s, command: [echo, s] }]',
  ]) {
    const world = await makeWorld(t, { base: more });
    const baked = await bakeHeld(world);
    assertOk(baked);
    assert.deepEqual(
      textOf(baked).filter((text) => text.startsWith('mid early')),
      [],
      more,
    );
    assert.equal(callsOf(world, 'base').length, 1);
    assert.deepEqual(
      [...world.engine.images.keys()].filter((name) => name.includes('/base')),
      [],
    );
  }
});

test('a secret that is no command is no reason to wait', async (t) => {
  const world = await makeWorld(t, { mid: ', secrets: [{ id: s, env: SECRET }]' });
  const baked = await bakeSlowly(world, ['mid'], (push) => push.release(), { env: { SECRET: 'x' } });
  assertOk(baked);
  assert.deepEqual(textOf(baked)[0], 'mid early while base');
});

test('an image that cannot be named in the store starts nothing early', async (t) => {
  const world = await makeWorld(t);
  world.engine.fault({ when: '127.0.0.1:1/bake/base', at: 'start', act: { fail: 'error: no room' } });
  const baked = await bakeHeld(world);
  assertOk(baked);
  assert.deepEqual(
    textOf(baked).filter((text) => text.startsWith('mid early')),
    [],
  );
});

test('a build that is about to begin early when its parent fails does not begin', async (t) => {
  const world = await makeWorld(t);
  putBase(world.registry, 'lib', '1', 'x');
  await world.write({
    'mid/Dockerfile': `FROM base\nCOPY --from=${world.registry.host}/lib:1 / /lib\nRUN make mid\n`,
  });
  const asked = world.registry.fault({ path: /lib\/manifests/, act: HOLD });
  const kept = new Promise<void>((resolve) => {
    world.engine.fault({ when: '127.0.0.1:1/bake/base', at: 'end', act: () => void setTimeout(resolve, 30) });
  });
  const baked = await bakeRefused(world, kept, {
    onEvent: (event) => {
      if (event.type === 'node-finished' && event.build === 'mid') asked.release();
    },
  });
  assert.deepEqual(baked.kinds, { base: 'failed', mid: 'blocked', leaf: 'blocked' });
  assert.deepEqual(
    textOf(baked).filter((text) => text.includes('early')),
    [],
  );
  assert.equal(callsOf(world, 'mid').length, 0);
});

test('a run that is cancelled stops what runs early, too', async (t) => {
  const world = await makeWorld(t);
  const stopper = new AbortController();
  world.engine.fault({ when: '/mid', at: 'start', act: () => stopper.abort() });
  world.engine.fault({ when: '/mid', at: 'start', act: 'hang' });
  world.registry.fault({ method: 'PUT', path: /app\/base\/manifests/, from: 'engine', act: HOLD });
  const baked = await world.bake({ slowPushMs: 1, signal: stopper.signal });
  assert.equal(baked.summary.cancelled, true);
  assert.deepEqual(baked.kinds, { base: 'cancelled', mid: 'cancelled', leaf: 'cancelled' });
  assert.equal(world.engine.running, 0);
});

test('the steps of a build are told while it runs early, and each call counts', async (t) => {
  const world = await makeWorld(t);
  const baked = await bakeSlowly(world, ['mid', 'leaf'], (push) => push.release());
  assertOk(baked);
  const types = baked.events.flatMap((event) =>
    'build' in event && event.build === 'mid' ? [event.type as string] : [],
  );
  const early = types.slice(types.indexOf('early-started') + 1, types.indexOf('early-finished'));
  assert(early.length > 0, types.join());
  assert.equal(baked.summary.buildctlCalls, world.engine.builds.length);
});
