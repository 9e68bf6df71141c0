/** Programs that behave, that do not, and that are not there. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { identifyProcess, waitForEnd } from '../../lib/engine/process-identity.ts';
import { type ProgramCall, runProgram, runProgramSync, whyFailed } from '../../lib/system/mod.ts';
import { makeTempDir } from '../rig/temp.ts';

const env = { PATH: process.env['PATH'] };

function shell(script: string, rest: Partial<ProgramCall> = {}): ProgramCall {
  return { program: 'sh', argv: ['-c', script], env, ...rest };
}

/** Waits until a file is there and gives its text. */
async function readSoon(file: string): Promise<string> {
  for (let turn = 0; turn < 1_000; turn += 1) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text.trim();
    await sleep(5);
  }
  throw new Error(`${file} did not come`);
}

/** A zombie is gone too: whoever reaps orphans on this machine may take his time. */
async function waitUntilGone(pid: number): Promise<void> {
  const identity = await identifyProcess(pid);
  assert(identity === undefined || (await waitForEnd(identity, 5_000)));
}

test('a program gives its output, its exit code and nothing else', async () => {
  const end = await runProgram(shell('echo out; echo err >&2; exit 3'));
  assert.deepEqual(end, {
    ended: 'by-itself',
    exitCode: 3,
    stdout: Buffer.from('out\n'),
    stderr: 'err\n',
  });
  assert.equal(whyFailed(end), 'exit code 3');
});

test('many lines on both streams arrive whole', async (t) => {
  const dir = await makeTempDir(t);
  const lines: string[] = [];
  const end = await runProgram(
    shell('i=0; while [ $i -lt 3000 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done; pwd', {
      cwd: dir,
      onErrorLine: (line) => lines.push(line),
    }),
  );
  assert.equal(end.exitCode, 0);
  assert.deepEqual(
    lines,
    Array.from({ length: 3000 }, (_, index) => `err ${index}`),
  );
  assert.equal(end.stdout.toString().trim().split('\n').length, 3001);
  assert.equal(end.stdout.toString().trim().split('\n').at(-1), dir);
});

test('a line may come in pieces, end with CR LF or with the program, and hold other breaks', async () => {
  const lines: string[] = [];
  await runProgram(
    shell("printf 'on' >&2; sleep 0.05; printf 'e\\r\\n\\ntwo\\rthree\\342\\200\\250four\\nlast' >&2", {
      onErrorLine: (line) => lines.push(line),
    }),
  );
  assert.deepEqual(lines, ['one', '', 'two\rthree\u2028four', 'last']);
});

test('a line without an end is cut, and the next one is whole', async () => {
  const lines: string[] = [];
  const end = await runProgram(
    shell(
      'echo before >&2; head -c 40000000 /dev/zero | tr "\\0" a >&2; printf "\\377\\n" >&2; echo after >&2',
      {
        onErrorLine: (line) => lines.push(line),
      },
    ),
  );
  assert.equal(end.exitCode, 0);
  assert.deepEqual(
    lines.map((line) => line.length),
    [6, 64 * 1024 + 1, 5],
  );
  assert.match(lines[1] ?? '', /^a+…$/);
});

test('of stdout the first bytes are kept and of stderr the last', async () => {
  const end = await runProgram(
    shell('printf 12345; printf 12345 >&2; printf 6789; printf 6789 >&2', {
      stdoutLimit: 6,
      stderrLimit: 6,
    }),
  );
  assert.deepEqual(
    { stdout: end.stdout.toString(), stderr: end.stderr, cut: end.cut, why: whyFailed(end) },
    { stdout: '123456', stderr: '456789', cut: true, why: 'too much output' },
  );
  assert.equal((await runProgram(shell('printf 123456', { stdoutLimit: 6 }))).cut, undefined);
});

test('text goes in by stdin; who does not read it, or gets none, is not disturbed', async () => {
  assert.equal((await runProgram(shell('cat', { stdin: 'a word' }))).stdout.toString(), 'a word');
  assert.equal((await runProgram(shell('cat'))).stdout.toString(), '');
  const end = await runProgram(shell('exec true', { stdin: 'x'.repeat(1_000_000) }));
  assert.deepEqual([end.ended, end.exitCode], ['by-itself', 0]);
});

