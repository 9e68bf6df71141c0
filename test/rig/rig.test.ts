import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from './command.ts';
import { makeCountingBuildctl } from './counting-buildctl.ts';
import { makeFakeBuildctl } from './fake-buildctl.ts';
import { sendRequest } from './http.ts';
import { realEngine, startTestRegistry } from './real-engine.ts';
import { type Cleanup, makeTempDir, makeTree } from './temp.ts';
import { noTerminal, startTerminal } from './terminal.ts';

test('the fake buildctl logs its call, speaks rawjson and writes the metadata file', async (t) => {
  const dir = await makeTempDir(t);
  const fake = await makeFakeBuildctl(t, [
    { progress: [{ vertexes: [] }], stderr: 'text\n', logEnv: ['SEEN'] },
  ]);
  const metadata = path.join(dir, 'm.json');
  const argv = ['build', '--metadata-file', metadata, '--output', 'type=image,"name=r/a:1,r/b:1"'];
  const result = await runCommand([fake.path, ...argv], { cwd: dir, env: { SEEN: 'yes' } });
  assert.deepEqual(result, { exitCode: 0, stdout: '', stderr: '{"vertexes":[]}\ntext\n', timedOut: false });
  const [call] = await fake.calls();
  assert.deepEqual(call?.argv, argv);
  assert.equal(call?.cwd, dir);
  assert.equal(call?.env['SEEN'], 'yes');
  const written = JSON.parse(await readFile(metadata, 'utf8')) as Record<string, string>;
  assert.match(written['containerimage.digest'] ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.equal(written['image.name'], 'r/a:1,r/b:1');
});

test('a rule of the fake buildctl can be for some calls and for a number of times', async (t) => {
  const fake = await makeFakeBuildctl(t, [
    { when: ['target=api'], times: 1, exitCode: 1, stderr: 'error: no\n' },
    { when: ['target=web'], exitCode: 3 },
  ]);
  const codes: (number | undefined)[] = [];
  for (const target of ['api', 'api', 'web', 'web']) {
    codes.push((await runCommand([fake.path, 'build', '--opt', `target=${target}`])).exitCode);
  }
  assert.deepEqual(codes, [1, 0, 3, 3]);
});

test('the fake buildctl holds a call until the test lets it go', async (t) => {
  const fake = await makeFakeBuildctl(t, [{ holdUntil: 'go' }]);
  const running = runCommand([fake.path, 'build']);
  await fake.waitForCalls(1);
  await fake.release('go');
  assert.equal((await running).exitCode, 0);
});

test('the fake buildctl obeys a signal as buildctl does, or ignores it', async (t) => {
  const fake = await makeFakeBuildctl(t, [
    { when: ['deaf'], hang: true, ignoreSignals: true },
    { hang: true },
  ]);
  let pid = 0;
  const polite = runCommand([fake.path, 'build'], { onStart: (child) => (pid = child.pid ?? 0) });
  await fake.waitForCalls(1);
  process.kill(pid, 'SIGTERM');
  assert.equal((await polite).exitCode, 1);
  assert.deepEqual(
    (await fake.signals()).map((line) => line.split(' ')[1]),
    ['SIGTERM'],
  );

  const deaf = runCommand([fake.path, 'deaf'], {
    onStart: (child) => (pid = child.pid ?? 0),
    timeoutMs: 3_000,
  });
  await fake.waitForCalls(2);
  process.kill(pid, 'SIGTERM');
  assert.equal((await deaf).timedOut, true);
});

test('the counting buildctl notes each call down and becomes the real one', async (t) => {
  const fake = await makeFakeBuildctl(t, [{ when: ['bad'], exitCode: 7 }]);
  const counting = await makeCountingBuildctl(t, fake.path);
  assert.equal((await runCommand([counting.path, '--addr', 'x', 'build', 'a b', 'line\nbreak'])).exitCode, 0);
  assert.equal((await runCommand([counting.path, 'debug', 'bad'])).exitCode, 7);
  assert.equal((await counting.builds()).length, 1);
  assert.equal((await counting.calls()).length, 2);
  assert.deepEqual((await fake.calls())[0]?.argv, ['--addr', 'x', 'build', 'a b', 'line\nbreak']);
  await counting.reset();
  assert.deepEqual(await counting.calls(), []);
});

test('a temporary tree is there during a test and gone after it', async (t) => {
  let dir = '';
  await t.test('there', async (inner) => {
    dir = await makeTree(inner, {
      'a/b.txt': 'text',
      'run.sh': { content: '', mode: 0o755 },
      link: { symlink: 'a' },
    });
    assert.equal(await readFile(path.join(dir, 'link/b.txt'), 'utf8'), 'text');
  });
  assert.equal(existsSync(dir), false);
});

test('the test registry counts reads and writes apart, and comes back after a stop', {
  skip: realEngine.skip,
}, async (t) => {
  const registry = await startTestRegistry(t);
  await sendRequest('GET', `http://${registry.host}/v2/none/manifests/1`);
  await sendRequest('POST', `http://${registry.host}/v2/some/blobs/uploads/`);
  assert.deepEqual(await registry.requests(), ['GET /v2/none/manifests/1', 'POST /v2/some/blobs/uploads/']);
  assert.deepEqual(await registry.writes(), ['POST /v2/some/blobs/uploads/']);
  await registry.forget();
  assert.deepEqual(await registry.requests(), []);
  await registry.stop();
  await assert.rejects(sendRequest('GET', `http://${registry.host}/v2/`));
  await registry.start();
  assert.equal((await sendRequest('GET', `http://${registry.host}/v2/`)).status, 200);
});

test('with its terminal, everything that a program started in it ends', { skip: noTerminal }, async (t) => {
  const after: (() => void | Promise<void>)[] = [];
  const cleanup: Cleanup = { after: (fn) => after.push(fn) };
  // A job of its own group, and neither of them is impressed by a terminal that hangs up.
  const script = 'set -m; trap "" HUP; sleep 600 & echo "has $$ and $!."; sleep 600';
  const terminal = await startTerminal(cleanup, ['bash', '-c', script], { columns: 80, rows: 5 });
  t.after(() => Promise.all(after.map((fn) => fn())));
  await terminal.until(/has \d+ and \d+\./);
  const pids = terminal.screen().join(' ').match(/\d+/g) ?? [];
  assert.equal(pids.length, 2);
  for (const fn of after.splice(0)) await fn();
  for (const pid of pids) assert.ok(await hasEnded(pid), pid);
});

/** Whether a process is gone, or nobody but who started it remembers it. */
async function hasEnded(pid: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 5_000; waitedMs += 10) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined || /\) [ZX] /.test(stat)) return true;
    await sleep(10);
  }
  return false;
}
