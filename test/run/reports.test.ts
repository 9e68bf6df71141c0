/** What a run says of itself, field by field, and what it makes buildctl put out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../lib/model/mod.ts';
import { assertOk, type Baked } from '../rig/baking.ts';
import { kindsText, rowTree } from '../rig/failure-bench.ts';
import { makeFakeWorld, putBase } from '../rig/fake-world.ts';

/** A run that takes less than this says so; times since 1970 are far more. */
const MINUTE = 60_000;

/** An outcome without what differs from run to run, which is checked here. */
function plain({ durationMs, queuedMs: _, layers: __, key, digest, tags, sizeBytes, ...rest }: Outcome) {
  assert(durationMs >= 0 && durationMs < MINUTE, `${durationMs} ms`);
  if (key !== undefined) assert.match(key, /^[0-9a-f]{64}$/);
  if (digest !== undefined) assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  for (const tag of tags) assert.equal(tag.digest, digest);
  return {
    ...rest,
    known: [key !== undefined && 'key', digest !== undefined && 'digest', sizeBytes !== undefined && 'size'],
    tags: tags.map(({ ref, action }) => `${action} ${ref.slice(ref.indexOf('/'))}`),
  };
}

const ALL = ['key', 'digest', 'size'];

test('a run announces itself and its builds, and sums up what became of them', async (t) => {
  const world = await makeFakeWorld(t, (host) => rowTree(host), { lax: true });
  putBase(world.registry, 'base', '1', 'one');
  const first = await world.bake();
  assertOk(first);
  const { events, summary } = first;
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, at) => at + 1),
  );
  const started = events[0];
  assert(started?.type === 'run-started');
  assert.match(started.runId, /^[A-Za-z0-9]{6}$/);
  assert.deepEqual(
    { ...started, runId: '', atMs: 0 },
    {
      type: 'run-started',
      runId: '',
      version: '0',
      runtime: 'test',
      files: ['builds.yaml'],
      concurrency: 4,
      root: world.dir,
      seq: 1,
      atMs: 0,
    },
  );
  const tag = (build: string) => `${world.registry.host}/app/${build}:dev`;
  const node = (build: string, level: number, needs: readonly string[]) => ({
    build,
    role: 'asked',
    level,
    needs,
    tags: [tag(build)],
    pushes: true,
  });
  const planned = events[1];
  assert(planned?.type === 'planned');
  assert.deepEqual(planned.nodes, [node('a', 0, []), node('b', 1, ['a']), node('c', 0, [])]);
  const keyed = events.flatMap((event) =>
    event.type === 'node-keyed'
      ? [[event.build, event.files, event.bytes, event.untracked, typeof event.key]]
      : [],
  );
  assert.deepEqual(keyed.sort(), [
    ['a', 1, 2, [], 'string'],
    ['b', 1, 2, [], 'string'],
    ['c', 1, 2, [], 'string'],
  ]);
  const finished = events.at(-1);
  assert(finished?.type === 'run-finished');
  assert.deepEqual(finished.summary, summary);
  assert(summary.durationMs >= 0 && summary.durationMs < MINUTE);
  assert.deepEqual(
    [summary.ok, summary.cancelled, summary.problems, summary.buildctlCalls, 'audit' in summary],
    [true, false, [], 3, false],
  );
  const built = (build: string) => ({
    build,
    kind: 'built',
    reason: { code: 'first-build', text: 'not built here before' },
    platforms: ['linux/amd64'],
    known: ALL,
    tags: [`pushed /app/${build}:dev`],
  });
  assert.deepEqual(
    summary.outcomes.map((outcome) => {
      const { steps, ...rest } = plain(outcome);
      assert((steps?.total ?? 0) > 0);
      return rest;
    }),
    ['a', 'b', 'c'].map(built),
  );
  for (const record of await world.records()) {
    assert(record.durationMs >= 0 && record.durationMs < MINUTE);
    assert(Math.abs(Date.parse(record.finishedAt) - Date.now()) < MINUTE);
    assert.deepEqual(record.refs, [tag(record.build)]);
    assert.equal(record.mediaType, 'application/vnd.oci.image.manifest.v1+json');
    assert((record.sizeBytes ?? 0) > 0);
    for (const { layers } of record.platforms) assert.match(layers ?? '', /^sha256:[0-9a-f]{64}$/);
  }
  const second = await world.bake();
  const sizes = ({ summary: { outcomes } }: Baked) => outcomes.map(({ sizeBytes }) => sizeBytes);
  assert.deepEqual(sizes(second), sizes(first));
  assert.deepEqual(plain(second.outcome('a')), {
    build: 'a',
    kind: 'unchanged',
    reason: { code: 'inputs-same', text: 'inputs unchanged, its tag is up to date' },
    platforms: ['linux/amd64'],
    known: ALL,
    tags: ['there /app/a:dev'],
  });
  world.registry.store.deleteManifest('app/a', 'dev');
  await world.write({ 'c/file': 'C\n' });
  const dry = await world.bake({ dryRun: true });
  assert.deepEqual(
    [plain(dry.outcome('a')), plain(dry.outcome('c'))].map(({ kind, tags, dryRun }) => [kind, tags, dryRun]),
    [
      ['retagged', [], true],
      ['built', [], true],
    ],
  );
  const third = await world.bake();
  assert.deepEqual(plain(third.outcome('a')).tags, ['retagged /app/a:dev']);
  assert.equal(third.summary.registryRequests.writes > 0, true);
});

