import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { declareCli } from '../../cli/declare.ts';
import { EXIT, exitCodeOfProblems, exitCodeOfRun } from '../../cli/exit-codes.ts';
import type { Io } from '../../cli/io.ts';
import { withCancellation } from '../../cli/signals.ts';
import type { ProblemCode, RunSummary } from '../../lib/model/mod.ts';
import { VERSION } from '../../lib/util/version.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { assertGolden } from '../rig/golden.ts';
import { repoPath } from '../rig/paths.ts';
import { failingRun } from '../rig/recorded-runs.ts';
import { type Cleanup, makeTempDir, makeTree, writeTree } from '../rig/temp.ts';

async function call(argv: readonly string[], changes: Partial<Io> = {}) {
  const io = createFakeIo(argv, changes);
  const code = await runCli(io);
  return { code, out: io.out(), err: io.err() };
}

const BUILDS = `vars:
  TAG: { default: dev, description: What to call it }
  TOKEN: { default: hunter2, sensitive: true }
builds:
  base:
    context: base
    description: What the others are based on
    tags: ["localhost:5000/base:\${{ vars.TAG }}"]
  api:
    context: api
    contexts: { base: build:base }
    push: true
    tags: ["localhost:5000/api:\${{ vars.TAG }}", localhost:5000/api:latest]
groups:
  default: { builds: [api] }
`;

async function repository(
  t: Cleanup,
  builds = BUILDS.replace('{ builds: [api] }', '[api]'),
): Promise<string> {
  const dir = await makeTempDir(t);
  await writeTree(dir, {
    'builds.yaml': builds,
    'base/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'api/Dockerfile': 'FROM base\nCOPY . /\n',
  });
  return dir;
}

test('without a command, and with --help, there is an overview', async () => {
  const bare = await call([]);
  assert.deepEqual(await call(['--help']), bare);
  assert.deepEqual(await call(['help']), bare);
  assert.equal(bare.code, EXIT.ok);
  assert.equal(bare.err, '');
  assertGolden(bare.out, 'cli/golden/help.txt');
});

test('every command has help that fits the terminal and names each of its options', async () => {
  for (const command of declareCli().commands) {
    const { code, out } = await call([...command.name.split(' '), '--help']);
    assert.equal(code, EXIT.ok);
    assert.equal(typeof command.commandAction, 'function', command.name);
    assert.ok(out.includes(`bake-ts ${command.name}`), command.name);
    for (const option of command.options) assert.ok(out.includes(option.rawName), option.rawName);
    assert.deepEqual(
      out.split('\n').filter((line) => line.length > 100),
      [],
      command.name,
    );
  }
  assertGolden((await call(['run', '-h'])).out, 'cli/golden/help-run.txt');
});

test('every command and option is in docs/reference/commands.md, and every exit code in docs/cli.md', () => {
  const docs = readFileSync(repoPath('docs/reference/commands.md'), 'utf8');
  const cli = declareCli();
  for (const command of cli.commands) {
    assert.ok(docs.includes(`bake-ts ${command.name}`), command.name);
    for (const option of command.options) {
      const long = /--[a-z-]+/.exec(option.rawName)?.[0] ?? '';
      assert.ok(docs.includes(long), `${command.name} ${long}`);
    }
  }
  const guide = readFileSync(repoPath('docs/cli.md'), 'utf8');
  for (const code of Object.values(EXIT)) assert.match(guide, new RegExp(`^\\| ${code} \\|`, 'm'));
});

test('help is given however wrong the rest is, but behind -- its option is a name', async () => {
  assert.equal((await call(['run', '--nonsense', '-h'])).code, EXIT.ok);
  const named = await call(['completion', '--', '-h']);
  assert.equal(named.code, EXIT.usage);
  assert.match(named.err, /no completion for "-h"/);
  assert.equal((await call(['--nonsense', '--', '-h'])).code, EXIT.usage);
});

test('the version is that of the package, with the runtime', async () => {
  const { code, out } = await call(['--version']);
  assert.deepEqual([code, out], [0, `bake-ts ${VERSION} (node 20.19.0)\n`]);
  for (const file of ['package.json', 'deno.json']) {
    assert.equal(
      (JSON.parse(readFileSync(repoPath(file), 'utf8')) as { version: string }).version,
      VERSION,
      file,
    );
  }
});

