/** Named contexts that are builds and that nothing reads: no edge, no build; what cannot be told stays an edge. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import type { Plan } from '../../lib/model/mod.ts';
import { describePlan } from '../../lib/plan/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

/** Plans `app`, which names the build `lib` as a context. */
async function planApp(
  t: Cleanup,
  dockerfile: string,
  { more = '', contextName = 'lib', contexts = '', others = '' } = {},
): Promise<Plan> {
  const cwd = await makeTempDir(t, 'unused-');
  await writeTree(cwd, {
    'builds.yaml': `builds:
  lib: { context: ., dockerfile-inline: "FROM scratch\\n" }
${others}  app: { context: ., contexts: { "${contextName}": "build:lib"${contexts} }${more} }
`,
    Dockerfile: dockerfile,
  });
  const read = await readBuilds({ cwd, env: {} });
  assert(read.ok);
  const prepared = preparePlan(read.value.set, { patterns: ['app'] }, cwd);
  assert(prepared.ok, JSON.stringify(prepared));
  return prepared.value.plan;
}

const edgesOf = (plan: Plan) =>
  plan.nodes.get('app')?.edges.map(({ to, reason, contextName }) => [to, reason, contextName]);
const LINKED = [['lib', 'context', 'lib']];

test('a named context that no stage reads is no edge, and its build is not in the plan', async (t) => {
  const plan = await planApp(t, 'FROM alpine\nCOPY . /\n');
  assert.deepEqual([...plan.nodes.keys()], ['app']);
  const unused = plan.nodes.get('app')?.unusedContexts;
  assert.deepEqual(
    unused?.map(({ contextName, to, span }) => [contextName, to, span?.source.path]),
    [['lib', 'lib', 'builds.yaml']],
  );
  const [app] = describePlan(plan).builds;
  assert.deepEqual([app?.['unused-contexts'], app?.contexts], [{ lib: 'lib' }, { lib: 'build:lib' }]);
});

test('only stages that the target needs count', async (t) => {
  const dockerfile = 'FROM alpine AS one\nFROM lib AS two\nRUN --mount=from=lib true\n';
  const one = await planApp(t, dockerfile, { more: ', target: one' });
  assert.deepEqual([...one.nodes.keys()], ['app']);
  const two = await planApp(t, dockerfile, { more: ', target: two' });
  assert.deepEqual(edgesOf(two), LINKED);
});

const STAYS: readonly (readonly [what: string, dockerfile: string, options?: object])[] = [
  ['FROM reads it', 'FROM lib\n'],
  ['COPY reads it', 'FROM alpine\nCOPY --from=lib /a /a\n'],
  ['a mount reads it', 'FROM alpine\nRUN --mount=type=bind,from=lib true\n'],
  ['it stands for a stage', 'FROM alpine AS lib\nFROM lib\n'],
  ['a base depends on the platform, which nobody knows', 'FROM base-$TARGETARCH\n'],
  ['another frontend decides', '# syntax=example.com/frontend\nFROM alpine\n'],
  [
    'an epoch may be taken from it',
    'FROM alpine\n',
    { more: ', args: { SOURCE_DATE_EPOCH: "context:lib" }' },
  ],
];
for (const [what, dockerfile, options] of STAYS) {
  test(`a named context stays an edge where ${what}`, async (t) => {
    assert.deepEqual(edgesOf(await planApp(t, dockerfile, options)), LINKED);
  });
}

test('a named context for one platform stays an edge, since the platform may be the engine’s', async (t) => {
  const plan = await planApp(t, 'FROM alpine\n', { contextName: 'alpine::linux/amd64' });
  assert.deepEqual(edgesOf(plan), [['lib', 'context', 'alpine::linux/amd64']]);
});

test('`needs:` stays an edge, and gives the context back', async (t) => {
  const plan = await planApp(t, 'FROM alpine\n', { more: ', needs: [lib]' });
  assert.deepEqual(edgesOf(plan), [...LINKED, ['lib', 'needs', undefined]]);
  assert.deepEqual(plan.nodes.get('app')?.unusedContexts, []);
});

test('a trigger of a base that is built here may read it', async (t) => {
  const base = (trigger: string) => ({
    others: `  base: { context: ., dockerfile-inline: "FROM alpine\\nONBUILD ${trigger}\\n", tags: ["example.com/base:1"] }\n`,
  });
  for (const from of ['base', 'example.com/base:1']) {
    const reading = await planApp(t, `FROM ${from}\n`, base('COPY --from=lib /a /a'));
    assert.deepEqual(edgesOf(reading), [...LINKED, ['base', 'from', from]]);
    const other = await planApp(t, `FROM ${from}\n`, base('COPY a /a'));
    assert.deepEqual(edgesOf(other), [['base', 'from', from]]);
  }
});

/** A build `base` of these lines. */
const withBase = (...lines: readonly string[]) => ({
  others: `  base: { context: ., dockerfile-inline: "${lines.join('\\n')}\\n" }\n`,
});
const READS = 'ONBUILD COPY --from=lib /a /a';
const NAMED = { ...withBase('FROM alpine', READS), contexts: ', named: "build:base"' };
const MAY_READ: readonly (readonly [what: string, dockerfile: string, options: object, stays: boolean])[] = [
  ['a base that is a named context has a trigger that may', 'FROM named\n', NAMED, true],
  [
    'files of a named context are copied, whose triggers do not run',
    'FROM alpine\nCOPY --from=named /a /a\n',
    NAMED,
    false,
  ],
  [
    'files of an image are copied, whose triggers do not run',
    'FROM alpine\nCOPY --from=base /a /a\n',
    withBase('FROM alpine', READS),
    false,
  ],
  [
    'one of two bases has a trigger that may',
    'FROM alpine AS one\nFROM base\nCOPY --from=one /a /a\n',
    withBase('FROM alpine', READS),
    true,
  ],
  ['one of two triggers may', 'FROM base\n', withBase('FROM alpine', 'ONBUILD RUN true', READS), true],
  [
    'a trigger mounts something',
    'FROM base\n',
    withBase('FROM alpine', 'ONBUILD RUN --mount=type=bind,FROM=lib true'),
    true,
  ],
  [
    'the Dockerfile of a base is elsewhere',
    'FROM base\n',
    { others: '  base: { context: "https://example.com/a.git#v1" }\n' },
    true,
  ],
  ['it is not known which triggers a base inherits', 'FROM base\n', withBase('FROM any-$TARGETARCH'), true],
];
for (const [what, dockerfile, options, stays] of MAY_READ) {
  test(`a named context that no stage reads ${stays ? 'stays an edge' : 'is no edge'} where ${what}`, async (t) => {
    const plan = await planApp(t, dockerfile, options);
    assert.equal(
      plan.nodes.get('app')?.edges.some(({ contextName }) => contextName === 'lib'),
      stays,
    );
  });
}
