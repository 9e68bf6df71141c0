/** Mistakes in bake and Compose files are spoken of in the words of these files. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import { findUnnamed, preparePlan } from '../../lib/prepare/mod.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';
import { problemsIn, setOf } from './bake-support.ts';
import { line, read } from './support.ts';

async function planned(
  t: TestContext,
  hcl: string,
  tree: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, { 'docker-bake.hcl': hcl, ...tree });
  const read = await readBuilds({ cwd, env: {} });
  assert(read.ok);
  const plan = preparePlan(read.value.set, { patterns: [] }, cwd);
  if (!plan.ok) return plan.error.map(line);
  return [...plan.value.missing, ...findUnnamed(plan.value.plan)].map(line);
}

test('--var of a variable that nobody declares is a warning, since bake takes it, with how it is declared', async () => {
  const hcl = 'variable "TAG" {}\ntarget "a" { context = "." }\n';
  const told = (name: string) => problemsIn({ 'docker-bake.hcl': hcl }, { vars: new Map([[name, '1']]) });
  assert.deepEqual(await told('NOPE'), [
    'config/unknown-variable - "NOPE" is given a value, but no file declares it | Declare it: variable "NOPE" {}.',
  ]);
  assert.match((await told('TGA')).join(), /Did you mean "TAG"\?/);
  const own = await read('builds: { a: {} }\n', { vars: new Map([['NOPE', '1']]) });
  assert.match(own.ok ? '' : own.error.map(line).join(), /no builds file declares it \| Declare it: vars: /);
});

test('--var gives values to Compose files, which declare no variables', async () => {
  const tree = { 'compose.yaml': 'services: { a: { build: ., image: "r.example/a:${TAG:-none}" } }\n' };
  const set = await setOf(tree, { vars: new Map([['TAG', '7']]) });
  assert.equal(set.builds.get('a')?.tags[0]?.text, 'r.example/a:7');
});

test('a key that --set does not know brings the keys of bake', async () => {
  const tree = { 'docker-bake.hcl': 'target "a" { context = "." }\n' };
  const [first = ''] = await problemsIn(tree, { overrides: ['a.zzzzzz=1'] });
  assert.match(
    first,
    /with one of annotations, args, .* context, .*platforms; or, which bake does not have, .*timeout/s,
  );
  assert.match((await problemsIn(tree, { overrides: ['a.outptu=1'] }))[0] ?? '', /Did you mean "output"\?/);
});

test('hints about Dockerfiles, contexts and tags are in the words of bake', async (t) => {
  const [context = ''] = await planned(t, 'target "a" { context = "none" }\n');
  assert.match(
    context,
    /context\/missing .* \| Paths are relative to the working directory if the file is given, /,
  );
  const [dockerfile = ''] = await planned(t, 'target "a" { dockerfile = "none" }\n');
  assert.match(
    dockerfile,
    /dockerfile\/missing .* \| Set `dockerfile` \(relative to the context\) or `context` of/,
  );
  const files = { Dockerfile: 'FROM scratch\n' };
  const [tags = ''] = await planned(t, 'target "a" { output = ["type=registry"] }\n', files);
  assert.match(tags, /plan\/push-without-tags .* \| Add `tags` \(in Compose `image`\), such as `tags = \[/);
  const [main = ''] = await planned(t, 'target "a" { context = "target:b" }\n');
  assert.match(main, /config\/context .*contexts = \{ base = "target:b" \}/);
});

test('within a template nobody left out the quotes of a text', async () => {
  const hcl = 'target "a" { args = { A = "${ZZZ}", B = QQQ, C = "${upper(YYY)}" } }\n';
  const lines = await problemsIn({ 'docker-bake.hcl': hcl });
  assert.deepEqual(
    lines.map((one) => one.replace(/^.*«(.*?)».*?(?:\| (.*))?$/, '$1 $2')),
    ['ZZZ ', 'QQQ Put a string in quotes: "QQQ".', 'YYY '],
  );
});

test('a file that is not read is not said to be missing; nothing is read from elsewhere', async () => {
  const compose = 'include: [/etc/hostname, "https://example.com/x.git"]\nservices: { a: { build: . } }\n';
  const lines = await problemsIn({ 'compose.yaml': compose });
  assert.deepEqual(
    lines.map((one) => one.split(' | ')[0]),
    [
      'config/needs-grant - /etc/hostname would be read, outside of the repository',
      'bake/compose compose.yaml:1:26 «"https://example.com/x.git"» Remote files are not read: https://example.com/x.git',
    ],
  );
});

test('a matrix without rows is named where it leaves nothing', async () => {
  const empty = 'target "d" {\n  name = "d-${x}"\n  matrix = { x = [] }\n}\n';
  assert.match(
    (await problemsIn({ 'docker-bake.hcl': empty }))[0] ?? '',
    /^config\/no-builds docker-bake\.hcl:1:1 .*`d` has no rows/,
  );
  const set = await setOf({ 'docker-bake.hcl': `${empty}target "e" { context = "." }\n` });
  const plan = preparePlan(set, { patterns: ['d'] }, '/');
  assert.match(
    plan.ok ? '' : plan.error.map(line).join(),
    /plan\/empty-selection .*Check the matrix of `d`: it has no rows/,
  );
});
