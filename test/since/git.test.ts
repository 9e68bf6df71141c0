import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { changedFiles, openGitState, spellingsOnDisk } from '../../lib/since/git.ts';
import { runCommand } from '../rig/command.ts';
import { makeTree } from '../rig/temp.ts';

test('a file that git names may be spelled otherwise on macOS', () => {
  const [composed, apart] = ['\u00e9.txt', 'e\u0301.txt'];
  assert.deepEqual(spellingsOnDisk(composed, 'darwin'), [composed, apart]);
  assert.deepEqual(spellingsOnDisk(apart, 'darwin'), [apart, composed]);
  assert.deepEqual(spellingsOnDisk('a.txt', 'darwin'), ['a.txt']);
  assert.deepEqual(spellingsOnDisk(composed, 'linux'), [composed]);
});

test('a file that is only spelled otherwise now has changed, where git takes no account of case, too', async (t) => {
  const cwd = await makeTree(t, { 'Readme.md': 'r', other: 'o' });
  const env = { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  const git = async (...argv: readonly string[]) =>
    assert.equal(
      (await runCommand(['git', '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...argv], { cwd, env }))
        .exitCode,
      0,
    );
  await git('init', '-q');
  await git('add', '-A');
  await git('commit', '-qm', 'one');
  // As `git init` sets it on macOS and Windows.
  await git('config', 'core.ignoreCase', 'true');
  await rename(path.join(cwd, 'Readme.md'), path.join(cwd, 'README.md'));
  await writeFile(path.join(cwd, 'other'), 'changed');
  const state = await openGitState(cwd, env, 'HEAD');
  assert(state.ok);
  const changed = await changedFiles(state.value, env);
  assert(changed.ok);
  assert.deepEqual(
    changed.value.map((one) => path.relative(cwd, one)),
    ['README.md', 'Readme.md', 'other'],
  );
});
