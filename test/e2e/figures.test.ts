/** Figures of a run beside the real engine: its phases and slots, how long each build took, and how often buildctl was called. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { assertPhases, phasesText, readPhases } from '../rig/phase-check.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import type { Cleanup, TreeEntry } from '../rig/temp.ts';
import { assertOk, makeWorkspace } from './support.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const STEP_MS = 700;

/** Equal builds, each with one step of its own that takes a while; what they copy is one step of all. */
async function makeEqualBuilds(t: Cleanup, tagOf: (name: string) => string) {
  const builds = NAMES.map((name) => `  ${name}: { context: ., args: { OWN: ${name} }, ${tagOf(name)} }\n`);
  const tree: Record<string, TreeEntry> = {
    'builds.yaml': `builds:\n${builds.join('')}`,
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
    // Nothing of another run is found in the engine's cache.
    salt: String(Math.random()),
    '.dockerignore': '*\n!busybox\n!salt\n',
    Dockerfile: `FROM scratch
ARG OWN
COPY busybox salt /
RUN ["/busybox", "sh", "-c", "/busybox sleep ${STEP_MS / 1_000}; echo $OWN > /own"]
`,
  };
  return makeWorkspace(t, tree);
}

test('one slot: phases in order, each build says what it took itself, and calls are those that were made', {
  skip: realEngine.skip,
  timeout: 180_000,
}, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeEqualBuilds(t, (name) => `tags: ["${registry.host}/figures/${name}:1"], push: true`);
  const baked = await work.bake({ jobs: 1 });
  assertOk(baked);
  assertPhases(baked.events);
  assert.equal(baked.summary.buildctlCalls, (await work.buildctl.builds()).length);
  assert.equal(baked.summary.buildctlCalls, NAMES.length);
  for (const name of NAMES)
    assert.match(
      phasesText(baked.events, name),
      /^checking( queued checking)?( queued)? building@0 exporting@0 pushing@0 tagging$/,
    );
  const phases = readPhases(baked.events);
  const building = phases.filter(({ phase }) => phase === 'building');
  for (const { fromMs, toMs } of building) assert(toMs - fromMs >= STEP_MS, 'the step was not run');
  // The last one waited while all others ran, and that is none of its time.
  const last = building.at(-1);
  assert(last !== undefined);
  const { durationMs, queuedMs = 0 } = baked.outcome(last.build);
  const others = building.slice(0, -1).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  assert(queuedMs > others - STEP_MS, `${queuedMs} of ${others}`);
  const own = phases.filter(({ build, phase }) => build === last.build && phase !== 'queued');
  const ownMs = own.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  assert(Math.abs(durationMs - ownMs) <= 20, `${durationMs} of ${ownMs}`);
  // The step that all share is one of each build, and of two steps two can be cached.
  for (const [at, { build }] of building.entries())
    assert.deepEqual(baked.outcome(build).steps, { total: 2, cached: at === 0 ? 0 : 1 }, build);
});

test('builds of which only the engine has the image are exported, and side by side they share their first step', {
  skip: realEngine.skip,
  timeout: 180_000,
}, async (t) => {
  const work = await makeEqualBuilds(t, () => 'push: false');
  const baked = await work.bake({ jobs: 3 });
  assertOk(baked);
  assertPhases(baked.events);
  // Its worker is asked how it keeps images, and says its version with that.
  const ready = baked.events.find((event) => event.type === 'engine-ready');
  assert.match(ready?.version ?? '', /^v?\d+\.\d+/);
  assert.equal(baked.summary.buildctlCalls, (await work.buildctl.builds()).length);
  for (const name of NAMES) {
    assert.match(phasesText(baked.events, name), / building@(\d) exporting@\1 exporting$/);
    assert.equal(baked.outcome(name).steps?.total, 2, name);
  }
});

test('what is stopped made the calls that it says it made, and what never began has no time', {
  skip: realEngine.skip,
  timeout: 180_000,
}, async (t) => {
  const work = await makeEqualBuilds(t, () => 'push: false');
  const controller = new AbortController();
  const baked = await work.bake({
    jobs: 1,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'vertex' && event.state === 'running' && event.name.includes('RUN'))
        controller.abort('SIGINT');
    },
  });
  assertPhases(baked.events);
  assert.equal(baked.summary.buildctlCalls, (await work.buildctl.builds()).length);
  assert.equal(baked.summary.buildctlCalls, 1);
  assert.deepEqual(new Set(baked.summary.outcomes.map(({ kind }) => kind)), new Set(['cancelled']));
});

const MB = 1_000_000;

test('BuildKit says that a push goes on, and no bytes of it', {
  skip: realEngine.skip,
  timeout: 180_000,
}, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    'builds.yaml': `builds:\n  a: { context: ., tags: ["${registry.host}/bytes:1"], push: true }\n`,
    data: { content: randomBytes(30 * MB) },
    Dockerfile: 'FROM scratch\nCOPY data /\n',
  });
  const baked = await work.bake();
  assertOk(baked);
  const pushes = baked.events.flatMap((event) =>
    event.type === 'transfer' && event.id.startsWith('pushing ') ? event : [],
  );
  assert(pushes.length > 0);
  for (const { current, total } of pushes) assert.deepEqual([current, total], [0, undefined]);
});
