/** Directories for temporary files: whose they are, what killed runs leave, and where there is no room for them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { problem } from '../../lib/model/mod.ts';
import { tempProblem, withWorkDir } from '../../lib/run/mod.ts';
import { compiled, repoPath } from '../rig/paths.ts';
import { makeTempDir } from '../rig/temp.ts';

const onLinux = { skip: process.platform !== 'linux' };
const NOTE = 'owner.json';

interface Note {
  pid: number;
  startTicks: number;
  bootId: string;
  namespace: string;
  host: string;
  version: number;
}

/** What a run writes into its directory. */
async function ownNote(parent: string): Promise<Note> {
  const made = await withWorkDir(
    async (dir) => JSON.parse(await readFile(path.join(dir, NOTE), 'utf8')),
    parent,
  );
  assert(made.ok);
  return made.value as Note;
}

test('a directory is there for the work, for its owner alone, and gone after it, whatever happens', async (t) => {
  const parent = await makeTempDir(t, 'work-');
  const done = await withWorkDir(async (dir) => {
    assert.match(path.relative(parent, dir), /^bake-ts-\w{6}$/);
    await writeFile(path.join(dir, 'file'), '');
    return 'its result';
  }, parent);
  assert.deepEqual(done, { ok: true, value: 'its result' });
  await assert.rejects(
    withWorkDir(async () => Promise.reject(new Error('of the work')), parent),
    /of the work/,
  );
  assert.deepEqual(await readdir(parent), []);
});

test(
  'what killed runs of this user left is removed, and nothing that may be in use or is of somebody else',
  onLinux,
  async (t) => {
    const parent = await makeTempDir(t, 'work-');
    const mine = await ownNote(parent);
    const gone = { ...mine, startTicks: mine.startTicks - 1 };
    const lay = async (name: string, note: unknown): Promise<void> => {
      await mkdir(path.join(parent, name, 'deep'), { recursive: true });
      const text = typeof note === 'string' ? note : JSON.stringify(note);
      if (note !== undefined) await writeFile(path.join(parent, name, NOTE), text);
    };
    await lay('bake-ts-gone01', gone);
    await lay('bake-ts-gone02', { ...mine, pid: 2 ** 22 + 1 });
    const kept: readonly (readonly [string, unknown])[] = [
      ['bake-ts-alive1', mine],
      ['bake-ts-nonote', undefined],
      ['bake-ts-strang', '{"pid":'],
      ['bake-ts-null00', 'null'],
      ['bake-ts-newer0', { ...gone, version: 2 }],
      // Numbers of processes of another namespace say nothing here.
      ['bake-ts-spaced', { ...gone, namespace: 'pid:[1]' }],
      ['bake-ts-host00', { ...gone, host: `not-${hostname()}` }],
      // Of a machine of the same name that shares the directory, or of an earlier boot: too young for that.
      ['bake-ts-boot00', { ...gone, bootId: 'another' }],
      ['bake-ts-toolong', gone],
      ['other-gone01', gone],
    ];
    for (const [name, note] of kept) await lay(name, note);
    await lay('bake-ts-reboot', { ...gone, bootId: 'another' });
    for (const one of ['bake-ts-reboot', `bake-ts-reboot/${NOTE}`])
      await utimes(path.join(parent, one), 1000, 1000);
    await writeFile(path.join(parent, 'bake-ts-file00'), JSON.stringify(gone));
    await withWorkDir(async () => undefined, parent);
    assert.deepEqual(
      (await readdir(parent)).sort(),
      [...kept.map(([name]) => name), 'bake-ts-file00'].sort(),
    );
  },
);

test('the directory of a run that is killed goes with the next one, and two that live leave one another alone', {
  ...onLinux,
  timeout: 60_000,
}, async (t) => {
  const parent = await makeTempDir(t, 'work-');
  const script = path.join(parent, 'hold.mjs');
  const module = repoPath(compiled ? 'dist/lib/run/work-dir.js' : 'lib/run/work-dir.ts');
  await writeFile(
    script,
    `import process from 'node:process';
import { withWorkDir } from ${JSON.stringify(module)};
await withWorkDir(async (dir) => {
  console.log(dir);
  await new Promise((resolve) => process.stdin.on('data', resolve));
}, ${JSON.stringify(parent)});
process.exit(0);
`,
  );
  const argv =
    process.versions['deno'] === undefined
      ? [script]
      : ['run', '-A', '--config', repoPath('deno.json'), script];
  const start = async () => {
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'], cwd: repoPath('.') });
    t.after(() => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    return { child, dir: line.trim(), ended: once(child, 'exit') };
  };
  const [one, other] = [await start(), await start()];
  assert.deepEqual([existsSync(one.dir), existsSync(other.dir)], [true, true]);
  one.child.kill('SIGKILL');
  await one.ended;
  await withWorkDir(async () => undefined, parent);
  assert.deepEqual([existsSync(one.dir), existsSync(other.dir)], [false, true]);
  other.child.stdin.write('x');
  await other.ended;
  assert.equal(existsSync(other.dir), false);
});

test('where no directory can be made, that is a problem with the place and the reason', async (t) => {
  const parent = await makeTempDir(t, 'work-');
  await writeFile(path.join(parent, 'file'), '');
  const cases: [string, string][] = [
    [path.join(parent, 'none'), 'ENOENT'],
    [path.join(parent, 'file'), 'ENOTDIR'],
  ];
  if (process.getuid?.() !== 0) {
    await mkdir(path.join(parent, 'closed'));
    await chmod(path.join(parent, 'closed'), 0o500);
    cases.push([path.join(parent, 'closed'), 'EACCES']);
  }
  for (const [where, code] of cases) {
    const made = await withWorkDir(async () => assert.fail('nothing to work in'), where);
    assert(!made.ok);
    assert.equal(made.error.code, 'run/no-temp');
    assert.equal(made.error.message, `there is no room for temporary files in \`${where}\` (${code})`);
    assert.match(made.error.hint ?? '', /TMPDIR/);
  }
});

test('an error is one over temporary files only where the file system says so, of a place there', async () => {
  const fault = (code: string, at?: string) =>
    Object.assign(new Error(code), { code, ...(at === undefined ? {} : { path: at }) });
  assert.equal((await tempProblem(fault('ENOSPC'), '/tmp'))?.code, problem('run/no-temp', '').code);
  assert.match(
    (await tempProblem(fault('ENOSPC', '/tmp/x'), '/tmp'))?.message ?? '',
    /ENOSPC: \d+ bytes free/,
  );
  for (const other of [fault('EACCES', '/etc/x'), fault('ERR_X'), new Error('x'), 'x'])
    assert.equal(await tempProblem(other, '/tmp'), undefined);
});
