/** What is checked of every build before anything runs. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { Build, ContextSource, Plan, PlanNode } from '../../lib/model/mod.ts';
import { DockerfileLibrary } from '../../lib/prepare/mod.ts';
import { checkPlan } from '../../lib/run/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { GRANTS, makeTag } from '../rig/sets.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

type Span = NonNullable<Build['span']>;

const SPAN: Span = { source: { path: 'builds.yaml', text: 'x' }, start: 0, end: 1 };

async function check(...nodes: readonly PlanNode[]) {
  const builds = new Map(nodes.map(({ build }) => [build.name, build]));
  const plan = {
    set: { builds, registries: new Map(), variables: new Map(), grants: GRANTS },
    nodes: new Map(nodes.map((node) => [node.build.name, node])),
  } as unknown as Plan;
  return checkPlan(plan, new DockerfileLibrary('/'));
}

const INLINE = { dockerfile: { kind: 'inline', text: 'FROM scratch\n' } } as const;
const local = (dir: string, written = 'sub', span?: Span): ContextSource => ({
  ref: { kind: 'local', path: dir },
  written,
  ...(span === undefined ? {} : { span }),
});

test('a context that is missing, or a file, is reported with its name and place; others are not looked at', async (t) => {
  const dir = await makeTempDir(t, 'preflight-');
  await writeTree(dir, { file: '', 'sub/file': '' });
  const at = (name: string) => path.join(dir, name);
  const good = makeNode({
    ...INLINE,
    context: local(at('sub')),
    contexts: new Map<string, ContextSource>([
      ['git', { ref: { kind: 'git', url: 'x' }, written: 'x' }],
      ['image', { ref: { kind: 'image', ref: 'x' }, written: 'x' }],
    ]),
  });
  assert.deepEqual(await check(good), []);
  const bad = makeNode({
    ...INLINE,
    context: local(at('none'), './none', SPAN),
    contexts: new Map([
      ['extra', local(at('file'), './file')],
      ['again', local(at('none'), './none')],
      ['fine', local(at('sub'))],
    ]),
  });
  const problems = await check(good, bad);
  assert.deepEqual(
    problems.map(({ code, message }) => [code, message]),
    [
      ['context/missing', 'the context of `x` does not exist: ./none'],
      ['context/missing', 'the context `extra` of `x` is a file, not a directory: ./file'],
      ['context/missing', 'the context `again` of `x` does not exist: ./none'],
    ],
  );
  assert.deepEqual(
    problems.map(({ build, span }) => [build, span]),
    [
      ['x', SPAN],
      ['x', undefined],
      ['x', undefined],
    ],
  );
  assert.match(problems[0]?.hint ?? '', /relative to the file/);
});

test('a tag that is not valid is reported, whether it is pushed or not', async (t) => {
  const context = local(await makeTempDir(t, 'preflight-'));
  const tags = [makeTag('r.example/x:1'), { ...makeTag('r.example/X:1'), span: SPAN }, makeTag('NO')];
  const problems = await check(makeNode({ ...INLINE, context, tags }));
  assert.deepEqual(
    problems.map(({ code, message, build, span }) => [code, message, build, span]),
    [
      ['build/bad-tag', '`r.example/X:1` is an invalid tag', 'x', SPAN],
      ['build/bad-tag', '`NO` is an invalid tag', 'x', undefined],
    ],
  );
});

test('of a tag that is not valid it is said what is wrong with it, and where the values in it came from', async (t) => {
  const context = local(await makeTempDir(t, 'preflight-'));
  const text = '"r.example/x:${{ vars.TAG }}-${{ vars.TAG }}${{ vars.OTHER }}"';
  const span: Span = { source: { path: 'builds.yaml', text }, start: 0, end: text.length };
  const tags = ['r.example/x:bad tag!', 'r.example/X:1', 'r.example/x@sha256:1'].map(makeTag);
  const node = makeNode({ ...INLINE, context, tags: tags.map((tag) => ({ ...tag, span })) });
  const set = {
    builds: new Map([[node.build.name, node.build]]),
    registries: new Map(),
    variables: new Map([
      ['TAG', { name: 'TAG', value: 'bad tag!', origin: { kind: 'env', variable: 'TAG' }, sensitive: false }],
      ['OTHER', { name: 'OTHER', value: '', origin: { kind: 'flag' }, sensitive: false }],
    ]),
    grants: GRANTS,
  };
  const plan = { set, nodes: new Map([[node.build.name, node]]) } as unknown as Plan;
  const hints = (await checkPlan(plan, new DockerfileLibrary('/'))).map(({ hint = '' }) => hint.split('\n'));
  assert.match(hints[0]?.[0] ?? '', /^What follows the colon has .*slug/);
  assert.equal(hints[1]?.[0], 'Write the repository in lowercase: r.example/x:1');
  assert.match(hints[2]?.[0] ?? '', /a digest cannot be chosen/);
  for (const [, ...origins] of hints) {
    assert.deepEqual(origins, [
      '`vars.TAG` has its value from the environment variable TAG.',
      '`vars.OTHER` has its value from --var (`vars` in a script).',
    ]);
  }
});

test('uppercase letters in the key of an annotation are a warning', async (t) => {
  const context = local(await makeTempDir(t, 'preflight-'));
  const annotations = new Map([
    ['index:Upper', 'v'],
    ['lower', 'V'],
  ]);
  for (const span of [undefined, SPAN]) {
    const place = span === undefined ? {} : { span };
    const problems = await check(makeNode({ ...INLINE, context, annotations, ...place }));
    assert.deepEqual(
      problems.map((one) => [one.code, one.severity, one.build, one.span]),
      [['build/annotation-case', 'warning', 'x', span]],
    );
    assert.match(problems[0]?.message ?? '', /`index:Upper`/);
  }
});