test('wrong usage ends with 2, says what is wrong on stderr, and leaves stdout empty', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['rnu', /unknown-command.*"rnu"\n.*Did you mean "run"\?/],
    ['my-image', /unknown-command[\s\S]*bake-ts run my-image/],
    ['engine upp', /"engine upp"\n.*Did you mean "engine up"\?/],
    ['run --platfrom linux/arm64', /unknown-option.*\n.*"--platform"/],
    ['run --tag', /unknown-option.*--tag/],
    ['run -j', /missing-value/],
    ['run -j many', /--jobs cannot be "many"\n.*from 1 to 999/],
    ['run --jobs 0', /--jobs cannot be "0"/],
    ['run --progress fancy', /one of auto, tty, plain, grouped, json, quiet/],
    ['run --var =secret', /bad-value/],
    ['plan -C no/such/place', /bad-value.*--directory is not a directory/],
    ['verify --ignore !*.pyc', /--ignore cannot be "!\*\.pyc"\n[\s\S]*cannot be negated/],
    ['verify --progress json', /one of auto, tty, plain, grouped, quiet/],
    ['list extra', /"list" takes no argument "extra"/],
    ['--nonsense', /unknown-option/],
    ['engine logs dockerd', /there is no daemon "dockerd"/],
    ['engine install --file sth=x', /one of buildkit, containerd/],
  ];
  for (const [line, expected] of cases) {
    const { code, out, err } = await call(line.split(' '));
    assert.deepEqual([code, out], [EXIT.usage, ''], line);
    assert.match(err, expected, line);
    assert.doesNotMatch(err, /=secret|"=?secret/);
  }
});

test('a group of commands alone shows what is in it', async () => {
  const { code, out } = await call(['engine']);
  assert.equal(code, EXIT.ok);
  assert.match(out, /engine doctor {2,}\S/);
});

test('list shows builds, groups and variables, and no value of a sensitive one', async (t) => {
  const cwd = await repository(t);
  const { code, out } = await call(['list'], { cwd });
  assert.equal(code, EXIT.ok);
  assertGolden(out, 'cli/golden/list.txt');
  const json = await call(['list', '--json'], { cwd });
  assert.equal((JSON.parse(json.out) as { builds: readonly unknown[] }).builds.length, 2);
  assert.ok(!`${out}${json.out}`.includes('hunter2'));
});

test('plan shows order and edges, and as JSON the plan document', async (t) => {
  const cwd = await repository(t);
  const { code, out, err } = await call(['plan', '--var', 'TAG=1.10'], { cwd });
  assert.deepEqual([code, err], [EXIT.ok, '']);
  assertGolden(out, 'cli/golden/plan.txt');
  const json = await call(['plan', '--json', '-C', '.'], { cwd });
  const names = (JSON.parse(json.out) as { builds: readonly { name: string }[] }).builds.map(
    (one) => one.name,
  );
  assert.deepEqual(names, ['base', 'api']);
});

test('plan draws what needs what, one form at a time', async (t) => {
  const cwd = await repository(t);
  assert.equal((await call(['plan', '--tree'], { cwd })).out, 'api\n└─ base (context)\n');
  assert.match((await call(['plan', '--dot'], { cwd })).out, /"base" -> "api"/);
  assert.match((await call(['plan', '--mermaid'], { cwd })).out, /b0 --> b1/);
  const both = await call(['plan', '--tree', '--json'], { cwd });
  assert.deepEqual([both.code, both.out], [EXIT.usage, '']);
  assert.match(both.err, /cli\/conflict.*--json and --tree/);
});

test('print gives every value final: --var, --set and flags included', async (t) => {
  const cwd = await repository(t);
  const argv = [
    'print',
    'api',
    '--json',
    '--var',
    'TAG=1.10',
    '--set',
    'api.args.MODE=prod',
    '--platform',
    'linux/arm64',
    '--no-push',
  ];
  const { code, out } = await call(argv, { cwd });
  assert.equal(code, EXIT.ok);
  const { api } = (JSON.parse(out) as { builds: { api: Readonly<Record<string, unknown>> } }).builds;
  assert.deepEqual(
    [api['tags'], api['args'], api['platforms'], api['push'] ?? false],
    [['localhost:5000/api:1.10', 'localhost:5000/api:latest'], { MODE: 'prod' }, ['linux/arm64'], false],
  );
  const yaml = await call(['print'], { cwd });
  assert.match(yaml.out, /^builds:\n {2}base:\n/);
});

