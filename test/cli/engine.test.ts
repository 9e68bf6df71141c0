/** `engine status` and `engine doctor` on a machine that has an engine of its own. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { formatPool } from '../../cli/pool-text.ts';
import type { Prompt } from '../../cli/prompt.ts';
import { ok, problem } from '../../lib/model/mod.ts';
import { createPalette } from '../../lib/report/mod.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { freePort } from '../rig/port.ts';
import { makeTempDir } from '../rig/temp.ts';

const LABEL = 'org.mobyproject.buildkit.worker.';
const WORKERS = [
  {
    labels: {
      [`${LABEL}executor`]: 'oci',
      [`${LABEL}snapshotter`]: 'overlayfs',
      [`${LABEL}network`]: 'host',
    },
    platforms: [{ os: 'linux', architecture: 'amd64' }],
  },
];

/** A machine with no installation, and an engine at a socket, of which a buildctl tells. */
async function makeMachine(t: TestContext, info = 'BuildKit:   github.com/moby/buildkit v0.13.1 2afc050') {
  const dir = await makeTempDir(t, 'engine-');
  const socket = path.join(dir, 's');
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const bin = path.join(dir, 'bin');
  await mkdir(bin);
  await mkdir(path.join(dir, '.git'));
  const buildctl = path.join(bin, 'buildctl');
  const answers = `case "$4" in workers) echo '${JSON.stringify(WORKERS)}';; info) echo '${info}'; test -n '${info}';; esac`;
  await writeFile(buildctl, `#!/bin/sh\n${answers}\n`);
  await chmod(buildctl, 0o755);
  const call = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const io = createFakeIo(['engine', ...argv], {
      cwd: dir,
      env: {
        HOME: dir,
        BAKE_TS_HOME: path.join(dir, 'home'),
        PATH: '/usr/bin:/bin',
        BUILDCTL: buildctl,
        ...env,
      },
    });
    const code = await runCli(io);
    return { code, out: io.out(), err: io.err() };
  };
  return { dir, address: `unix://${socket}`, call };
}

test('status says first which engine a run would use, and ends with 0 where it answers', async (t) => {
  const { address, call } = await makeMachine(t);
  const named = await call(['status'], { BUILDKIT_HOST: address });
  assert.equal(named.code, EXIT.ok, named.err);
  assert.match(
    named.out,
    new RegExp(
      `^run uses: +${address} \\(BUILDKIT_HOST\\)\nBuildKit: +v0\\.13\\.1\nworker: +oci, snapshotter overlayfs, network host\n` +
        'platforms: +linux/amd64\ncontainerd: +the engine keeps no images.*\n\nembedded engine: not running\nnot installed',
    ),
  );
  const byFlag = await call(['status', '--addr', address, '--json']);
  assert.equal(byFlag.code, EXIT.ok);
  const json = JSON.parse(byFlag.out);
  assert.deepEqual(
    [json.engine.address, json.engine.kind, json.engine.version, json.engine.worker.executor, json.running],
    [address, 'flag', 'v0.13.1', 'oci', false],
  );
  assert.equal(json.engine.unreadable.code, 'engine/no-image-store');
});

test('status takes the engine that builds.yaml names, and an engine may keep its version to itself', async (t) => {
  const { dir, address, call } = await makeMachine(t, '');
  const file = `engine: { address: "${address}" }\nbuilds: { a: { context: . } }\n`;
  await writeFile(path.join(dir, 'builds.yaml'), file);
  const { code, out } = await call(['status']);
  assert.equal(code, EXIT.ok);
  assert.match(out, /\(engine\.address in builds\.yaml\)\nBuildKit: +unknown version/);
});

test('status ends with 5 where the engine that was named is not there', async (t) => {
  const { dir, call } = await makeMachine(t);
  const env = { BUILDKIT_HOST: `unix://${dir}/none` };
  const { code, out } = await call(['status'], env);
  assert.equal(code, EXIT.engine);
  assert.match(out, /^run uses: +none: there is no buildkitd at .*none/);
  const json = JSON.parse((await call(['status', '--json'], env)).out);
  assert.deepEqual([json.engine, json.problems[0].code], [undefined, 'engine/unreachable']);
});

