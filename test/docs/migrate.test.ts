/** docs/migrate.md: what it shows before and after is the same, by bake's and Compose's rules and by calls of buildctl. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { type PrintedSet, printBuilds, readBuilds } from '../../lib/config/mod.ts';
import { importBuilds } from '../../lib/convert/mod.ts';
import { runCommand } from '../rig/command.ts';
import { makeCountingBuildctl } from '../rig/counting-buildctl.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';
import { readFencedBlocks } from '../rig/pages.ts';
import { repoPath } from '../rig/paths.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

/** Blocks of each section that have a file name, by that name. */
const sections = readFileSync(repoPath('docs/migrate.md'), 'utf8')
  .split(/^## /m)
  .slice(1)
  .map((text) => ({
    title: text.slice(0, text.indexOf('\n')),
    files: new Map(
      readFencedBlocks(text).flatMap(({ kind, text: block }) => {
        const name = kind.split(' ')[1];
        return name === undefined ? [] : [[name, block]];
      }),
    ),
  }));

function fileOf(title: string, name: string): string {
  const text = sections.find((one) => one.title === title)?.files.get(name);
  assert(text !== undefined, `${title} has no ${name}`);
  return text;
}

/** The builds of one file that lies alone in a directory; what others only inherit from is no build of builds.yaml. */
async function printFile(
  dir: string,
  file: string,
  vars: ReadonlyMap<string, string>,
): Promise<Pick<PrintedSet, 'builds' | 'groups'>> {
  const read = await readBuilds({ cwd: dir, env: {}, files: [file], vars });
  if (!read.ok) assert.fail(read.error.map(({ message }) => message).join('\n'));
  assert.deepEqual(
    read.value.warnings.map(({ message }) => message),
    [],
    file,
  );
  const { builds, groups = {} } = printBuilds(read.value.set);
  const own = Object.entries(builds).filter(([name]) => !name.startsWith('_'));
  return { builds: Object.fromEntries(own), groups };
}

/** Values of the variables with which both sides are compared, besides their defaults. */
const CASES = [
  {
    title: 'From docker-bake.hcl',
    file: 'docker-bake.hcl',
    vars: { TAG: '1.2', RELEASE: 'true', REGISTRY: 'r.example.com' },
  },
  { title: 'From Compose', file: 'compose.yaml', vars: { TAG: '1.2' } },
] as const;

for (const { title, file, vars } of CASES) {
  test(`${title}: both files say the same`, async (t) => {
    const dir = await makeTempDir(t, 'migrate-');
    const text = fileOf(title, file);
    await writeTree(dir, { [file]: text, 'builds.yaml': fileOf(title, 'builds.yaml') });
    for (const given of [new Map<string, string>(), new Map(Object.entries(vars))]) {
      const before = await printFile(dir, file, given);
      assert.ok(Object.keys(before.builds).length > 1);
      const after = await printFile(dir, 'builds.yaml', given);
      assert.deepEqual(after.builds, before.builds);
      // Where there are groups, a matrix is one, too; builds.yaml needs none for that.
      for (const [name, members] of Object.entries(after.groups))
        assert.deepEqual(before.groups[name], members, name);
    }
  });

  test(`${title}: import makes a file that says the same`, async (t) => {
    const dir = await makeTempDir(t, 'migrate-');
    const imported = await importBuilds(fileOf(title, file), { fileName: file });
    assert(imported.ok, JSON.stringify(imported));
    await writeTree(dir, {
      'imported.yaml': imported.value.yaml,
      'builds.yaml': fileOf(title, 'builds.yaml'),
    });
    for (const given of [new Map<string, string>(), new Map(Object.entries(vars))]) {
      const { builds } = await printFile(dir, 'builds.yaml', given);
      assert.deepEqual((await printFile(dir, 'imported.yaml', given)).builds, builds);
    }
  });
}

const LOOPS = 'From a Makefile or a shell loop';

/** The recipes of a Makefile without patterns and conditions, in the order of the file, as a script. */
function scriptOf(makefile: string): string {
  const values = new Map(
    [...makefile.matchAll(/^(\w+) \?= (.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const joined = makefile.replaceAll('\\\n', ' ');
  const lines = joined.split('\n').filter((line) => line.startsWith('\t'));
  return lines
    .join('\n')
    .replaceAll(/\$\((\w+)\)/g, (_all, name: string) => values.get(name) ?? assert.fail(name));
}

/** What matters of a call: the directory, and what changes the image. */
function essentialsOf(argv: readonly string[], dir: string): Readonly<Record<string, unknown>> {
  const valuesOf = (flag: string) => argv.flatMap((word, at) => (argv[at - 1] === flag ? [word] : []));
  const context = valuesOf('--local').find((local) => local.startsWith('dockerfile=')) ?? '';
  const opts = valuesOf('--opt')
    .filter((opt) => /^(?:build-arg:(?!BUILDKIT_)|label:|target=|context:base)/.test(opt))
    // bake-ts names images by digest.
    .map((opt) => opt.replace(/^(context:\w+)=.*$/, '$1'));
  const frontend = argv.find(
    (word) => word.startsWith('dockerfile.v0') || word === '--frontend=dockerfile.v0',
  );
  return {
    directory: path.relative(dir, path.resolve(dir, context.slice('dockerfile='.length))),
    opts: opts.sort(),
    hasFrontend: frontend !== undefined,
  };
}

test(`${LOOPS}: bake-ts calls buildctl with the same directories and options, and pushes the same tags`, async (t) => {
  const stub = await makeTempDir(t, 'migrate-');
  const buildctl = await makeCountingBuildctl(t, '/bin/true');
  const env = { PATH: `${path.dirname(buildctl.path)}:${process.env['PATH']}` };
  for (const script of [scriptOf(fileOf(LOOPS, 'Makefile')), fileOf(LOOPS, 'build.sh')]) {
    const ended = await runCommand(['sh', '-e', '-c', script], { cwd: stub, env });
    assert.equal(ended.exitCode, 0, ended.stderr);
  }
  const before = (await buildctl.builds()).map((line) => line.trim().split(' '));
  const tags = before.map(
    (argv) => /name=registry\.example\.com\/([^,]+),push=true/.exec(argv.join(' '))?.[1] ?? '',
  );

  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': fileOf(LOOPS, 'builds.yaml').replaceAll('registry.example.com', host),
    'images/base/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'images/web/Dockerfile': 'FROM base AS release\nARG MODE\nENV MODE=$MODE\nFROM scratch\n',
    'services/api/Dockerfile': 'FROM scratch\nARG PYTHON\nENV PYTHON=$PYTHON\nCOPY . /\n',
  }));
  const { kinds } = await world.bake();
  assert.deepEqual(new Set(Object.values(kinds)), new Set(['built']));
  const sorted = (calls: readonly (readonly string[])[], dir: string) =>
    calls.map((argv) => JSON.stringify(essentialsOf(argv, dir))).sort();
  assert.deepEqual(sorted(world.engine.builds, world.dir), sorted(before, stub));
  for (const tag of tags) {
    const [repository = '', name = ''] = tag.split(':');
    assert.ok(world.registry.store.manifest(repository, name) !== undefined, tag);
  }
  const again = await world.bake();
  assert.deepEqual(new Set(Object.values(again.kinds)), new Set(['unchanged']));
});
