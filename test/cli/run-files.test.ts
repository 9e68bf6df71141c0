import assert from 'node:assert/strict';
import type { Buffer } from 'node:buffer';
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import type { Io } from '../../cli/io.ts';
import type { FakeRule } from '../rig/fake-buildctl.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeFakePlace } from '../rig/fake-place.ts';

const timeout = { timeout: 60_000 };

const TREE = { 'builds.yaml': 'builds:\n  base: { context: . }\n  app: { context: ., needs: [base] }\n' };

/** Two builds, and the command line. */
async function makePlace(t: TestContext, rules: readonly FakeRule[] = []) {
  const { cwd, env, buildctl } = await makeFakePlace(t, TREE, rules);
  const read = (file: string) => readFile(path.join(cwd, file), 'utf8');
  const start = (argv: readonly string[], changes: Partial<Io> = {}) => {
    const io = createFakeIo(argv, { cwd, env, ...changes });
    return { io, ended: runCli(io) };
  };
  return { cwd, read, start, buildctl };
}

const FILES = ['--trace', 'trace.json', '--junit', 'junit.xml'];

test('run writes what is asked for, each file of the same run', timeout, async (t) => {
  const { read, start } = await makePlace(t);
  const { io, ended } = start(['run', '--dry-run', ...FILES]);
  assert.equal(await ended, EXIT.ok, io.err());
  const trace = JSON.parse(await read('trace.json')) as { readonly otherData: { readonly run: string } };
  const junit = await read('junit.xml');
  assert.match(junit, /tests="2" failures="0" errors="0"/);
  assert.match(junit, /<testcase name="app".*would be built/);
  assert(junit.includes(`<property name="run" value="${trace.otherData.run}"/>`));
});

test('the files are written where a build fails, and say so', timeout, async (t) => {
  const { read, start } = await makePlace(t, [
    { exitCode: 1, stderr: 'error: failed to solve: it is <broken>' },
  ]);
  const { io, ended } = start(['run', ...FILES]);
  assert.equal(await ended, EXIT.buildFailed, io.err());
  const junit = await read('junit.xml');
  assert.match(junit, /tests="2" failures="1" errors="0" skipped="1"/);
  assert.match(junit, /<failure message=[^>]*>[^<]*it is &lt;broken&gt;/);
  assert.match(await read('trace.json'), /"name":"base failed"/);
});

test('the files are written where a signal stops the run', timeout, async (t) => {
  const { read, start, buildctl } = await makePlace(t, [{ hang: true }]);
  const { io, ended } = start(['run', ...FILES]);
  await buildctl.waitForCalls(1);
  io.send('SIGINT');
  assert.equal(await ended, 130, io.err());
  assert.match(await read('junit.xml'), /<testcase name="base"[^>]*><skipped message="cancelled/);
  assert.doesNotMatch(await read('trace.json'), /"name":"base failed"/);
});

test('a path that cannot be written is found before anything runs', timeout, async (t) => {
  const { cwd, start, buildctl } = await makePlace(t);
  await mkdir(path.join(cwd, 'folder'));
  await writeFile(path.join(cwd, 'file'), '');
  for (const [wrong, why] of [
    ['none/x', /none\/x cannot be written: ENOENT/],
    ['folder', /folder cannot be written: EISDIR/],
    ['file/x', /file\/x cannot be written: ENOTDIR/],
  ] as const) {
    const { io, ended } = start(['run', '--trace', wrong, '--junit', 'junit.xml']);
    assert.equal(await ended, EXIT.usage, wrong);
    assert.match(io.err(), /error\[cli\/unwritable-file\]: the trace /);
    assert.match(io.err(), why);
  }
  const { io, ended } = start(['run', '--trace', 'x', '--junit', './x']);
  assert.equal(await ended, EXIT.usage);
  assert.match(io.err(), /error\[cli\/conflict\]: --trace and --junit name the same file/);
  assert.deepEqual(await buildctl.calls(), []);
});

test(
  'a pipe gets its file where somebody reads it; where nobody does, that is said before the run',
  timeout,
  async (t) => {
    const { cwd, start, buildctl } = await makePlace(t);
    const pipe = path.join(cwd, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const option of ['--trace', '--metadata-file']) {
      const { io, ended } = start(['run', option, 'pipe']);
      assert.equal(await ended, EXIT.usage);
      assert.match(
        io.err(),
        /error\[cli\/unwritable-file\]: the (?:trace|metadata file) pipe cannot be written: ENXIO/,
      );
    }
    assert.deepEqual(await buildctl.calls(), []);
    for (const option of ['--trace', '--metadata-file']) {
      const reader = spawn('sh', ['-c', 'exec <"$1"; exec cat', 'sh', pipe], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.after(() => reader.kill());
      let read = '';
      reader.stdout.on('data', (chunk: Buffer) => (read += chunk.toString()));
      const closed = new Promise((resolve) => reader.on('close', resolve));
      // Only when it reads.
      const hold = await open(pipe, 'w');
      const { io, ended } = start(['run', '--dry-run', option, 'pipe']);
      assert.equal(await ended, EXIT.ok, io.err());
      await hold.close();
      await closed;
      JSON.parse(read);
    }
  },
);

test(
  'a pipe whose reader went away during the run is an error, and nothing is waited for',
  timeout,
  async (t) => {
    const { cwd, start, buildctl } = await makePlace(t, [{ holdUntil: 'go' }]);
    const pipe = path.join(cwd, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = spawn('sh', ['-c', 'exec <"$1"; exec sleep 600', 'sh', pipe], { stdio: 'ignore' });
    const closed = new Promise((resolve) => reader.on('close', resolve));
    t.after(() => reader.kill());
    const hold = await open(pipe, 'w');
    const { io, ended } = start(['run', '--metadata-file', 'pipe']);
    await hold.close();
    await buildctl.waitForCalls(1);
    reader.kill();
    await closed;
    await buildctl.release('go');
    await ended;
    assert.match(io.err(), /error\[run\/metadata-unwritten\].*ENXIO/);
  },
);

test('a file that cannot be written at the end is an error beside what the run did', {
  ...timeout,
  skip: process.platform === 'linux' ? false : 'there is no /dev/full',
}, async (t) => {
  const { start, read } = await makePlace(t);
  const { io, ended } = start(['run', '--dry-run', '--trace', '/dev/full', '--junit', 'junit.xml']);
  assert.equal(await ended, EXIT.buildFailed);
  assert.match(io.err(), /error\[run\/file-unwritten\]: the trace \/dev\/full cannot be written \(ENOSPC/);
  assert.match(await read('junit.xml'), /tests="2"/);
});