test('a build is put out as it says: files, the store, a layout, or nothing but cache', async (t) => {
  const rows: readonly (readonly [string, 'containerd' | 'oci', readonly string[]])[] = [
    ['', 'containerd', ['image']],
    ['', 'oci', ['oci']],
    ['outputs: [{ type: local, dest: out }]', 'containerd', ['local']],
    ['outputs: [{ type: cacheonly }]', 'containerd', []],
    ['outputs: [{ type: docker }]', 'containerd', ['image']],
    ['outputs: [{ type: docker, dest: out.tar }]', 'containerd', ['docker']],
    ['outputs: [{ type: local, dest: out }, { type: docker }]', 'containerd', ['local', 'image']],
  ];
  for (const [outputs, worker, expected] of rows) {
    const world = await makeFakeWorld(t, () => ({
      'builds.yaml': `builds:\n  a:\n    context: .\n    ${outputs}\n`,
      Dockerfile: 'FROM scratch\nCOPY file /\n',
      file: 'a\n',
    }));
    world.engine.worker = worker;
    await world.bake();
    const [argv = []] = world.engine.builds;
    const types = argv.flatMap((word, at) =>
      argv[at - 1] === '--output' ? [/type=([a-z]+)/.exec(word)?.[1]] : [],
    );
    assert.deepEqual(types, expected, `${outputs} ${worker}`);
  }
});

test('what cannot be read fails its build with the first problem, and warns of the others', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': 'builds:\n  a: { context: a, contexts: { more: more } }\n  b: { context: b }\n',
    'a/Dockerfile': 'FROM scratch\nCOPY file /\nCOPY --from=more file /more\n',
    'a/.dockerignore': '[\n',
    'more/.dockerignore': '[\n',
    'b/Dockerfile': 'FROM scratch\nCOPY file /\n',
    'b/file': 'b\n',
  }));
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a failed, b built');
  assert.equal(baked.summary.ok, false);
  const { problem, tags } = baked.outcome('a');
  assert.deepEqual([problem?.code, problem?.build, tags], ['dockerfile/ignore-pattern', 'a', []]);
  assert.deepEqual(
    baked.events.flatMap((event) => (event.type === 'warning' ? [[event.build, event.problem.code]] : [])),
    [['a', 'dockerfile/ignore-pattern']],
  );
});

test('a second build says how long the first took, how large it was, and what layers there are', async (t) => {
  const world = await makeFakeWorld(t, (host) => rowTree(host), { lax: true });
  putBase(world.registry, 'base', '1', 'one');
  const usual = ({ events }: Baked) => {
    const planned = events.find((event) => event.type === 'planned');
    assert(planned?.type === 'planned');
    return new Map(
      planned.nodes.flatMap(({ build, usualMs }) => (usualMs === undefined ? [] : [[build, usualMs]])),
    );
  };
  const first = await world.bake();
  assertOk(first);
  assert.deepEqual(usual(first), new Map());
  const before = first.outcome('a');
  assert.equal(before.lastSizeBytes, undefined);
  assert.deepEqual(
    before.layers?.map(({ platform }) => platform),
    ['linux/amd64'],
  );
  const records = await world.records();
  const durations = new Map(records.map(({ build, durationMs }) => [build, durationMs]));
  const second = await world.bake({ force: true });
  assert.deepEqual(usual(second), durations);
  const again = second.outcome('a');
  assert.equal(again.lastSizeBytes, before.sizeBytes);
  assert.deepEqual(again.layers, before.layers);
  // Nothing is read for it where nothing is built.
  const third = await world.bake();
  assert.deepEqual([third.outcome('a').layers, third.outcome('a').lastSizeBytes], [undefined, undefined]);
  assert.equal(usual(third).size, 3);
  assert.deepEqual(usual(await world.bake({ untrusted: true, dryRun: true })), new Map());
});
