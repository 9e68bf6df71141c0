/** What the store of an engine has, where it can be listed and where only the engine can be asked. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Buildctl, Worker } from '../../lib/buildctl/mod.ts';
import { type Digest, type EventBody, formatImageRef, type PlanNode } from '../../lib/model/mod.ts';
import { storeName } from '../../lib/run/store-names.ts';
import { StoreView } from '../../lib/run/store-view.ts';
import type { ProgramEnd } from '../../lib/system/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { makeTag } from '../rig/sets.ts';
import { makeTempDir } from '../rig/temp.ts';

const A: Digest = `sha256:${'a'.repeat(64)}`;
const B: Digest = `sha256:${'b'.repeat(64)}`;

interface Given {
  /** What ctr lists; undefined: nobody can. */
  readonly listed?: ReadonlyMap<string, Digest>;
  /** What the engine has when it is asked. */
  readonly store?: Map<string, Digest>;
  readonly worker?: Worker | undefined;
  readonly built?: readonly string[];
}

async function open(t: TestContext, nodes: readonly PlanNode[], given: Given = {}) {
  const dir = await makeTempDir(t);
  const calls: (readonly string[])[] = [];
  const events: EventBody[] = [];
  let counted = 0;
  const buildctl: Buildctl = {
    program: 'buildctl',
    address: 'unix:///x.sock',
    env: {},
    onBuild: () => void counted++,
    run: async ({ argv }): Promise<ProgramEnd> => {
      assert(argv.includes('requestid=frontend.convertllb') && argv.includes('image-resolve-mode=local'));
      const source = argv[argv.indexOf('--local') + 1]?.split('=')[1] ?? '';
      const text = await readFile(path.join(source, 'Dockerfile'), 'utf8');
      const names = [...text.matchAll(/^FROM (?:--platform=\S+ )?(\S+) AS /gm)].map(([, name = '']) => name);
      calls.push(names);
      const found = names.map((name) => given.store?.get(name));
      const lines = names.map((name, at) => `"identifier": "docker-image://${name}@${found[at]}"`);
      const isWhole = found.every((one) => one !== undefined);
      return {
        ended: 'by-itself',
        exitCode: isWhole ? 0 : 1,
        stdout: Buffer.from(isWhole ? lines.join('\n') : ''),
        stderr: '',
      };
    },
  };
  let dirs = 0;
  const view = new StoreView({
    engine: {
      storedImages: async () => (given.listed === undefined ? undefined : { digests: given.listed }),
      askWorker: async () => ('worker' in given ? given.worker : { executor: 'containerd' }),
      buildctl: async () => buildctl,
    },
    naming: { root: '/p', isolated: false, worker: () => 'containerd', isListed: () => false },
    nodes,
    wasBuilt: async (build) => (given.built ?? nodes.map((node) => node.build.name)).includes(build),
    newWorkDir: () => path.join(dir, `${dirs++}`),
    emit: (event) => events.push(event),
  });
  return { view, calls, events, counted: () => counted };
}

const nodes = ['a', 'b', 'c'].map((name) => makeNode({ name, tags: [makeTag(`r.test/${name}:1`)] }));
const [a, b, c] = nodes as [PlanNode, PlanNode, PlanNode];

/** Both names of builds: the tag, and ours. */
function namesOf(calls: readonly (readonly string[])[]): readonly string[] {
  return calls.map((names) => names.map((name) => name.replace(/:[0-9a-f]{12}$/, '')).join(' '));
}

test('what can be listed is not looked up', async (t) => {
  const listed = new Map([['r.test/a:1', A]]);
  const { view, calls } = await open(t, nodes, { listed });
  assert.deepEqual(await view.of(a), { kind: 'known', digests: listed });
  assert.deepEqual(calls, []);
});

test('all names that should be there are looked up in one call', async (t) => {
  const { view, calls, events } = await open(t, nodes, { store: everything() });
  const [first, ...others] = await Promise.all(nodes.map((node) => view.of(node)));
  assert(first?.kind === 'known');
  assert.equal(first.digests.get('r.test/a:1'), A);
  for (const other of others) assert.deepEqual(other, first);
  assert.deepEqual(namesOf(calls), [
    'r.test/a:1 127.0.0.1:1/bake/a r.test/b:1 127.0.0.1:1/bake/b r.test/c:1 127.0.0.1:1/bake/c',
  ]);
  assert.deepEqual(events, []);
});

test('builds that were never made are not asked for, pushed and needed ones neither', async (t) => {
  const others = [makeNode({ name: 'p' }, { pushes: true }), makeNode({ name: 'n' }, { role: 'needed' })];
  const { view, calls } = await open(t, [...nodes, ...others], {
    store: everything(),
    built: ['a', 'p', 'n'],
  });
  await view.of(a);
  assert.deepEqual(namesOf(calls), ['r.test/a:1 127.0.0.1:1/bake/a']);
});

test('where one name is gone, each build is looked up by itself, and that one has nothing', async (t) => {
  const store = everything();
  store.delete('r.test/b:1');
  const { view, calls, counted } = await open(t, nodes, { store });
  const found = await Promise.all([a, b, c].map((node) => view.of(node)));
  assert.deepEqual([calls.length, counted()], [4, 4]);
  const digests = found.map((one) => (one?.kind === 'known' ? one.digests : undefined));
  assert.equal(digests[0]?.get('r.test/a:1'), A);
  assert.deepEqual(digests[1], new Map());
  assert.equal(digests[2]?.get('r.test/c:1'), B);
});

test('an OCI worker keeps none, which is said once', async (t) => {
  const { view, calls, events } = await open(t, nodes, { worker: { executor: 'oci' } });
  for (const node of nodes) assert.deepEqual(await view.of(node), { kind: 'keeps-none' });
  assert.deepEqual(
    events.map((event) => (event.type === 'warning' ? event.problem.code : '')),
    ['run/keeps-no-images'],
  );
  assert.deepEqual(calls, []);
});

test('an engine that does not answer leaves it unknown', async (t) => {
  const { view } = await open(t, nodes, { worker: undefined });
  assert.equal(await view.of(a), undefined);
});

/** A store with all names of the three builds, as {@link StoreView} asks for them. */
function everything(): Map<string, Digest> {
  const store = new Map<string, Digest>();
  for (const [name, digest] of [
    ['a', A],
    ['b', B],
    ['c', B],
  ] as const) {
    store.set(`r.test/${name}:1`, digest);
    store.set(formatImageRef(storeName({ root: '/p', isolated: false }, name)), digest);
  }
  return store;
}
