/** The recipes of docs/ci.md, and what `bake-ts ci gitlab` prints, run as the systems run them. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { makeOrigin, makePrograms, TEST_PACKAGE } from '../rig/ci-job.ts';
import { DENO_CACHE, runBakeTs, runCommand } from '../rig/command.ts';
import { parseWorkflow, runWorkflow } from '../rig/github-runner.ts';
import { runGitlab } from '../rig/gitlab-runner.ts';
import { repoPath } from '../rig/paths.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';

const options = { skip: realEngine.skip, timeout: 500_000 };

async function makePlace(t: TestContext) {
  const registry = await startTestRegistry(t);
  const image = (name: string, more: string) =>
    `  ${name}: { context: ., dockerfile: ${name}.dockerfile, push: true, tags: ["${registry.host}/shop/${name}:dev"]${more} }\n`;
  const origin = await makeOrigin(t, {
    // The whole checkout is the context: a file more in it would be another image.
    'builds.yaml': `record: registry\nbuilds:\n${image('base', '')}${image('api', ', contexts: { base: "build:base" }')}`,
    'base.dockerfile': 'FROM scratch\nCOPY . /\n',
    'api.dockerfile': 'FROM base\nCOPY . /api\n',
    '.dockerignore': '.git\nnotes\n',
  });
  const env = {
    PATH: `${path.dirname(process.execPath)}:${realEngine.binDir}:${process.env['PATH'] ?? ''}`,
    BUILDKIT_HOST: realEngine.address,
    BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
    ...DENO_CACHE,
  };
  const digests = () =>
    Promise.all(['base', 'api'].map((name) => digestOf(`${registry.host}/shop/${name}:dev`)));
  return {
    registry,
    origin,
    env,
    programs: await makePrograms(t),
    sha: await origin.git('rev-parse', 'HEAD'),
    digests,
  };
}

/** The fenced blocks below a heading of docs/ci.md. */
async function recipe(heading: string, language: string): Promise<string> {
  const text = await readFile(repoPath('docs/ci.md'), 'utf8');
  const section = text.slice(text.indexOf(`\n## ${heading}\n`));
  const [, block = ''] = new RegExp(`\n\`\`\`${language}\n([\\s\\S]*?)\n\`\`\`\n`).exec(section) ?? [];
  assert.notEqual(block, '', heading);
  return block;
}

test(
  'GitHub, one job: a commit is pushed, a pull request that touches no build does nothing',
  options,
  async (t) => {
    const place = await makePlace(t);
    const workflow = parseWorkflow(await recipe('GitHub: one job', 'yaml'));
    const github = { ...place, action: 'acme/bake-ts@v1.0.0' };
    const event = { name: 'push', ref: 'refs/heads/main', sha: place.sha } as const;
    const pushed = await runWorkflow(t, workflow, event, github);
    for (const { steps } of pushed) for (const step of steps) assert.equal(step.exitCode, 0, step.output);
    const before = await place.digests();
    assert(before.every((digest) => digest !== undefined));
    const writes = (await place.registry.writes()).length;
    const sha = await place.origin.commit({ 'notes/today': 'nothing of a build\n' }, 'topic');
    const pull = {
      name: 'pull_request',
      ref: 'refs/pull/1/merge',
      baseRef: 'main',
      headRepository: 'stranger/shop',
      sha,
    } as const;
    const pulled = await runWorkflow(t, workflow, pull, github);
    for (const { steps } of pulled) for (const step of steps) assert.equal(step.exitCode, 0, step.output);
    assert.doesNotMatch(JSON.stringify(pulled), /(?:base|api) +built/);
    assert.deepEqual((await place.registry.writes()).slice(writes), []);
    assert.deepEqual(await place.digests(), before);
  },
);

test('GitLab: levels share what they made, and no file of theirs gets into a context', options, async (t) => {
  const place = await makePlace(t);
  const clone = await makeTempDir(t, 'print-');
  await runCommand(['git', 'clone', '--quiet', place.origin.dir, clone]);
  const printed = await runBakeTs(['ci', 'gitlab', `--package=${TEST_PACKAGE}`], { cwd: clone });
  assert.equal(printed.exitCode, 0, printed.stderr);
  const commit = { ...place, env: { ...place.env, CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: 'main' } };
  const first = await runGitlab(t, printed.stdout, ['level-0', 'level-1'], commit);
  assert.deepEqual(
    first.map(({ exitCode }) => exitCode),
    [0, 0],
    first.map(({ output }) => output).join('\n'),
  );
  assert.match(first[1]?.output ?? '', /^base +unchanged/m);
  const made = await place.digests();
  const kept = await readdir(path.join(first[1]?.project ?? '', '.bake-ts'));
  assert.deepEqual(kept.map((name) => path.extname(name)).sort(), ['.json', '.xml']);
  const second = await runGitlab(t, printed.stdout, ['level-0', 'level-1'], commit);
  for (const { output } of second) assert.doesNotMatch(output, /^(?:base|api) +built/m);
  assert.deepEqual(await place.digests(), made);

  const writes = (await place.registry.writes()).length;
  const sha = await place.origin.commit({ 'api.dockerfile': 'FROM base\nCOPY . /other\n' }, 'topic');
  const request = {
    CI_PIPELINE_SOURCE: 'merge_request_event',
    CI_MERGE_REQUEST_DIFF_BASE_SHA: place.sha,
    CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '8',
  };
  const [merge] = await runGitlab(t, printed.stdout, ['merge-request'], {
    ...place,
    sha,
    env: { ...place.env, ...request },
  });
  assert.equal(merge?.exitCode, 0, merge?.output);
  assert.match(merge?.output ?? '', /^api +built/m);
  assert.deepEqual((await place.registry.writes()).slice(writes), []);
});

test('GitLab by hand', options, async (t) => {
  const place = await makePlace(t);
  const text = await recipe('GitLab', 'yaml');
  const [job] = await runGitlab(t, text, ['images'], place);
  assert.equal(job?.exitCode, 0, job?.output);
  assert((await place.digests()).every((digest) => digest !== undefined));
});
