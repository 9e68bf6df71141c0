/** What `explain` says, and that it changes nothing. */
import assert from 'node:assert/strict';
import { chmod, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { readBuilds } from '../../lib/config/mod.ts';
import { type Explanation, explainBuilds } from '../../lib/inspect/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { assertOk, makeWorkspace, type Workspace } from '../e2e/support.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { repoPath } from '../rig/paths.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

const schema = JSON.parse(await readFile(repoPath('schemas/explain.schema.json'), 'utf8')) as object;
const isValid = new Ajv2020({ allErrors: true }).compile(schema);

/** Explains builds of a directory by name; the JSON form is checked against the schema each time. */
async function explain(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  builds: readonly string[] = [],
): Promise<Readonly<Record<string, Explanation>>> {
  const read = await readBuilds({ cwd, env });
  assert.ok(read.ok, JSON.stringify(read));
  const prepared = preparePlan(read.value.set, { patterns: builds }, cwd);
  assert.ok(prepared.ok);
  const { plan, dockerfiles } = prepared.value;
  const report = await explainBuilds({ plan, dockerfiles, env, hostArchitecture: 'amd64' });
  const json = JSON.parse(JSON.stringify({ version: 1, builds: report.builds })) as object;
  assert.ok(isValid(json), JSON.stringify(isValid.errors));
  return Object.fromEntries(report.builds.map((one) => [one.build, one]));
}

function only(explained: Readonly<Record<string, Explanation>>, build: string): Explanation {
  const found = explained[build];
  assert.ok(found !== undefined, build);
  return found;
}

async function explainText(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  ...argv: string[]
) {
  const io = createFakeIo(['explain', ...argv], { cwd, env });
  const code = await runCli(io);
  return { code, out: io.out(), err: io.err() };
}

/** A repository without anything to build with, and surroundings of its own. */
async function makeRepository(
  t: Parameters<typeof makeTempDir>[0],
  tree: Readonly<Record<string, TreeEntry>>,
) {
  const cwd = await makeTempDir(t);
  const home = await makeTempDir(t);
  await writeTree(cwd, tree);
  const env = { HOME: home, BAKE_TS_HOME: home, PATH: process.env['PATH'] };
  return { cwd, env };
}

test('what was never built is shown with all that counts, and no secret', async (t) => {
  const { cwd, env } = await makeRepository(t, {
    'builds.yaml': `vars:
  PW: { default: hunter22, sensitive: true }
builds:
  base: { context: base }
  api:
    context: api
    contexts: { base: "build:base", more: shared }
    target: prod
    platforms: [linux/amd64, linux/arm64]
    args:
      MODE: fast
      TOKEN: tell-nobody
      NOTE: "is \${{ vars.PW }}"
      UNUSED: x
    labels: { team: one }
`,
    'base/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'api/Dockerfile':
      'FROM base AS prod\nARG MODE\nARG TOKEN\nARG NOTE\nCOPY src /\nCOPY --from=more . /more\nFROM scratch\n',
    'api/src/a': '12345',
    'api/src/b': '678',
    'api/not-read': 'x',
    'shared/c': '',
  });
  const explained = await explain(cwd, env, ['api']);
  const { differences, inputs, decision, reason, role, ...api } = only(explained, 'api');
  assert.deepEqual([decision, reason?.code, role], ['build', 'first-build', 'asked']);
  assert.deepEqual(differences, { known: false, items: [], total: 0 });
  assert.deepEqual(inputs, {
    dockerfile: 'api/Dockerfile',
    target: 'prod',
    platforms: ['linux/amd64', 'linux/arm64'],
    args: [
      { name: 'MODE', value: 'fast' },
      { name: 'NOTE', hidden: true },
      { name: 'TOKEN', hidden: true },
    ],
    contexts: [
      { name: 'context', source: 'api', files: 2, bytes: 8 },
      { name: 'more', source: 'shared', files: 1, bytes: 0 },
    ],
    images: [],
    parents: [{ name: 'base', build: 'base' }],
    options: [{ name: 'label team', value: 'one' }],
  });
  assert.deepEqual([api.untracked, api.tags, api.last, api.key], [[], [], undefined, undefined]);
  assert.equal(only(explained, 'base').role, 'needed');
  const text = await explainText(cwd, env, 'api');
  assert.equal(text.code, EXIT.ok);
  assert.match(text.out, /^api will be built: not built here before$/m);
  assert.match(text.out, /^ {4}context more +shared: 1 file, 0 B$/m);
  assert.match(text.out, /^ {2}base will be built: /m);
  const json = await explainText(cwd, env, 'api', '--json');
  assert.ok(!/hunter22|tell-nobody/.test(`${text.out}${text.err}${json.out}${json.err}`));
});

test('everything that is not known is shown with what would make it known', async (t) => {
  const { cwd, env } = await makeRepository(t, {
    'builds.yaml': `builds:
  add: { dockerfile-inline: "FROM scratch\\nADD https://example.invalid/x /x\\n", context: . }
  git: { dockerfile-inline: "FROM scratch\\nCOPY --from=repo . /\\n", context: ., contexts: { repo: "https://example.invalid/r.git#main" } }
  remote: { context: "https://example.invalid/r.git#main" }
  front: { dockerfile-inline: "# syntax=127.0.0.1:1/other/frontend:1\\nFROM x\\n", context: . }
  base: { dockerfile-inline: "FROM 127.0.0.1:1/no/image:1\\n", context: . }
  flag: { dockerfile-inline: "FROM scratch\\nCOPY --novelty=1 a /\\n", context: . }
`,
    a: '',
  });
  const explained = await explain(cwd, env);
  for (const build of ['add', 'git', 'remote', 'front', 'base', 'flag']) {
    const { decision, reason, untracked } = only(explained, build);
    assert.deepEqual([decision, reason?.code], ['build', 'untracked'], build);
    assert.ok(untracked.length > 0, build);
    for (const { what, remedy } of untracked) assert.ok(remedy !== undefined, `${build}: ${what}`);
  }
  assert.match(only(explained, 'add').untracked[0]?.remedy ?? '', /--checksum/);
  assert.match(only(explained, 'git').untracked[0]?.remedy ?? '', /full commit/);
  const { out } = await explainText(cwd, env, 'add');
  assert.match(out, /Not known, so it is built each time\n {4}ADD https.*\n {4}→ Add --checksum/);
});

test('what cannot be built is shown with the problem, and so is what is based on it', async (t) => {
  const { cwd, env } = await makeRepository(t, {
    'builds.yaml': `builds:
  base: { context: gone, dockerfile-inline: "FROM scratch\\nCOPY . /\\n" }
  api: { context: ., contexts: { base: "build:base" }, dockerfile-inline: "FROM base\\n" }
  other: { context: ., dockerfile-inline: "FROM scratch\\nLABEL a=b\\n" }
  layout: { context: ., contexts: { there: "oci-layout://out:1" }, dockerfile-inline: "FROM there\\n" }
`,
  });
  const explained = await explain(cwd, env);
  assert.deepEqual(
    Object.values(explained).map((one) => [one.build, one.decision, one.problem?.code, one.blockedBy]),
    [
      ['base', 'impossible', 'context/missing', undefined],
      ['api', 'impossible', undefined, 'base'],
      ['other', 'build', undefined, undefined],
      ['layout', 'impossible', 'context/layout', undefined],
    ],
  );
  const { code, out, err } = await explainText(cwd, env);
  assert.equal(code, EXIT.invalid);
  assert.match(out, /^api cannot be built: it depends on base, which cannot be built$/m);
  assert.match(out, /^1 to build, 3 that cannot be built$/m);
  assert.match(err, /context\/missing/);
});

function builds(host: string, mode: string): string {
  return `builds:
  base: { context: base, tags: ["${host}/ex/base:1"], push: true }
  api:
    context: api
    contexts: { base: "build:base" }
    args: { MODE: ${mode} }
    tags: ["${host}/ex/api:1", "${host}/ex/api:latest"]
    push: true
`;
}

async function makeBuilt(
  t: Parameters<typeof makeWorkspace>[0],
): Promise<Workspace & { readonly host: string }> {
  const { host } = await startTestRegistry(t);
  const workspace = await makeWorkspace(t, {
    'builds.yaml': builds(host, 'a'),
    'base/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'base/f': '1',
    'api/Dockerfile': 'FROM base\nARG MODE\nCOPY src /\n',
    ...Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`api/src/${at}`, `${at}`])),
  });
  assertOk(await workspace.bake());
  await workspace.buildctl.reset();
  return { ...workspace, host };
}

