/** `bake-ts import`: which files it takes, and what it says of those that lie beside them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import type { Io } from '../../cli/io.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeTree } from '../rig/temp.ts';

async function callImport(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  names: readonly string[],
  changes: Partial<Io> = {},
): Promise<{ readonly code: number; readonly yaml: string; readonly told: string }> {
  const cwd = await makeTree(t, files);
  const io = createFakeIo(['import', ...names], { env: {}, cwd, ...changes });
  const code = await runCli(io);
  return { code, yaml: io.out(), told: io.err().replaceAll(/\s+/g, ' ') };
}

const BAKE = 'target "a" { tags = [X] }\n';

test('a file that bake would lay over it, and one that declares what it lacks, are named', async (t) => {
  const files = {
    'docker-bake.hcl': BAKE,
    'docker-bake.override.hcl': 'target "a" { args = { B = "1" } }\n',
    'vars.hcl': 'variable "X" {\n  default = "x:1"\n}\n',
  };
  const alone = await callImport(t, files, ['docker-bake.hcl']);
  assert.equal(alone.code, 0);
  assert.match(alone.told, /a: there is no variable "X" in it: \[X\]/);
  assert.match(
    alone.told,
    /docker-bake\.override\.hcl, which is laid over it where no file is named, is not in it: bake-ts import docker-bake\.hcl docker-bake\.override\.hcl/,
  );
  assert.match(alone.told, /vars\.hcl beside it has X: bake-ts import docker-bake\.hcl vars\.hcl/);
  const all = await callImport(t, files, Object.keys(files));
  assert.match(all.yaml, /args: \{ B: "1" \}\n {4}tags: \["\$\{\{ vars\.X \}\}"\]/);
  assert.equal(all.told, '');
});

test('without a name it takes what bake takes, and standard input where that is no terminal', async (t) => {
  const files = { 'docker-bake.hcl': 'target "a" {}\n', 'docker-bake.override.hcl': 'target "b" {}\n' };
  const found = await callImport(t, files, [], { isInputTerminal: () => true });
  assert.match(found.yaml, /Made from docker-bake\.hcl, docker-bake\.override\.hcl by/);
  const given = await callImport(t, files, [], { readStdin: async () => 'target "c" {}\n' });
  assert.match(given.yaml, /Made from standard input by[\s\S]* {2}c: \{\}/);
  const none = await callImport(t, {}, [], { isInputTerminal: () => true });
  assert.match(none.told, /error\[cli\/unreadable-file\]: There is no bake or Compose file here/);
});

test('a Compose file is read with what it names, from its own directory', async (t) => {
  const files = {
    'sub/compose.yaml': 'include: [more.yaml]\nservices: { a: { build: . } }\n',
    'sub/more.yaml': 'services: { b: { build: { context: b, args: { T: "${T}" } } } }\n',
    'sub/.env': 'T=of-env\n',
  };
  const { yaml } = await callImport(t, files, ['sub/compose.yaml']);
  assert.match(yaml, /Made from compose\.yaml, \.env, more\.yaml by/);
  assert.match(yaml, / {2}T: of-env\n/);
});

test('files of two kinds are not imported as one, and one with nothing to build names the others', async (t) => {
  const files = { 'compose.yaml': 'services: { a: { image: x } }\n', 'docker-bake.hcl': BAKE };
  const mixed = await callImport(t, files, Object.keys(files));
  assert.deepEqual([mixed.code, mixed.yaml], [3, '']);
  assert.match(mixed.told, /error\[import\/mixed\]: compose\.yaml is a Compose file/);
  const images = await callImport(t, files, ['compose.yaml']);
  assert.match(
    images.told,
    /Add `build:` to a service; these only have an image: a \(x\)\. Beside it: docker-bake\.hcl\./,
  );
});
