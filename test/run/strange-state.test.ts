/** Whatever the files of the state hold: no run crashes over them, skips what changed, or gives another image. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { assertOk, type Baked } from '../rig/baking.ts';
import { type FakeWorld, makeFakeWorld, putBase } from '../rig/fake-world.ts';
import { makeTempDir } from '../rig/temp.ts';

const tree = (content: string, rev: string) => (host: string) => ({
  'builds.yaml': `vars:
  PW: { default: hunter22, sensitive: true }
builds:
  base: { context: base, tags: ["${host}/app/base:1"], push: true, labels: { rev: ${rev} } }
  leaf:
    context: leaf
    contexts: { base: "build:base" }
    tags: ["${host}/app/leaf:1"]
    push: true
    labels: { rev: ${rev} }
    args: { NOTE: "\${{ vars.PW }}" }
`,
  'base/Dockerfile': `FROM ${host}/base:1\nCOPY file /\n`,
  'base/file': 'one\n',
  'leaf/Dockerfile': 'FROM base\nARG NOTE\nCOPY . /there/\n',
  'leaf/file': content,
});

/** Well-formed, and not what should be there. */
const TEXTS: readonly string[] = [
  ...['', 'null', '[]', '{}', '"x"', '7', 'true', '\0\0\0\0', '{"version":1}', '{"version":2}', '[null]'],
  ...['{"__proto__":{"version":1}}', '{"constructor":1}', '\ufeff{}', `${'['.repeat(5000)}`],
];

/** What a file may become. */
type Spoil = (file: string, content: string) => Promise<void>;

/** Takes the file's own JSON and makes one thing in it something else. */
function change(edit: (value: Record<string, unknown>) => void): Spoil {
  return async (file, content) => {
    let value: Record<string, unknown>;
    try {
      value = JSON.parse(content) as Record<string, unknown>;
    } catch {
      return writeFile(file, `x${content}`, 'latin1');
    }
    edit(value);
    await writeFile(file, JSON.stringify(value));
  };
}

const SPOILS: readonly (readonly [what: string, spoil: Spoil])[] = [
  ...TEXTS.map((text): readonly [string, Spoil] => [
    JSON.stringify(text).slice(0, 40),
    (file) => writeFile(file, text),
  ]),
  [
    'a directory',
    async (file) => {
      await rm(file);
      await mkdir(path.join(file, 'in-the-way'), { recursive: true });
    },
  ],
  ...[0.1, 0.3, 0.5, 0.7, 0.9, 0.99].map((part): readonly [string, Spoil] => [
    `cut at ${part}`,
    (file, content) => writeFile(file, content.slice(0, Math.floor((content.length - 2) * part)), 'latin1'),
  ]),
  ['a later version', change((value) => Object.assign(value, { version: 99 }))],
  [
    'numbers where texts should be',
    change((value) => {
      for (const key of Object.keys(value)) if (key !== 'version') value[key] = 5;
    }),
  ],
  [
    'null in every place',
    change((value) => {
      for (const key of Object.keys(value)) if (key !== 'version' && key !== 'key') value[key] = null;
    }),
  ],
  [
    'lists of the wrong things',
    change((value) => {
      for (const [key, one] of Object.entries(value)) if (typeof one === 'object') value[key] = [{}, null, 1];
    }),
  ],
];

/** Files of each kind, relative to the state directory. */
async function filesByKind(state: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const kinds = new Map<string, string[]>();
  for (const entry of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.relative(state, path.join(entry.parentPath, entry.name));
    const kind = file.split('/')[0] ?? '';
    kinds.set(kind, [...(kinds.get(kind) ?? []), file]);
  }
  return kinds;
}

const strangeIn = ({ events }: Baked) =>
  events.filter((event) => event.type === 'warning' && event.problem.code === 'state/strange').length;
const digestsOf = (baked: Baked) =>
  Object.fromEntries(['base', 'leaf'].map((build) => [build, baked.outcome(build).digest]));

function tagsOf({ registry }: FakeWorld): Readonly<Record<string, string | undefined>> {
  const tags = registry.store.tags();
  return { base: tags['app/base:1'], leaf: tags['app/leaf:1'] };
}