test('after a run nothing differs; then each change is shown, and nothing was done', {
  skip: realEngine.skip,
}, async (t) => {
  const workspace = await makeBuilt(t);
  const { dir, env, host } = workspace;
  const look = () => explain(dir, env, ['api']);

  await t.test('all is in place', async () => {
    const api = only(await look(), 'api');
    assert.equal(api.decision, 'unchanged');
    assert.deepEqual(api.differences, { known: true, items: [], total: 0 });
    assert.deepEqual(
      api.tags.map((tag) => [tag.ref, tag.state, tag.digest]),
      [
        [`${host}/ex/api:1`, 'right', api.last?.digest],
        [`${host}/ex/api:latest`, 'right', api.last?.digest],
      ],
    );
    assert.equal(api.last?.sameInputs, true);
    assert.match(api.inputs?.parents[0]?.digest ?? '', /^sha256:/);
    assert.match(api.key ?? '', /^[0-9a-f]{64}$/);
  });

  await t.test('an argument, a mode, a file that went and one that came', async () => {
    await workspace.write({ 'builds.yaml': builds(host, 'b'), 'api/src/new': '' });
    await chmod(path.join(dir, 'api/src/1'), 0o755);
    await rm(path.join(dir, 'api/src/2'));
    const api = only(await look(), 'api');
    assert.deepEqual([api.decision, api.reason?.code], ['build', 'changed']);
    assert.deepEqual(api.differences.items, [
      'arg MODE: "a" → "b"',
      'context: mode of src/1 644 → 755',
      'context: src/2 removed',
      'context: src/new added',
    ]);
    assert.equal(api.reason?.text, 'arg MODE: "a" → "b", and 3 more');
    assert.deepEqual(
      api.tags.map((tag) => tag.state),
      ['there', 'there'],
    );
    assert.equal(api.last?.sameInputs, false);
    const { out } = await explainText(dir, env, 'api');
    assert.match(out, /Changed since its last success here\n {4}arg MODE: "a" → "b"\n/);
  });

  await t.test('a change below alone: it depends on what comes out', async () => {
    await workspace.write({ 'builds.yaml': builds(host, 'a'), 'api/src/2': '2', 'base/f': '2' });
    await chmod(path.join(dir, 'api/src/1'), 0o644);
    await rm(path.join(dir, 'api/src/new'));
    const explained = await look();
    assert.deepEqual(only(explained, 'base').differences.items, ['context: f changed']);
    const api = only(explained, 'api');
    assert.deepEqual([api.decision, api.reason?.items], ['depends', ['base']]);
    const dry = await workspace.bake({ dryRun: true });
    assert.deepEqual(dry.outcome('api').reason, api.reason, 'a dry run says the same');
    assert.deepEqual(dry.outcome('base').reason?.text, only(explained, 'base').reason?.text);
    assert.deepEqual([api.untracked, api.differences.items], [[], []]);
    assert.deepEqual(api.inputs?.parents, [{ name: 'base', build: 'base' }]);
  });

  await t.test('of more than 200 changes the first 200, and how many there are', async () => {
    const changed = Array.from({ length: 250 }, (_, at) => [`api/src/${at}`, 'changed'] as const);
    await workspace.write({ 'base/f': '1', ...Object.fromEntries(changed) });
    const api = only(await look(), 'api');
    assert.deepEqual([api.differences.items.length, api.differences.total], [200, 250]);
    assert.match((await explainText(dir, env, 'api')).out, /\n {4}and 50 more\n/);
  });

  assert.deepEqual(await workspace.buildctl.builds(), []);
});

