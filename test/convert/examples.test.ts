import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { printBuilds, readBuilds } from '../../lib/config/mod.ts';
import { describePlan } from '../../lib/plan/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { assertGolden } from '../rig/golden.ts';
import { repoPath } from '../rig/paths.ts';
import { compareWithBake } from './compare.ts';

/** Example → the file of the corpus that it is written after. */
const EXAMPLES: Readonly<Record<string, string>> = {
  autoware: 'autoware.json',
  jenkins: 'jenkins-lts.json',
  optimism: 'optimism.json',
  pytorch: 'runpod-pytorch.json',
  vaultwarden: 'vaultwarden.json',
  velocirust: 'velocirust.json',
};

const corpus = process.env['BAKE_TS_CORPUS'];

test('every example of builds but the shop is one of these, and the README names it', () => {
  const folders = readdirSync(repoPath('examples'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['shop', 'scripts'].includes(entry.name))
    .map(({ name }) => name);
  assert.deepEqual(folders.sort(), Object.keys(EXAMPLES));
  const readme = readFileSync(repoPath('examples/README.md'), 'utf8');
  for (const name of folders) assert.ok(readme.includes(`[${name}](${name}/builds.yaml)`), name);
});

for (const [name, origin] of Object.entries(EXAMPLES)) {
  const dir = repoPath(`examples/${name}`);

  test(`the example ${name} gives the builds it is meant to give, and they can be planned`, async () => {
    const read = await readBuilds({ cwd: dir, env: {} });
    if (!read.ok) assert.fail(read.error.map(({ code, message }) => `${code}: ${message}`).join('\n'));
    const { set, warnings } = read.value;
    assert.deepEqual(warnings, []);
    assertGolden(`${JSON.stringify(printBuilds(set), undefined, 2)}\n`, `../examples/${name}/expected.json`);
    const plan = preparePlan(set, { patterns: [...set.builds.keys()] }, dir);
    if (!plan.ok) assert.fail(plan.error.map(({ code, message }) => `${code}: ${message}`).join('\n'));
    assert.equal(describePlan(plan.value.plan).builds.length, set.builds.size);
  });

  test(`the example ${name} means what bake prints of the repository`, {
    skip: corpus === undefined ? 'BAKE_TS_CORPUS names no directory of bake --print files' : false,
  }, async (t) => {
    const file = path.join(corpus ?? '', origin);
    if (!existsSync(file)) {
      t.skip(`there is no ${origin} in it`);
      return;
    }
    const result = await compareWithBake({
      bake: readFileSync(file, 'utf8'),
      fileName: origin,
      cwd: dir,
      builds: { path: path.join(dir, 'builds.yaml') },
    });
    assert.deepEqual(result.differences, []);
  });
}
