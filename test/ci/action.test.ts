/** action.yml, its scripts run by bash as a runner would, with an engine that is not there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { PACKAGES } from '../../lib/engine/mod.ts';
import { makeOrigin, makePrograms } from '../rig/ci-job.ts';
import { runWorkflow } from '../rig/github-runner.ts';
import { repoPath } from '../rig/paths.ts';

const TREE = {
  'builds.yaml': 'builds:\n  api: { context: . }\n  web: { context: . }\n',
  Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n',
};

/** Docker that says it is there, and gives what a container of BuildKit has. */
const DOCKER = `#!/bin/sh
echo "docker $*" >> "$(dirname "$0")/docker.log"
case $1 in
  cp) printf '#!/bin/sh\\necho "buildctl $*" >> "%s/docker.log"\\n' "$(dirname "$0")" > "$3" && chmod +x "$3" ;;
esac
`;

async function use(
  t: TestContext,
  given: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = { BUILDKIT_HOST: 'unix:///nowhere', BUILDCTL: '/nowhere/buildctl' },
  scripts: Readonly<Record<string, string>> = {},
) {
  const origin = await makeOrigin(t, TREE);
  const programs = await makePrograms(t, scripts);
  const checkout = {
    uses: 'actions/checkout@v6.0.2',
    with: { 'persist-credentials': 'false', 'fetch-depth': '0' },
  };
  const steps = [
    checkout,
    { id: 'bake', uses: 'ours', with: given },
    { name: 'after', run: 'env', env: { METADATA: '${{ steps.bake.outputs.metadata }}' } },
  ];
  const [job] = await runWorkflow(
    t,
    { jobs: { one: { steps } } },
    { name: 'push', ref: 'refs/heads/main', sha: await origin.git('rev-parse', 'HEAD') },
    {
      origin,
      programs,
      action: 'ours',
      env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, ...env },
    },
  );
  assert(job !== undefined);
  return { job, programs, step: (name: string) => job.steps.find((one) => one.name === name) };
}

test('inputs reach bake-ts as they are, and run nothing', async (t) => {
  const { job, step } = await use(t, {
    builds: 'api\n  $(touch pwned) `touch pwned`',
    args: '--dry-run\n--set\n*.labels.x="; touch pwned; "',
    since: 'HEAD',
  });
  const { exitCode, output = '' } = step('Run bake-ts') ?? {};
  assert.equal(exitCode, 3, output);
  assert.match(output, /\$\(touch/);
  assert(!existsSync(path.join(job.workspace, 'pwned')));
});

test('a run leaves its metadata for later steps; without `run` nothing is run', async (t) => {
  const { step } = await use(t, { builds: 'api', since: 'HEAD', push: 'false' });
  assert.equal(step('Run bake-ts')?.exitCode, 0, step('Run bake-ts')?.output);
  const [, file = ''] = /^METADATA=(.+)$/m.exec(step('after')?.output ?? '') ?? [];
  assert.equal(JSON.parse(await readFile(file, 'utf8')).version, 1);
  const idle = await use(t, { run: 'false' });
  assert.deepEqual(
    idle.job.steps.map(({ name }) => name),
    ['Install bake-ts', 'Start BuildKit', 'after'],
  );
});

test('a mistyped input is refused and does not count as the laxer one', async (t) => {
  for (const given of [{ untrusted: 'True' }, { push: 'yes' }] as const) {
    const { step } = await use(t, given as Readonly<Record<string, string>>);
    assert.equal(step('Run bake-ts')?.exitCode, 2);
  }
  const split = await use(t, { address: 'unix:///x\nPATH=/tmp' });
  assert.equal(split.step('Start BuildKit')?.exitCode, 2);
});

test('BuildKit runs in a container where there is Docker, and an address is used where one is given', async (t) => {
  const { step, programs } = await use(t, { run: 'false' }, {}, { docker: DOCKER });
  assert.equal(step('Start BuildKit')?.exitCode, 0, step('Start BuildKit')?.output);
  const after = step('after')?.output ?? '';
  const [, temp = ''] = /^RUNNER_TEMP=(.+)$/m.exec(after) ?? [];
  assert.match(after, new RegExp(`^BUILDKIT_HOST=unix://${temp}/buildkit/buildkitd\\.sock$`, 'm'));
  assert.match(after, new RegExp(`^BUILDCTL=${temp}/buildctl$`, 'm'));
  const log = readFileSync(path.join(programs, 'docker.log'), 'utf8');
  assert.match(log, /^docker run --detach --privileged --network host .*--group \d+$/m);
  assert.match(log, /^buildctl --addr unix:.*debug workers$/m);
  const named = await use(
    t,
    { run: 'false', address: 'tcp://buildkitd:1234' },
    { BUILDCTL: '/nowhere' },
    { docker: DOCKER },
  );
  assert.match(named.step('after')?.output ?? '', /^BUILDKIT_HOST=tcp:\/\/buildkitd:1234$/m);
  assert(!existsSync(path.join(named.programs, 'docker.log')));
});

test('no script of the action has an expression in it, and its BuildKit is the one that we know', () => {
  const text = readFileSync(repoPath('action.yml'), 'utf8');
  const { steps } = parse(text).runs as { steps: readonly { run: string }[] };
  for (const { run } of steps) assert(!run.includes('${{'), run);
  const version = PACKAGES.find(({ name }) => name === 'buildkit')?.version;
  assert.equal(/moby\/buildkit:v([\d.]+)/.exec(text)?.[1], version);
});
