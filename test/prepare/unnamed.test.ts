/** Builds that are to be pushed without a name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import { formatPlace } from '../../lib/model/mod.ts';
import { findUnnamed, preparePlan } from '../../lib/prepare/mod.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

interface Asked {
  readonly builds?: readonly string[];
  readonly overrides?: readonly string[];
}

/** `SEVERITY PLACE MESSAGE | HINT` of each. */
async function unnamedIn(t: Cleanup, yaml: string, { builds = [], overrides = [] }: Asked = {}) {
  const cwd = await makeTempDir(t, 'unnamed-');
  await writeTree(cwd, { 'builds.yaml': yaml, Dockerfile: 'FROM scratch\n' });
  const read = await readBuilds({ cwd, env: {}, overrides });
  assert(read.ok, JSON.stringify(read));
  const prepared = preparePlan(read.value.set, { patterns: builds }, cwd);
  assert(prepared.ok, JSON.stringify(prepared));
  return findUnnamed(prepared.value.plan).map((one) => {
    assert.equal(one.code, 'plan/push-without-tags');
    return `${one.severity} ${one.span === undefined ? '-' : formatPlace(one.span)} ${one.message}`;
  });
}

test('a build that a file says is pushed needs a tag, where it would be pushed', async (t) => {
  for (const [push, builds, expected] of [
    ['true', ['app'], 1],
    ['true', ['other'], 0],
    ['always', ['other'], 1],
    ['false', ['app'], 0],
  ] as const) {
    const yaml = `builds:\n  app: { push: ${push} }\n  other: { contexts: { app: "build:app" }, needs: [app] }\n`;
    assert.deepEqual(
      await unnamedIn(t, yaml, { builds }),
      expected === 0 ? [] : ['error builds.yaml:2:16 `app` would be pushed, but has no `tags`'],
      `${push} ${builds}`,
    );
  }
});

test('what a template says of several builds is said once', async (t) => {
  const yaml =
    'templates: { image: { push: true } }\nbuilds: { a: { extends: image }, b: { extends: image }, c: { extends: image, tags: [x] } }\n';
  assert.deepEqual(await unnamedIn(t, yaml), [
    'error builds.yaml:1:29 `a` and `b` would be pushed, but have no `tags`',
  ]);
});

test('tags that are written and came out empty, and names of outputs, are no mistake', async (t) => {
  const yaml = `vars: { RELEASE: "" }
templates: { image: { push: true, tags: ["r.example/\${{ build.name }}:1"] } }
builds:
  a: { push: true, tags: ["\${{ vars.RELEASE }}"] }
  b: { extends: image, tags: [] }
  c: { push: true, outputs: ["type=image,name=r.example/c,push=true"] }
`;
  assert.deepEqual(await unnamedIn(t, yaml), []);
});

test('an option for all builds is no error, and says nothing of what only others read', async (t) => {
  const yaml =
    'builds:\n  helper: {}\n  app: { contexts: { helper: "build:helper" }, needs: [helper], tags: [x] }\n  lone: {}\n';
  assert.deepEqual(await unnamedIn(t, yaml, { overrides: ['*.push=true'] }), [
    'warning --set:1:1 `lone` would be pushed, but has no `tags`',
  ]);
  assert.deepEqual(await unnamedIn(t, yaml, { overrides: ['*.push=false'] }), []);
});
