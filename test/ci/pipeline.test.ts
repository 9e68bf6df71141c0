/** Plans as jobs, and what is printed of them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { parse } from 'yaml';
import { runCli } from '../../cli/app.ts';
import { TEST_PACKAGE } from '../rig/ci-job.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { interpolate } from '../rig/github-expression.ts';
import { assertGolden } from '../rig/golden.ts';
import { HEAD, type Printed, printPipeline as print, SHOP } from '../rig/printed-pipeline.ts';
import { seededRandom } from '../rig/random.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

test('the workflow and the GitLab file of a small graph, as they are printed', async (t) => {
  for (const split of ['level', 'build']) {
    assertGolden(
      (await print(t, 'github', SHOP, { args: ['--split', split] })).text,
      `ci/golden/github-${split}.yml`,
    );
    assertGolden(
      (await print(t, 'gitlab', SHOP, { args: ['--split', split] })).text,
      `ci/golden/gitlab-${split}.yml`,
    );
  }
});

test('levels wait for the level before, jobs by build for what they need; what is not pushed has no job where others read it', async (t) => {
  const { jobs } = (await print(t, 'github', SHOP)).parsed;
  const builds = (id: string) => jobs[id]?.strategy?.matrix.builds;
  assert.deepEqual(
    [builds('level-0'), builds('level-1'), builds('level-2')],
    [['os', 'site'], ['base'], ['api', 'web']],
  );
  assert.deepEqual(jobs['level-2']?.needs, ['level-1']);
  const own = (await print(t, 'github', SHOP, { args: ['--split', 'build'] })).parsed.jobs;
  assert.deepEqual(own['build-web']?.needs, ['build-base']);
  assert.equal(own['build-site']?.needs, undefined);
  assert.equal(own['build-tools'], undefined);
  const gitlab = (await print(t, 'gitlab', SHOP, { args: ['--split', 'build'] })).parsed;
  assert.deepEqual([gitlab['build-site']?.needs, gitlab['build-api']?.needs], [[], ['build-base']]);
});

test('through a build without a job of its own one waits for what that needs', async (t) => {
  const graph = { os: [], '!tools': ['os'], api: ['tools'], web: ['tools'] };
  const { parsed, err } = await print(t, 'github', graph, { args: ['--split', 'build'] });
  assert.deepEqual(parsed.jobs['build-api']?.needs, ['build-os']);
  assert.match(err, /Not pushed, and so built in each job that needs it: tools/);
});

test('every job of a workflow has a limit, least permissions and actions of one version', async (t) => {
  const { jobs } = (await print(t, 'github', SHOP)).parsed;
  for (const [id, job] of Object.entries(jobs)) {
    assert(job['timeout-minutes'] !== undefined, id);
    assert.equal(job.permissions?.['contents'], id === 'update-lock' ? 'write' : 'read', id);
    assert.equal(job.permissions?.['packages'], id.startsWith('level-') ? 'write' : undefined, id);
    for (const { uses, run = '', env = {} } of job.steps ?? []) {
      if (uses !== undefined) assert.match(uses, /^[\w/-]+@v\d+\.\d+\.\d+$/);
      // What an expression gives would be code.
      assert(!run.includes('${{'), run);
      if (id === 'pull-request') assert(!JSON.stringify(env).includes('secrets.'));
    }
    if (id === 'pull-request') assert(!JSON.stringify(job).includes('login-action'));
  }
});

test('names that YAML takes for something else, or that no id can have, stay what they are', async (t) => {
  const names = ['on', 'null', '3.10', '1e3', 'a.b', 'a-b', 'A-B', '_x', '0x1F', '12'];
  const graph = Object.fromEntries(names.map((name) => [name, []]));
  // JavaScript has whole numbers first.
  const sorted = ['12', ...names.slice(0, -1)];
  const level = (await print(t, 'github', graph)).parsed.jobs['level-0']?.strategy?.matrix.builds;
  assert.deepEqual(level, sorted);
  for (const system of ['github', 'gitlab'] as const) {
    const { text, parsed } = await print(t, system, graph, { args: ['--split', 'build'] });
    const ids = Object.keys(system === 'github' ? parsed.jobs : parsed).filter((id) =>
      id.startsWith('build-'),
    );
    assert.equal(new Set(ids.map((id) => id.toLowerCase())).size, names.length);
    for (const id of ids) assert.match(id, /^build-[\w-]+$/);
    // `on` as a key of a workflow is known to be a trap, and to GitHub.
    const old = parse(text, { version: '1.1' }) as typeof parsed;
    if (system === 'github') assert.deepEqual(old.jobs, parsed.jobs);
    else assert.deepEqual(old, parsed);
  }
});

test('more builds than a system takes share jobs, and one that waits for too many is built by level', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`b${at}`, []]));
  const github = await print(t, 'github', many);
  const rows = github.parsed.jobs['level-0']?.strategy?.matrix.builds ?? [];
  assert(rows.length <= 256 && rows.length >= 200, `${rows.length}`);
  assert.equal(new Set(rows.flatMap((row) => String(row).split(' '))).size, 600);
  assert.match(github.text, /# Note: Up to 3 builds share a job/);
  const gitlab = (await print(t, 'gitlab', many)).parsed as unknown as Record<
    string,
    { parallel: { matrix: { BUILDS: string }[] } }
  >;
  const matrix = gitlab['level-0']?.parallel.matrix ?? [];
  assert(matrix.length <= 200);
  assert.equal(new Set(matrix.flatMap(({ BUILDS }) => BUILDS.split(' '))).size, 600);

  const parents = Array.from({ length: 51 }, (_, at) => `p${at}`);
  const wide = { ...Object.fromEntries(parents.map((name) => [name, []])), top: parents };
  const { parsed, err } = await print(t, 'gitlab', wide, { args: ['--split', 'build'] });
  assert('level-1' in parsed);
  assert.match(err, /would wait for 51 jobs, more\s+than the limit of 50/);
});

test('without records, and where tags move together, the pipeline says so', async (t) => {
  const none = await print(t, 'github', { a: [] }, { head: HEAD.replace('record: registry\n', '') });
  assert.match(none.text, /^# Note: builds\.yaml has no `record:`/m);
  assert.match(none.err, /warning\[plan\/pipeline\]/);
  const { parsed, text } = await print(t, 'github', SHOP, { head: `publish: together\n${HEAD}` });
  assert.deepEqual(parsed.jobs['images']?.strategy?.matrix.builds, ['os base api web tools site']);
  assert(!text.includes('--parents-from'));
});

test('options for reading reach each call as they are, whatever is in them', async (t) => {
  const hostile = `*.labels.x=\${{ vars.N }}'; touch pwned; echo "$HOME`;
  const args = ['--var', 'N=it is $(touch pwned)', '--set', hostile, '-f', 'builds.yaml'];
  const head = `vars: { N: "1" }\n${HEAD}`;
  const { parsed } = await print(t, 'github', { a: [] }, { args, head, below: 'deploy' });
  const dir = await makeTempDir(t);
  const runs = Object.values(parsed.jobs).flatMap(({ steps = [] }) =>
    steps.flatMap(({ run = '' }) => run.split('\n')),
  );
  const calls = runs.filter((line) => line.startsWith('bake-ts '));
  assert(calls.length >= 4);
  for (const line of calls) {
    const words = execFileSync(
      'bash',
      ['-c', `bake-ts() { printf '%s\\n' "$@"; }\nbuilds=(a)\n${interpolate(line, {})}`],
      { cwd: dir, encoding: 'utf8' },
    );
    assert.match(
      words,
      /^-C\ndeploy\n(?:run|lock)\n--file\nbuilds\.yaml\n--var\nN=it is \$\(touch pwned\)\n--set\n/,
    );
    assert(words.includes(`\n${hostile}\n`), words);
  }
  assert.equal(execFileSync('ls', [dir], { encoding: 'utf8' }), '');
  const moved = runs.find((line) => line.includes('git status'));
  assert.match(moved ?? '', / -- deploy\/builds\.lock\)/);
});

/** What YAML, a shell, GitHub or GitLab might take for something of theirs. */
const PIECES = [
  ...[
    ': ',
    ':',
    ' #',
    '#',
    '\n',
    '\r\n',
    '\t',
    ' ',
    '- ',
    '"',
    "'",
    '\\',
    '\\n',
    '`',
    '|',
    '>',
    '%',
    '@',
    '!x ',
    '&a',
    '*a',
  ],
  ...[
    '${{ github.actor }}',
    '${{',
    '}}',
    '$(touch pwned)',
    '$HOME',
    '${X}',
    '$[[ inputs.x ]]',
    ';',
    '{',
    '}',
    '[',
    ']',
  ],
  ...['\u0001', '\u007f', '\u0085', '\u2028', '\ufeff', '\u200b', 'é', '😀', 'a', '0', 'null', '---'],
];

