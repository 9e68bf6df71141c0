/**
 * The embedded engine under a run: results that only its store has, and daemons that are killed in the middle. Each test
 * has an engine of its own, below a home of its own.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  downEngine,
  installEngine,
  isRootless,
  neededParts,
  type RunningEngine,
  upEngine,
} from '../../lib/engine/mod.ts';
import { listProcesses } from '../../lib/engine/process-identity.ts';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { findBusybox } from '../rig/busybox.ts';
import { runCommand } from '../rig/command.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { removeTree, type TreeEntry } from '../rig/temp.ts';
import { assertOk, type Baked, makeWorkspace, named, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 120_000 };

interface Kitchen extends Workspace {
  readonly engine: RunningEngine;
  readonly up: () => Promise<RunningEngine>;
  /** Removes an image from the engine's store. */
  readonly removeImage: (name: RegExp) => Promise<void>;
  readonly images: () => Promise<readonly string[]>;
}

async function makeKitchen(t: TestContext, tree: Readonly<Record<string, TreeEntry>>): Promise<Kitchen> {
  const work = await makeWorkspace(t, tree, { PATH: `${realEngine.binDir}:${process.env['PATH'] ?? ''}` });
  t.after(async () => {
    const down = await downEngine({ env: work.env });
    assert(down.ok, JSON.stringify(down));
    await removeTree(work.home);
  });
  const installed = await installEngine({
    env: work.env,
    from: 'path',
    parts: [...neededParts(), 'registry'],
  });
  assert(installed.ok, JSON.stringify(installed));
  const up = async () => {
    const running = await upEngine({ env: work.env });
    assert(running.ok, JSON.stringify(running));
    return running.value;
  };
  const engine = await up();
  const { ctr, socket, namespace } = engine.containerd;
  const inStore = (...words: string[]) =>
    runCommand([ctr, '--address', socket, '--namespace', namespace, 'images', ...words]);
  const images = async () => (await inStore('ls', '-q')).stdout.trim().split('\n');
  return {
    ...work,
    engine,
    up,
    images,
    // By its address rather than by looking, since the machine may have an engine of its own.
    bake: (baking = {}) => work.bake({ ...baking, env: { BUILDKIT_HOST: engine.address, ...baking.env } }),
    async removeImage(name) {
      const found = (await images()).filter((one) => name.test(one));
      assert(found.length > 0, `no image ${name}`);
      for (const one of found) assert.equal((await inStore('rm', '--sync', one)).exitCode, 0);
    },
  };
}

test('results that are not pushed are skipped only where the engine still has them', options, async (t) => {
  const kitchen = await makeKitchen(t, {
    'parent/file': 'parent\n',
    'child/own': 'own\n',
    'builds.yaml': `
builds:
  parent:
    context: parent
    dockerfile-inline: "FROM scratch\\nCOPY file /\\n"
  child:
    context: child
    contexts: { parent: build:parent }
    dockerfile-inline: "FROM parent\\nCOPY own /\\n"
    tags: [local/child:1]
`,
  });
  const builds = async (): Promise<number> => {
    // Those that make what steps are based on are not counted.
    const calls = await kitchen.buildctl.builds();
    const count = calls.filter((call) => !call.includes('bake-ts-layers-only')).length;
    await kitchen.buildctl.reset();
    return count;
  };
  assertOk(await kitchen.bake());
  assert.equal(await builds(), 2);
  const again = await kitchen.bake();
  assertOk(again);
  assert.deepEqual(again.kinds, { parent: 'unchanged', child: 'unchanged' });
  assert.deepEqual(await kitchen.buildctl.calls(), []);

  await t.test('its tag removed from the store', async () => {
    await kitchen.removeImage(/local\/child:1/);
    const baked = await kitchen.bake();
    assertOk(baked);
    assert.deepEqual(baked.kinds, { parent: 'unchanged', child: 'built' });
    assert.equal(baked.outcome('child').reason?.code, 'image-gone');
    assert.equal(await builds(), 1);
    assert((await kitchen.images()).some((name) => /local\/child:1/.test(name)));
  });

  await t.test('a parent that nobody asked for is not needed while its child is unchanged', async () => {
    await kitchen.removeImage(/bake\/parent/);
    const baked = await kitchen.bake({ builds: ['child'] });
    assertOk(baked);
    assert.deepEqual(baked.kinds, { parent: 'unchanged', child: 'unchanged' });
    assert.equal(baked.outcome('parent').reason?.code, 'not-needed');
    assert.equal(await builds(), 0);
  });

  await t.test('and is built for its child where the child is built', async () => {
    // Without its record the image is still held by the cache and the history; without these it is gone.
    const { address, buildctl } = kitchen.engine;
    for (const words of [['prune-histories'], ['prune', '--all']]) {
      const done = await runCommand([buildctl, '--addr', address, ...words]);
      assert.equal(done.exitCode, 0, done.stderr);
    }
    await kitchen.write({ 'child/own': 'own, changed\n' });
    const baked = await kitchen.bake({ builds: ['child'] });
    assertOk(baked);
    assert.deepEqual(baked.kinds, { parent: 'built', child: 'built' });
    assert.equal(baked.outcome('parent').reason?.code, 'parent-lost');
    await builds();
    const after = await kitchen.bake({ builds: ['child'] });
    assertOk(after);
    assert.deepEqual(named(after, 'built'), []);
  });

  await t.test(
    'no tag names the parent, so it is not put back where everything is asked for either',
    async () => {
      await kitchen.removeImage(/bake\/parent/);
      await kitchen.buildctl.reset();
      const baked = await kitchen.bake();
      assertOk(baked);
      assert.deepEqual(baked.kinds, { parent: 'unchanged', child: 'unchanged' });
      assert.equal(baked.outcome('parent').reason?.code, 'not-needed');
      assert.deepEqual(await kitchen.buildctl.calls(), []);
    },
  );
});

