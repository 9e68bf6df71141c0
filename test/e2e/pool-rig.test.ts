/** That the rig of several engines does to them what it says, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { findBusybox } from '../rig/busybox.ts';
import { isAlive, makeNetwork, namespacesSkip } from '../rig/namespaces.ts';
import { compiled, repoPath } from '../rig/paths.ts';
import { type PoolEngine, poolSkip, startPool } from '../rig/pool.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

/** A test within the test, whose end comes when it is called for. */
function makeInner(t: TestContext): Cleanup & { end(): Promise<void> } {
  const undo: (() => void | Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    // In their order, as the runner has it.
    for (const one of undo.splice(0)) await one();
  };
  t.after(end);
  return { after: (fn) => undo.push(fn), end };
}

async function makeContext(t: TestContext, run: readonly string[]): Promise<readonly string[]> {
  const dir = await makeTempDir(t);
  await mkdir(path.join(dir, 'bin'));
  await copyFile(await findBusybox(t), path.join(dir, 'bin/busybox'));
  await writeFile(
    path.join(dir, 'Dockerfile'),
    `FROM scratch\nCOPY bin/busybox /bin/busybox\nRUN ${JSON.stringify(['/bin/busybox', ...run])}\n`,
  );
  return ['build', '--frontend=dockerfile.v0', `--local=context=${dir}`, `--local=dockerfile=${dir}`];
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`it never came: ${what}`);
}

/** Programs that run on a machine, by their names. */
async function programsOf({ machine }: PoolEngine): Promise<readonly string[]> {
  const names = machine.pids().map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''));
  return (await Promise.all(names)).map((name) => name.trim());
}

/** What a process has on the machine: namespaces, links, mounts. */
async function traces(pid = process.pid): Promise<readonly string[]> {
  const [namespaces, links, mounts] = await Promise.all([
    readdir('/run/netns').catch(() => []),
    readdir('/sys/class/net'),
    readFile('/proc/self/mounts', 'utf8'),
  ]);
  return [
    ...[...namespaces, ...links].filter((name) => name.startsWith(`bkt${pid}`)),
    ...mounts.split('\n').filter((line) => line.includes(`bake-ts-pool-${pid}-`)),
  ];
}

/** Control groups that this process's machines have. */
async function groups(): Promise<readonly string[]> {
  const below = await readdir('/sys/fs/cgroup', { recursive: true, withFileTypes: true }).catch(() => []);
  return below.flatMap(({ name }) => (name.startsWith(`bkt${process.pid}`) ? [name] : []));
}

test('engines of the rig build, fill up, stand still, lose power, start again, and are gone in the end', {
  skip: poolSkip,
  timeout: 240_000,
}, async (t) => {
  const inner = makeInner(t);
  const { engines, registry } = await startPool(inner, { engines: 2, diskBytes: 96 * 1024 ** 2 });
  const [first, second] = engines;
  assert(first !== undefined && second !== undefined);
  assert((await traces()).length >= 5);

  const quick = await makeContext(t, ['touch', '/made']);
  const name = `${registry.host}/rig:1`;
  const built = await second.buildctl([...quick, '--output', `type=image,name=${name},push=true`]);
  assert.equal(built.exitCode, 0, built.stderr);
  assert((await groups()).length > 0);

  await first.fill();
  const full = await first.buildctl(quick);
  assert.notEqual(full.exitCode, 0);
  assert.match(full.stderr, /no space left on device/);
  await first.empty();
  const roomy = await first.buildctl(quick);
  assert.equal(roomy.exitCode, 0, roomy.stderr);

  const building = first.buildctl(await makeContext(t, ['sleep', '600']), 60_000);
  await until('a step', async () => (await programsOf(first)).includes('busybox'));
  const pids = first.machine.pids();
  first.kill();
  assert.notEqual((await building).exitCode, 0);
  assert.deepEqual(first.machine.pids(), []);
  assert(!pids.some(isAlive));
  await first.start();
  const again = await first.buildctl(quick);
  assert.equal(again.exitCode, 0, again.stderr);

  for (const [lose, find] of [
    [() => first.stop(), () => first.cont()],
    [() => first.machine.cutOff(), () => first.machine.reconnect()],
    [() => first.machine.link('down'), () => first.machine.link('up')],
  ] as const) {
    await lose();
    const asked = await first.buildctl(['debug', 'workers'], 1_500);
    assert(asked.timedOut || asked.exitCode !== 0);
    await find();
    await until('an answer', async () => (await first.buildctl(['debug', 'workers'], 5_000)).exitCode === 0);
  }

  const last = [...first.machine.pids(), ...second.machine.pids()];
  assert(last.length >= 2);
  await inner.end();
  assert.deepEqual(await traces(), []);
  assert.deepEqual(await groups(), []);
  assert(!last.some(isAlive));
});

test('what a process left that was killed is cleared by the next one', {
  skip: namespacesSkip,
  timeout: 60_000,
}, async (t) => {
  const rig = pathToFileURL(
    repoPath(compiled ? 'dist/test/rig/namespaces.js' : 'test/rig/namespaces.ts'),
  ).href;
  const script = `
    const { makeNetwork } = await import(${JSON.stringify(rig)});
    const { machines } = await makeNetwork({ after() {} }, 1);
    machines[0].start(['sleep', '600'], { stdio: 'ignore' });
    console.log('made');
    setInterval(() => {}, 1_000);
  `;
  const evaluate = process.versions['deno'] === undefined ? ['--input-type=module', '-e'] : ['eval'];
  const child = spawn(process.execPath, [...evaluate, script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => void child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('it ended by itself')));
  });
  const name = `bkt${child.pid}a-0`;
  assert((await readdir('/run/netns')).includes(name));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  assert((await readdir('/run/netns')).includes(name));
  const inner = makeInner(t);
  await makeNetwork(inner, 0);
  await inner.end();
  assert.deepEqual(await traces(child.pid), []);
});