test('whatever is in a value, both readers of YAML and bash give it back, and nothing of it is run', async (t) => {
  const random = seededRandom(12);
  const dir = await makeTempDir(t);
  const head = `vars: { N: "1" }\n${HEAD}`;
  const mixed = Array.from({ length: 12 }, () =>
    Array.from({ length: 1 + random.below(6) }, () => random.pick(PIECES)).join(''),
  );
  for (const value of ['a: b #c', 'a:', '1\nevil: true\n', '${{ github.actor }}', ...mixed]) {
    for (const system of ['github', 'gitlab'] as const) {
      const { text, parsed } = await print(t, system, { a: [] }, { args: ['--var', `N=${value}`], head });
      const old = parse(text, { version: '1.1' }) as typeof parsed;
      const scripts = scriptsOf(system, parsed);
      assert.deepEqual(scriptsOf(system, old), scripts, JSON.stringify(value));
      execFileSync('bash', ['-n'], { input: scripts.join('\n') });
      const lines = scripts
        .flatMap((script) => script.split('\n'))
        .filter((line) => line.startsWith('bake-ts ') && line.includes('--var'));
      assert(lines.length >= 4, JSON.stringify(value));
      const script = `bake-ts() { for word in "$@"; do printf '%s\\0' "$word"; done; }\nbuilds=(a)\n${lines.join('\n')}`;
      const words = execFileSync('bash', ['-c', script], { cwd: dir, encoding: 'utf8' }).split('\0');
      const given = words.filter((_word, at) => words[at - 1] === '--var');
      assert.deepEqual(
        given,
        lines.map(() => `N=${value}`),
      );
    }
  }
  assert.equal(execFileSync('ls', [dir], { encoding: 'utf8' }), '');
});