test('a file on stdin is read with -f -', async (t) => {
  const cwd = await repository(t);
  const { code, out } = await call(['print', '--json', '-f', '-'], {
    cwd,
    readStdin: async () => 'builds: { only: { context: base } }',
  });
  assert.equal(code, EXIT.ok);
  assert.deepEqual(Object.keys((JSON.parse(out) as { builds: object }).builds), ['only']);
});

test('validate finds everything wrong at once, in four forms', async (t) => {
  const cwd = await repository(t, 'builds:\n  api:\n    contxt: api\n    tags: 7x\n    colour: red\n');
  const text = await call(['validate'], { cwd });
  assert.equal(text.code, EXIT.invalid);
  assert.match(text.out, /┌─ builds\.yaml:3:5\n.*contxt: api\n.*\^{6}/s);
  assert.match(text.out, /colour/);
  const lines = await call(['validate', '--format', 'lines'], { cwd });
  assert.match(lines.out, /^builds\.yaml:3:5: error\[config\//);
  const github = await call(['validate', '--format', 'github'], { cwd });
  assert.match(github.out, /^::error file=builds\.yaml,line=3,/);
  const json = await call(['validate', '--format', 'json'], { cwd });
  assert.equal(json.code, EXIT.invalid);
  assert.ok((JSON.parse(json.out) as { problems: readonly unknown[] }).problems.length >= 2);
  const good = await call(['validate'], { cwd: await repository(t) });
  assert.deepEqual([good.code, good.out], [EXIT.ok, 'valid: 2 builds in builds.yaml\n']);
});

test('lint reports what keeps a Dockerfile from being read, for which it needs no engine', async (t) => {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, {
    'builds.yaml': 'builds:\n  bad: { context: bad }\n  none: { context: none }\n',
    'bad/Dockerfile': 'FROM scratch\nCOPPY a /\n',
  });
  const { code, out } = await call(['lint', '--format', 'lines'], { cwd });
  assert.equal(code, EXIT.invalid);
  assert.match(out, /^bad\/Dockerfile:2:1: error\[dockerfile\/unknown-instruction\]/m);
  assert.match(out, /^builds\.yaml:3:\d+: error\[context\/missing\]/m);
  const github = await call(['lint', 'bad', '--format', 'github'], { cwd });
  assert.match(github.out, /^::error file=bad\/Dockerfile,line=2,col=1,/);
});

test('a Dockerfile that cannot be read or parsed ends plan, explain and validate as it ends run; list needs none', async (t) => {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, {
    'builds.yaml': 'builds:\n  bad: { context: bad }\n  none: { context: none }\n  good: { context: good }\n',
    'bad/Dockerfile': 'FROM scratch\nCOPPY a /\n',
    'good/Dockerfile': 'FROM scratch\n',
  });
  const env = { HOME: cwd, BAKE_TS_HOME: cwd, BUILDKIT_HOST: `unix://${cwd}/none.sock` };
  for (const command of ['plan', 'plan --json', 'explain', 'validate', 'run']) {
    const { code, out, err } = await call(command.split(' '), { cwd, env });
    assert.equal(code, EXIT.invalid, command);
    const said = command === 'validate' ? out : err;
    assert.match(said, /dockerfile\/unknown-instruction(?:.|\n)*bad\/Dockerfile:2/, command);
    assert.match(said, /context\/missing(?:.|\n)*builds\.yaml:3/, command);
  }
  const planned = await call(['plan'], { cwd });
  assert.match(planned.out, /good(?:.|\n)*3 builds in 1 level/);
  assert.deepEqual(
    [(await call(['plan', 'good'], { cwd })).code, (await call(['list'], { cwd })).code],
    [EXIT.ok, EXIT.ok],
  );
});

