/**
 * An ordinary user for tests that run as root: created for one run, with a readable checkout and a separate engine, and
 * removed afterwards.
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

/** The parts of the checkout that the demo and the tests use. */
const PARTS = [
  '.cache/demo',
  '.cache/runtimes',
  '.ci',
  'builds.yaml',
  'cli',
  'deno.json',
  'docs',
  'examples',
  'lib',
  'node_modules',
  'package-lock.json',
  'package.json',
  'schemas',
  'test',
  'tsconfig.json',
];

/** Programs of the machine that an engine without root requires. */
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

/** What this machine lacks for such a user; empty: nothing. */
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
    // This also removes files of users in a namespace; root could do that, but this is how a user does it.
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

/** The Node for this user; another one may be where only root has access. */
export function nodeOf({ checkout }) {
  return path.join(checkout, path.relative(root, node24));
}

/** Options to run a program as this user. */
export function as(user) {
  return { cwd: user.checkout, uid: user.uid, gid: user.gid, env: user.env, onlyEnv: true };
}

async function ensureSubIds(name) {
  // For systems that do not assign ranges to new users. No other user has this range, and it is free again in some minutes.
  for (const [file, option] of [
    ['/etc/subuid', '--add-subuids'],
    ['/etc/subgid', '--add-subgids'],
  ]) {
    const { stdout } = await run(['grep', `^${name}:`, file], { show: 'never' });
    if (stdout === '') await must(['usermod', option, '1000000000-1000065535', name]);
  }
}

/** Hard-links files where possible: the user can read but not change them. */
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
    // The engine's directory may be accessible only to root.
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
