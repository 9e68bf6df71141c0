/** Ctrl-C at each phase of a run, with something there that hangs: bake-ts ends within a second, and nothing is left. */
import assert from 'node:assert/strict';
import { readdir, readFile, readlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSocket } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runBakeTs } from '../rig/command.ts';
import { type FakeBuildctl, type FakeRule, makeFakeBuildctl } from '../rig/fake-buildctl.ts';
import { makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

/** More than a second, since machines of CI are slow; what hung before did so for ten seconds and more. */
const MOST_MS = 2_500;

interface Place {
  readonly dir: string;
  readonly buildctl: FakeBuildctl;
  readonly env: Readonly<Record<string, string>>;
  readonly address: string;
}

async function makePlace(
  t: TestContext,
  tree: Readonly<Record<string, TreeEntry>>,
  rules: readonly FakeRule[] = [],
): Promise<Place> {
  const dir = await makeTempDir(t, 'stop-');
  await writeTree(dir, { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n', ...tree });
  const socket = path.join(dir, 'engine.sock');
  const server = createSocket((one) => one.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  const buildctl = await makeFakeBuildctl(t, rules);
  const address = `unix://${socket}`;
  const env = {
    BUILDKIT_HOST: address,
    BUILDCTL: buildctl.path,
    BAKE_TS_HOME: path.join(dir, 'home'),
    DOCKER_CONFIG: path.join(dir, 'docker'),
    PATH: `${path.join(dir, 'bin')}:${process.env['PATH']}`,
  };
  return { dir, buildctl, env, address };
}

/** Waits until it is so. */
async function until(what: string, isSo: (pid: number) => Promise<boolean>, pid: number): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (await isSo(pid)) return;
    await sleep(10);
  }
  throw new Error(`not within ten seconds: ${what}`);
}

const exists = (file: string) => () =>
  readFile(file).then(
    (bytes) => bytes.length > 0,
    () => false,
  );

/** A program that says that it runs, and then goes on for ever, whatever it is told. */
function hanging(mark: string): TreeEntry {
  return {
    content: `#!/bin/sh\ntrap '' TERM INT HUP\necho $$ >'${mark}'\nwhile :; do sleep 0.2; done\n`,
    mode: 0o755,
  };
}

interface Stopped {
  readonly code: number | undefined;
  readonly tookMs: number;
  readonly stderr: string;
}

/** Runs bake-ts, and sends it signals when it has come to the phase that is meant. */
async function stopAt(
  { dir, env }: Place,
  argv: readonly string[],
  isThere: (pid: number) => Promise<boolean>,
  signals: readonly NodeJS.Signals[] = ['SIGINT'],
): Promise<Stopped> {
  let sentAt = 0;
  let failed: unknown;
  const end = await runBakeTs(argv, {
    cwd: dir,
    env,
    timeoutMs: 30_000,
    onStart: (child) => {
      const pid = child.pid ?? 0;
      until(argv.join(' '), isThere, pid)
        .then(async () => {
          sentAt = performance.now();
          for (const signal of signals) {
            process.kill(pid, signal);
            await sleep(100);
          }
        })
        .catch((error: unknown) => {
          failed = error;
          child.kill('SIGKILL');
        });
    },
  });
  if (failed !== undefined) throw new Error(`${String(failed)}\n${end.stderr}`);
  return { code: end.exitCode, tookMs: performance.now() - sentAt, stderr: end.stderr };
}

function assertStopped({ code, tookMs, stderr }: Stopped, wanted: number, where: string): void {
  if (process.env['SHOW_TIMES'] !== undefined) console.log(where, code, Math.round(tookMs));
  assert.ok(tookMs < MOST_MS, `${where}: ${Math.round(tookMs)} ms\n${stderr}`);
  assert.equal(code, wanted, `${where}\n${stderr}`);
}

/** No process is left of those that wrote their number into a file. */
async function assertGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids)
    await until(
      `${pid} is gone`,
      async () => {
        const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
        return stat === '' || /\) [ZX] /.test(stat);
      },
      pid,
    );
}

const pidsOf = async ({ buildctl }: Place) => (await buildctl.calls()).map(({ pid }) => pid);