/** The scripts as the shell of a runner gets them. */
function scriptsOf(system: 'github' | 'gitlab', parsed: { jobs: Printed } & Printed): readonly string[] {
  if (system === 'github')
    return Object.values(parsed.jobs).flatMap(({ steps = [] }) =>
      steps.flatMap(({ run }) => (run === undefined ? [] : interpolate(run, {}))),
    );
  const jobs = Object.values(parsed) as readonly { script?: readonly unknown[] }[];
  return jobs.flatMap(({ script = [] }) =>
    script.map((line) => (typeof line === 'string' ? line : assert.fail(JSON.stringify(line)))),
  );
}

test('what is secret is not written into a file to be committed, but refused', async (t) => {
  const dir = await makeTempDir(t);
  await writeTree(dir, {
    '.git/HEAD': 'ref: refs/heads/main\n',
    'builds.yaml': `vars: { PIN: { default: "1", sensitive: true }, HOST: { default: ghcr.example, sensitive: true } }
builds:
  app: { context: . }
  away: { context: ., tags: ["\${{ vars.HOST }}/x:1"], push: true }
`,
    Dockerfile: 'FROM scratch\n',
  });
  for (const [words, shown, hint] of [
    [['app', '--set', 'app.args.API_TOKEN=hunter22'], 'app.args.API_TOKEN=(hidden)', 'sensitive: true'],
    [['app', '--var', 'PIN=2'], 'PIN=(hidden)', 'set PIN in the environment of the jobs'],
    [['app', '--set', 'app.args.U=redis://:hunter22@db/'], 'app.args.U=redis://db/', 'sensitive: true'],
    [['away'], '(hidden)', 'sensitive: true'],
  ] as const) {
    for (const system of ['github', 'gitlab']) {
      const io = createFakeIo(['ci', system, `--package=${TEST_PACKAGE}`, ...words], { cwd: dir });
      assert.equal(await runCli(io), 2, io.err());
      assert.equal(io.out(), '');
      const err = io.err().replace(/\s+/g, ' ');
      assert(err.includes(`[cli/pipeline-secret]`) && err.includes(`a secret: ${shown}`), err);
      assert(err.includes(hint) && !/hunter22|ghcr\.example/.test(err), err);
    }
  }
});

test('jobs get bake-ts from where it is said to lie, and from nowhere else', async (t) => {
  for (const system of ['github', 'gitlab'] as const) {
    const source = 'https://files.example.com/a/b%20c/bake-ts-0.1.0.tgz?x=1&y=2';
    const printed = await print(t, system, { app: [], api: ['app'] }, { args: [`--package=${source}`] });
    const { env, variables } = printed.parsed as Readonly<Record<string, { BAKE_TS_PACKAGE?: string }>>;
    assert.equal((system === 'github' ? env : variables)?.BAKE_TS_PACKAGE, source);
    assert.equal(printed.text.split(source).length, 2, 'it stands there once');
    const lines = printed.text.split('\n').filter((line) => /^[^#]*npm install/.test(line));
    assert.ok(lines.length > 0);
    for (const line of lines) assert.match(line, / -- "\$BAKE_TS_PACKAGE"\)?$/);
  }
  const byAction = await print(t, 'github', { app: [] }, { args: ['--action=acme/bake-ts@v1'] });
  assert.doesNotMatch(byAction.text, /npm install|BAKE_TS_PACKAGE/);
});

test('a pipeline is not printed where jobs would not know what to install', async (t) => {
  const dir = await makeTempDir(t);
  await writeTree(dir, { 'builds.yaml': 'builds: { app: { dockerfile-inline: FROM scratch } }\n' });
  for (const [words, code] of [
    [['github'], 'cli/no-package'],
    [['gitlab'], 'cli/no-package'],
    [['github', '--package=/b.tgz', '--action=a/b@v1'], 'cli/conflict'],
    [['gitlab', '--package=./bake-ts-0.1.0.tgz'], 'cli/bad-value'],
    [['github', '--package=--global'], 'cli/bad-value'],
    [['gitlab', '--package=https://$HOST/b.tgz'], 'cli/bad-value'],
    [['github', '--package=a b'], 'cli/bad-value'],
    [['github', '--package=https://me:hunter22@files.example.com/b.tgz'], 'cli/pipeline-secret'],
  ] as const) {
    const io = createFakeIo(['ci', ...words], { cwd: dir });
    assert.equal(await runCli(io), 2, words.join(' '));
    assert.equal(io.out(), '');
    assert.ok(io.err().includes(`[${code}]`) && !io.err().includes('hunter22'), io.err());
  }
});
