/** What a run says and sums up besides its builds: warnings, refusals, what is blocked, tags that wait, audits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatLock } from '../../lib/lock/mod.ts';
import { type BakeEvent, type Outcome, problem } from '../../lib/model/mod.ts';
import { type BakeOptions, bakeWith } from '../../lib/run/mod.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText, lifeOf, rowTree, SAME } from '../rig/failure-bench.ts';
import { accessTo, envOf, type FakeWorld, makeFakeWorld, prepareIn, putBase } from '../rig/fake-world.ts';
import type { Cleanup, TreeEntry } from '../rig/temp.ts';

/** Builds `a`, `b` (FROM a) and `c` with the tag `:dev`, `a` on `base:1`. */
async function makeThree(
  t: Cleanup,
  set?: string,
  more: Readonly<Record<string, TreeEntry>> = {},
): Promise<FakeWorld> {
  const world = await makeFakeWorld(t, (host) => ({ ...rowTree(host, set), ...more }), { lax: true });
  putBase(world.registry, 'base', '1', 'one');
  return world;
}

/** Runs with options that `world.bake` has not. */
async function bakeAs(world: FakeWorld, options: Partial<BakeOptions>) {
  const events: BakeEvent[] = [];
  const summary = await bakeWith(accessTo(world.engine), {
    ...(await prepareIn(world)),
    env: envOf(world),
    hostArchitecture: 'amd64',
    sleep: async () => undefined,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { summary, events };
}

const typesOf = ({ events }: Pick<Baked, 'events'>) => events.map(({ type }) => type);
const breakBuild = (world: FakeWorld, build: string) =>
  world.engine.fault({ when: `/${build}\n`, at: 'start', act: { fail: 'error: failed to solve: broken' } });

test('a run of nobody in particular has no version and no runtime, and ends with its summary', async (t) => {
  const world = await makeThree(t);
  const { summary, events } = await bakeAs(world, { dryRun: true });
  const [started] = events;
  assert(started?.type === 'run-started');
  assert.deepEqual([started.version, started.runtime], ['', '']);
  const last = events.at(-1);
  assert(last?.type === 'run-finished');
  assert.deepEqual(last.summary, summary);
  assert.equal(typesOf({ events }).filter((type) => type === 'run-finished').length, 1);
});

test('a wall clock that is set back during a run does not change how long it took', async (t) => {
  const world = await makeThree(t);
  const wallClock = Date.now;
  t.after(() => {
    Date.now = wallClock;
  });
  const { summary } = await bakeAs(world, {
    dryRun: true,
    onEvent: ({ type }) => {
      if (type === 'planned') Date.now = () => wallClock() - 3_600_000;
    },
  });
  assert(summary.durationMs > 0 && summary.durationMs < 3_600_000, String(summary.durationMs));
});

test('what is only a warning is said before anything is done, of its build, and the run goes on', async (t) => {
  const world = await makeThree(t);
  await world.write({
    'builds.yaml':
      rowTree(world.registry.host)['builds.yaml']?.replace(
        'c: { extends: image, context: c }',
        'c: { extends: image, context: c, annotations: { Upper: x }, args: { NOBODY: x } }',
      ) ?? '',
  });
  const baked = await world.bake();
  assertOk(baked);
  const warnings = baked.events.flatMap((event) =>
    event.type === 'warning' ? [[event.problem.code, event.build, event.seq]] : [],
  );
  assert.deepEqual(warnings, [
    ['build/annotation-case', 'c', 3],
    ['build/arg-not-declared', 'c', 4],
  ]);
});

test('what is refused is refused as a whole: nothing is asked, built or written', async (t) => {
  const rows: readonly (readonly [
    string | undefined,
    Readonly<Record<string, TreeEntry>>,
    readonly string[],
  ])[] = [
    ['record: "NO"', {}, ['run/bad-record']],
    [undefined, { 'builds.lock': '{' }, ['config/bad-lock']],
    [undefined, { 'c/Dockerfile': 'NONE\n' }, ['dockerfile/unknown-instruction']],
    [
      'record: "NO"',
      { 'builds.lock': '{', 'c/Dockerfile': 'NONE\n' },
      ['run/bad-record', 'config/bad-lock', 'dockerfile/unknown-instruction'],
    ],
  ];
  for (const [set, more, codes] of rows) {
    const world = await makeThree(t, set, more);
    const baked = await world.bake();
    assert.deepEqual(
      baked.summary.problems.map(({ code }) => code),
      codes,
    );
    assert.deepEqual(
      [baked.summary.ok, baked.summary.cancelled, baked.summary.outcomes, baked.summary.buildctlCalls],
      [false, false, [], 0],
    );
    assert.deepEqual(typesOf(baked), ['run-started', 'planned', 'run-finished']);
    assert.deepEqual([world.registry.lines(), world.engine.calls, await world.records()], [[], [], []]);
  }
});

test('images that builds.lock lacks are warned of', async (t) => {
  const world = await makeThree(t);
  await world.write({ 'builds.lock': formatLock([]) });
  const baked = await world.bake();
  assertOk(baked);
  const [warning] = baked.events.flatMap((event) => (event.type === 'warning' ? [event] : []));
  assert.deepEqual([warning?.problem.code, warning?.seq], ['run/not-locked', 3]);
  const written = `${world.registry.host}/base:1`;
  const digest = world.registry.store.tags()['base:1'] as `sha256:${string}`;
  await world.write({ 'builds.lock': formatLock([{ written, digest }]) });
  assert.deepEqual(codesOf(await world.bake()), []);
});

test('what needs a failed build is blocked by it, what needs a cancelled one is cancelled', async (t) => {
  const world = await makeThree(t);
  breakBuild(world, 'a');
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a failed, b blocked, c built');
  const blocked: Outcome = { build: 'b', kind: 'blocked', blockedBy: 'a', tags: [], durationMs: 0 };
  assert.deepEqual(baked.outcome('b'), blocked);
  const ends = (one: Pick<Baked, 'events'>, build: string) =>
    one.events.flatMap((event) =>
      event.type === 'node-finished' && event.build === build ? [event.outcome] : [],
    );
  assert.deepEqual(ends(baked, 'b'), [blocked]);
  assert.equal(lifeOf(baked, 'b'), 'F');
  const controller = new AbortController();
  world.engine.mend();
  world.engine.fault({ when: '/a\n', at: 'start', act: () => controller.abort() });
  const stopped = await world.bake({ signal: controller.signal });
  assert.equal(kindsText(stopped), 'a cancelled, b cancelled, c unchanged');
  const cancelled: Outcome = { build: 'b', kind: 'cancelled', tags: [], durationMs: 0 };
  assert.deepEqual([stopped.outcome('b'), ends(stopped, 'b')], [cancelled, [cancelled]]);
  assert.deepEqual([stopped.summary.ok, stopped.summary.cancelled], [false, true]);
});

test('one failure stops the rest only where that is asked for', async (t) => {
  for (const failFast of [true, false]) {
    const world = await makeThree(t);
    breakBuild(world, 'a');
    const stopped = new Promise<void>((resolve) => {
      world.engine.fault({
        when: '/c\n',
        at: 'start',
        act: failFast ? 'hang' : async () => stopped,
      });
      if (!failFast) setImmediate(resolve);
    });
    const baked = await world.bake({ failFast });
    assert.equal(kindsText(baked), `a failed, b blocked, c ${failFast ? 'cancelled' : 'built'}`);
    // The run itself was not cancelled by anybody.
    assert.equal(baked.summary.cancelled, false);
  }
});

test('tags that wait stay where they are when a build fails, and outcomes say so', async (t) => {
  const world = await makeThree(t, 'publish: together');
  assertOk(await world.bake());
  const tags = world.registry.store.tags();
  world.registry.store.deleteManifest('app/c', 'dev');
  await world.write({ 'a/file': 'A\n', 'b/file': 'B\n' });
  breakBuild(world, 'b');
  const baked = await world.bake();
  // The tag of `c` is missing, and stays so.
  assert.equal(kindsText(baked), 'a built, b failed, c unchanged');
  assert.deepEqual(baked.outcome('a').tags, []);
  assert.equal(baked.outcome('c').reason?.code, 'tags-missing');
  const { 'app/c:dev': _, ...others } = tags;
  assert.deepEqual(world.registry.store.tags(), others);
  assert.deepEqual(codesOf(baked), ['build/failed of b', 'warning run/not-published']);
  world.engine.mend();
  const healed = await world.bake();
  assertOk(healed);
  assert.equal(kindsText(healed), 'a retagged, b built, c retagged');
  for (const name of ['a', 'b', 'c'])
    assert.deepEqual(
      healed.outcome(name).tags.map(({ ref, action }) => [ref, action]),
      [[`${world.registry.host}/app/${name}:dev`, name === 'b' ? 'pushed' : 'retagged']],
    );
});

test('tags that could not be moved together fail the run, and those put back are only warned of', async (t) => {
  const world = await makeThree(t, 'publish: together');
  assertOk(await world.bake());
  const tags = world.registry.store.tags();
  await world.write({ 'a/file': 'A\n', 'c/file': 'C\n' });
  world.registry.fault({ method: 'PUT', path: '/app/c/manifests/dev', act: { kind: 'status', status: 403 } });
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a built, b built, c built');
  assert.equal(baked.summary.ok, false);
  assert.deepEqual(codesOf(baked), ['registry/denied', 'warning run/publish-rolled-back']);
  assert.deepEqual(world.registry.store.tags(), tags);
  for (const name of ['a', 'b', 'c']) assert.deepEqual(baked.outcome(name).tags, []);
  // Those of the client that put tags back are closed as well.
  for (let turns = 0; world.registry.openSockets('bake-ts') > 0 && turns < 1000; turns++) await nextTurn();
  assert.equal(world.registry.openSockets('bake-ts'), 0);
});

test('a run that is cancelled at its end moves no tag that waits', async (t) => {
  const world = await makeThree(t, 'publish: together');
  const controller = new AbortController();
  let left = 3;
  const baked = await world.bake({
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'node-finished' && --left === 0) controller.abort();
    },
  });
  assert.equal(kindsText(baked), 'a built, b built, c built');
  assert.deepEqual(Object.keys(world.registry.store.tags()), ['base:1']);
  assert.deepEqual([baked.summary.ok, baked.summary.cancelled], [true, true]);
  assert.deepEqual(codesOf(baked), ['warning run/not-published']);
});

