/**
 * Upgrading a running engine. The older version is the pinned one behind a script that says another number: what is tried is the
 * way over, not what BuildKit changed.
 */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { installEngine } from '../../lib/engine/mod.ts';
import { findBusybox } from '../rig/busybox.ts';
import { runCommand } from '../rig/command.ts';
import { makeOwnEngine } from '../rig/own-engine.ts';
import { realEngine } from '../rig/real-engine.ts';
import { type Cleanup, makeTree } from '../rig/temp.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };
const OLDER = '0.13.2';
const NEWER = '0.99.0';

/** A directory with BuildKit's programs, of another number. */
async function makeOther(t: Cleanup, version: string): Promise<string> {
  const script = (name: string) => {
    const real = path.join(realEngine.binDir, name);
    const content = `#!/bin/sh\nif [ "$1" = --version ]; then echo '${name} github.com/moby/buildkit v${version}'; exit; fi\nexec ${real} "$@"\n`;
    return { content, mode: 0o755 };
  };
  return makeTree(t, { buildctl: script('buildctl'), buildkitd: script('buildkitd') });
}

async function makeOlderEngine(t: Cleanup) {
  const older = await makeOther(t, OLDER);
  const engine = await makeOwnEngine(t, undefined, older);
  const { env } = engine;
  const call = async (...args: readonly string[]) => {
    const done = await engine.run(args, { env: { PATH: `${realEngine.binDir}:${env['PATH']}` } });
    return { ...done, json: () => JSON.parse(done.stdout) };
  };
  const running = async () => {
    const status = JSON.parse((await engine.run(['engine', 'status', '--json'])).stdout);
    const daemon = status.daemons.find((one: { readonly name: string }) => one.name === 'buildkitd');
    return daemon?.state === 'running' ? daemon.version : undefined;
  };
  return { ...engine, call, running };
}

test('an engine that does not build is changed over, and keeps what it has', options, async (t) => {
  const engine = await makeOlderEngine(t);
  await engine.up();
  const repository = await makeTree(t, {
    'builds.yaml': 'builds: { app: { context: ., tags: [local/app:1] } }\n',
    Dockerfile: 'FROM scratch\nCOPY builds.yaml /\n',
  });
  const baked = await engine.run(['run'], { cwd: repository });
  assert.equal(baked.exitCode, 0, baked.stderr);
  assert.equal(await engine.running(), OLDER);
  const told = await engine.run(['engine', 'status']);
  assert.match(told.stdout, /buildkit 0\.13\.2 is older than [\d.]+.*bake-ts engine upgrade/);
  const upAgain = await engine.run(['engine', 'up']);
  assert.match(upAgain.stderr, /buildkit 0\.13\.2 is older than/);
  const installed = await engine.run(['engine', 'install']);
  assert.match(installed.stderr, /buildkit 0\.13\.2 is older than/);

  const checked = (await engine.call('engine', 'upgrade', '--check', '--json')).json();
  assert.equal(checked.outdated[0].package, 'buildkit');
  assert.equal(await engine.running(), OLDER);

  const upgraded = await engine.call('engine', 'upgrade', '--from', 'path', '--json');
  assert.equal(upgraded.exitCode, 0, upgraded.stderr);
  const { outdated, remaining, engine: became } = upgraded.json();
  assert.deepEqual([outdated[0].package, outdated[0].installed, became], ['buildkit', OLDER, 'restarted']);
  assert.ok(remaining.every((one: { readonly package: string }) => one.package !== 'buildkit'));
  assert.notEqual(await engine.running(), OLDER);
  assert.deepEqual(await engine.images(), ['docker.io/local/app:1']);
  const again = await engine.run(['run'], { cwd: repository });
  assert.match(again.stderr, /1 unchanged/);
  const nothing = await engine.call('engine', 'upgrade', '--from', 'path', '--json');
  assert.equal(nothing.json().engine, 'current');
});

test('an engine that builds goes on as it was until it is asked to change over', options, async (t) => {
  const engine = await makeOlderEngine(t);
  const { address, buildctl } = await engine.up();
  const context = await makeTree(t, {
    Dockerfile: 'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox", "sleep", "600"]\n',
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
  });
  const building = runCommand([
    buildctl,
    '--addr',
    address,
    'build',
    '--progress=plain',
    '--frontend=dockerfile.v0',
    `--local=context=${context}`,
    `--local=dockerfile=${context}`,
  ]);
  const isBuilding = async () =>
    (await runCommand([buildctl, '--addr', address, 'debug', 'histories'])).stdout.includes('STARTED');
  while (!(await isBuilding()));

  const pending = await engine.call('engine', 'upgrade', '--from', 'path', '--json');
  assert.equal(pending.exitCode, 0, pending.stderr);
  assert.equal(pending.json().engine, 'pending');
  assert.match(pending.stderr, /engine\/upgrade-pending.*a build runs/);
  assert.equal(await engine.running(), OLDER);
  assert.ok(await isBuilding(), 'the build goes on, from programs that are still there');

  const restarted = await engine.call('engine', 'upgrade', '--from', 'path', '--restart', '--json');
  assert.equal(restarted.json().engine, 'restarted', restarted.stderr);
  assert.notEqual((await building).exitCode, 0);
  assert.notEqual(await engine.running(), OLDER);
});

test('where the new engine does not start, the one before runs again', options, async (t) => {
  const engine = await makeOlderEngine(t);
  await engine.up();
  const broken = await makeTree(t, {
    buildctl: { content: `#!/bin/sh\necho buildctl github.com/moby/buildkit v${NEWER}\n`, mode: 0o755 },
    buildkitd: {
      content: `#!/bin/sh\n[ "$1" = --version ] || { echo cannot >&2; exit 3; }\necho buildkitd github.com/moby/buildkit v${NEWER}\n`,
      mode: 0o755,
    },
  });
  const failed = await engine.run(['engine', 'upgrade', '--from', 'path'], {
    env: { PATH: `${broken}:${engine.env['PATH']}` },
  });
  assert.equal(failed.exitCode, 5);
  assert.match(failed.stderr, /engine\/upgrade-failed/);
  assert.match(failed.stderr, /The previous version runs again/);
  assert.equal(await engine.running(), OLDER);
});

test('state of a newer minor release is left alone, and told', options, async (t) => {
  const engine = await makeOwnEngine(t);
  const newer = await makeOther(t, NEWER);
  const reinstall = async (dir: string) => {
    const env = { ...engine.env, PATH: `${dir}:${engine.env['PATH']}` };
    const installed = await installEngine({ env, from: 'path', force: true });
    assert(installed.ok, JSON.stringify(installed));
  };
  await reinstall(newer);
  assert.equal((await engine.up()).daemons.find(({ name }) => name === 'buildkitd')?.version, NEWER);
  assert.equal((await engine.run(['engine', 'down'])).exitCode, 0);
  await reinstall(realEngine.binDir);
  const refused = await engine.run(['engine', 'up']);
  assert.equal(refused.exitCode, 5);
  assert.match(refused.stderr, /engine\/state-newer.*buildkitd 0\.99\.0 \([\d.]+ is installed\)/);
  const state = path.join(engine.home, 'engine-state/versions.json');
  assert.match(await readFile(state, 'utf8'), /0\.99\.0/);

  await rm(state);
  await engine.up();
  // What is damaged says nothing.
  assert.equal((await engine.run(['engine', 'down'])).exitCode, 0);
  await writeFile(state, '{"format":1,"versions":{"buildkitd":7}}');
  await engine.up();
});
