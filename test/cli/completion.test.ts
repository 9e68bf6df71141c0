import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { bakeTsScript, runCommand } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const BUILDS = `vars:
  TAG: { default: dev, description: What to call it }
  TOKEN: { default: hunter2, sensitive: true }
builds:
  base: { description: What the others are based on, context: base }
  api: { context: api }
  worker:
    matrix: { queue: [mail, invoices] }
    name: worker-\${{ matrix.queue }}
    context: worker
groups:
  default: [api]
`;

async function repository(t: Cleanup, builds = BUILDS): Promise<string> {
  const dir = await makeTempDir(t);
  await writeTree(dir, {
    'builds.yaml': builds,
    'notes/': '',
    'other.yaml': 'builds: { lonely: { context: . } }\n',
  });
  return dir;
}

/** What is offered for a line, as fish gets it; the first line says how to take it. */
async function offer(cwd: string, words: readonly string[], shell = 'fish'): Promise<readonly string[]> {
  const io = createFakeIo(['__complete', shell, ...words], { cwd });
  assert.equal(await runCli(io), 0);
  assert.equal(io.err(), '');
  assert.ok(!io.out().includes('hunter2'));
  return io.out().trimEnd().split('\n');
}

/** The same without descriptions. */
async function texts(cwd: string, ...words: readonly string[]): Promise<string> {
  return (await offer(cwd, words)).map((line) => line.split('\t')[0]).join(' ');
}

test('commands are completed, those of two words in two steps', async (t) => {
  const cwd = await repository(t);
  assert.match(await texts(cwd, ''), /^words run .*\bengine\b/);
  assert.equal(await texts(cwd, 'ru'), 'words run');
  assert.match(
    await texts(cwd, 'engine', ''),
    /^words install upgrade up down rm status doctor logs du prune service$/,
  );
  assert.equal(await texts(cwd, 'engine', 'do'), 'words down doctor');
  assert.equal(await texts(cwd, 'completion', ''), 'words bash zsh fish');
  assert.equal(await texts(cwd, 'nonsense', ''), 'words');
  assert.ok(!(await texts(cwd, '_')).includes('__complete'));
});

test('pages, sections and problem codes are completed', async (t) => {
  const cwd = await repository(t);
  assert.equal(await texts(cwd, 'docs', 'prom'), 'words promote');
  assert.equal(await texts(cwd, 'docs', 'cli#exit'), 'words cli#exit-codes');
  assert.match(await texts(cwd, 'docs', 'failures/re'), /^words failures\/registry$/);
  assert.equal(await texts(cwd, 'why', 'plan/cyc'), 'words plan/cycle');
  assert.equal(await texts(cwd, 'why', 'plan/cycle', 'lint/b'), 'words lint/base-unknown');
});

test('builds, matrices and groups are completed, each once, also after an exclamation mark', async (t) => {
  const cwd = await repository(t);
  assert.equal(await texts(cwd, 'run', ''), 'words default worker base api worker-mail worker-invoices');
  assert.equal(await texts(cwd, 'plan', 'api', 'wor'), 'words worker worker-mail worker-invoices');
  assert.equal(await texts(cwd, 'run', 'api', 'a'), 'words');
  assert.equal(await texts(cwd, 'run', '!wo'), 'words !worker !worker-mail !worker-invoices');
  assert.equal(await texts(cwd, 'push', 'api', 'wor'), 'words worker worker-mail worker-invoices');
  assert.match(await texts(cwd, 'push', './'), /^files/);
  assert.deepEqual(await offer(cwd, ['run', 'ba']), ['words', 'base\tWhat the others are based on']);
  assert.equal(await texts(cwd, 'promote', 'a'), 'words api');
  assert.equal(await texts(cwd, 'promote', '--to', ''), 'words');
});

test('options are completed, and each value by what it means', async (t) => {
  const cwd = await repository(t);
  assert.equal(await texts(cwd, 'run', '--dr'), 'words --dry-run');
  assert.equal(await texts(cwd, 'run', '--dry-run', '--dr'), 'words');
  assert.equal(await texts(cwd, 'run', '--progress', ''), 'words auto tty plain grouped json quiet');
  assert.equal(await texts(cwd, 'run', '--progress=j'), 'words --progress=json');
  assert.equal(await texts(cwd, 'run', '--var', ''), 'nospace TAG= TOKEN=');
  assert.equal(await texts(cwd, 'run', '--filter', 'q'), 'words queue=mail queue=invoices');
  assert.equal(await texts(cwd, 'run', '--set', 'ap'), 'nospace api.');
  assert.match(await texts(cwd, 'run', '--set', '*.'), /^nospace .*\*\.args=/);
  assert.match(await texts(cwd, 'run', '--platform', 'linux/arm6'), /^words linux\/arm64$/);
  assert.equal(await texts(cwd, 'run', '-f', ''), 'files');
  assert.equal(await texts(cwd, 'run', '--jobs', ''), 'words');
  assert.equal(await texts(cwd, 'run', '--', '--dr'), 'words');
});

