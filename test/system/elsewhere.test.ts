/**
 * What differs on macOS and Windows, as tables: the functions take the system as an argument. That the systems are as it is said here
 * is known from their documentation and from the source of Go, Node and BuildKit, not from such a machine.
 */
import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { groupOptions, treeKill } from '../../lib/system/end-program.ts';
import { isExactName, otherSpellings } from '../../lib/system/exact-name.ts';
import { findProgramNow, programCandidates } from '../../lib/system/find-program.ts';
import { homeOf, renameOver, renameOverSync, type System, variableName } from '../../lib/system/mod.ts';
import { startable } from '../../lib/system/run-program.ts';
import { withSlashes } from '../../lib/util/path.ts';
import { makeTempDir } from '../rig/temp.ts';

test('programs are looked for on PATH alone, on Windows by their endings', () => {
  const windows = { Path: 'C:\\Program Files\\Git\\cmd;.;tools;D:\\bin' };
  const rows: readonly (readonly [string, Readonly<Record<string, string>>, System, readonly string[]])[] = [
    ['git', { PATH: '/usr/bin:.::/bin' }, 'linux', ['/usr/bin/git', '/bin/git']],
    ['git', { PATH: '/opt/homebrew/bin' }, 'darwin', ['/opt/homebrew/bin/git']],
    ['git', {}, 'linux', []],
    ['./git', { PATH: '/bin' }, 'darwin', [path.resolve('git')]],
    [
      'git',
      windows,
      'win32',
      [
        'C:\\Program Files\\Git\\cmd\\git.exe',
        'C:\\Program Files\\Git\\cmd\\git.com',
        'D:\\bin\\git.exe',
        'D:\\bin\\git.com',
      ],
    ],
    ['Buildctl.EXE', { PATH: 'D:\\bin' }, 'win32', ['D:\\bin\\Buildctl.EXE']],
    [
      'docker-credential-v1.2',
      { PATH: 'D:\\bin' },
      'win32',
      ['D:\\bin\\docker-credential-v1.2.exe', 'D:\\bin\\docker-credential-v1.2.com'],
    ],
    ['C:\\b\\buildctl', windows, 'win32', ['C:\\b\\buildctl.exe', 'C:\\b\\buildctl.com']],
    ['C:/b/buildctl.exe', windows, 'win32', ['C:\\b\\buildctl.exe']],
    // Scripts need a shell.
    ['D:\\bin\\buildctl.cmd', windows, 'win32', ['D:\\bin\\buildctl.cmd.exe', 'D:\\bin\\buildctl.cmd.com']],
  ];
  for (const [name, env, system, expected] of rows) {
    const paths = system === 'win32' ? path.win32 : path.posix;
    assert.deepEqual(programCandidates(name, env, system, paths), expected, `${name} on ${system}`);
  }
});

test('on Windows a program of the working directory is never started', async (t) => {
  const [cwd, bin] = [await makeTempDir(t), await makeTempDir(t)];
  for (const dir of [cwd, bin]) await writeFile(path.join(dir, 'git.exe'), '');
  assert.equal(findProgramNow('git', { PATH: bin }, 'win32'), path.join(bin, 'git.exe'));
  assert.equal(startable({ program: 'git', env: { Path: bin } }, 'win32'), path.join(bin, 'git.exe'));
  assert.throws(() => startable({ program: 'git', env: { PATH: '.' } }, 'win32'), { code: 'ENOENT' });
  assert.throws(() => startable({ program: 'git', env: {} }, 'win32'), { code: 'ENOENT' });
  assert.equal(startable({ program: './git', env: {}, cwd }, 'win32'), path.join(cwd, 'git.exe'));
  // Elsewhere the system looks, which knows no working directory.
  assert.equal(startable({ program: 'git', env: {} }, 'darwin'), 'git');
});

test('programs are started and ended with all that they start', () => {
  assert.deepEqual(groupOptions('linux'), { detached: true, windowsHide: true });
  assert.deepEqual(groupOptions('darwin'), { detached: true, windowsHide: true });
  assert.deepEqual(groupOptions('win32'), { detached: false, windowsHide: true });
  const argv = ['/pid', '17', '/t', '/f'];
  assert.deepEqual(treeKill(17, { SystemRoot: 'D:\\WINNT' }), {
    program: 'D:\\WINNT\\System32\\taskkill.exe',
    argv,
  });
  assert.deepEqual(treeKill(17, {}), { program: 'C:\\Windows\\System32\\taskkill.exe', argv });
});