test('a build that is to be pushed without a tag is invalid; --push asks for none of what has none', async (t) => {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, {
    'builds.yaml': 'builds:\n  a: { push: true }\n  b: { context: . }\n',
    Dockerfile: 'FROM scratch\n',
  });
  const env = { HOME: cwd, BAKE_TS_HOME: cwd, BUILDKIT_HOST: `unix://${cwd}/none.sock` };
  for (const command of ['plan', 'explain', 'validate', 'run']) {
    const { code, out, err } = await call([command], { cwd, env });
    assert.equal(code, EXIT.invalid, command);
    assert.match(out + err, /plan\/push-without-tags(?:.|\n)*builds\.yaml:2:14/, command);
  }
  const flagged = await call(['plan', 'b', '--push'], { cwd });
  assert.equal(flagged.code, EXIT.ok);
  assert.match(flagged.err, /warning\[plan\/push-without-tags\]/);
});

test('validate also sees what only a plan can see', async (t) => {
  const cycle = 'builds:\n  a: { context: base, needs: [b] }\n  b: { context: base, needs: [a] }\n';
  const { code, out } = await call(['validate'], { cwd: await repository(t, cycle) });
  assert.equal(code, EXIT.invalid);
  assert.match(out, /plan\/cycle/);
});

test('run with an invalid file, an unknown build or no engine ends before anything is built', async (t) => {
  const cwd = await repository(t);
  const env = { HOME: cwd, BUILDKIT_HOST: `unix://${cwd}/none.sock`, PATH: '' };
  const unknown = await call(['run', 'apj'], { cwd, env });
  assert.equal(unknown.code, EXIT.invalid);
  assert.match(unknown.err, /plan\/unknown-build[\s\S]*`api`/);
  await writeFile(path.join(cwd, 'broken.yaml'), 'builds: [');
  assert.equal((await call(['run', '-f', 'broken.yaml'], { cwd, env })).code, EXIT.invalid);
  const engine = await call(['run', '--metadata-file', 'meta.json'], { cwd, env });
  assert.equal(engine.code, EXIT.engine, engine.err);
  assert.match(engine.err, /error\[engine\//);
  const metadata = JSON.parse(await readFile(path.join(cwd, 'meta.json'), 'utf8')) as { ok: boolean };
  assert.equal(metadata.ok, false);
});

test('images and engine status say that there is no engine, with 5', async (t) => {
  const cwd = await makeTempDir(t);
  const env = {
    HOME: cwd,
    BAKE_TS_HOME: path.join(cwd, 'home'),
    BUILDKIT_HOST: `unix://${cwd}/none.sock`,
    PATH: '',
  };
  await mkdir(path.join(cwd, 'home'));
  assert.equal((await call(['images'], { cwd, env })).code, EXIT.engine);
  const status = await call(['engine', 'status', '--json'], { cwd, env });
  assert.equal(status.code, EXIT.engine);
  assert.equal((JSON.parse(status.out) as { running: boolean }).running, false);
  const logs = await call(['engine', 'logs'], { cwd, env });
  assert.equal(logs.code, EXIT.engine);
});

test('schema prints the schema of builds.yaml', async () => {
  const { code, out } = await call(['schema']);
  assert.equal(code, EXIT.ok);
  assert.deepEqual(JSON.parse(out), JSON.parse(readFileSync(repoPath('schemas/builds.schema.json'), 'utf8')));
});

test('colour comes with a terminal, --color or FORCE_COLOR, and NO_COLOR takes it away', async () => {
  const coloured = async (argv: readonly string[], env: Io['env'], isTTY: boolean): Promise<boolean> => {
    let err = '';
    const stderr = { isTTY, write: (text: string) => (err += text) };
    await runCli(createFakeIo(['list', ...argv], { env, stderr }));
    return err.includes('\u001b[');
  };
  assert.equal(await coloured([], {}, true), true);
  assert.equal(await coloured([], {}, false), false);
  assert.equal(await coloured([], { FORCE_COLOR: '1' }, false), true);
  assert.equal(await coloured([], { FORCE_COLOR: '0' }, true), false);
  assert.equal(await coloured([], { NO_COLOR: '1', FORCE_COLOR: '1' }, true), false);
  assert.equal(await coloured(['--color', 'always'], { NO_COLOR: '1' }, false), true);
  assert.equal(await coloured(['--color', 'never'], {}, true), false);
  assert.equal(await coloured([], { TERM: 'dumb' }, true), false);
});

test('a bug of ours ends with 4 and asks for a report', async () => {
  const { code, err } = await call(['schema'], {
    stdout: {
      write: () => {
        throw new Error('boom');
      },
    },
  });
  assert.equal(code, EXIT.internal);
  assert.match(err, /bug in bake-ts[\s\S]*boom/);
});

test('exit codes follow what went wrong', () => {
  const summaryEvent = failingRun().at(-1);
  assert.ok(summaryEvent?.type === 'run-finished');
  const { summary } = summaryEvent;
  assert.equal(exitCodeOfRun(summary, 'SIGTERM'), 143);
  assert.equal(exitCodeOfRun(summary, 'SIGINT'), 130);
  assert.equal(exitCodeOfRun(summary, 'SIGHUP'), 129);
  assert.equal(exitCodeOfRun({ ...summary, cancelled: false }), EXIT.buildFailed);
  const failedWith = (
    ...codes: readonly `${'build' | 'registry' | 'engine' | 'context'}/x`[]
  ): RunSummary => ({
    ...summary,
    cancelled: false,
    problems: codes.map((code) => ({ severity: 'error', code, message: '' })),
    outcomes: [],
  });
  assert.equal(exitCodeOfRun(failedWith('registry/x')), EXIT.registry);
  assert.equal(exitCodeOfRun(failedWith('registry/x', 'build/x')), EXIT.buildFailed);
  assert.equal(exitCodeOfRun(failedWith('build/x', 'engine/x')), EXIT.engine);
  assert.equal(exitCodeOfRun(failedWith('engine/x', 'context/x')), EXIT.invalid);
  assert.equal(exitCodeOfRun(failedWith()), EXIT.buildFailed);
  assert.equal(exitCodeOfRun({ ...failedWith(), ok: true }), EXIT.ok);
  assert.equal(exitCodeOfProblems([{ severity: 'warning', code: 'config/x' }]), EXIT.ok);
  const codeOf = (...codes: readonly ProblemCode[]) =>
    exitCodeOfProblems(codes.map((code) => ({ severity: 'error', code })));
  assert.equal(codeOf('registry/bad-layout'), EXIT.invalid);
  assert.equal(codeOf('engine/no-such-image'), EXIT.buildFailed);
  assert.equal(codeOf('build/bad-tag'), EXIT.invalid);
  assert.equal(codeOf('build/base-unreachable'), EXIT.registry);
  assert.equal(codeOf('build/base-unreachable', 'build/step-failed'), EXIT.buildFailed);
});

test('run refuses a tag that is not valid before it looks for an engine', async (t) => {
  const cwd = await makeTree(t, {
    'builds.yaml':
      'vars: { TAG: { default: ok, env: TAG } }\nbuilds:\n  app: { context: ., tags: ["r.test/app:${{ vars.TAG }}"] }\n',
    Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n',
  });
  const io = createFakeIo(['run'], {
    cwd,
    env: { HOME: cwd, BAKE_TS_HOME: cwd, BUILDKIT_HOST: `unix://${cwd}/none.sock`, TAG: 'bad tag!' },
  });
  assert.equal(await runCli(io), EXIT.invalid, io.err());
  assert.match(io.err(), /build\/bad-tag[\s\S]*environment variable TAG/);
});

test('the first signal cancels, the second ends the process, and afterwards nobody listens', async () => {
  const io = createFakeIo([]);
  let restored = 0;
  const code = await withCancellation(
    io,
    async ({ signal, stoppedBy: by }) => {
      assert.equal(by(), undefined);
      io.send('SIGINT');
      assert.ok(signal.aborted);
      assert.deepEqual([io.exits, restored], [[], 0]);
      io.send('SIGTERM');
      assert.equal(by(), 'SIGINT');
      return EXIT.registry;
    },
    () => {
      restored += 1;
    },
  );
  // What went wrong because of the signal is no fault of its own.
  assert.equal(code, 130);
  assert.deepEqual([io.exits, restored], [[143], 1]);
  io.send('SIGINT');
  assert.deepEqual(io.exits, [143]);
});
