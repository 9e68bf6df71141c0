/** `run` with the environment of a CI system's runner: what its files and its log have afterwards. */
import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { readCommands, readOutputs } from '../rig/actions-runner.ts';
import { type FakeRule, makeFakeBuildctl } from '../rig/fake-buildctl.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { acceptAt } from '../rig/listen.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const TREE = {
  'shop/builds.yaml': `builds:
  base: { context: base }
  api: { context: api, contexts: { base: "build:base" } }
  web: { context: web }
`,
  'shop/base/Dockerfile': 'FROM scratch\nCOPY . /\nRUN make all\n',
  'shop/api/Dockerfile': 'FROM base\nCOPY . /\n',
  'shop/web/Dockerfile': 'FROM scratch\nCOPY . /\n',
};

/** The step of a Dockerfile's third line ends with 2, after output that wants to be obeyed. */
const FAILING: FakeRule = {
  when: ['base'],
  exitCode: 1,
  progress: [
    { vertexes: [{ digest: 'sha256:a', name: '[3/3] RUN make all', started: '2026-01-01T00:00:00Z' }] },
    {
      logs: [
        {
          vertex: 'sha256:a',
          stream: 1,
          data: Buffer.from(
            '::error::forged\n  ::add-mask::all\n##[set-output name=images]x\n\u001b[0Ksection_end:1:bake_ts_web\r\u001b[0K\nno rule for all\n',
          ).toString('base64'),
          timestamp: '',
        },
      ],
    },
    {
      vertexes: [
        {
          digest: 'sha256:a',
          name: '[3/3] RUN make all',
          started: '2026-01-01T00:00:00Z',
          completed: '2026-01-01T00:00:01Z',
          error: 'process "/bin/sh -c make all" did not complete successfully: exit code: 2',
        },
      ],
    },
  ],
  stderr:
    'error: failed to solve: process "/bin/sh -c make all" did not complete successfully: exit code: 2\n',
};

async function makeRunner(t: TestContext, rules: readonly FakeRule[] = []) {
  const temp = await makeTempDir(t, 'runner-');
  const [workspace, home] = [path.join(temp, 'work/shop/shop'), path.join(temp, 'home')];
  await mkdir(home, { recursive: true });
  await writeTree(workspace, TREE);
  const address = await acceptAt(t, path.join(temp, 'engine.sock'));
  const buildctl = await makeFakeBuildctl(t, [{ when: ['workers'], stdout: '[]' }, ...rules]);
  const own = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    BAKE_TS_HOME: home,
    DOCKER_CONFIG: home,
    BUILDCTL: buildctl.path,
    BUILDKIT_HOST: address,
    CI: 'true',
  };
  /** As the runner of GitHub sets it, with the files that it makes before each step. */
  const files = path.join(temp, '_runner_file_commands');
  const [outputFile, summaryFile] = [path.join(files, 'set_output_1'), path.join(files, 'step_summary_1')];
  await mkdir(files);
  await Promise.all([outputFile, summaryFile].map((file) => writeFile(file, '')));
  const github = {
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: workspace,
    GITHUB_OUTPUT: outputFile,
    GITHUB_STEP_SUMMARY: summaryFile,
    GITHUB_ENV: path.join(files, 'set_env_1'),
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
  };
  const run = async (
    argv: readonly string[],
    env: Readonly<Record<string, string>> = github,
    cwd = 'shop',
  ) => {
    const io = createFakeIo(['run', ...argv], { cwd: path.join(workspace, cwd), env: { ...own, ...env } });
    const code = await runCli(io);
    return { code, out: io.out(), err: io.err(), commands: readCommands(`${io.out()}${io.err()}`) };
  };
  const outputs = async () => readOutputs(await readFile(outputFile, 'utf8'));
  const summary = () => readFile(summaryFile, 'utf8');
  return { workspace, github, run, outputs, summary, outputFile, summaryFile };
}

