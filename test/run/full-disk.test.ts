/** A disk that is full, or no disk at all, for temporary files and for the state: named as that, and no bug of ours. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { assertOk, codesOf } from '../rig/baking.ts';
import { bakeTsCommand, runBakeTs, runCommand } from '../rig/command.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';
import { fillDisk, makeSmallDisk, smallDiskSkip } from '../rig/full-disk.ts';
import { makeTempDir, useTempDir, writeTree } from '../rig/temp.ts';

const SIZE = 512 * 1024;

/** `inline` has a Dockerfile that is written to the directory for temporary files. */
const tree = (host: string) => ({
  'builds.yaml': `builds:
  file: { context: ., tags: ["${host}/app/file:1"], push: true }
  inline:
    context: .
    tags: ["${host}/app/inline:1"]
    push: true
    dockerfile-inline: |
      FROM scratch
      COPY file /
      # ${'x'.repeat(64 * 1024)}
`,
  Dockerfile: 'FROM scratch\nCOPY file /\n',
  file: 'f',
});

test('a run without a place for temporary files fails with that, and nothing else', async (t) => {
  const world = await makeFakeWorld(t, tree, { lax: true });
  useTempDir(t, path.join(world.home, 'none'));
  const { summary, events } = await world.bake();
  assert.equal(summary.ok, false);
  assert.deepEqual(
    summary.problems.map(({ code, message }) => [code, / \((\w+)\)$/.exec(message)?.[1]]),
    [['run/no-temp', 'ENOENT']],
  );
  assert.deepEqual(summary.outcomes, []);
  assert.deepEqual([events[0]?.type, events.at(-1)?.type], ['run-started', 'run-finished']);
  process.env['TMPDIR'] = world.home;
  assertOk(await world.bake());
});

test('a full disk for temporary files: before anything, or in the middle of it', {
  skip: smallDiskSkip,
}, async (t) => {
  const disk = await makeSmallDisk(t, SIZE);
  if (disk === undefined) return t.skip('no disk can be mounted');
  const world = await makeFakeWorld(t, tree, { lax: true });
  useTempDir(t, disk);
  await fillDisk(disk);
  const full = await world.bake();
  assert.deepEqual(codesOf(full), ['run/no-temp']);
  assert.match(full.summary.problems[0]?.message ?? '', /\(ENOSPC: 0 bytes free\)$/);
  assert.deepEqual(await readdir(disk), ['filler']);

  // Room for the run, and not for the Dockerfile.
  await rm(path.join(disk, 'filler'));
  await fillDisk(disk, 40 * 1024);
  assertOk(await world.bake({ builds: ['file'] }));
  const middle = await world.bake({ builds: ['inline'] });
  assert.deepEqual(codesOf(middle), ['run/no-temp of inline']);
  assert.deepEqual(await readdir(disk), ['filler']);

  await rm(path.join(disk, 'filler'));
  const after = await world.bake();
  assertOk(after);
  assert.deepEqual(after.kinds, { file: 'unchanged', inline: 'built' });
});

test('a full disk for the state: the builds succeed, and what is free is said', {
  skip: smallDiskSkip,
}, async (t) => {
  const disk = await makeSmallDisk(t, SIZE);
  if (disk === undefined) return t.skip('no disk can be mounted');
  const world = await makeFakeWorld(t, tree, { lax: true });
  await fillDisk(disk);
  const baked = await world.bake({ home: disk });
  assertOk(baked);
  const warned = baked.events.flatMap((event) => (event.type === 'warning' ? event.problem : []));
  assert.ok(warned.length >= 2);
  for (const { code, message } of warned) {
    assert.equal(code, 'state/not-written');
    assert.match(message, /\(ENOSPC: 0 bytes free\)$/);
  }
  // Not half of a file.
  assert.equal((await world.bake({ home: disk })).kinds['file'], 'built');
});

test('the command line says it without a stack, and ends with 1', { timeout: 60_000 }, async (t) => {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, tree('localhost:1'));
  const env = { BAKE_TS_HOME: path.join(cwd, 'home'), HOME: cwd, BUILDKIT_HOST: 'unix:///nowhere' };
  for (const command of [['run', '--dry-run'], ['explain'], ['verify']]) {
    const { exitCode, stdout, stderr } = await runBakeTs(command, {
      cwd,
      env: { ...env, TMPDIR: path.join(cwd, 'none') },
    });
    assert.equal(exitCode, 1, stdout + stderr);
    // A long path is wrapped.
    assert.match(stderr.replaceAll(/\n +/g, ' '), /run\/no-temp.*none` \(ENOENT\)/);
    assert.doesNotMatch(stdout + stderr, /internal error|at .*\.[jt]s:\d+/);
  }
});

test('the file for metadata is written whole or not at all, wherever it is', {
  timeout: 120_000,
}, async (t) => {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, { ...tree('localhost:1'), 'builds.yaml': 'builds: { a: { context: . } }\n' });
  const env = { BAKE_TS_HOME: path.join(cwd, 'home'), HOME: cwd, BUILDKIT_HOST: 'unix:///nowhere' };
  const write = (file: string) => runBakeTs(['run', '--dry-run', `--metadata-file=${file}`], { cwd, env });
  const isWhole = (text: string) => JSON.parse(text).version === 1;

  assert.equal((await write('meta.json')).exitCode, 0);
  assert.ok(isWhole(await readFile(path.join(cwd, 'meta.json'), 'utf8')));

  // Through a link, and with the mode that it has.
  await chmod(path.join(cwd, 'meta.json'), 0o640);
  await writeFile(path.join(cwd, 'meta.json'), 'old');
  await symlink('meta.json', path.join(cwd, 'link.json'));
  assert.equal((await write('link.json')).exitCode, 0);
  assert.ok(isWhole(await readFile(path.join(cwd, 'meta.json'), 'utf8')));
  assert.equal((await stat(path.join(cwd, 'meta.json'))).mode & 0o777, 0o640);

  // What is in a log already stays there.
  const [program = '', ...argv] = bakeTsCommand();
  const words = [...argv, 'run', '--dry-run', '--metadata-file=/dev/stdout'];
  const script = '"$0" "$@" | cat; echo before >log; "$0" "$@" >>log; cat log';
  const shown = await runCommand(['sh', '-c', script, program, ...words], { cwd, env });
  const [piped = '', logged = ''] = shown.stdout.split('before\n');
  assert.deepEqual([isWhole(piped), isWhole(logged)], [true, true], shown.stderr);

  const missing = await write('none/meta.json');
  assert.equal(missing.exitCode, 1);
  assert.match(missing.stderr, /run\/metadata-unwritten.*none\/meta\.json cannot be written \(ENOENT\)/);
  await mkdir(path.join(cwd, 'folder'));
  assert.equal((await write('folder')).exitCode, 1);
  if (process.platform === 'linux') {
    const full = await write('/dev/full');
    assert.equal(full.exitCode, 1);
    assert.match(full.stderr, /run\/metadata-unwritten.*\(ENOSPC: \d+ bytes free/);
  }
  const disk = smallDiskSkip === false ? await makeSmallDisk(t, SIZE) : undefined;
  if (disk === undefined) return;
  await writeFile(path.join(disk, 'meta.json'), 'as it was');
  await fillDisk(disk);
  const full = await write(path.join(disk, 'meta.json'));
  assert.equal(full.exitCode, 1);
  assert.match(full.stderr, /\(ENOSPC: 0 bytes free\)/);
  assert.equal(await readFile(path.join(disk, 'meta.json'), 'utf8'), 'as it was');
  assert.deepEqual((await readdir(disk)).sort(), ['filler', 'meta.json']);
});
