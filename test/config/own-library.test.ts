import assert from 'node:assert/strict';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { type ReadBuildsOptions, readBuilds } from '../../lib/config/mod.ts';
import { runBakeTs } from '../rig/command.ts';
import { makeTree, type TreeEntry } from '../rig/temp.ts';

const isDeno = process.versions['deno'] !== undefined;

async function tagsOf(
  t: TestContext,
  tree: Readonly<Record<string, TreeEntry>>,
  options: Partial<ReadBuildsOptions> = {},
): Promise<readonly string[]> {
  const cwd = await makeTree(t, tree);
  const read = await readBuilds({ cwd, env: {}, files: ['builds.mjs'], ...options });
  if (!read.ok) return read.error.map(({ code, message }) => `${code}: ${message}`);
  return read.value.set.builds.get('app')?.tags.map(({ ref }) => ref?.tag ?? '') ?? [];
}

/** One for all tests: Node 20 keeps the first that it was told of. */
const library = async () => ({
  defineBuilds: <T>(given: T) => given,
  tagOf: (url: string) => (url.endsWith('/inner/tag.mjs') ? 'theirs' : url),
  inTag: (tag: string) => ({ builds: { app: { tags: [`localhost:5000/app:${tag}`] } } }),
  tag: 'ours',
});

const BUILDS = `
  import { defineBuilds } from 'bake-ts';
  import { tag } from './inner/tag.mjs';
  export default defineBuilds({ builds: { app: { tags: ['localhost:5000/app:' + tag] } } });
`;

test('a builds file that imports bake-ts gets the running copy where none is installed, and so do its own modules', async (t) => {
  const tree = {
    'builds.mjs': BUILDS,
    'inner/tag.mjs': "import { tagOf } from 'bake-ts'; export const tag = tagOf(import.meta.url);",
  };
  assert.deepEqual(await tagsOf(t, tree, { library }), ['theirs']);
});

test('a name that the library has not is said', async (t) => {
  const tree = { 'builds.mjs': "import { nothing } from 'bake-ts'; export default nothing;" };
  const [said] = await tagsOf(t, tree, { library });
  assert.match(
    said ?? '',
    /^config\/module: builds\.mjs failed: .*'bake-ts' does not provide an export named 'nothing'/,
  );
});

test('another package that is missing is the error that it was, and nothing is handed out for it', async (t) => {
  const tree = { 'builds.mjs': "import x from 'bake-ts-plugin'; export default x;" };
  const [said] = await tagsOf(t, tree, { library: () => assert.fail('nobody imports bake-ts') });
  assert.match(said ?? '', /^config\/module: builds\.mjs failed: .*["']bake-ts-plugin["']/);
});

test('what is installed goes before the running copy', {
  skip: isDeno && 'Deno takes what its own main module has',
}, async (t) => {
  const tree = {
    'builds.mjs': BUILDS,
    'inner/tag.mjs': "export const tag = 'tag';",
    'node_modules/bake-ts/package.json': '{ "type": "module", "exports": "./main.js" }',
    'node_modules/bake-ts/main.js':
      "export const defineBuilds = () => ({ builds: { app: { tags: ['localhost:5000/app:installed'] } } });",
  };
  assert.deepEqual(await tagsOf(t, tree, { library }), ['installed']);
  // Also for modules that are imported by hooks already.
  const mixed = {
    'builds.mjs':
      "import '@acme/a'; import { inTag } from 'bake-ts'; import { tag } from './inner/tag.mjs'; export default inTag(tag);",
    'inner/tag.mjs': "import { tag } from '@acme/b'; export { tag };",
    'node_modules/@acme/a/package.json': '{ "type": "module", "exports": "./main.js" }',
    'node_modules/@acme/a/main.js': '',
    'node_modules/@acme/b/package.json': '{ "type": "module", "exports": "./main.js" }',
    'node_modules/@acme/b/main.js': "export { tag } from 'bake-ts';",
    'node_modules/@acme/b/node_modules/bake-ts/package.json': '{ "type": "module", "exports": "./main.js" }',
    'node_modules/@acme/b/node_modules/bake-ts/main.js': "export const tag = 'inner';",
  };
  assert.deepEqual(await tagsOf(t, mixed, { library }), ['inner']);
});

test('the command line hands out the whole library', async (t) => {
  const cwd = await makeTree(t, {
    'builds.mjs': `
      import { buildsSchema, defineBuilds, readBuilds } from 'bake-ts';
      const kind = typeof readBuilds + '-' + typeof buildsSchema;
      export default defineBuilds({ builds: { app: { tags: ['localhost:5000/app:' + kind] } } });
    `,
  });
  const { stdout, stderr, exitCode } = await runBakeTs(['print'], { cwd });
  assert.deepEqual([exitCode, stderr], [0, '']);
  assert.match(stdout, /localhost:5000\/app:function-object/);
});