interface SlowKitchen extends Kitchen {
  readonly host: string;
  /** How long the slow step takes: what a RUN of this test looks like from outside. */
  readonly seconds: string;
}

/** Some minutes, and never twice the same. */
function uniqueSeconds(): string {
  return String(200 + Math.floor(Math.random() * 700));
}

/** One image with a step that takes that long, unless SECONDS says otherwise, and one that is based on it. */
async function makeSlow(t: TestContext, seconds: string = uniqueSeconds()): Promise<SlowKitchen> {
  const registry = await startTestRegistry(t);
  const kitchen = await makeKitchen(t, {
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'builds.yaml': `
vars:
  SECONDS: { default: "${seconds}", env: [SECONDS] }
builds:
  slow:
    context: .
    args: { SECONDS: "\${{ vars.SECONDS }}" }
    dockerfile-inline: |
      FROM scratch
      ARG SECONDS
      COPY busybox /
      RUN ["/busybox", "sh", "-c", "exec /busybox sleep $SECONDS"]
    tags: [${registry.host}/slow/slow:1]
    push: true
  above:
    context: .
    contexts: { slow: build:slow }
    dockerfile-inline: "FROM slow\\nCOPY busybox /again\\n"
    tags: [${registry.host}/slow/above:1]
    push: true
`,
  });
  return { ...kitchen, host: registry.host, seconds };
}

/** Processes of this kitchen's builds: buildctl, and what RUN runs. */
async function remains(kitchen: SlowKitchen): Promise<readonly string[]> {
  const all = await listProcesses();
  return all
    .filter(({ argv }) => {
      const text = argv.join(' ');
      return (
        (text.includes('build --progress') && text.includes(kitchen.engine.address)) ||
        text === `/busybox sleep ${kitchen.seconds}`
      );
    })
    .map(({ argv }) => argv.join(' '));
}

async function waitUntil(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < 15_000; waitedMs += 100) {
    if (await isSo()) return;
    await sleep(100);
  }
  assert.fail(`not within 15 s: ${what}`);
}

/** Bakes and calls back once, when the slow step runs. */
function bakeUntilSlow(
  kitchen: SlowKitchen,
  act: () => Promise<void>,
  more: Parameters<SlowKitchen['bake']>[0] = {},
): Promise<Baked> {
  let acted = false;
  return kitchen.bake({
    ...more,
    onEvent: (event: BakeEvent) => {
      more.onEvent?.(event);
      if (acted || event.type !== 'vertex' || event.state !== 'running' || !/sleep/.test(event.name)) return;
      acted = true;
      void waitUntil('the step runs', async () => (await remains(kitchen)).length > 1).then(act);
    },
  });
}

async function expectCompletion(kitchen: SlowKitchen): Promise<void> {
  const baked = await kitchen.bake({ env: { SECONDS: '0' } });
  assertOk(baked);
  assert.deepEqual(baked.kinds, { slow: 'built', above: 'built' });
  assert.equal(await digestOf(`${kitchen.host}/slow/above:1`), baked.outcome('above').digest);
}

test('cancelling ends buildctl and what RUN runs, and the next run completes', options, async (t) => {
  const kitchen = await makeSlow(t);
  const controller = new AbortController();
  const baked = await bakeUntilSlow(kitchen, async () => controller.abort(), { signal: controller.signal });
  assert.deepEqual(baked.kinds, { slow: 'cancelled', above: 'cancelled' });
  assert(baked.summary.cancelled);
  assert(!baked.summary.ok);
  await waitUntil('all is gone', async () => (await remains(kitchen)).length === 0);
  await expectCompletion(kitchen);
});

test('Ctrl-C on bake-ts ends everything and says so in the exit code', options, async (t) => {
  const kitchen = await makeSlow(t);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const result = await kitchen.run(['run', '--progress=plain'], {
      env: { BUILDKIT_HOST: kitchen.engine.address },
      // Not child.kill: Deno then reports our signal as the end, whatever the exit code was.
      onStart: (child) => {
        void waitUntil('the step runs', async () => (await remains(kitchen)).length > 1).then(() =>
          process.kill(child.pid ?? 0, signal),
        );
      },
    });
    assert.equal(result.exitCode, code, result.stderr);
    await waitUntil('all is gone', async () => (await remains(kitchen)).length === 0);
  }
  await expectCompletion(kitchen);
});