test('names come from the file and the directory that the line means', async (t) => {
  const cwd = await repository(t);
  assert.equal(await texts(cwd, 'run', '-f', 'other.yaml', ''), 'words lonely');
  assert.equal(await texts(path.dirname(cwd), '-C', path.basename(cwd), 'run', 'ba'), 'words base');
});

test('a file that cannot be resolved still gives its names, and nothing ever gives an error', async (t) => {
  const broken = await repository(t, `${BUILDS.replace('default: dev', 'required: true')}  bad: [`);
  assert.equal(await texts(broken, 'run', ''), 'words default bad base api worker');
  const none = await makeTempDir(t);
  assert.equal(await texts(none, 'run', ''), 'words');
  for (const words of [[], ['--'], ['='], ['run', '--nonsense', ''], ['run', '--var', '=', 'x'], ['-C']])
    for (const shell of ['bash', 'zsh', 'fish', 'tcsh']) await offer(none, words, shell);
});

test('bash, which breaks words at =, gets what stands behind it', async (t) => {
  const cwd = await repository(t);
  assert.deepEqual(await offer(cwd, ['run', '--progress', '=', 'pl'], 'bash'), ['words', 'plain']);
  assert.deepEqual(await offer(cwd, ['run', '--progress', '='], 'bash'), [
    'words',
    'auto',
    'tty',
    'plain',
    'grouped',
    'json',
    'quiet',
  ]);
  assert.deepEqual(await offer(cwd, ['run', '--filter', 'queue', '=', 'm'], 'bash'), ['words', 'mail']);
});

/** A `bake-ts` that runs from the source or dist, as the tests do. */
async function makeCommand(t: Cleanup): Promise<string> {
  const file = path.join(await makeTempDir(t), 'bake-ts');
  await writeFile(file, bakeTsScript());
  await chmod(file, 0o755);
  return file;
}

test('a real bash completes with the script', async (t) => {
  const cwd = await repository(t);
  const command = await makeCommand(t);
  const ask = async (...words: readonly string[]): Promise<string> => {
    const list = [command, ...words].map((word) => `'${word}'`).join(' ');
    const script = `source <("${command}" completion bash)
COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _bake_ts; printf '%s\\n' "\${COMPREPLY[@]}"; complete -p bake-ts`;
    const { exitCode, stdout, stderr } = await runCommand(['bash', '--norc', '-c', script], { cwd });
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, /complete -F _bake_ts bake-ts\n$/);
    return stdout.split('\n').slice(0, -2).join(' ');
  };
  assert.equal(await ask('run', 'wor'), 'worker worker-mail worker-invoices');
  assert.equal(await ask('run', '--progress', '=', 'j'), 'json');
  assert.equal(await ask('run', '-f', 'oth'), 'other.yaml');
  assert.equal(await ask('engine', 'st'), 'status');
});

test('each script is for its shell, and another shell is refused', async () => {
  const scripts = new Map<string, string>();
  for (const shell of ['bash', 'zsh', 'fish']) {
    const io = createFakeIo(['completion', shell]);
    assert.equal(await runCli(io), 0);
    assert.match(io.out(), new RegExp(`__complete ${shell} `));
    scripts.set(shell, io.out());
  }
  assert.match(scripts.get('bash') ?? '', /\ncomplete -F _bake_ts bake-ts\n$/);
  assert.match(scripts.get('zsh') ?? '', /^#compdef bake-ts\n[\s\S]*compdef _bake_ts bake-ts/);
  assert.match(scripts.get('fish') ?? '', /complete -c bake-ts -f -a '\(__bake_ts_complete\)'/);
  const io = createFakeIo(['completion', 'tcsh']);
  assert.equal(await runCli(io), 2);
  assert.match(io.err(), /there is no completion for "tcsh"\n.*bash, zsh, fish/);
});
