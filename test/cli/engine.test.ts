/** `engine status` and `engine doctor` on a machine that has an engine of its own. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import type { Prompt } from '../../cli/prompt.ts';
import { createFakeIo } from '../rig/fake-io.ts';
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
  assert.match(out, /\(engine\.address in builds\.yaml\)\nBuildKit: +it does not say/);
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
  assert.match(nothing.out, /nothing of the engine to remove/);

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