/** A buildctl that knows two engines, of which each says something else; it is called `--addr ADDRESS …`. */
const POOL_SCRIPT = `#!/bin/sh
case "$2 $*" in
  *one*workers*) echo '[{"labels":{"${LABEL}executor":"oci"},"platforms":[{"os":"linux","architecture":"amd64"},{"os":"linux","architecture":"amd64","variant":"v2"},{"os":"linux","architecture":"arm64"}],"buildkitVersion":{"version":"v0.34.2"}}]';;
  *one*histories*) echo '{"record":{"Ref":"a"}}'; echo '{"record":{"Ref":"b","CompletedAt":{"seconds":1}}}';;
  *one*du*) echo '[{"id":"x","size":1500000},{"id":"y","size":500000}]';;
  *old*workers*) echo '[{"platforms":[{"os":"linux","architecture":"arm64"}],"buildkitVersion":{"version":"v0.12.1"}}]';;
  *) exit 1;;
esac
`;

test('status shows all engines of a pool, and ends with 5 where one of them is not there', async (t) => {
  const { dir, call } = await makeMachine(t);
  const lost = `tcp://127.0.0.1:${await freePort()}`;
  const buildctl = path.join(dir, 'bin/buildctl');
  await writeFile(buildctl, POOL_SCRIPT);
  const file = `engine:
  pool:
    - { address: "ssh://one", jobs: 8, labels: [big] }
    - ssh://old
    - ${lost}
builds: { a: { context: . } }
`;
  await writeFile(path.join(dir, 'builds.yaml'), file);
  const { code, out } = await call(['status']);
  assert.equal(code, EXIT.engine);
  const [head, , titles, one, old, gone, , ...faults] = out.split('\n');
  assert.equal(head, 'run uses:   a pool: 1 of 3 engines answers');
  assert.equal(
    titles,
    `${'ENGINE'.padEnd(lost.length)}  VERSION  WORKER  RUNS  JOBS   CACHE  LATENCY  PLATFORMS`,
  );
  assert.match(one ?? '', /^ssh:\/\/one +v0\.34\.2 {2}oci {8}1 {5}8 {2}2\.0 MB +\S+ {2}amd64 big$/);
  assert.match(old ?? '', /^ssh:\/\/old +- +- +- +4 +- +- {2}engine\/too-old$/);
  assert.match(gone ?? '', /^tcp:\S+ +- +- +- +4 +- +- {2}engine\/unreachable$/);
  assert.match(
    faults.join('\n'),
    /✗ ssh:\/\/old runs BuildKit v0\.12\.1, and bake-ts needs 0\.13\.0 or newer\n {2}→ upgrade/,
  );
  const json = JSON.parse((await call(['status', '--json'])).out);
  const [first, second, third] = json.pool;
  assert.deepEqual(
    [
      first.id,
      first.jobs,
      first.labels,
      first.version,
      first.platforms,
      first.runningBuilds,
      first.cacheBytes,
    ],
    ['ssh://one', 8, ['big'], 'v0.34.2', ['linux/amd64', 'linux/amd64/v2'], 1, 2_000_000],
  );
  assert.deepEqual(
    [second.problems[0].code, third.problems[0].code],
    ['engine/too-old', 'engine/unreachable'],
  );
  assert.deepEqual([json.problems, json.engine], [[], undefined]);

  const whole = await call(['status', '--addr', 'ssh://one', '--addr', 'docker-container://one']);
  assert.equal(whole.code, EXIT.ok, whole.out);
  assert.match(whole.out, /^run uses: +a pool: 2 of 2 engines answer\n/);
  const doctor = JSON.parse((await call(['doctor', '--json'])).out);
  assert.deepEqual(
    doctor.checks.flatMap((check: { name: string; status: string }) =>
      check.name === 'engine' ? [check.status] : [],
    ),
    ['ok', 'fail', 'fail'],
  );
  assert.equal(doctor.pool.length, 3);
});