test('an audit sees what was done, and what it finds is the last word', async (t) => {
  const world = await makeThree(t);
  const found = { seed: 1, candidates: 1, builds: ['c'] };
  const bad = problem('engine/none-found', 'it could not be done');
  const seen: string[][] = [];
  const audit: NonNullable<BakeOptions['audit']> = async ({ plan, outcomes, results }) => {
    seen.push([[...plan.nodes.keys()].join(), [...outcomes.keys()].sort().join(), String(results.size)]);
    const outcome = outcomes.get('c') ?? assert.fail();
    return {
      summary: found,
      outcomes: new Map([['c', { ...outcome, kind: 'failed' as const }]]),
      problems: [bad],
    };
  };
  const { summary } = await bakeAs(world, { audit });
  assert.deepEqual(seen.splice(0), [['a,b,c', 'a,b,c', '3']]);
  assert.deepEqual(summary.audit, found);
  assert.deepEqual(
    summary.outcomes.map(({ build, kind }) => `${build} ${kind}`),
    ['a built', 'b built', 'c failed'],
  );
  assert.deepEqual([summary.ok, summary.problems.map(({ code }) => code)], [false, ['engine/none-found']]);
  // Neither a dry run nor one that was cancelled is looked at.
  const dry = await bakeAs(world, { audit, dryRun: true });
  assert.equal('audit' in dry.summary, false);
  const controller = new AbortController();
  await bakeAs(world, {
    audit,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'node-finished') controller.abort();
    },
  });
  assert.deepEqual(seen, []);
});

