/** Which files travel to the engine: our reading of .dockerignore against what a real build receives. */
import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { parseIgnore } from '../../lib/dockerfile/mod.ts';
import { ContextHasher } from '../../lib/fingerprint/mod.ts';
import { buildctlBuild } from '../rig/buildkit.ts';
import { seededRandom } from '../rig/random.ts';
import { realEngine } from '../rig/real-engine.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const TREE: Readonly<Record<string, string>> = {
  Dockerfile: 'FROM scratch',
  '.dockerignore': 'nothing here counts: the one beside the Dockerfile does',
  '.env': '1',
  'a.txt': '1',
  'b.md': '1',
  'README.md': '1',
  'foo+bar(1).txt': '1',
  '[x]': '1',
  ' lead': '1',
  ünï: '1',
  '#hash': '1',
  '!bang': '1',
  'dir/a.txt': '1',
  'dir/b.md': '1',
  'dir/keep/a.txt': '1',
  'dir/keep/deep/x.go': '1',
  'dir/sub/b.txt': '1',
  'dir/empty/': '',
  'empty/': '',
  'node_modules/p/index.js': '1',
  'src/node_modules/q/index.js': '1',
  'src/main.go': '1',
  'src/main_test.go': '1',
  'src/deep/er/x_test.go': '1',
  'foo/bar/baz': '1',
  'foobar/baz': '1',
};

const RULES: readonly (readonly [why: string, text: string])[] = [
  ['no rules', ''],
  ['everything', '*'],
  ['everything but one', '*\n!a.txt'],
  ['everything but a directory', '*\n!dir'],
  ['everything but a deep file', '*\n!dir/keep/deep/x.go'],
  ['everything but a deep file, by wildcard', '**\n!dir/*/a.txt'],
  ['everything but by double star', '*\n!**/*.go'],
  ['an exception that comes too early', '!a.txt\n*'],
  ['a directory, an exception in it, again left out', 'dir\n!dir/keep\ndir/keep/deep'],
  ['comments and blanks', '# a.txt\n  b.md  \n\n\t\n#hash\n #hash'],
  ['a byte order mark', '\uFEFFa.txt\nb.md'],
  ['CRLF', 'a.txt\r\nb.md\r\n'],
  ['leading slash', '/a.txt\n/dir/keep\n!/dir/keep/a.txt'],
  ['trailing slash', 'dir/\nnode_modules/'],
  ['dots and doubled slashes', './a.txt\ndir//keep\nsrc/../b.md'],
  ['above the context', '../a.txt\n../../dir'],
  ['double star in front', '**/node_modules\n**/*_test.go'],
  ['double star in front of a plain name', '**/a.txt'],
  ['double star without a slash', '**foo'],
  ['double star in the middle', 'src/**/x_test.go\nfoo/**/baz'],
  ['double star at the end', 'dir/**\n!dir/keep/**'],
  ['double star at the end and an exception by name', 'dir/**\n!dir/keep/a.txt'],
  ['one star does not cross a slash', 'dir/*\n!dir/*/a.txt'],
  ['question mark and class', '?.txt\n[b-d].md\n[!x]oo'],
  ['a class turned round', '[^a].md'],
  ['escapes', '\\[x\\]\n\\#hash\n\\!bang'],
  ['characters special to regular expressions', 'foo+bar(1).txt\n.env\n$\n{a,b}'],
  ['a prefix is not a match', 'foo'],
  ['the file and the ignore file themselves', 'Dockerfile\n.dockerignore'],
  ['an exception for a parent of an excluded file', 'dir/keep/a.txt\n!dir'],
  ['an exception under another one', '*\n!dir\ndir/keep\n!dir/keep/deep'],
  ['an exception with a blank after it', '*\n! a.txt'],
  ['a dot', '.'],
  ['everything by a dot, with an exception', '.\n!a.txt'],
  ['not ASCII', 'ün*'],
];

const PARTS = [
  'dir',
  'keep',
  'src',
  'a.txt',
  '*.md',
  '*',
  '**',
  'deep',
  '*_test.go',
  'foo*',
  '?*',
  'node_modules',
];

function randomRules(seed: number): string {
  const random = seededRandom(seed);
  const lines = Array.from({ length: 1 + random.below(5) }, () => {
    const parts = Array.from({ length: 1 + random.below(3) }, () => random.pick(PARTS));
    return (random.below(3) === 0 ? '!' : '') + (random.below(6) === 0 ? '/' : '') + parts.join('/');
  });
  return lines.join('\n');
}

/** Paths below a directory, directories included. */
async function listTree(dir: string): Promise<readonly string[]> {
  const found = await readdir(dir, { recursive: true });
  return found.map((name) => name.split(path.sep).join('/')).sort();
}

async function received(t: Cleanup, context: string, rules: string): Promise<readonly string[] | 'refused'> {
  const dir = await makeTempDir(t);
  await mkdir(path.join(dir, 'out'));
  await writeFile(path.join(dir, 'Dockerfile'), 'FROM scratch\nCOPY . /\n');
  await writeFile(path.join(dir, 'Dockerfile.dockerignore'), rules);
  const out = path.join(dir, 'out');
  const result = await buildctlBuild(context, dir, [`--output=type=local,dest=${out}`, '--progress=plain']);
  return result.code === 0 ? listTree(out) : 'refused';
}

async function counted(context: string, rules: string): Promise<readonly string[] | 'refused'> {
  const ignore = parseIgnore({ path: '.dockerignore', text: rules });
  if (!ignore.ok) return 'refused';
  const hasher = new ContextHasher({ workers: 0 });
  const hashed = await hasher.hash({ root: context, written: '.', reads: 'all', ignore: ignore.value });
  await hasher.close();
  assert.ok(hashed.ok, JSON.stringify(hashed));
  return hashed.value.files.map((part) => part.path).sort();
}

test('the files that count are those a real build receives', { skip: realEngine.skip }, async (t) => {
  const context = await makeTempDir(t);
  await writeTree(context, TREE);
  const extra = Number(process.env['BAKE_TS_TEST_RANDOM'] ?? 30);
  const random = Array.from(
    { length: extra },
    (_, seed) => [`random rules ${seed}`, randomRules(seed)] as const,
  );
  for (const [why, rules] of [...RULES, ...random]) {
    await t.test(why, async (t) => {
      assert.deepEqual(
        await counted(context, rules),
        await received(t, context, rules),
        JSON.stringify(rules),
      );
    });
  }
});

test('rules that BuildKit refuses are problems with a place', { skip: realEngine.skip }, async (t) => {
  const context = await makeTempDir(t);
  await writeTree(context, { a: '1' });
  for (const rules of ['!', 'a\n[', 'a\n[]a]', 'x[a-]', 'a\\']) {
    assert.equal(await received(t, context, rules), 'refused', rules);
    const ours = parseIgnore({ path: '.dockerignore', text: rules });
    assert.ok(!ours.ok, rules);
    assert.equal(ours.error[0]?.code, 'dockerfile/ignore-pattern');
    assert.ok(ours.error[0]?.span !== undefined);
  }
});