test('the environment is the one that was given', async () => {
  const end = await runProgram(shell('echo "$A$B$HOME"', { env: { PATH: env.PATH, A: '1', B: undefined } }));
  assert.equal(end.stdout.toString(), '1\n');
});

test('what cannot be started says why', async (t) => {
  const dir = await makeTempDir(t);
  const missing = await runProgram({ program: '/nowhere/program', argv: [], env });
  assert.deepEqual(
    [missing.ended, missing.exitCode, missing.startError],
    ['never-started', undefined, 'ENOENT'],
  );
  assert.equal(whyFailed(missing), 'ENOENT');
  const directory = await runProgram({ program: dir, argv: [], env });
  assert.deepEqual([directory.ended, directory.startError], ['never-started', 'EACCES']);
});

test('a call that was cancelled before it began is not begun', async (t) => {
  const dir = await makeTempDir(t);
  const end = await runProgram(shell('echo > begun', { cwd: dir, signal: AbortSignal.abort() }));
  assert.equal(end.ended, 'cancelled');
  await assert.rejects(readFile(path.join(dir, 'begun')));
});

test('cancelling gives the program its grace: it may clean up and end with a code', async (t) => {
  const dir = await makeTempDir(t);
  const controller = new AbortController();
  const running = runProgram(
    shell("trap 'echo clean > end; exit 7' TERM; echo up > up; while :; do sleep 0.01; done", {
      cwd: dir,
      signal: controller.signal,
      graceMs: 20_000,
    }),
  );
  await readSoon(path.join(dir, 'up'));
  controller.abort();
  const end = await running;
  assert.deepEqual([end.ended, end.exitCode], ['cancelled', 7]);
  assert.equal(await readSoon(path.join(dir, 'end')), 'clean');
});

test('a group that ignores TERM is killed after its grace, children and all', async (t) => {
  const dir = await makeTempDir(t);
  const controller = new AbortController();
  const running = runProgram(
    shell("trap '' TERM; sh -c 'echo $$ > child; while :; do sleep 0.01; done' & wait", {
      cwd: dir,
      signal: controller.signal,
      graceMs: 100,
    }),
  );
  const child = Number(await readSoon(path.join(dir, 'child')));
  controller.abort();
  const end = await running;
  assert.deepEqual([end.ended, end.exitCode], ['cancelled', undefined]);
  await waitUntilGone(child);
});

test('without a grace the group is killed at once when the time is up', async (t) => {
  const dir = await makeTempDir(t);
  const startMs = Date.now();
  const end = await runProgram(
    shell("trap 'echo > trapped' TERM; sleep 60 & echo $! > child; wait", { cwd: dir, timeoutMs: 200 }),
  );
  assert.deepEqual([end.ended, end.exitCode, whyFailed(end)], ['timeout', undefined, 'timeout']);
  assert(Date.now() - startMs < 20_000);
  await waitUntilGone(Number(await readSoon(path.join(dir, 'child'))));
  await assert.rejects(readFile(path.join(dir, 'trapped')));
});

test('a pipe that a process outside the group holds does not hold a killed call', async (t) => {
  const dir = await makeTempDir(t);
  const controller = new AbortController();
  const running = runProgram(
    shell("setsid sh -c 'echo $$ > outside; exec sleep 60' & sleep 60", {
      cwd: dir,
      signal: controller.signal,
    }),
  );
  const outside = Number(await readSoon(path.join(dir, 'outside')));
  controller.abort();
  const end = await running;
  assert.notEqual(await identifyProcess(outside), undefined);
  process.kill(outside, 'SIGKILL');
  assert.equal(end.ended, 'cancelled');
});

test('the call that waits for nobody answers in the same form', async () => {
  const said = runProgramSync(shell('echo out; echo err >&2; exit 3'));
  assert.deepEqual(said, { ended: 'by-itself', exitCode: 3, stdout: Buffer.from('out\n'), stderr: 'err\n' });
  assert.equal(runProgramSync({ program: '/nowhere/program', argv: [], env }).startError, 'ENOENT');
  assert.equal(runProgramSync({ program: 'sleep', argv: ['60'], env, timeoutMs: 100 }).ended, 'timeout');
  assert.equal(runProgramSync(shell('printf 1234', { stdoutLimit: 3 })).cut, true);
});
