/**
 * The engine for the tests. Its programs come from `bake-ts engine install`. The daemons are started here with their
 * own configuration, so that a bug in `engine up` fails its own tests and not all.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { must, node24, removeScratch, root, run, say, since } from './support.mjs';

const PROGRAMS = [
  'buildctl',
  'buildkitd',
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'runc',
  'registry',
];
const OVERLAYFS_MAGIC = 0x794c7630;

/**
 * The directory with the engine's programs: BAKE_TS_TEST_ENGINE_BIN if set, else an installation in `.cache`, made on
 * the first call by the command line under test (which requires `dist/`).
 */
export async function ensureEngineBinaries() {
  const given = process.env.BAKE_TS_TEST_ENGINE_BIN;
  if (given) {
    const missing = PROGRAMS.filter((name) => !existsSync(path.join(given, name)));
    if (missing.length > 0) throw new Error(`BAKE_TS_TEST_ENGINE_BIN lacks ${missing.join(', ')}`);
    return path.resolve(given);
  }
  const home = path.join(root, '.cache/home');
  const bin = path.join(home, 'engine/current/bin');
  if (PROGRAMS.some((name) => !existsSync(path.join(bin, name)))) {
    const start = Date.now();
    say('Installing the engine; the first time this takes some minutes');
    await must(
      [process.execPath, path.join(root, 'dist/bin/bake-ts.cjs'), 'engine', 'install', '--registry'],
      {
        env: { BAKE_TS_HOME: home },
        show: 'always',
      },
    );
    say(`Engine installed (${since(start)})`);
  }
  return realpathSync(bin);
}

/**
 * Starts a private containerd and buildkitd in a temporary directory. Without root this needs namespaces, so the
 * command line under test starts them.
 * @returns {Promise<{ env: Record<string, string>, stop: () => Promise<void> }>} the environment of the tests, and a
 *   function that stops the daemons
 */
export async function startEngine(binDir) {
  const dir = mkdtempSync(path.join(tmpdir(), 'bake-ts-engine-'));
  if (process.getuid() !== 0) return startWithoutRoot(binDir, dir);
  const containerdSocket = path.join(dir, 'containerd.sock');
  const address = `unix://${path.join(dir, 'buildkitd.sock')}`;
  const env = { PATH: `${binDir}:${process.env.PATH}`, OTEL_TRACES_EXPORTER: 'none' };
  const daemons = [];
  const stop = async () => {
    // buildkitd first: it needs containerd to end its containers.
    for (const daemon of daemons.reverse()) {
      daemon.kill('SIGTERM');
      await ended(daemon, 10_000);
    }
    await removeScratch(dir);
  };
  const start = async (name, argv, isReady) => {
    const log = path.join(dir, `${name}.log`);
    const out = openSync(log, 'a');
    const child = spawn(path.join(binDir, argv[0]), argv.slice(1), {
      cwd: dir,
      env: { ...process.env, ...env },
      stdio: ['ignore', out, out],
      // Ctrl-C reaches the tests and this process, which then stops the daemons.
      detached: true,
    });
    daemons.push(child);
    const deadline = Date.now() + 30_000;
    while (!(await isReady())) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
        const tail = readFileSync(log, 'utf8').trim().split('\n').slice(-15).join('\n');
        throw new Error(`${name} did not start:\n${tail}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  try {
    mkdirSync(path.join(dir, 'containerd'));
    // Version 2 of the file works for containerd 1.6 and 2.x.
    writeFileSync(
      path.join(dir, 'containerd.toml'),
      `version = 2
root = "${dir}/containerd/root"
state = "${dir}/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "${containerdSocket}"
`,
    );
    // overlayfs does not work on overlayfs, which a container's file system is.
    const snapshotter = statfsSync(dir).type === OVERLAYFS_MAGIC ? 'native' : 'overlayfs';
    writeFileSync(
      path.join(dir, 'buildkitd.toml'),
      `root = "${dir}/buildkit"
[grpc]
  address = ["${address}"]
[worker.oci]
  enabled = false
[worker.containerd]
  enabled = true
  address = "${containerdSocket}"
  namespace = "buildkit"
  snapshotter = "${snapshotter}"
`,
    );
    const ctr = path.join(binDir, 'ctr');
    await start('containerd', ['containerd', '--config', path.join(dir, 'containerd.toml')], async () => {
      return (await run([ctr, '-a', containerdSocket, 'version'], { show: 'never' })).code === 0;
    });
    const buildctl = path.join(binDir, 'buildctl');
    await start('buildkitd', ['buildkitd', '--config', path.join(dir, 'buildkitd.toml')], async () => {
      return (await run([buildctl, '--addr', address, 'debug', 'workers'], { show: 'never' })).code === 0;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    env: {
      BAKE_TS_TEST_ENGINE_BIN: binDir,
      BAKE_TS_TEST_BUILDKIT: address,
      BAKE_TS_TEST_CONTAINERD: containerdSocket,
    },
    stop,
  };
}

async function startWithoutRoot(binDir, dir) {
  const compiled = path.join(root, 'dist/bin/bake-ts.cjs');
  const cli = existsSync(compiled) ? [process.execPath, compiled] : [node24, path.join(root, 'cli/main.ts')];
  const env = { BAKE_TS_HOME: dir, PATH: `${binDir}:${process.env.PATH}` };
  const stop = async () => {
    await run([...cli, 'engine', 'rm', '--yes'], { env, show: 'failure' });
    await removeScratch(dir);
  };
  try {
    await must([...cli, 'engine', 'install', '--from', 'path'], { env, show: 'failure' });
    const { stdout } = await must([...cli, 'engine', 'up', '--json'], { env, show: 'never' });
    const { address, containerd } = JSON.parse(stdout);
    return {
      env: {
        BAKE_TS_TEST_ENGINE_BIN: binDir,
        BAKE_TS_TEST_BUILDKIT: address,
        BAKE_TS_TEST_CONTAINERD: containerd.socket,
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for the end of a process; kills it after a timeout. */
function ended(child, limitMs) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.on('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