test('buildctl killed: reported as that, and the next run completes', options, async (t) => {
  const kitchen = await makeSlow(t);
  const baked = await bakeUntilSlow(kitchen, async () => {
    for (const { pid, argv } of await listProcesses()) {
      if (argv.includes('build') && argv.includes(kitchen.engine.address)) process.kill(pid, 'SIGKILL');
    }
  });
  assert.deepEqual(baked.kinds, { slow: 'failed', above: 'blocked' });
  assert.match(baked.outcome('slow').problem?.message ?? '', /killed|signal/);
  await waitUntil('all is gone', async () => (await remains(kitchen)).length === 0);
  await expectCompletion(kitchen);
});

test(
  'buildkitd killed and started again: waited for, and what it lost is built again',
  options,
  async (t) => {
    const kitchen = await makeSlow(t, '6');
    const record = kitchen.engine.daemons.find(({ name }) => name === 'buildkitd');
    assert(record !== undefined);
    let up: Promise<RunningEngine> | undefined;
    const baked = await bakeUntilSlow(
      kitchen,
      async () => {
        process.kill(record.pid, 'SIGKILL');
      },
      {
        onEvent: (event: BakeEvent) => {
          if (event.type === 'engine-waiting') up = kitchen.up();
        },
      },
    );
    assertOk(baked);
    await up;
    assert.deepEqual(baked.kinds, { slow: 'built', above: 'built' });
    const told = baked.events.flatMap((event) =>
      event.type === 'engine-waiting' || event.type === 'retry' ? [event.type] : [],
    );
    assert.deepEqual(told, ['engine-waiting', 'retry']);
    assert(baked.events.some((event) => event.type === 'engine-waited' && event.back));
  },
);

test('buildkitd stopped: named as what is waited for, and Ctrl-C works all the same', options, async (t) => {
  const kitchen = await makeSlow(t);
  const record = kitchen.engine.daemons.find(({ name }) => name === 'buildkitd');
  assert(record !== undefined);
  const stop = async () => {
    process.kill(record.pid, 'SIGSTOP');
  };
  const baked = await bakeUntilSlow(kitchen, stop, { stallTimeoutMs: 3_000 });
  assert.deepEqual(baked.kinds, { slow: 'failed', above: 'blocked' });
  const { code, message = '' } = baked.outcome('slow').problem ?? {};
  assert.equal(code, 'build/stalled');
  assert.match(message, /waited for the engine, which does not answer \(.*sleep/);
  process.kill(record.pid, 'SIGCONT');
  await waitUntil('what RUN ran is gone', async () => (await remains(kitchen)).length === 0);

  let stoppedAt = 0;
  const result = await kitchen.run(['run', '--progress=plain'], {
    env: { BUILDKIT_HOST: kitchen.engine.address },
    onStart: (child) => {
      void waitUntil('the step runs', async () => (await remains(kitchen)).length > 1).then(async () => {
        await stop();
        stoppedAt = performance.now();
        process.kill(child.pid ?? 0, 'SIGINT');
      });
    },
  });
  assert.equal(result.exitCode, 130, result.stderr);
  // buildctl itself takes half a minute to give up.
  assert.ok(performance.now() - stoppedAt < 5_000);
  process.kill(record.pid, 'SIGCONT');
  await waitUntil('all is gone', async () => (await remains(kitchen)).length === 0);
  await expectCompletion(kitchen);
});

for (const daemon of ['buildkitd', 'containerd'] as const) {
  test(`${daemon} killed: reported as that, and the next run completes`, options, async (t) => {
    // Of a dead containerd BuildKit learns when the step has ended.
    const kitchen = await makeSlow(t, daemon === 'containerd' ? '7' : undefined);
    const record = kitchen.engine.daemons.find(({ name }) => name === daemon);
    assert(record !== undefined);
    const kill = async () => {
      process.kill(record.pid, 'SIGKILL');
    };
    const baked = await bakeUntilSlow(kitchen, kill, { engineWaitMs: 1_500 });
    assert.deepEqual(baked.kinds, { slow: 'failed', above: 'blocked' });
    assert.match(
      baked.outcome('slow').problem?.code ?? '',
      /^engine\/(lost|unreachable)$/,
      JSON.stringify(baked.outcome('slow')),
    );
    // Without root the kernel ends buildkitd with containerd.
    const said = isRootless() && daemon === 'containerd' ? 'buildkitd' : daemon;
    assert.match(baked.outcome('slow').problem?.message ?? '', new RegExp(said));
    await kitchen.up();
    await expectCompletion(kitchen);
    await waitUntil('what RUN ran is gone', async () => (await remains(kitchen)).length === 0);
  });
}
