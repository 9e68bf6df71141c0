/**
 * An ordinary user for the tests, where they run as root: made for one run, with a checkout that this user can read and an engine of their
 * own, and gone after it.
 */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { must, node24, removeScratch, root, run, say, since } from './support.mjs';

/** What of the checkout the user gets: what the demo and the tests read. */
const PARTS = [
  '.cache/demo',
  '.cache/runtimes',
  '.ci',
  'builds.yaml',
  'cli',
  'deno.json',
  'examples',
  'lib',
  'node_modules',
  'package-lock.json',
  'package.json',
  'schemas',
  'test',
  'tsconfig.json',
];

/** Programs that an engine without root takes from the machine. */
const NEEDED = [
  'newuidmap',
  'newgidmap',
  'nsenter',
  'rootlesskit',
  'setpriv',
  'useradd',
  'usermod',
  'userdel',
];

/** What is not here of what such a user takes; empty: nothing. */
export function lackingForUser() {
  if (process.platform !== 'linux' || process.getuid() !== 0) return ['root'];
  const dirs = (process.env.PATH ?? '').split(path.delimiter);
  return NEEDED.filter((name) => !dirs.some((dir) => existsSync(path.join(dir, name))));
}

/**
 * Makes the user.
 * @param {string} binDir the engine's programs
 * @returns {Promise<{ name: string, uid: number, gid: number, home: string, checkout: string, env: Record<string, string | undefined>, stop: () => Promise<void> }>}
 */
export async function makeUser(binDir) {
  const start = Date.now();
  const name = `bake-ts-${process.pid}`;
  const place = mkdtempSync(path.join(tmpdir(), 'bake-ts-user-'));
  const home = path.join(place, 'home');
  const checkout = path.join(place, 'checkout');
  let isMade = false;
  const stop = async () => {
    // Also what belongs to users of a namespace; root could remove that as well, but this is how the user does it.
    if (isMade) await run(['bake-ts', 'engine', 'rm', '--yes'], { ...as(user), cwd: '/' });
    await removeScratch(place);
    if (isMade) await run(['userdel', '--force', name]);
  };
  const user = { name, uid: 0, gid: 0, home, checkout, env: {}, stop };
  try {
    chmodSync(place, 0o755);
    await must(['useradd', '--no-create-home', '--home-dir', home, '--shell', '/bin/sh', name]);
    isMade = true;
    user.uid = Number((await must(['id', '-u', name])).stdout);
    user.gid = Number((await must(['id', '-g', name])).stdout);
    await ensureSubIds(name);
    await copyCheckout(checkout, user);
    layOutHome(home, binDir, checkout, user);
    user.env = environmentOf(user);
    await must(['bake-ts', 'engine', 'install', '--registry', '--from', 'path'], {
      ...as(user),
      show: 'failure',
    });
    say(`Made for the tests: user ${name}, with a checkout and an engine of their own (${since(start)})`);
    return user;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The Node that this user runs; another one may lie where only root can go. */
export function nodeOf({ checkout }) {
  return path.join(checkout, path.relative(root, node24));
}

/** How a program is run as this user. */
export function as(user) {
  return { cwd: user.checkout, uid: user.uid, gid: user.gid, env: user.env, onlyEnv: true };
}

async function ensureSubIds(name) {
  // Where adding users does not give them some by itself. Of nobody else's: the user is gone in some minutes.
  for (const [file, option] of [
    ['/etc/subuid', '--add-subuids'],
    ['/etc/subgid', '--add-subgids'],
  ]) {
    const { stdout } = await run(['grep', `^${name}:`, file], { show: 'never' });
    if (stdout === '') await must(['usermod', option, '1000000000-1000065535', name]);
  }
}

/** The files themselves are shared where that is possible: the user may read them, and cannot change them. */
async function copyCheckout(checkout, user) {
  mkdirSync(checkout);
  for (const part of PARTS) {
    const from = path.join(root, part);
    if (!existsSync(from)) continue;
    const to = path.join(checkout, part);
    mkdirSync(path.dirname(to), { recursive: true });
    const linked = await run(['cp', '-a', '--link', from, to], { show: 'never' });
    if (linked.code !== 0) {
      await run(['rm', '-rf', to], { show: 'never' });
      await must(['cp', '-a', from, to]);
    }
  }
  await must(['find', checkout, '-type', 'd', '-exec', 'chown', `${user.uid}:${user.gid}`, '{}', '+']);
}

function layOutHome(home, binDir, checkout, { uid, gid }) {
  const bin = path.join(home, 'bin');
  for (const dir of [home, bin, path.join(home, 'tmp')]) mkdirSync(dir, { recursive: true, mode: 0o755 });
  for (const name of readdirSync(binDir)) {
    // The engine's folder may lie where only root can go.
    cpSync(path.join(binDir, name), path.join(bin, name), { dereference: true });
  }
  writeFileSync(
    path.join(bin, 'bake-ts'),
    `#!/bin/sh\nexec ${nodeOf({ checkout })} ${checkout}/cli/main.ts "$@"\n`,
    {
      mode: 0o755,
    },
  );
  for (const dir of [home, bin, path.join(home, 'tmp')])
    if (lstatSync(dir).isDirectory()) chownSync(dir, uid, gid);
}

function environmentOf({ name, home }) {
  const proxies = Object.entries(process.env).filter(([key]) =>
    /^(https?|no)_proxy$|^GOPROXY$|^npm_config_/i.test(key),
  );
  return {
    ...Object.fromEntries(proxies),
    HOME: home,
    USER: name,
    LOGNAME: name,
    PATH: [path.join(home, 'bin'), process.env.PATH].join(path.delimiter),
    TMPDIR: path.join(home, 'tmp'),
    NO_COLOR: '1',
  };
}