test('what cannot be remembered is warned of at the end', async (t) => {
  const world = await makeThree(t, 'record: registry');
  world.registry.fault({ method: 'PUT', path: 'bake-records', act: { kind: 'status', status: 403 } });
  const baked = await world.bake();
  assertOk(baked);
  assert.deepEqual(codesOf(baked), ['warning run/records-not-shared']);
  assert.deepEqual(typesOf(baked).slice(-2), ['warning', 'run-finished']);
  // Nothing is to be remembered of a dry run.
  assert.deepEqual(codesOf(await world.bake({ dryRun: true })), []);
});

test('immutable tags may be put where they are not there, and stay what they are', async (t) => {
  const world = await makeThree(t, 'immutable: ["dev"]');
  assertOk(await world.bake());
  assert.equal(kindsText(await world.bake()), SAME);
  await world.write({ 'a/file': 'A\n' });
  world.registry.forget();
  world.engine.forgetCalls();
  const baked = await world.bake();
  assert.deepEqual(
    baked.summary.problems.map(({ code, build }) => [code, build]),
    [
      ['run/immutable-tag', 'a'],
      ['run/immutable-tag', 'b'],
    ],
  );
  assert.match(baked.summary.problems[0]?.message ?? '', /\/app\/a:dev` is immutable and exists \(sha256:/);
  assert.deepEqual([world.engine.calls, world.registry.writes(), baked.summary.outcomes], [[], [], []]);
  // Of this nothing was said but what was wrong.
  assert.deepEqual(typesOf(baked), ['run-started', 'planned', 'run-finished']);
  // What is not pushed may be built.
  const { 'builds.yaml': set = '' } = rowTree(world.registry.host, 'immutable: ["dev"]');
  await world.write({ 'builds.yaml': set.replace('push: true', 'push: false') });
  assertOk(await world.bake());
});
