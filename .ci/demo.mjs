/**
 * `npm run demo`: from a fresh clone to nine images in a registry, and a second run that skips all of them. Requires
 * Linux, Node, npm, and either access to releases on the network or the Go toolchain; without root also newuidmap. Can
 * be repeated.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from './build.mjs';
import { ensureModules, heading, must, root, run, say, since } from './support.mjs';

const DEFAULT_PORT = 5000;
const bakeTs = [process.execPath, path.join(root, 'dist/bin/bake-ts.cjs')];
const start = Date.now();

try {
  heading('1. Packages and compiled code');
  await ensureModules();
  await build();
  say('dist/ is up to date');

  heading('2. A static busybox, which the base image is made of');
  say(await ensureBusybox(path.join(root, '.cache/demo/busybox')));

  heading('3. The engine: containerd, buildkitd and a registry of our own');
  await bake(['engine', 'install', '--registry']);
  const port = await pickRegistryPort();
  await bake([
    'engine',
    'up',
    '--registry',
    ...(port === DEFAULT_PORT ? [] : ['--registry-port', `${port}`]),
  ]);
  const engine = await readStatus();

  const variables = engine.registry === 'localhost:5000' ? [] : ['--var', `REGISTRY=${engine.registry}`];
  heading(`4. bake-ts run: builds what is new, pushes it to ${engine.registry}`);
  await bake(['run', ...variables]);

  heading('5. bake-ts run, again: nothing has changed');
  await bake(['run', ...variables]);

  heading('6. One image back from the registry, by another client');
  await pullBack(engine, `${engine.registry}/shop/web:dev`);

  heading(`All done in ${since(start)}. The engine is still up; try:`);
  const tips = [
    [['npx bake-ts run', ...variables].join(' '), 'after changing a file below examples/shop'],
    [['npx bake-ts explain web', ...variables].join(' '), 'why it would be built or skipped'],
    ['npx bake-ts report', 'the last run as a page: timeline, graph, reasons, logs'],
    ['npx bake-ts engine down', 'to stop the engine and the registry'],
  ];
  const width = Math.max(...tips.map(([command]) => command.length));
  for (const [command, use] of tips) say(`  ${command.padEnd(width)}  ${use}`);
} catch (error) {
  process.stderr.write(`\nThe demo stopped: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

/** Prints the command, then its output. Ignores an engine in the environment, because the demo has its own. */
async function bake(args) {
  say(`$ bake-ts ${args.join(' ')}`);
  await must([...bakeTs, ...args], { show: 'always', env: { BUILDKIT_HOST: undefined } });
}

async function readStatus() {
  // A stopped engine has a status although the exit code is not 0.
  const { stdout } = await run([...bakeTs, 'engine', 'status', '--json'], { show: 'never' });
  const status = JSON.parse(stdout);
  // 127.0.0.1 is shown as localhost.
  return { ...status, registry: status.registry?.replace(/^127\.0\.0\.1:/, 'localhost:') };
}

/** The port of the running registry, else the first free one from the usual port on. */
async function pickRegistryPort() {
  const { registry } = await readStatus();
  if (registry !== undefined) return Number(registry.split(':')[1]);
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + 20; port += 1) if (await isFree(port)) return port;
  throw new Error(`no port from ${DEFAULT_PORT} on is free for the registry`);
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Pulls with containerd's client into a separate namespace, so that no image of the build is reused. */
async function pullBack({ containerd }, ref) {
  const ctr = [containerd.ctr, '--address', containerd.socket, '--namespace', 'demo'];
  await must([...ctr, 'images', 'pull', '--plain-http', ref], { show: 'never' });
  const { stdout } = await must([...ctr, 'images', 'ls', `name==${ref}`]);
  const [, name, , digest, size, unit, platforms] =
    /^(\S+)\s+(\S+)\s+(\S+)\s+(\S+) (\S+)\s+(\S+)/m.exec(stdout.split('\n').slice(1).join('\n')) ?? [];
  say(name === undefined ? stdout : `ctr pulled ${name}@${digest}, ${size} ${unit}, ${platforms}`);
  await run([...ctr, 'images', 'rm', '--sync', ref], { show: 'never' });
}

/** Copies a static busybox into `dir`: from PATH, or from Debian's package, unpacked without installing it. */
async function ensureBusybox(dir) {
  const target = path.join(dir, 'busybox');
  if (existsSync(target)) return 'already there';
  mkdirSync(dir, { recursive: true });
  const onPath = (process.env.PATH ?? '').split(':').map((folder) => path.join(folder, 'busybox'));
  const found = onPath.find((file) => existsSync(file) && isStatic(file));
  if (found !== undefined) {
    copyFileSync(found, target);
    chmodSync(target, 0o755);
    return `copied from ${found}`;
  }
  const temp = mkdtempSync(path.join(tmpdir(), 'bake-ts-busybox-'));
  try {
    chmodSync(temp, 0o777); // apt downloads as its own user.
    const download = () => run(['apt-get', 'download', 'busybox-static'], { cwd: temp, show: 'never' });
    if ((await download()).code !== 0) {
      // A fresh machine has no package lists.
      await run(['apt-get', 'update'], { show: 'never' });
      await download();
    }
    const deb = readdirSync(temp).find((name) => name.endsWith('.deb'));
    if (deb === undefined)
      throw new Error(`no static busybox: neither on PATH nor from apt-get; put one at ${target}`);
    await must(['dpkg-deb', '-x', path.join(temp, deb), temp]);
    const unpacked = ['bin/busybox', 'usr/bin/busybox']
      .map((file) => path.join(temp, file))
      .find((file) => existsSync(file));
    if (unpacked === undefined) throw new Error(`${deb} holds no busybox`);
    copyFileSync(unpacked, target);
    return `from the Debian package ${deb}, unpacked into .cache/demo`;
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}

/** Whether a 64-bit little-endian ELF file has no interpreter (program header PT_INTERP, 3), so it is static. */
function isStatic(file) {
  const elf = readFileSync(file);
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2) return false;
  const offset = Number(elf.readBigUInt64LE(32));
  const size = elf.readUInt16LE(54);
  const count = elf.readUInt16LE(56);
  return Array.from({ length: count }, (_, at) => elf.readUInt32LE(offset + at * size)).every(
    (type) => type !== 3,
  );
}