/** An HTTP server whose answers the test writes. */
async function serve(
  t: TestContext,
  answer: Parameters<typeof createServer>[1] & object,
): Promise<{ readonly host: string; readonly asked: () => boolean; readonly forget: () => void }> {
  let asked = false;
  const server = createServer((request, reply) => {
    asked = true;
    answer(request, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  return { host: `localhost:${address.port}`, asked: () => asked, forget: () => (asked = false) };
}

const HANG: FakeRule = { hang: true, ignoreSignals: true };
const ONE = 'builds: { a: { context: ., tags: [x/a:1] } }\n';
const CODES = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

test('while the engine is asked what it is', async (t) => {
  const place = await makePlace(t, { 'builds.yaml': ONE }, [{ when: ['workers'], ...HANG }]);
  const isAsked = async () => (await place.buildctl.calls()).length > 0;
  assertStopped(await stopAt(place, ['run'], isAsked), 130, 'workers');
  await assertGone(await pidsOf(place));
});

test('while buildctl builds and heeds no signal; a second signal ends both at once', async (t) => {
  for (const [signal, code] of CODES) {
    const place = await makePlace(t, { 'builds.yaml': ONE }, [{ when: ['build'], ...HANG }]);
    const isBuilding = async () =>
      (await place.buildctl.calls()).some(({ argv }) => argv.includes('--progress=rawjson'));
    assertStopped(await stopAt(place, ['run'], isBuilding, [signal]), code, `build ${signal}`);
    await assertGone(await pidsOf(place));
    await place.buildctl.setRules([{ when: ['build'], ...HANG, times: 99 }]);
    const before = (await place.buildctl.calls()).length;
    const isAgain = async () =>
      (await place.buildctl.calls()).slice(before).some(({ argv }) => argv.includes('--progress=rawjson'));
    const twice = await stopAt(place, ['run'], isAgain, [signal, signal]);
    assertStopped(twice, code, `build twice ${signal}`);
    await assertGone(await pidsOf(place));
  }
});

test('while a command for a secret hangs, once and twice', async (t) => {
  for (const signals of [['SIGINT'], ['SIGINT', 'SIGINT'], ['SIGTERM']] as const) {
    const dir = await makeTempDir(t);
    const mark = path.join(dir, 'mark');
    const place = await makePlace(t, {
      'builds.yaml':
        'builds: { a: { context: ., tags: [x/a:1], secrets: [{ id: s, command: [bin/hang] }] } }\n',
      'bin/hang': hanging(mark),
    });
    const end = await stopAt(place, ['run'], exists(mark), signals);
    assertStopped(end, signals[0] === 'SIGINT' ? 130 : 143, `secret ${signals.join()}`);
    await assertGone([Number(await readFile(mark, 'utf8'))]);
  }
});

test('while a credential helper, a token server or a registry hangs, with every command that asks one', async (t) => {
  const dir = await makeTempDir(t);
  const mark = path.join(dir, 'mark');
  const silent = await serve(t, () => undefined);
  const basic = await serve(t, (_, reply) => {
    reply.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
  });
  const bearer = await serve(t, (request, reply) => {
    if (request.url?.startsWith('/token') === true) return;
    const realm = `http://${request.headers.host}/token`;
    reply.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="s"` }).end();
  });
  const rows = [
    [silent, async () => silent.asked(), 'registry'],
    [bearer, async () => bearer.asked(), 'token'],
    [basic, exists(mark), 'helper'],
  ] as const;
  for (const [{ host }, isThere, name] of rows) {
    const place = await makePlace(t, {
      'builds.yaml': `builds: { a: { context: ., tags: ["${host}/a:1"], push: true } }\n`,
      Dockerfile: `FROM ${host}/base:1\n`,
      'docker/config.json': JSON.stringify({ credHelpers: { [basic.host]: 'hang' } }),
      'bin/docker-credential-hang': hanging(mark),
    });
    const commands = [['run'], ['lock'], ['digest', `${host}/base:1`], ['explain', 'a']];
    for (const argv of name === 'helper' ? commands.slice(0, 1) : commands) {
      silent.forget();
      bearer.forget();
      assertStopped(await stopAt(place, argv, isThere), 130, `${argv[0]} ${name}`);
    }
  }
  await assertGone([Number(await readFile(mark, 'utf8'))]);
});

test('while a build waits to be tried again, and while the engine is waited for', async (t) => {
  const busy = 'error: failed to solve: toomanyrequests: slow down\n';
  const gone =
    'error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF\n';
  for (const [text, word] of [
    [busy, 'trying again'],
    [gone, 'waiting for the engine'],
  ] as const) {
    const place = await makePlace(t, { 'builds.yaml': ONE }, [
      { when: ['--progress=rawjson'], stderr: text, exitCode: 1 },
      { when: ['workers'], times: 1, stdout: '[]' },
      { when: ['workers'], stderr: 'error\n', exitCode: 1 },
    ]);
    // What is waited for comes after the build, or after the question whether the engine is there.
    const least = word === 'trying again' ? 2 : 4;
    const isThere = async () => (await place.buildctl.calls()).length >= least;
    assertStopped(await stopAt(place, ['run'], isThere), 130, word);
  }
});

test('while git hangs: for an expression, and for what changed', async (t) => {
  const dir = await makeTempDir(t);
  const mark = path.join(dir, 'mark');
  for (const [text, argv] of [
    [`builds: { a: { context: ., tags: ["x/a:\${{ git.sha }}"] } }\n`, ['plan']],
    [ONE, ['affected', '--since', 'main']],
  ] as const) {
    await writeFile(mark, '');
    const place = await makePlace(t, { 'builds.yaml': text, 'bin/git': hanging(mark) });
    const { code, tookMs } = await stopAt(place, argv, exists(mark));
    // Nothing of ours runs while an expression is worked out: the system ends the process.
    assert.ok(code === 130 || code === undefined, String(code));
    assert.ok(tookMs < MOST_MS, `git ${argv[0]}: ${tookMs}`);
    // What we cannot end ends by itself, or with the terminal.
    if (code === undefined) process.kill(Number(await readFile(mark, 'utf8')), 'SIGKILL');
    else await assertGone([Number(await readFile(mark, 'utf8'))]);
  }
});

test('while a file of many gigabytes is hashed', async (t) => {
  const place = await makePlace(t, {
    'builds.yaml': ONE,
    big: '',
    Dockerfile: 'FROM scratch\nCOPY big /\n',
  });
  await truncate(path.join(place.dir, 'big'), 64 * 2 ** 30);
  const isHashing = async (pid: number) => {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const files = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    return files.some((file) => file.endsWith('/big'));
  };
  assertStopped(await stopAt(place, ['run'], isHashing), 130, 'hashing');
});