test('files of the state that are not what they should be count as not there', {
  timeout: 120_000,
}, async (t) => {
  const world = await makeFakeWorld(t, tree('one\n', 'r1'), { lax: true });
  putBase(world.registry, 'base', '1', 'one');
  const first = await world.bake();
  assertOk(first);
  // Written with the labels changed, so that manifests and configs are remembered as they are re-based.
  const changes = [tree('two\n', 'r1'), tree('one\n', 'r2'), tree('two\n', 'r2')] as const;
  const expected: Record<string, unknown>[] = [];
  for (const changed of changes) {
    await world.write(changed(world.registry.host));
    const fresh = await world.bake({ home: await makeTempDir(t, 'strange-') });
    assertOk(fresh);
    expected.push(digestsOf(fresh));
  }
  const pristine = path.join(world.home, 'state');
  // Files of the tree are too young to be remembered by their times, so these are made up.
  await mkdir(path.join(pristine, 'stats'), { recursive: true });
  for (const context of ['base', 'leaf']) {
    const name = createHash('sha256').update(path.join(world.dir, context)).digest('hex').slice(0, 32);
    await writeFile(
      path.join(pristine, 'stats', `${name}.stat`),
      'bake-ts stat cache 1\nand then nothing of use',
    );
  }
  const kinds = await filesByKind(pristine);
  assert.deepEqual([...kinds.keys()].sort(), [
    'documents',
    'figures',
    'images',
    'last',
    'records',
    'results',
    'seal-key.json',
    'stats',
  ]);

  for (const [at] of SPOILS.entries()) {
    const home = await makeTempDir(t, 'strange-');
    const state = path.join(home, 'state');
    await cp(pristine, state, { recursive: true });
    const said: string[] = [];
    for (const [kindAt, [kind, files]] of [...kinds].entries()) {
      // In each round every kind gets another one, and in the end each has had all.
      const [what, spoil] = SPOILS[(at + kindAt) % SPOILS.length] ?? assert.fail();
      said.push(`${kind}: ${what}`);
      for (const file of files) {
        await spoil(path.join(state, file), await readFile(path.join(pristine, file), 'latin1'));
      }
    }
    await world.write(tree('one\n', 'r1')(world.registry.host));
    const same = await world.bake({ home });
    assertOk(same);
    assert.deepEqual(digestsOf(same), digestsOf(first), said.join('\n'));
    assert.equal(strangeIn(same), 1, said.join('\n'));
    const which = at % changes.length;
    await world.write((changes[which] ?? assert.fail())(world.registry.host));
    const changed = await world.bake({ home });
    assertOk(changed);
    assert.deepEqual(digestsOf(changed), expected[which], said.join('\n'));
    assert.deepEqual(tagsOf(world), expected[which]);
    assert.ok(strangeIn(changed) <= 1);
  }
});

test('a last state that is not what it should be gives no reason and no image', {
  timeout: 120_000,
}, async (t) => {
  const world = await makeFakeWorld(t, tree('one\n', 'r1'), { lax: true });
  putBase(world.registry, 'base', '1', 'one');
  assertOk(await world.bake());
  const pristine = path.join(world.home, 'state');
  const kinds = await filesByKind(pristine);
  await world.write(tree('one\n', 'r2')(world.registry.host));
  const fresh = await world.bake({ home: await makeTempDir(t, 'strange-') });
  assertOk(fresh);
  for (const [what, spoil] of SPOILS) {
    const home = await makeTempDir(t, 'strange-');
    await cp(pristine, path.join(home, 'state'), { recursive: true });
    // The records are whole: only what re-basing goes by is not.
    for (const kind of ['last', 'documents'])
      for (const file of kinds.get(kind) ?? [])
        await spoil(path.join(home, 'state', file), await readFile(path.join(pristine, file), 'latin1'));
    const baked = await world.bake({ home });
    assertOk(baked);
    assert.deepEqual(digestsOf(baked), digestsOf(fresh), what);
    assert.equal(strangeIn(baked), 1, what);
  }
});
