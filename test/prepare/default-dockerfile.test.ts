/** Which file is read as the Dockerfile: the one that BuildKit's frontend reads. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const [UPPER, LOWER] = ['FROM scratch AS upper\n', 'FROM scratch AS lower\n'];

/** The text that is read, or the codes of what is wrong. */
async function readIn(cwd: string, more = ''): Promise<string> {
  const prepared = await prepareIn(cwd, more);
  const build = prepared.plan.set.builds.get('app');
  assert(build !== undefined);
  const codes = prepared.missing.map(({ code }) => code).join();
  return prepared.dockerfiles.sourceOf(build)?.text ?? codes;
}

async function prepareIn(cwd: string, more: string) {
  await writeTree(cwd, { 'builds.yaml': `builds:\n  app: { context: app${more} }\n` });
  const read = await readBuilds({ cwd, env: {} });
  assert(read.ok, JSON.stringify(read));
  const prepared = preparePlan(read.value.set, { patterns: [] }, cwd);
  assert(prepared.ok, JSON.stringify(prepared));
  return prepared.value;
}

async function makeApp(t: Cleanup): Promise<string> {
  const cwd = await makeTempDir(t, 'default-dockerfile-');
  await writeTree(cwd, { 'app/dockerfile': LOWER, '.git/HEAD': '', 'elsewhere/Dockerfile': UPPER });
  return cwd;
}

const NAMED = ', dockerfile: Dockerfile';

test('a context with a dockerfile only is built from it, whether Dockerfile is named or not', async (t) => {
  const cwd = await makeApp(t);
  for (const more of ['', NAMED, ', dockerfile: dockerfile']) assert.equal(await readIn(cwd, more), LOWER);
  assert.equal(await readIn(cwd, ', dockerfile: DockerFile'), 'dockerfile/missing');
  await writeTree(cwd, { 'app/sub/dockerfile': UPPER });
  assert.equal(await readIn(cwd, ', dockerfile: sub/Dockerfile'), UPPER);
  assert.equal(await readIn(cwd, ', dockerfile: ../elsewhere/dockerfile'), 'dockerfile/missing');
});

test('where the whole context is not there, that is said, and not that it has no Dockerfile', async (t) => {
  const cwd = await makeApp(t);
  await rm(path.join(cwd, 'app'), { recursive: true });
  assert.equal(await readIn(cwd), 'context/missing');
  assert.equal(await readIn(cwd, ', dockerfile: sub/Dockerfile'), 'context/missing');
  assert.equal(await readIn(cwd, ', dockerfile: ../gone'), 'dockerfile/missing');
});

test('Dockerfile goes first, be it a symlink inside the context', async (t) => {
  const cwd = await makeApp(t);
  const file = path.join(cwd, 'app/Dockerfile');
  await writeFile(file, UPPER);
  assert.equal(await readIn(cwd), UPPER);
  await rename(file, path.join(cwd, 'app/other'));
  await symlink('other', file);
  assert.equal(await readIn(cwd), UPPER);
});

test('one that the engine cannot read is none: a directory, a link to nothing or out of the context', async (t) => {
  const cwd = await makeApp(t);
  const file = path.join(cwd, 'app/Dockerfile');
  await mkdir(file);
  assert.equal(await readIn(cwd), LOWER);
  for (const target of ['nothing', '../elsewhere/Dockerfile', path.join(cwd, 'elsewhere/Dockerfile')]) {
    await rm(file, { recursive: true });
    await symlink(target, file);
    for (const more of ['', NAMED]) assert.equal(await readIn(cwd, more), LOWER, `${target}${more}`);
  }
});

test('symlinks are followed in the directory of the file, whatever its name, and no further', async (t) => {
  const cwd = await makeApp(t);
  const lower = path.join(cwd, 'app/dockerfile');
  await rename(lower, path.join(cwd, 'app/other'));
  // The engine takes the directory for the root.
  const absolute = path.join(cwd, 'elsewhere/Dockerfile');
  await writeTree(cwd, { [`app/${absolute}`]: LOWER });
  for (const target of ['other', absolute]) {
    await symlink(target, lower);
    for (const more of ['', NAMED, ', dockerfile: dockerfile'])
      assert.equal(await readIn(cwd, more), LOWER, `${target}${more}`);
    await rm(lower);
  }
  await symlink('../elsewhere/Dockerfile', lower);
  await symlink('../elsewhere/Dockerfile', path.join(cwd, 'app/recipe'));
  for (const more of ['', ', dockerfile: dockerfile', ', dockerfile: recipe'])
    assert.equal(await readIn(cwd, more), 'dockerfile/missing', more);
  const { missing } = await prepareIn(cwd, ', dockerfile: recipe');
  assert.match(`${missing[0]?.message}`, /symlink out of its directory/);
});

test('a Dockerfile that comes beside it after it was read is a touched one', async (t) => {
  const cwd = await makeApp(t);
  const { plan, dockerfiles } = await prepareIn(cwd, '');
  const build = plan.set.builds.get('app');
  assert(build !== undefined);
  assert.equal(dockerfiles.isUntouched(build), true);
  const file = path.join(cwd, 'app/Dockerfile');
  await writeFile(file, LOWER);
  assert.equal(dockerfiles.isUntouched(build), false);
  await rm(file);
  assert.equal(dockerfiles.isUntouched(build), true);
  await writeFile(path.join(cwd, 'app/dockerfile'), LOWER);
  assert.equal(dockerfiles.isUntouched(build), false);
});
