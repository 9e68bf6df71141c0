/**
 * Shared by the scripts of this folder: runs programs, and prepares what a fresh clone lacks (packages, other runtimes,
 * compiled code). Plain JavaScript without dependencies, because it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The other runtimes for tests, besides the Node that runs this. They are pinned only here. */
const RUNTIMES = { node: '24.21.0', deno: '2.9.6' };

const runtimesDir = path.join(root, '.cache/runtimes');

/** Paths of the pinned runtimes (there after `ensureRuntimes`). */
export const node24 = path.join(runtimesDir, 'node_modules/.bin/node');
export const deno = path.join(runtimesDir, 'node_modules/.bin/deno');

const GIB = 2 ** 30;
/** Enough for several engines, and for what the tests themselves need. */
const [NEEDED_SPACE, NEEDED_MEMORY] = [8 * GIB, 12 * GIB];

/**
 * Keeps temporary files in memory where there is enough, which makes tests with real engines a quarter faster. Not where
 * TMPDIR is set, or programs may not be run from there.
 */
export function keepTempInMemory() {
  const dir = '/dev/shm';
  if (process.env.TMPDIR || !existsSync(dir)) return;
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const [, , type, options = ''] =
    mounts.map((line) => line.split(' ')).findLast(([, at]) => at === dir) ?? [];
  const { bavail, bsize } = statfsSync(dir);
  const [, available = '0'] = /^MemAvailable: +(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
  if (type !== 'tmpfs' || options.split(',').includes('noexec')) return;
  if (bavail * bsize < NEEDED_SPACE || Number(available) * 1024 < NEEDED_MEMORY) return;
  process.env.TMPDIR = dir;
  say(`Temporary files are kept in memory, in ${dir}`);
}

/**
 * Runs a program; resolves with its exit code and, where asked for, what it said.
 * `show: 'always'` passes output through, `'failure'` prints it only where the program fails, `'never'` keeps it.
 * @param {readonly string[]} argv
 * `uid` and `gid`: as this user; `onlyEnv`: `env` is all there is.
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, onlyEnv?: boolean, uid?: number, gid?: number, show?: 'always' | 'failure' | 'never', timeoutMs?: number }} [options]
 * @returns {Promise<{ code: number, output: string, stdout: string, timedOut: boolean }>}
 */
export function run(argv, options = {}) {
  const show = options.show ?? 'failure';
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: options.cwd ?? root,
      env: options.onlyEnv ? options.env : mergeEnv(options.env ?? {}),
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
      stdio: show === 'always' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      // A process group if everything it starts may have to be killed; otherwise Ctrl-C reaches it directly.
      detached: options.timeoutMs !== undefined,
    });
    let output = '';
    let stdout = '';
    let timedOut = false;
    const kill = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended already.
      }
    };
    if (options.timeoutMs !== undefined) running.add(kill);
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            kill();
          }, options.timeoutMs);
    const finish = (code) => {
      clearTimeout(timer);
      // Processes that a finished test left in its group must not disturb the next one.
      if (options.timeoutMs !== undefined && running.delete(kill)) kill();
      if (show === 'failure' && code !== 0) process.stderr.write(output);
      resolve({ code, output, stdout, timedOut });
    };
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', (error) => {
      output += `${argv[0]}: ${error.message}\n`;
      finish(127);
    });
    child.on('close', (code) => finish(code ?? 1));
  });
}

/** Functions that kill running detached programs. */
const running = new Set();

/** Ends every detached program; for the handler of an interrupt. */
export function killRunning() {
  for (const kill of running) kill();
}

/** Runs a program that must succeed. */
export async function must(argv, options = {}) {
  const result = await run(argv, options);
  if (result.code !== 0) throw new Error(`${argv.join(' ')} failed with exit code ${result.code}`);
  return result;
}

/** Prints a line about progress. */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** Bold on a terminal. */
export function heading(text) {
  say(process.stdout.isTTY ? `\n\u001b[1m${text}\u001b[0m` : `\n${text}`);
}

/** Seconds since a moment, as text. */
export function since(startMs) {
  return `${((Date.now() - startMs) / 1000).toFixed(1)} s`;
}

/** Installs the packages of the lock file if they are missing or outdated. */
export async function ensureModules() {
  const lock = path.join(root, 'package-lock.json');
  const installed = path.join(root, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  const start = Date.now();
  await must(['npm', 'ci', '--no-audit', '--no-fund']);
  utimesSync(installed, new Date(), new Date());
  say(`Packages installed (${since(start)})`);
}

/** Installs the pinned runtimes from npm, separate from the project's packages. */
export async function ensureRuntimes() {
  const stamp = path.join(runtimesDir, 'installed.json');
  const wanted = JSON.stringify(RUNTIMES);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(node24) && existsSync(deno))
    return;
  const start = Date.now();
  rmSync(runtimesDir, { recursive: true, force: true });
  mkdirSync(runtimesDir, { recursive: true });
  // Without a package.json of its own, npm would take the project's as its prefix.
  writeFileSync(path.join(runtimesDir, 'package.json'), '{"private":true}\n');
  const packages = Object.entries(RUNTIMES).map(([name, version]) => `${name}@${version}`);
  await must(
    ['npm', 'install', '--prefix', runtimesDir, '--save-exact', '--no-audit', '--no-fund', ...packages],
    {
      cwd: runtimesDir,
    },
  );
  writeFileSync(stamp, wanted);
  say(`Runtimes installed: ${packages.join(', ')} (${since(start)})`);
}

/**
 * The binary of the pinned Node for Linux on an architecture (`x64`, `arm64`), and its licences.
 * @returns {Promise<{ binary: string, licence: string }>}
 */
export async function ensureNode(arch) {
  const name = `node-linux-${arch}`;
  const places = [
    path.join(runtimesDir, 'node_modules/node/node_modules', name),
    path.join(runtimesDir, 'node_modules', name),
  ];
  const other = path.join(root, '.cache/runtimes', arch);
  let dir = [...places, path.join(other, 'node_modules', name)].find((one) =>
    existsSync(path.join(one, 'bin/node')),
  );
  if (dir === undefined) {
    mkdirSync(other, { recursive: true });
    writeFileSync(path.join(other, 'package.json'), '{"private":true}\n');
    // --force, because npm refuses packages for other platforms.
    const install = [
      'npm',
      'install',
      '--force',
      '--prefix',
      other,
      '--no-audit',
      '--no-fund',
      `${name}@${RUNTIMES.node}`,
    ];
    await must(install, { cwd: other });
    dir = path.join(other, 'node_modules', name);
  }
  return { binary: path.join(dir, 'bin/node'), licence: readFileSync(path.join(dir, 'LICENSE'), 'utf8') };
}

/**
 * Removes a temporary directory with the leftovers of killed tests: daemons that name it in their command line, and
 * mounts below it.
 */
export async function removeScratch(dir) {
  for (const pid of readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  )) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${dir}/`))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Ended already.
    }
  }
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const targets = mounts
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => target.startsWith(`${dir}/`));
  for (const target of targets.reverse()) await run(['umount', '-l', target], { show: 'never' });
  try {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    say(`${dir} could not be removed: ${error.message}`);
  }
}

/** The environment with changes; `undefined` takes a variable away. */
function mergeEnv(changes) {
  const merged = { ...process.env, ...changes };
  for (const [name, value] of Object.entries(merged)) if (value === undefined) delete merged[name];
  return merged;
}
