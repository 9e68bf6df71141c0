#!/usr/bin/env node
/**
 * What the installed command runs: loads the bundle that lies beside it, main.cjs and what that requires, with the machine
 * code of earlier runs. Node would read and compile most of the bundle anew each time, which takes longer than planning a file.
 * Node's own cache (`module.enableCompileCache`, 22.8 and newer) has no functions that are compiled later, and gains a third.
 *
 * The code lies in one file, `$XDG_CACHE_HOME/bake-ts/code-BUNDLE-NODE.bin` (`~/.cache`; `$BAKE_TS_HOME/cache`): an index of JSON in
 * HEADER bytes (`{ "plan-x.cjs": [offset, bytes, mtime] }`), behind it what V8 made. V8 refuses what another version of it or
 * other options made. What cannot be read or written is done without: nothing here may end a run. Never taken is a file that
 * others may write. NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const HEADER = 16_384;
/** What is older was made by a bake-ts or Node that is no longer here. */
const KEEP_MS = 30 * 24 * 3600 * 1000;
/**
 * Regular expressions of a file take long to compile at each start, too. It is one file without requires, and one version of it is
 * installed for a bundle.
 */
const KEPT_PACKAGE = 're2js';
const WRAPPER = '(function (exports, require, module, __filename, __dirname) { ';

// Nothing is left to wait for: what Node would do yet is to give back its memory, piece by piece, which takes it 9 ms.
process.once('beforeExit', () => process.exit());

const file = cacheFile(process.env);
if (file === undefined) require(path.join(__dirname, 'main.cjs'));
else loadWithCache(file);

/** Undefined: there is to be none. */
function cacheFile(env) {
  const isUnwanted = env.NODE_DISABLE_COMPILE_CACHE === '1' || env.NODE_V8_COVERAGE !== undefined;
  if (isUnwanted || process.versions.deno !== undefined || process.versions.bun !== undefined)
    return undefined;
  const base = [
    [env.BAKE_TS_HOME, 'cache'],
    [env.XDG_CACHE_HOME, 'bake-ts'],
    [process.platform === 'win32' ? env.USERPROFILE : env.HOME, '.cache/bake-ts'],
  ].find(([dir]) => dir !== undefined && path.isAbsolute(dir));
  const name = `code-__BUNDLE__-${process.version}-${process.arch}.bin`;
  return base === undefined ? undefined : path.join(...base, name);
}

function loadWithCache(file) {
  const cache = openCache(file);
  const modules = new Map();
  const made = new Map();
  let isComplete = true;

  // The bundle is ASCII.
  const load = (name, filename = path.join(__dirname, name), encoding = 'latin1') => {
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(name, module);
    const { mtimeMs } = fs.statSync(filename);
    const cachedData = cache?.read(name, mtimeMs);
    const script = new vm.Script(`${WRAPPER}${fs.readFileSync(filename, encoding)}\n})`, {
      filename,
      columnOffset: -WRAPPER.length,
      cachedData,
    });
    if (cachedData === undefined || script.cachedDataRejected) isComplete = false;
    made.set(name, { script, mtimeMs });
    script.runInThisContext()(module.exports, requireFrom, module, filename, __dirname);
    return module.exports;
  };
  const requireFrom = (id) => {
    if (id.startsWith('./') && id !== './import.cjs') return load(id.slice(2));
    // In a tenth of the time that Node's own way takes.
    if (id.endsWith('.json')) return JSON.parse(fs.readFileSync(path.join(__dirname, id), 'utf8'));
    return id === KEPT_PACKAGE ? load(id, require.resolve(id), 'utf8') : require(id);
  };

  process.on('exit', () => {
    if (!isComplete) saveCache(file, made, cache);
  });
  load('main.cjs');
}

/** The code of earlier runs; undefined: there is none, or others may write it. */
function openCache(file) {
  try {
    if (!isOurs(fs.lstatSync(path.dirname(file)))) return undefined;
    const handle = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0));
    const stat = fs.fstatSync(handle);
    if (!isOurs(stat) || !stat.isFile()) return undefined;
    const header = Buffer.allocUnsafe(HEADER);
    if (fs.readSync(handle, header, 0, HEADER, 0) < HEADER) return undefined;
    const index = new Map(Object.entries(JSON.parse(header.toString('latin1'))));
    const read = (name, mtimeMs) => {
      const [offset, bytes, mtime] = index.get(name) ?? [];
      if (bytes === undefined || mtime !== mtimeMs || offset + bytes > stat.size) return undefined;
      const data = Buffer.allocUnsafeSlow(bytes);
      return fs.readSync(handle, data, 0, bytes, offset) === bytes ? data : undefined;
    };
    return { index, read };
  } catch {
    return undefined;
  }
}

/** Windows has no owners that Node would tell. */
function isOurs({ uid, mode }) {
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
}

/** Writes the code of all that was loaded, beside what was there of other parts of the bundle. */
function saveCache(file, made, cache) {
  try {
    const dir = path.dirname(file);
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (!isOurs(fs.lstatSync(dir))) return;
    const entries = [...made].map(([name, { script, mtimeMs }]) => [
      name,
      script.createCachedData(),
      mtimeMs,
    ]);
    for (const [name, [, , mtimeMs]] of cache?.index ?? []) {
      const data = made.has(name) ? undefined : cache.read(name, mtimeMs);
      if (data !== undefined) entries.push([name, data, mtimeMs]);
    }
    const index = {};
    let end = HEADER;
    for (const [name, data, mtimeMs] of entries) {
      index[name] = [end, data.length, mtimeMs];
      end += data.length;
    }
    const header = JSON.stringify(index).padEnd(HEADER);
    if (header.length > HEADER) return;
    writeWhole(file, Buffer.concat([Buffer.from(header, 'latin1'), ...entries.map(([, data]) => data)]));
    removeOld(dir);
  } catch {
    // A full disk, a file system without writing: the next run compiles again.
  }
}

/** Whole or not at all: V8 trusts what it is given. */
function writeWhole(file, data) {
  const temporary = `${file}.${process.pid}`;
  try {
    const handle = fs.openSync(temporary, 'wx', 0o600);
    try {
      fs.writeFileSync(handle, data);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, file);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

function removeOld(dir) {
  for (const name of fs.readdirSync(dir)) {
    const one = path.join(dir, name);
    if (name.startsWith('code-') && fs.lstatSync(one).mtimeMs < Date.now() - KEEP_MS) fs.rmSync(one);
  }
}
