/** What is kept of runs with the real engine, and what `logs` and `history` show of it. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBusybox } from '../rig/busybox.ts';
import { bakeTsCommand } from '../rig/command.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { dockerConfigFor, testUser } from '../rig/registry.ts';
import { writeTree } from '../rig/temp.ts';
import { makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };

/** Builds that run a script each. */
async function makeScripts(t: TestContext, scripts: Readonly<Record<string, string>>): Promise<Workspace> {
  const builds = Object.entries(scripts).map(
    ([name, script]) => `
  ${name}:
    context: .
    dockerfile-inline: |
      FROM scratch
      COPY busybox /
      RUN ["/busybox", "sh", "-c", ${JSON.stringify(script)}]`,
  );
  return makeWorkspace(t, {
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'builds.yaml': `builds:${builds.join('')}\n`,
  });
}

/** Starts bake-ts beside the test. */
function start(t: TestContext, work: Workspace, args: readonly string[]) {
  const [file = '', ...first] = bakeTsCommand();
  const env = { ...process.env, ...work.env, NO_COLOR: '1', CI: undefined };
  const child = spawn(file, [...first, ...args], { cwd: work.dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, out: () => out };
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 3_000; turn++) {
    if (await isSo()) return;
    await sleep(10);
  }
  assert.fail(`not within thirty seconds: ${what}`);
}

async function filesBelow(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
}

/** Waits until a text stands in one of the kept files. */
async function untilKept(work: Workspace, text: string): Promise<void> {
  const runs = path.join(work.home, 'state/runs');
  await until(`"${text}" is kept`, async () => {
    const files = await filesBelow(runs).catch(() => []);
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
    return texts.some((one) => one.includes(text));
  });
}

function runsOf(stdout: string): readonly {
  readonly id: string;
  readonly result: string;
  readonly dir: string;
  readonly builds: readonly { readonly build: string; readonly result: string }[];
}[] {
  return JSON.parse(stdout).runs;
}