test('a table of engines that does not fit becomes two lines for each', async () => {
  const id = `tcp://${'builder-in-a-far-away-place.'.repeat(2)}example.com:1234`;
  const member = { id, address: id, platforms: [], jobs: 4, labels: [] };
  const worker = {
    executor: 'containerd',
    snapshotter: 'overlayfs',
    network: 'host',
    platforms: [],
  } as const;
  const state = ok({ worker, version: 'v0.34.2', platforms: ['linux/arm64', 'linux/arm/v7'], latencyMs: 40 });
  const text = formatPool(
    { members: [{ member, state, runningBuilds: 0, cacheBytes: 0 }], problems: [] },
    createPalette(false),
    80,
  );
  assert.deepEqual(text.split('\n').slice(2), [
    'ENGINE',
    '  VERSION  WORKER      RUNS  JOBS  CACHE  LATENCY  PLATFORMS',
    id,
    '  v0.34.2  containerd     0     4    0 B     40ms  arm64,arm/v7',
    '',
  ]);
  const none = problem('engine/bad-address', '"b:1" is none');
  const [head] = formatPool({ members: [], problems: [none] }, createPalette(false), 80).split('\n');
  assert.equal(head, 'run uses:   a pool: 0 of 0 engines answer, and others cannot be asked');
});

test('where another engine serves, the doctor does not fail for what the embedded one lacks', async (t) => {
  const { dir, address, call } = await makeMachine(t);
  const served = await call(['doctor', '--json'], { BUILDKIT_HOST: address });
  assert.equal(served.code, EXIT.ok, served.out);
  const { checks, engine, ok } = JSON.parse(served.out);
  assert.deepEqual([ok, engine.address, engine.version], [true, address, 'v0.13.1']);
  const find = (name: string) => checks.find((one: { name: string }) => one.name === name);
  assert.match(find('engine').found, /BUILDKIT_HOST.*v0\.13\.1.*oci worker/);
  assert.deepEqual([find('installation').status, find('installation').hint], ['ok', undefined]);
  const gone = await call(['doctor', '--json'], { BUILDKIT_HOST: `unix://${dir}/none` });
  assert.equal(gone.code, EXIT.engine);
  const failed = JSON.parse(gone.out).checks.filter((one: { status: string }) => one.status === 'fail');
  const names = failed.map((one: { name: string }) => one.name);
  assert(names.includes('engine') && names.includes('installation'), String(names));
});

test('rm asks first, wants --yes where there is nobody to ask, and is a success where there is nothing', async (t) => {
  const dir = await makeTempDir(t, 'engine-');
  const state = path.join(dir, 'engine-state');
  const call = async (argv: readonly string[], answer?: string) => {
    const asked: string[] = [];
    const prompt: Prompt = {
      ask: async (question) => {
        asked.push(question);
        return answer === undefined ? { kind: 'ended' } : { kind: 'line', text: answer };
      },
      close: () => {},
    };
    const env = { HOME: dir, BAKE_TS_HOME: dir, PATH: '/usr/bin:/bin' };
    const openPrompt = async () => (argv.includes('alone') ? undefined : prompt);
    const words = argv.filter((one) => one !== 'alone');
    const io = { ...createFakeIo(['engine', 'rm', ...words], { cwd: dir, env }), openPrompt };
    const code = await runCli(io);
    return { code, asked, out: io.out(), err: io.err(), isThere: existsSync(state) };
  };
  const nothing = await call([]);
  assert.deepEqual([nothing.code, nothing.asked], [EXIT.ok, []]);
  assert.match(nothing.out, /nothing to delete: there is no engine/);

  await mkdir(path.join(state, 'buildkit'), { recursive: true });
  const alone = await call(['alone']);
  assert.equal(alone.code, EXIT.usage);
  assert.match(alone.err, /cli\/not-confirmed.*engine-state/);
  for (const answer of ['', 'n', 'yess', undefined]) {
    const { code, asked, isThere } = await call([], answer);
    assert.deepEqual([code, isThere], [EXIT.ok, true], answer);
    assert(asked[0]?.includes(state), asked[0]);
  }
  assert(alone.isThere);
  const meant = await call([], 'y');
  assert.deepEqual([meant.code, meant.isThere], [EXIT.ok, false], meant.err);
  assert.equal(meant.out, `removed ${state}\n`);

  await mkdir(state);
  const yes = await call(['--yes', 'alone']);
  assert.deepEqual([yes.code, yes.isThere, yes.asked], [EXIT.ok, false, []], yes.err);
});
