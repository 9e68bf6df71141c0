/**
 * The rows of the table of failures that real parts can do, with a real engine and a real registry: what the fakes of
 * the fast tests do is what these do.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { type Baked, codesOf } from '../rig/baking.ts';
import {
  type Bench,
  BUILDS,
  lifeOf,
  readRecords,
  rowTree,
  runRow,
  stateBlocker,
} from '../rig/failure-bench.ts';
import { FAILURE_ROWS } from '../rig/failure-rows.ts';
import { makeFakeBench } from '../rig/fake-bench.ts';
import { RegistryFaults } from '../rig/fake-registry-faults.ts';
import { FakeTransfer } from '../rig/fake-transfer.ts';
import { makeBase } from '../rig/fake-world.ts';
import { type ProxyVerdict, startFaultProxy } from '../rig/fault-proxy.ts';
import { digestOf, unpackImage } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';
import { makeWorkspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };

interface RealBench extends Bench {
  /** `METHOD PATH` of what changed something at the registry, but for uploads; what is told by digest is `DIGEST`. */
  readonly writes: () => readonly string[];
}

async function makeRealBench(t: Cleanup, set?: string): Promise<RealBench> {
  const registry = await startTestRegistry(t);
  const door = await startFaultProxy(t, registry.host);
  const work = await makeWorkspace(t, rowTree(door.host, set));
  const transfer = new FakeTransfer(new AbortController().signal);
  await transfer.push(makeBase('one'), `${registry.host}/base`, '1');
  transfer.close();
  const state = stateBlocker(work.home);
  const faults = new RegistryFaults();
  const refOf = (build: string) => `${registry.host}/app/${build}:dev`;
  return {
    write: work.write,
    bake: (how) => work.bake(how),
    tagOf: (build) => digestOf(refOf(build)),
    records: () => readRecords(work.home),
    moveBase: () => assert.fail('the real base stays what it is'),
    async inject(fault) {
      if (fault.on === 'state') return state.block(fault.path);
      if (fault.on === 'engine') {
        // Building takes the real one long enough for what comes in between.
        assert.equal(fault.fault.act, 'hang');
        return;
      }
      faults.add(fault.rule);
      door.judge((request): ProxyVerdict => {
        const taken = faults.take({ ...request, path: request.path.replace(/\?.*/, '') });
        if (taken === undefined) return 'pass';
        const { act } = fault.rule;
        assert(act.kind === 'status' && act.after !== true);
        return act.status;
      });
    },
    async mend() {
      faults.clear();
      door.judge(undefined);
      await state.clear();
    },
    async assertSound() {
      for (const build of BUILDS)
        if ((await digestOf(refOf(build))) !== undefined)
          await unpackImage(refOf(build), path.join(await makeTempDir(t, 'e2e-unpacked-'), 'root'));
      for (const { build, digest } of await readRecords(work.home))
        assert.equal(await digestOf(`${registry.host}/app/${build}@${digest}`), digest);
    },
    // Images of real builds hold times: another build of the same gives another digest.
    assertTrue: async () => undefined,
    writes: () => writesIn(door.requests.map(({ method, path: asked }) => `${method} ${asked}`)),
  };
}

function writesIn(requests: readonly string[]): readonly string[] {
  return requests
    .filter((line) => line.startsWith('PUT ') && line.includes('/manifests/'))
    .map((line) => line.replace(/sha256:[0-9a-f]{64}/, 'DIGEST'))
    .sort();
}

for (const row of FAILURE_ROWS.filter(({ real }) => real === true))
  test(`for real: ${row.name}`, options, async (t) => {
    await runRow(await makeRealBench(t, row.set), row);
  });

/** What of a run has to be the same whoever builds; what is cached depends on what the engine built before. */
function traceOf(baked: Baked): unknown {
  return {
    ok: baked.summary.ok,
    codes: codesOf(baked),
    calls: baked.summary.buildctlCalls,
    requests: baked.summary.registryRequests,
    builds: baked.summary.outcomes.map(({ build, kind, reason, steps, tags, platforms }) => ({
      build,
      kind,
      reason: reason?.code,
      items: reason?.items?.map((item) => item.replace(/sha256:[0-9a-f]+/g, 'DIGEST')),
      steps: steps?.total,
      platforms,
      tags: tags.map(({ action }) => action),
      life: lifeOf(baked, build),
    })),
  };
}

test('the same set gives the same with fakes and for real', options, async (t) => {
  const fake = await makeFakeBench(t);
  const real = await makeRealBench(t);
  const edits = [{}, {}, { 'a/file': 'new a\n' }, { 'c/Dockerfile': 'FROM scratch\nCOPY . /all/\n' }];
  for (const edit of edits) {
    await fake.write(edit);
    await real.write(edit);
    assert.deepEqual(traceOf(await fake.bake()), traceOf(await real.bake()));
  }
  assert.deepEqual(
    writesIn(fake.world.registry.requests.map(({ method, path: asked }) => `${method} ${asked}`)),
    real.writes(),
  );
});