test('a failed build: its log, its file, the run in the history', options, async (t) => {
  const work = await makeScripts(t, {
    good: 'echo all is well',
    bad: 'echo first words; echo and last words; exit 7',
  });
  const failed = await work.run(['run']);
  assert.equal(failed.exitCode, 1);
  const listed = await work.run(['logs']);
  assert.equal(listed.exitCode, 0, listed.stderr);
  assert.match(
    listed.stdout,
    /^good +built .*good\.log\nbad +failed .*bad\.log\n[\s\S]* {2}and last words\n/m,
  );
  const shown = await work.run(['logs', 'bad']);
  assert.equal(shown.stderr, 'run it again: bake-ts run bad\n');
  assert.match(shown.stdout, /RUN \["\/busybox".*\n {2}first words\n {2}and last words\n/);
  assert.match(shown.stdout, /RUN .* failed.*\n[\s\S]*\n +\+\S+ {2}failed\n$/);
  assert.equal(shown.stdout.match(/^ +and last words$/gm)?.length, 1, 'its lines stand there once');
  assert.match((await work.run(['logs', 'good'])).stdout, /all is well[\s\S]* {2}built: /);

  const [run] = runsOf((await work.run(['history', '--json'])).stdout);
  assert(run !== undefined);
  const results = run.builds.map(({ build, result }) => `${build} ${result}`).sort();
  assert.deepEqual([run.result, results], ['failed', ['bad failed', 'good built']]);
  const log = path.join(run.dir, 'logs/bad.log');
  assert(failed.stderr.replaceAll(/\s*\n\s*/g, '').includes(log), 'the recap names the file');
  const text = await readFile(log, 'utf8');
  assert(
    text.includes(`\n\n${shown.stdout}\nhow buildctl was called\n`),
    'the file is what is shown, and more',
  );
  for (const file of await filesBelow(run.dir)) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
  assert.equal((await stat(run.dir)).mode & 0o777, 0o700);
  assert.match(
    (await work.run(['history'])).stdout,
    new RegExp(`^${run.id} .* failed .* 1 failed \\(bad\\), 1 built`, 'm'),
  );

  const unknown = await work.run(['logs', 'goood']);
  assert.deepEqual([unknown.exitCode, unknown.stdout], [2, '']);
  assert.match(unknown.stderr, /Did you mean "good"\?/);
});

test(
  'a run that is killed did not end; what it printed until then is there, and it goes like all others',
  options,
  async (t) => {
    const work = await makeScripts(t, { slow: 'echo one; echo two; sleep 600' });
    const { child, ended } = start(t, work, ['run']);
    await untilKept(work, 'two\\n');
    const during = runsOf((await work.run(['history', '--json'])).stdout);
    assert.deepEqual(
      during.map(({ result }) => result),
      ['running'],
    );
    // It is kept whatever else goes.
    await work.run(['run', 'slow', '--dry-run'], { env: { BAKE_TS_KEEP_RUNS: '1' } });
    child.kill('SIGKILL');
    await ended;
    const [run] = runsOf((await work.run(['history', '--json'])).stdout);
    assert.equal(run?.result, 'did-not-end');
    assert.match((await work.run(['history'])).stdout, /did not end/);
    assert.match((await work.run(['logs', 'slow'])).stdout, / {2}one\n {2}two\n$/);
    assert.match((await work.run(['logs'])).stdout, /^slow +was running +\S+slow\.log$/m);
    await work.write({
      'builds.yaml':
        'builds: { none: { context: ., dockerfile-inline: "FROM scratch\\nCOPY builds.yaml /" } }\n',
    });
    assert.equal((await work.run(['run'], { env: { BAKE_TS_KEEP_RUNS: '1' } })).exitCode, 0);
    const left = runsOf((await work.run(['history', '--json'])).stdout);
    assert.deepEqual(
      left.map(({ result }) => result),
      ['succeeded'],
    );
  },
);

test(
  'another process follows a build and a run until they are done; two runs at once have a log each',
  options,
  async (t) => {
    const work = await makeScripts(t, { slow: 'echo one; sleep 3; echo two', next: 'sleep 3; echo three' });
    const first = start(t, work, ['run', 'slow']);
    await untilKept(work, 'one\\n');
    const followed = start(t, work, ['logs', 'slow', '--follow']);
    await until('the first line comes while the build runs', () => followed.out().includes('  one\n'));
    assert(!followed.out().includes('two\n'));
    const second = start(t, work, ['run', 'next', '--force']);
    assert.equal(await followed.ended, 0);
    assert.match(followed.out(), / {2}one\n[\s\S]* {2}two\n[\s\S]* {2}built: /);
    await untilKept(work, '"build":"next"');
    const all = await work.run(['logs', '--follow']);
    assert.match(all.stdout, /^next \|.*RUN/m);
    assert.match(all.stdout, /^next \| .* built: .*\n$/m);
    assert.deepEqual(await Promise.all([first.ended, second.ended]), [0, 0]);
    const runs = runsOf((await work.run(['history', '--json'])).stdout);
    assert.deepEqual(
      runs.map(({ result, builds }) => `${builds.map(({ build }) => build)} ${result}`),
      ['next succeeded', 'slow succeeded'],
    );
    assert.doesNotMatch((await work.run(['logs', 'next'])).stdout, /^ {2}(one|two)$/m);
  },
);

test('Ctrl-C ends following, and a second one in a run loses nothing that was said', options, async (t) => {
  const work = await makeScripts(t, { slow: "trap '' TERM INT; echo begun; sleep 600" });
  const run = start(t, work, ['run']);
  await untilKept(work, 'begun\\n');
  const followed = start(t, work, ['logs', '--follow']);
  await until('it is followed', () => followed.out().includes('begun\n'));
  interrupt(followed.child);
  assert.equal(await followed.ended, 130);
  await interruptTwice(run.child);
  assert.equal(await run.ended, 130);
  const [kept] = runsOf((await work.run(['history', '--json'])).stdout);
  assert(kept?.result === 'did-not-end' || kept?.result === 'cancelled', kept?.result);
  assert.match((await work.run(['logs', 'slow'])).stdout, /begun/);
});

test('no kept file holds a sensitive value, a secret, a password or a key', options, async (t) => {
  const { host } = await startTestRegistry(t, { auth: true });
  const key = 'Tm90IGEgcmVhbCBrZXksIGJ1dCBsb25nIGVub3VnaA==';
  const work = await makeWorkspace(
    t,
    {
      busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
      'builds.yaml': `
vars:
  WORD: { env: [WORD], sensitive: true }
  CODE: { default: 0, env: [CODE] }
record: registry
builds:
  teller:
    context: .
    args: { NOTE: "\${{ vars.WORD }}", CODE: "\${{ vars.CODE }}" }
    secrets: [{ id: one, env: ONE_SECRET }, { id: two, command: [echo, from-a-command-9] }]
    tags: ["${host}/kept/teller:1"]
    push: true
    dockerfile-inline: |
      FROM scratch
      COPY busybox /
      ARG NOTE CODE
      RUN --mount=type=secret,id=one --mount=type=secret,id=two ["/busybox", "sh", "-c", "echo $NOTE; /busybox cat /run/secrets/one /run/secrets/two; echo; exit $CODE"]
`,
    },
    { ONE_SECRET: 'from-the-environment-8', BAKE_TS_RECORD_KEY: key },
  );
  await writeTree(work.home, { 'docker/config.json': dockerConfigFor(host) });
  const runs = [];
  for (const [word, code] of [
    ['word-of-mouth-1', '0'],
    ['word-of-mouth-3', '3'],
  ] as const)
    runs.push(await work.run(['run', '--var', `WORD=${word}`, '--progress=plain'], { env: { CODE: code } }));
  await writeTree(work.home, {
    'docker/config.json': dockerConfigFor(host).replace(/"auth":"./, '"auth":"X'),
  });
  runs.push(await work.run(['run', '--force', '--var', 'WORD=word-of-mouth-1']));
  assert.deepEqual(
    runs.map(({ exitCode }) => exitCode),
    [0, 1, 6],
    runs.map(({ stderr }) => stderr).join(),
  );
  const [, second] = runsOf((await work.run(['history', '--json'])).stdout);
  assert.match(await readFile(path.join(second?.dir ?? '', 'logs/teller.log'), 'utf8'), /^ {2}\(hidden\)$/m);
  const auth = Buffer.from(`${testUser.username}:${testUser.password}`).toString('base64');
  const files = await filesBelow(path.join(work.home, 'state/runs'));
  assert(files.length >= 3 * 2, files.join());
  for (const file of files) {
    const text = await readFile(file, 'latin1');
    for (const word of [
      'word-of-mouth',
      'from-the-env',
      'from-a-command',
      testUser.password,
      auth,
      auth.slice(1),
      key,
    ])
      assert(!text.includes(word), `${word} in ${file}`);
  }
});

test('what strangers build is not kept, and neither is a dry run', options, async (t) => {
  const work = await makeScripts(t, { one: 'echo here' });
  assert.equal((await work.run(['run', '--untrusted'])).exitCode, 0);
  assert.equal((await work.run(['run', '--dry-run'])).exitCode, 0);
  assert.equal((await work.run(['logs'])).exitCode, 1);
  assert.deepEqual(await filesBelow(path.join(work.home, 'state/runs')).catch(() => []), []);
});

async function interruptTwice(child: ChildProcess): Promise<void> {
  interrupt(child);
  await sleep(50);
  interrupt(child);
}

/** Deno says of a child that was sent a signal by its own means that this one ended it. */
function interrupt({ pid }: ChildProcess): void {
  assert(pid !== undefined);
  process.kill(pid, 'SIGINT');
}
