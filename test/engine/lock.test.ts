import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeLock } from '../../lib/engine/lock.ts';
import { endProcess, identifyProcess, isAlive } from '../../lib/engine/process-identity.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

/** A process that only waits. */
async function startSleeper(
  t: Cleanup,
  argv: readonly string[] = ['sleep', '60'],
): Promise<ChildProcess & { pid: number }> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: 'ignore' });
  t.after(() => {
    child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('spawn', resolve));
  assert(child.pid !== undefined);
  return child as ChildProcess & { pid: number };
}

test('only one at a time holds a lock, and everybody gets it in the end', async (t) => {
  const file = path.join(await makeTempDir(t), 'deep/lock');
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const lock = await takeLock(file, { timeoutMs: 10_000 });
      assert(lock.ok);
      inside += 1;
      most = Math.max(most, inside);
      await sleep(5);
      inside -= 1;
      await lock.value.release();
    }),
  );
  assert.equal(most, 1);
  assert.deepEqual(await readdir(path.dirname(file)), []);
});

test('the lock of a dead process is taken over, by one only', async (t) => {
  const file = path.join(await makeTempDir(t), 'lock');
  const sleeper = await startSleeper(t);
  const identity = await identifyProcess(sleeper.pid);
  assert(identity !== undefined);
  await writeFile(file, JSON.stringify({ ...identity, mark: 'x' }));
  sleeper.kill('SIGKILL');
  await new Promise((resolve) => sleeper.once('exit', resolve));
  let inside = 0;
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      const lock = await takeLock(file, { timeoutMs: 10_000 });
      assert(lock.ok);
      inside += 1;
      assert.equal(inside, 1);
      await sleep(5);
      inside -= 1;
      await lock.value.release();
    }),
  );
});

test('a lock whose owner has the number of another process now is taken over', async (t) => {
  const file = path.join(await makeTempDir(t), 'lock');
  const sleeper = await startSleeper(t);
  const identity = await identifyProcess(sleeper.pid);
  assert(identity !== undefined);
  await writeFile(file, JSON.stringify({ ...identity, startTicks: identity.startTicks - 1, mark: 'x' }));
  const lock = await takeLock(file, { timeoutMs: 2_000 });
  assert(lock.ok);
  await lock.value.release();
});

test('a lock that is held by a living process is waited for, then given up with its number', async (t) => {
  const file = path.join(await makeTempDir(t), 'lock');
  const sleeper = await startSleeper(t);
  const held = JSON.stringify({ ...(await identifyProcess(sleeper.pid)), mark: 'x' });
  await writeFile(file, held);
  const waits: number[] = [];
  const lock = await takeLock(file, { timeoutMs: 150, onWait: (pid) => waits.push(pid) });
  assert(!lock.ok);
  assert.equal(lock.error[0]?.code, 'engine/locked');
  assert.deepEqual(waits, [sleeper.pid]);
  assert.equal(await readFile(file, 'utf8'), held);
});

test('waiting for a lock can be called off', async (t) => {
  const file = path.join(await makeTempDir(t), 'lock');
  const sleeper = await startSleeper(t);
  await writeFile(file, JSON.stringify({ ...(await identifyProcess(sleeper.pid)), mark: 'x' }));
  const controller = new AbortController();
  const lock = await takeLock(file, {
    timeoutMs: 10_000,
    signal: controller.signal,
    onWait: () => controller.abort(),
  });
  assert(!lock.ok);
  assert.equal(lock.error[0]?.code, 'run/cancelled');
});

test('a process that only has the number of the one meant is never ended', async (t) => {
  const sleeper = await startSleeper(t);
  const identity = await identifyProcess(sleeper.pid);
  assert(identity !== undefined);
  assert.equal(await endProcess({ ...identity, startTicks: identity.startTicks + 1 }, 100), 'gone');
  assert.equal(await endProcess({ ...identity, bootId: 'another boot' }, 100), 'gone');
  assert(await isAlive(identity));
  assert.equal(await endProcess(identity, 2_000), 'terminated');
  assert(!(await isAlive(identity)));
  assert.equal(await endProcess(identity, 2_000), 'gone');
});

test('a process that does not heed TERM is killed', async (t) => {
  const sleeper = await startSleeper(t, ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done']);
  await sleep(100);
  const identity = await identifyProcess(sleeper.pid);
  assert(identity !== undefined);
  assert.equal(await endProcess(identity, 200), 'killed');
});

test('a directory in the place of a lock is a problem, and nobody waits for it', {
  timeout: 30_000,
}, async (t) => {
  const file = path.join(await makeTempDir(t), 'lock');
  await mkdir(file);
  const taken = await takeLock(file, { timeoutMs: 60_000 });
  assert(!taken.ok);
  assert.deepEqual(
    taken.error.map(({ code }) => code),
    ['engine/cannot-write'],
  );
});
