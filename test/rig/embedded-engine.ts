/**
 * The embedded engine for tests: in a home of its own in a temporary directory, its programs from `BAKE_TS_TEST_ENGINE_BIN` or from the engine
 * that is installed. As root, or as a user with what an engine without root needs.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountsBelow } from '../../lib/engine/host.ts';
import {
  downEngine,
  enginePaths,
  installEngine,
  neededParts,
  type RunningEngine,
  readInstallation,
  removeEngine,
  upEngine,
} from '../../lib/engine/mod.ts';
import { listProcesses } from '../../lib/engine/process-identity.ts';
import { findBusybox } from './busybox.ts';
import { makeTempDir, removeTree, writeTree } from './temp.ts';

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Directory with the engine's programs. */
async function findBinDir(): Promise<string> {
  const given = process.env['BAKE_TS_TEST_ENGINE_BIN'] ?? '';
  const dir = given !== '' ? given : (await readInstallation(enginePaths(process.env)))?.binDir;
  assert(
    dir !== undefined && (await stat(path.join(dir, 'buildkitd')).catch(() => undefined)) !== undefined,
    'there are no programs to test with: run `node cli/main.js engine install`, or set BAKE_TS_TEST_ENGINE_BIN',
  );
  return dir;
}

/** Where one engine lives. */
export interface Home {
  readonly dir: string;
  readonly env: Record<string, string>;
}

/** A home with an engine installed in it, that is taken down and away after the test. */
export async function installHere(t: TestContext, extraPath = ''): Promise<Home> {
  const binDir = await findBinDir();
  // Not the rig's: its directories go in the order in which they came, and this one must outlive its daemons.
  const dir = await realpath(await mkdtemp(path.join(tmpdir(), 'engine-')));
  const searched = [extraPath, binDir, SYSTEM_PATH].filter((one) => one !== '').join(':');
  const env = { BAKE_TS_HOME: dir, HOME: dir, PATH: searched };
  t.after(async () => {
    const down = await downEngine({ env });
    // Without root some of it belongs to users of a namespace.
    const removed = await removeEngine({ env });
    await removeTree(dir);
    assert(down.ok, JSON.stringify(down));
    assert(removed.ok, JSON.stringify(removed));
  });
  const installed = await installEngine({ env, from: 'path', parts: [...neededParts(), 'registry'] });
  assert(installed.ok, JSON.stringify(installed));
  return { dir, env };
}

/** Starts it. */
export async function up(home: Home, registry?: number): Promise<RunningEngine> {
  const running = await upEngine({ env: home.env, ...(registry === undefined ? {} : { registry }) });
  assert(running.ok, JSON.stringify(running, undefined, 2));
  return running.value;
}

/** A build whose RUN never ends. */
const ENDLESS = 'FROM scratch\nCOPY program /busybox\nRUN ["/busybox", "sleep", "600"]\n';

/** What is left of an engine: processes that name its home, mounts below it, sockets in it. */
export async function remains({ dir }: Home): Promise<readonly string[]> {
  const processes = (await listProcesses()).filter(({ argv }) => argv.some((one) => one.includes(`${dir}/`)));
  const runDir = path.join(dir, 'engine-state/run');
  const files = await readdir(runDir, { recursive: true }).catch(() => []);
  return [...processes.map(({ argv }) => argv.join(' ')), ...(await mountsBelow(dir)), ...files];
}

/** A context with a static program that can live alone in an image, as `program`. */
export async function makeContext(
  t: TestContext,
  home: Home,
  program: 'ctr' | 'busybox',
  dockerfile: string,
): Promise<string> {
  const dir = await makeTempDir(t, 'context-');
  const binDir = (await readInstallation(enginePaths(home.env)))?.binDir ?? '';
  // Static both: there is no libc in an image made from scratch.
  const file = program === 'ctr' ? path.join(binDir, program) : await findBusybox(t);
  await writeTree(dir, { Dockerfile: dockerfile, program: { content: await readFile(file), mode: 0o755 } });
  return dir;
}

/** A build of a context by the engine's own buildctl. */
export function buildArgv(engine: RunningEngine, context: string, output: string): readonly string[] {
  return [
    engine.buildctl,
    ...['--addr', engine.address, 'build', '--frontend', 'dockerfile.v0', '--progress', 'plain'],
    ...['--local', `context=${context}`, '--local', `dockerfile=${context}`, '--output', output],
  ];
}

/** Starts a build whose RUN never ends, and waits until its container runs. */
export async function startEndlessBuild(
  t: TestContext,
  home: Home,
  engine: RunningEngine,
): Promise<{ readonly build: ChildProcess; readonly ended: Promise<number | null> }> {
  const context = await makeContext(t, home, 'busybox', ENDLESS);
  const [file = '', ...args] = buildArgv(engine, context, 'type=image,name=x.local/y:1');
  const build = spawn(file, args, { stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => build.on('exit', resolve));
  t.after(() => {
    build.kill('SIGKILL');
  });
  await waitForContainer(home);
  return { build, ended };
}

/** Waits until a build's container runs. */
async function waitForContainer({ dir }: Home): Promise<void> {
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 50) {
    const shims = (await listProcesses()).filter(
      ({ argv }) =>
        argv[0]?.endsWith('containerd-shim-runc-v2') === true && argv.some((one) => one.startsWith(dir)),
    );
    if (shims.length > 0) {
      await sleep(500);
      return;
    }
    await sleep(50);
  }
  assert.fail('no container was started');
}
