import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../../lib/util/version.ts';
import { runBakeTs } from '../rig/command.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

test('the real command prints its version and runtime', async () => {
  const { exitCode, stdout, stderr } = await runBakeTs(['--version']);
  assert.deepEqual([exitCode, stderr], [0, '']);
  assert.match(
    stdout,
    new RegExp(`^bake-ts ${VERSION.replaceAll('.', '\\.')} \\((node|deno) \\d+\\.\\d+\\.\\d+\\)\\n$`),
  );
});

test('the real command ends with the codes it promises', async (t) => {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, { 'builds.yaml': 'builds: { a: { contxt: . } }\n' });
  assert.equal((await runBakeTs(['nonsense'], { cwd })).exitCode, 2);
  const invalid = await runBakeTs(['plan'], { cwd });
  assert.deepEqual([invalid.exitCode, invalid.stdout], [3, '']);
  assert.match(invalid.stderr, /"contxt"|contxt/);
});

test('a reader that stops early is not an error', async () => {
  const { exitCode, stderr } = await runBakeTs(['schema'], {
    onStart: (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
  });
  assert.deepEqual([exitCode, stderr], [0, '']);
});
