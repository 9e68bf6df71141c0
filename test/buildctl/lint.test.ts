import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Buildctl, lintArgv, lintDockerfile, parseLintText } from '../../lib/buildctl/mod.ts';
import { readBuilds } from '../../lib/config/mod.ts';
import type { Build } from '../../lib/model/mod.ts';
import { makeFakeBuildctl } from '../rig/fake-buildctl.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const PRINTED = `
WARNING: FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/
'as' and 'FROM' keywords' casing do not match
Dockerfile:1
--------------------
   1 | >>> FROM base as build
   2 |     RUN a \\
   3 |       b
--------------------

WARNING: WorkdirRelativePath - https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/
Relative workdir "x" can have unexpected results if the base image changes
docker/api.Dockerfile:9
--------------------
   7 |     
   8 |     ENV WARNING: FromAsCasing
   9 | >>> WORKDIR \\
  10 | >>> x
--------------------

WARNING: NewRule
Words without an address or a place
`;

test('findings are read from what the frontend prints, with rule, words, address and lines', () => {
  assert.deepEqual(parseLintText(PRINTED), [
    {
      rule: 'FromAsCasing',
      message: "'as' and 'FROM' keywords' casing do not match",
      url: 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/',
      excerpt: { file: 'Dockerfile', firstLine: 1, lastLine: 1 },
    },
    {
      rule: 'WorkdirRelativePath',
      message: 'Relative workdir "x" can have unexpected results if the base image changes',
      url: 'https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/',
      excerpt: { file: 'docker/api.Dockerfile', firstLine: 9, lastLine: 10 },
    },
    { rule: 'NewRule', message: 'Words without an address or a place' },
  ]);
});

test('whatever is printed, reading it gives findings or none, and does not throw', () => {
  assert.deepEqual(parseLintText(''), []);
  assert.deepEqual(parseLintText('result.json\n{}\n'), []);
  for (let length = 0; length < PRINTED.length; length += 7) {
    for (const one of parseLintText(PRINTED.slice(0, length))) assert.notEqual(one.rule, '');
  }
});

async function readBuild(t: Cleanup): Promise<{ readonly build: Build; readonly dir: string }> {
  const dir = await makeTempDir(t);
  await writeTree(dir, {
    'builds.yaml': `builds:
  base: { context: . }
  api:
    context: .
    target: x
    args: { A: "1" }
    contexts: { base: build:base }
    secrets: [{ id: t, command: [give, it] }]
    cache-to: [type=inline]
    outputs: [type=image]
    no-cache: true
`,
  });
  const read = await readBuilds({ cwd: dir, env: {} });
  assert.ok(read.ok, JSON.stringify(read));
  const build = read.value.set.builds.get('api');
  assert.ok(build !== undefined);
  return { build, dir };
}

test('the frontend is asked as for the build, without secrets, caches and outputs, other builds stood in for', async (t) => {
  const { build, dir } = await readBuild(t);
  const argv = lintArgv(
    { build, standIns: ['base'] },
    { address: 'unix:///x' },
    { dockerfile: { dir, filename: 'Dockerfile' } },
    'frontend.lint',
  );
  const options = argv.flatMap((word, at) => (argv[at - 1] === '--opt' ? word : []));
  assert.deepEqual(options, [
    'filename=Dockerfile',
    'context:base=docker-image://scratch',
    'target=x',
    'build-arg:A=1',
    'requestid=frontend.lint',
  ]);
  for (const flag of ['--secret', '--export-cache', '--output', '--no-cache'])
    assert.ok(!argv.includes(flag), flag);
});

test('a base image that is nowhere is stood in for, until all of the file is checked', async (t) => {
  const { build, dir } = await readBuild(t);
  const fake = await makeFakeBuildctl(t);
  const failed = (name: string, error: string) => ({
    vertexes: [{ digest: `sha256:${name}`, name, started: '2026-01-01T00:00:00Z', error }],
  });
  const library = (name: string) => `[internal] load metadata for docker.io/library/${name}:latest`;
  await fake.setRules([
    { when: ['requestid=frontend.convertllb'] },
    {
      when: ['requestid=frontend.lint', 'context:one=', 'context:two='],
      stdout: PRINTED,
    },
    {
      when: ['requestid=frontend.lint', 'context:one='],
      progress: [failed(library('two'), 'no such host')],
    },
    {
      when: ['requestid=frontend.lint'],
      progress: [
        failed(library('one'), 'no such host'),
        failed(library('two'), 'failed to do request: context canceled'),
      ],
    },
  ]);
  const tool: Buildctl = { program: fake.path, address: 'unix:///x', env: {} };
  const answer = await lintDockerfile(tool, { build, standIns: ['base'], workDir: dir });
  assert.equal(answer.problem, undefined);
  assert.deepEqual(answer.unresolved, ['docker.io/library/one:latest', 'docker.io/library/two:latest']);
  assert.equal(answer.findings.length, 3);
  assert.equal((await fake.calls()).length, 4);
});

test('what cuts the checks short is reported, though the frontend says nothing of it', async (t) => {
  const { build, dir } = await readBuild(t);
  const fake = await makeFakeBuildctl(t);
  const tool: Buildctl = { program: fake.path, address: 'unix:///x', env: {} };
  const text =
    'error: failed to solve: dockerfile parse error on line 2: COPY requires at least two arguments\n';
  await fake.setRules([{ when: ['requestid=frontend.convertllb'], exitCode: 1, stderr: text }, {}]);
  const dockerfile = { path: 'Dockerfile', text: 'FROM scratch\nCOPY a\n' };
  const answer = await lintDockerfile(tool, { build, standIns: [], workDir: dir, dockerfile });
  assert.equal(answer.problem?.code, 'build/dockerfile-syntax');
  assert.match(answer.problem?.message ?? '', /COPY requires at least two arguments/);
  assert.deepEqual([answer.problem?.span?.start, answer.problem?.span?.end], [13, 19]);
  const none = await lintDockerfile(
    { ...tool, program: '/nowhere/buildctl' },
    { build, standIns: [], workDir: dir },
  );
  assert.equal(none.problem?.code, 'engine/no-buildctl');
});

test('where nobody is to be asked, the frontend of builds.yaml is not run, and buildctl gets no options', async (t) => {
  const { build } = await readBuild(t);
  const option = { name: '--trace', words: ['--trace=/x'], written: [], isHarmless: true };
  const named = { ...build, frontendImage: { image: 'docker/dockerfile:1' }, buildctlOptions: [option] };
  const argvOf = (isolated: boolean) =>
    lintArgv(
      { build: named, standIns: [], isolated },
      { address: 'unix:///b.sock' },
      {},
      'frontend.lint',
    ).join(' ');
  assert.match(argvOf(false), /--frontend gateway\.v0 --opt source=docker\/dockerfile:1 /);
  assert.match(argvOf(true), /--frontend dockerfile\.v0 (?!.*source=).*--opt cmdline=/);
  assert.doesNotMatch(argvOf(false) + argvOf(true), /--trace/);
});