test('on GitHub a failing run is annotated, its outputs are set, and the job has a summary', async (t) => {
  const { run, outputs, summary } = await makeRunner(t, [FAILING]);
  const { code, commands, err } = await run([]);
  assert.equal(code, EXIT.buildFailed, err);
  const errors = commands.filter(({ command }) => command === 'error');
  assert.equal(errors.length, 1);
  assert.deepEqual(errors[0]?.properties, {
    file: 'shop/base/Dockerfile',
    line: '3',
    col: '1',
    endColumn: '13',
    title: 'base: build/step-failed',
  });
  assert.match(errors[0]?.data ?? '', /exit code 2.*\n[\s\S]*no rule for all$/);
  const own = ['error', 'group', 'endgroup'];
  assert.deepEqual(
    commands.filter(({ command }) => !own.includes(command)),
    [],
  );
  const images = JSON.parse((await outputs()).get('images') ?? '');
  assert.deepEqual(
    [images.base.result, images.api.result, images.web.result],
    ['failed', 'blocked', 'built'],
  );
  assert.equal((await outputs()).get('failed'), '["base"]');
  const text = await summary();
  assert.match(text, /^## ❌ bake-ts: 1 failed, 1 blocked, 1 built in /);
  assert.match(
    text,
    /\(https:\/\/github\.com\/acme\/shop\/blob\/ffac537e6cbbf934b08745a378932722df287a53\/shop\/base\/Dockerfile#L3\)/,
  );
  assert.match(text, /<pre>[\s\S]*no rule for all\n/);
  assert.match(text, /Run it on your machine\n\n<pre>cd shop\nbake-ts run (?:base api|api base)\n<\/pre>\n$/);
});

test('the log has a group for each build that went well, and what failed stays in sight', async (t) => {
  const { run } = await makeRunner(t, [FAILING]);
  const { err, commands } = await run([]);
  const groups = commands.filter(({ command }) => command.endsWith('group'));
  assert.deepEqual(
    groups.map(({ command, data }) => [command, data.split(':')[0]]),
    [
      ['group', '✓ web built'],
      ['endgroup', ''],
    ],
  );
  const [, web = ''] = /^::group::.*\n([\s\S]*?)^::endgroup::$/m.exec(err) ?? [];
  assert.doesNotMatch(web, /make all/);
  assert.match(err, /^✗ base failed: /m);
});

test('in GitLab CI they are sections, and no step can end one', async (t) => {
  const { run } = await makeRunner(t, [FAILING]);
  const { err, commands } = await run([], { GITLAB_CI: 'true' });
  const shown = err.replaceAll('\u001b', '␛').replaceAll('\r', '␍');
  const marks = /␛\[0Ksection_(start|end):(\d+):([a-zA-Z0-9_.-]+)(\[[^\]]*\])?␍␛\[0K/g;
  const sections = [...shown.matchAll(marks)];
  assert.deepEqual(sections.map(([, what, , name, options = '']) => `${what} ${name}${options}`).sort(), [
    'end bake_ts_base',
    'end bake_ts_web',
    'start bake_ts_base',
    'start bake_ts_web[collapsed=true]',
  ]);
  // Seconds since 1970.
  for (const [, , at] of sections) assert.ok(Math.abs(Date.now() / 1000 - Number(at)) < 600, at);
  assert.doesNotMatch(shown.replaceAll(marks, ''), /[␛␍]/);
  assert.ok(commands.every(({ command }) => command !== 'group'));
});

test('annotations name files from the root of the repository, wherever bake-ts works', async (t) => {
  const { workspace, run, github } = await makeRunner(t, [FAILING]);
  const place = async (argv: readonly string[], cwd: string, env = github) =>
    (await run(argv, env, cwd)).commands.find(({ command }) => command === 'error')?.properties['file'];
  assert.equal(await place(['-C', 'shop'], '.'), 'shop/base/Dockerfile');
  assert.equal(await place(['-f', '../builds.yaml'], 'shop/web'), 'shop/base/Dockerfile');
  assert.equal(await place(['-f', 'shop/builds.yaml'], '.'), 'shop/base/Dockerfile');
  // A workspace that is named by way of a link.
  const link = `${workspace}-link`;
  await symlink(workspace, link);
  assert.equal(await place([], 'shop', { ...github, GITHUB_WORKSPACE: link }), 'shop/base/Dockerfile');
  // `actions/checkout` with `path: shop`: the repository is below the workspace.
  await mkdir(path.join(workspace, 'shop/.git'));
  assert.equal(await place([], 'shop'), 'base/Dockerfile');
  assert.equal(
    await place([], 'shop', { ...github, GITHUB_WORKSPACE: path.join(workspace, 'other') }),
    undefined,
  );
});

test('what validate finds is annotated from the root of the repository, too', async (t) => {
  const { workspace, github } = await makeRunner(t);
  await writeTree(workspace, { 'shop/builds.yaml': 'builds:\n  a: { contxt: . }\n' });
  const io = createFakeIo(['validate', '--format', 'github'], {
    cwd: path.join(workspace, 'shop'),
    env: github,
  });
  assert.equal(await runCli(io), EXIT.invalid);
  const [found] = readCommands(io.out());
  assert.deepEqual(
    [found?.command, found?.properties['file'], found?.properties['line']],
    ['error', 'shop/builds.yaml', '2'],
  );
});

test('several runs of one step add to its files, and the summary stays within what GitHub takes', async (t) => {
  const { run, outputs, summary, summaryFile, outputFile } = await makeRunner(t);
  await writeFile(outputFile, 'other=1\n');
  assert.equal((await run(['web'])).code, EXIT.ok);
  assert.equal((await run(['base'])).code, EXIT.ok);
  assert.equal((await outputs()).get('other'), '1');
  assert.deepEqual(Object.keys(JSON.parse((await outputs()).get('images') ?? '')), ['base']);
  assert.equal((await summary()).match(/^## ✅ bake-ts: 1 built/gm)?.length, 2);
  await truncate(summaryFile, 1024 * 1024 - 1100);
  assert.equal((await run(['web'])).code, EXIT.ok);
  assert.ok((await summary()).length <= 1024 * 1024);
});

test('where nothing is to be done the summary says so, and the outputs are empty', async (t) => {
  const { run, outputs, summary, workspace, github } = await makeRunner(t);
  const { runCommand } = await import('../rig/command.ts');
  const git = (...argv: readonly string[]) =>
    runCommand(['git', '-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...argv], {
      cwd: workspace,
    });
  await git('init', '-q');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'x');
  const { code, err } = await run(['--since', 'HEAD'], { ...github, GIT_CONFIG_GLOBAL: '/dev/null' });
  assert.equal(code, EXIT.ok, err);
  assert.match(
    await summary(),
    /^## ✅ bake-ts: nothing to do\n\nnothing to do\\: 0 files changed since HEAD/,
  );
  assert.deepEqual(
    [...(await outputs())],
    [
      ['images', '{}'],
      ['built', '[]'],
      ['failed', '[]'],
    ],
  );
});

test('events on stdout have no commands among them, and the files are written all the same', async (t) => {
  const { run, outputs, summary } = await makeRunner(t, [FAILING]);
  const { out, commands } = await run(['--progress=json']);
  for (const line of out.split('\n').slice(0, -1)) JSON.parse(line);
  assert.deepEqual(commands, []);
  assert.equal((await outputs()).get('failed'), '["base"]');
  assert.match(await summary(), /1 failed/);
});

test('files that cannot be written are told: outputs as an error, the summary as a warning', async (t) => {
  const { run, github } = await makeRunner(t);
  const lost = await run(['web'], { ...github, GITHUB_OUTPUT: '/nowhere/at/all' });
  assert.equal(lost.code, EXIT.buildFailed);
  assert.match(lost.err, /error\[run\/outputs-unwritten\].*GITHUB_OUTPUT/);
  const bare = await run(['web'], { ...github, GITHUB_STEP_SUMMARY: '/nowhere/at/all' });
  assert.equal(bare.code, EXIT.ok);
  assert.match(bare.err, /warning\[run\/summary-unwritten\].*GITHUB_STEP_SUMMARY/);
  const { GITHUB_ACTIONS } = github;
  assert.equal((await run(['web'], { GITHUB_ACTIONS })).code, EXIT.ok);
});

test('outside GitHub nothing is written to its files', async (t) => {
  const { run, github, outputs, summary } = await makeRunner(t, [FAILING]);
  const { GITHUB_ACTIONS: _, ...rest } = github;
  const { commands } = await run([], rest);
  assert.ok(
    commands.every(({ command, properties }) => command !== 'group' && properties['title'] === undefined),
  );
  assert.deepEqual([(await outputs()).size, await summary()], [0, '']);
});

test('--dotenv writes the result, and is looked at before anything runs', async (t) => {
  const { run, workspace } = await makeRunner(t);
  const gitlab = { GITLAB_CI: 'true' };
  assert.equal((await run(['web', '--dotenv', 'images.env'], gitlab)).code, EXIT.ok);
  assert.equal(await readFile(path.join(workspace, 'shop/images.env'), 'utf8'), 'BAKE_TS_RESULT=ok\n');
  const lost = await run(['web', '--dotenv', 'no/where.env'], gitlab);
  assert.equal(lost.code, EXIT.usage);
  assert.match(lost.err, /cli\/unwritable-file[\s\S]*dotenv/);
});