test('the home is the one that buildctl and docker go by', () => {
  const both = { HOME: '/c/Users/me', USERPROFILE: 'C:\\Users\\me' };
  assert.equal(homeOf(both, 'win32'), 'C:\\Users\\me');
  assert.equal(homeOf(both, 'darwin'), '/c/Users/me');
  assert.equal(homeOf({ HOME: '/h' }, 'win32'), '/h');
  assert.equal(homeOf({ HOME: '', USERPROFILE: '/u' }, 'linux'), '/u');
  assert.equal(homeOf({}, 'win32'), undefined);
});

test('variables are told apart as the system does', () => {
  assert.equal(variableName('Source_Date_Epoch', 'win32'), 'SOURCE_DATE_EPOCH');
  assert.equal(variableName('Source_Date_Epoch', 'darwin'), 'Source_Date_Epoch');
});

test('paths of Windows get slashes; elsewhere a backslash is a letter of a name', () => {
  assert.equal(withSlashes('a\\b\\c', path.win32.sep), 'a/b/c');
  assert.equal(withSlashes('C:\\x', path.win32.sep), 'C:/x');
  assert.equal(withSlashes('a\\b/c', path.posix.sep), 'a\\b/c');
});

test('a name is told from other spellings of it', async (t) => {
  assert.deepEqual(otherSpellings('Dockerfile.1'), ['dOCKERFILE.1']);
  assert.deepEqual(otherSpellings('1-2'), []);
  assert.deepEqual(otherSpellings('\u00e9'), ['\u00c9', 'e\u0301']);
  const dir = await makeTempDir(t);
  await mkdir(path.join(dir, 'Foo'));
  await mkdir(path.join(dir, 'foo'));
  // Both are there: whoever asks for one gets it.
  for (const system of ['linux', 'darwin', 'win32'] as const) {
    assert.equal(isExactName(dir, 'Foo', system), true);
    assert.equal(isExactName(dir, 'foo', system), true);
  }
  // As Windows finds it: by a name that the directory does not list.
  assert.equal(isExactName(dir, 'foo.', 'win32'), false);
});

test('a rename over a file that somebody has open is tried again, on Windows alone', async (t) => {
  const fault = (code: string) => Object.assign(new Error(code), { code });
  const failing = (codes: string[]) => () => {
    const code = codes.shift();
    if (code !== undefined) throw fault(code);
  };
  const asyncly = (codes: string[]) => {
    const fail = failing(codes);
    return async () => fail();
  };
  for (const code of ['EPERM', 'EACCES', 'EBUSY']) {
    await renameOver('a', 'b', { system: 'win32', rename: asyncly([code, code]) });
    renameOverSync('a', 'b', { system: 'win32', renameSync: failing([code, code]) });
    for (const system of ['linux', 'darwin'] as const) {
      await assert.rejects(renameOver('a', 'b', { system, rename: asyncly([code]) }), { code });
      assert.throws(() => renameOverSync('a', 'b', { system, renameSync: failing([code]) }), { code });
    }
  }
  const always = Array<string>(20).fill('EPERM');
  await assert.rejects(renameOver('a', 'b', { system: 'win32', rename: asyncly([...always]) }), {
    code: 'EPERM',
  });
  assert.throws(() => renameOverSync('a', 'b', { system: 'win32', renameSync: failing([...always]) }), {
    code: 'EPERM',
  });
  await assert.rejects(renameOver('a', 'b', { system: 'win32', rename: asyncly(['ENOSPC']) }), {
    code: 'ENOSPC',
  });

  const dir = await makeTempDir(t);
  for (const name of ['one', 'two', 'three']) await writeFile(path.join(dir, name), name);
  await renameOver(path.join(dir, 'one'), path.join(dir, 'two'));
  renameOverSync(path.join(dir, 'two'), path.join(dir, 'three'));
  assert.deepEqual(await readdir(dir), ['three']);
});
