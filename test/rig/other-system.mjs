/**
 * Makes a process of Node take its system for another one, before anything else is loaded (`--import`): BAKE_TS_TEST_SYSTEM is `darwin`
 * or `win32`. What only Linux has is written down in the file BAKE_TS_TEST_NOTES and fails; so does, as `win32`, what Windows has not.
 *
 * Below the directory BAKE_TS_TEST_ROOT names are found whatever their case, as on both systems; as `win32` modes say no more than
 * "read-only", and files have no owner. Paths, `node:path` with them, stay those of this machine, and so does all that the system does
 * by itself: this shows what bake-ts asks of a system, not what a real one answers.
 */
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

const { BAKE_TS_TEST_SYSTEM: system, BAKE_TS_TEST_NOTES: notes, BAKE_TS_TEST_ROOT: root } = process.env;
const isWindows = system === 'win32';
const { appendFileSync, existsSync, readdirSync } = fs;

/** @returns {never} */
function refuse(what) {
  const stack = new Error().stack ?? '';
  const from = stack.split('\n').filter((line) => /\/(?:lib|cli|dist)\//.test(line));
  appendFileSync(notes, `${what}${from.slice(0, 3).join('')}\n`);
  throw Object.assign(new Error(`${what}: not on ${system}`), { code: 'ENOSYS' });
}

Object.defineProperty(process, 'platform', { value: system });
os.platform = () => system;
if (isWindows) {
  for (const name of ['getuid', 'geteuid', 'getgid', 'getegid', 'getgroups', 'setuid', 'setgid'])
    Object.defineProperty(process, name, { value: undefined });
}

const LINUX_ONLY = isWindows ? /^\/(?:proc|sys|run|etc|var|dev)(?:\/|$)/ : /^\/(?:proc|sys|run)(?:\/|$)/;

function textOf(file) {
  return typeof file === 'string'
    ? file
    : file instanceof URL && file.protocol === 'file:'
      ? file.pathname
      : undefined;
}

/** The path as the directories on the way call it, where it is only spelled in other letters' case. */
function asCalled(file) {
  if (typeof file !== 'string' || !path.resolve(file).startsWith(`${root}/`) || existsSync(file)) return file;
  let at = root;
  for (const part of path.relative(root, path.resolve(file)).split('/')) {
    let names = [];
    try {
      names = readdirSync(at);
    } catch {
      // Nothing is there.
    }
    const same = names.find((name) => name.toLowerCase() === part.toLowerCase());
    at = path.join(at, names.includes(part) ? part : (same ?? part));
  }
  return at;
}

/** What Windows tells of a file. */
function withoutRights(stats) {
  if (!isWindows || stats === undefined || stats === null) return stats;
  const mode = Number(stats.mode);
  const shown = (mode & 0o170000) | ((mode & 0o200) === 0 ? 0o444 : 0o666);
  const big = typeof stats.mode === 'bigint';
  stats.mode = big ? BigInt(shown) : shown;
  stats.uid = big ? 0n : 0;
  stats.gid = stats.uid;
  return stats;
}

const BY_PATH =
  /^(?:access|appendFile|chmod|copyFile|cp|exists|lstat|lutimes|mkdir|mkdtemp|open|opendir|readdir|readFile|readlink|realpath|rename|rm|rmdir|stat|statfs|symlink|truncate|unlink|utimes|writeFile|watch|createReadStream|createWriteStream|link)(?:Sync)?$/;
const LOOKS =
  /^(?:access|exists|lstat|open|opendir|readdir|readFile|readlink|realpath|stat|statfs)(?:Sync)?$/;

function wrap(holder, name) {
  const own = holder[name];
  const isStat = /^f?l?stat(?:Sync)?$/.test(name);
  const byPath = BY_PATH.test(name);
  const wrapped = function (first, ...rest) {
    const text = byPath ? textOf(first) : undefined;
    if (text !== undefined && LINUX_ONLY.test(path.resolve(text))) refuse(`${name} ${text}`);
    const file = LOOKS.test(name) ? asCalled(first) : first;
    const last = rest.at(-1);
    if (isStat && typeof last === 'function')
      return own.call(this, file, ...rest.slice(0, -1), (error, stats) => last(error, withoutRights(stats)));
    const result = own.call(this, file, ...rest);
    if (!isStat) return result;
    return typeof result?.then === 'function' ? result.then(withoutRights) : withoutRights(result);
  };
  holder[name] = Object.assign(wrapped, own);
}

for (const holder of [fs, fs.promises])
  for (const name of Object.keys(holder))
    if (typeof holder[name] === 'function' && (BY_PATH.test(name) || /^fstat(?:Sync)?$/.test(name)))
      wrap(holder, name);

for (const name of ['spawn', 'spawnSync', 'execFile', 'execFileSync']) {
  const own = childProcess[name];
  childProcess[name] = (program, argv, options) => {
    if (isWindows) {
      if (!/\.(?:exe|com)$/.test(program) || !path.isAbsolute(program) === !/^[A-Z]:\\/.test(program))
        refuse(`${name} ${program}: found in the working directory`);
      if (options?.detached === true) refuse(`${name} ${program}: detached opens a console`);
      if (options?.windowsHide !== true) refuse(`${name} ${program}: opens a console`);
    }
    if (options?.shell) refuse(`${name} ${program}: a shell`);
    // They are programs of this machine.
    const env = { ...(options?.env ?? process.env) };
    for (const one of Object.keys(env))
      if (one.startsWith('BAKE_TS_TEST_') || one === 'NODE_OPTIONS') delete env[one];
    return own(program, argv, { ...options, env });
  };
}

const kill = process.kill.bind(process);
process.kill = (pid, signal) => {
  if (isWindows && pid < 0) refuse(`kill ${pid}: no groups`);
  if (isWindows && ![undefined, 0, 'SIGTERM', 'SIGKILL', 'SIGINT'].includes(signal)) refuse(`kill ${signal}`);
  return kill(pid, signal);
};

for (const name of ['connect', 'createConnection']) {
  const own = net[name];
  net[name] = (target, ...rest) => {
    if (isWindows && typeof target?.path === 'string') refuse(`connect ${target.path}: no unix sockets`);
    return own(target, ...rest);
  };
}

syncBuiltinESMExports();