test('tags that went or moved are shown; an earlier state of the files finds its result again', {
  skip: realEngine.skip,
}, async (t) => {
  const workspace = await makeBuilt(t);
  const { dir, env, host } = workspace;
  await workspace.write({ 'builds.yaml': builds(host, 'a').replace('latest', 'newest') });
  const missing = only(await explain(dir, env, ['api']), 'api');
  assert.deepEqual([missing.decision, missing.reason?.code], ['retag', 'tags-missing']);
  assert.deepEqual(
    missing.tags.map((tag) => tag.state),
    ['right', 'missing'],
  );
  const before = missing.last?.digest;
  await workspace.write({ 'builds.yaml': builds(host, 'b') });
  assertOk(await workspace.bake());
  await workspace.write({ 'builds.yaml': builds(host, 'a') });
  const back = only(await explain(dir, env, ['api']), 'api');
  assert.deepEqual([back.decision, back.reason?.code], ['retag', 'tags-moved']);
  assert.deepEqual(back.differences.items, ['arg MODE: "b" → "a"']);
  assert.deepEqual(
    back.tags.map((tag) => tag.state),
    ['other', 'other'],
  );
  assert.deepEqual([back.last?.digest, back.last?.sameInputs], [before, true]);
  assert.match(
    (await explainText(dir, env, 'api')).out,
    /but it was built before from the inputs as they are now/,
  );
});
