/** `--parents-from`: what files of several jobs say together, and where they disagree. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { readParents, roleOf } from '../../cli/parents-from.ts';
import type { Outcome, Plan } from '../../lib/model/mod.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeFakePlace } from '../rig/fake-place.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const pushed = [{ ref: 'r.example/x:1', digest: digest('0'), action: 'pushed' }];

type Entries = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Files of metadata by name, in the order in which they are read. */
async function writeFiles(dir: string, files: Readonly<Record<string, Entries>>): Promise<void> {
  const texts = Object.entries(files).map(([name, builds]) => [
    `made/${name}.json`,
    JSON.stringify({ version: 1, ok: true, builds }),
  ]);
  await writeTree(dir, Object.fromEntries(texts));
}

/** What is taken of each build, and of which nothing is since files disagree. */
async function read(t: TestContext, files: Readonly<Record<string, Entries>>) {
  const cwd = await makeTempDir(t);
  await writeFiles(cwd, files);
  const values = new Map([['parents-from', ['made']]]);
  const result = await readParents(
    { positionals: [], values, flags: new Map() },
    createFakeIo(['run'], { cwd }),
  );
  assert(result.ok, JSON.stringify(result));
  const { parents, disputed } = result.value;
  return [
    Object.fromEntries([...parents].map(([build, one]) => [build, one.digest[7]])),
    [...disputed.keys()],
  ];
}

const entry = (role: string | undefined, letter: string, tags: readonly unknown[] | undefined = pushed) => ({
  result: 'built',
  ...(role === undefined ? {} : { role }),
  digest: digest(letter),
  tags: role === 'given' ? [] : tags,
});

test('what the run was asked for that wrote a file counts before what it needed, and that before what it was given', async (t) => {
  // Of an earlier attempt of the pipeline: b.json and c.json, whose jobs have not run again yet.
  for (const names of [
    ['a', 'b', 'c'],
    ['c', 'b', 'a'],
  ]) {
    const [first = '', second = '', third = ''] = names;
    const files = {
      [first]: { base: entry('asked', '1') },
      [second]: { base: entry('given', '2'), api: entry('asked', '3') },
      [third]: { base: entry('needed', '4'), site: entry('asked', '5') },
    };
    assert.deepEqual(await read(t, files), [{ base: '1', api: '3', site: '5' }, []]);
  }
  assert.deepEqual(await read(t, { a: { base: entry('given', '2') }, b: { base: entry('needed', '4') } }), [
    { base: '4' },
    [],
  ]);
  assert.deepEqual(await read(t, { a: { base: entry('given', '2') } }), [{ base: '2' }, []]);
  assert.deepEqual(await read(t, { a: { base: entry(undefined, '2') } }), [{ base: '2' }, []]);
});

test('parts that were pushed by digest count only where nothing is said of the whole', async (t) => {
  const byDigest = [{ ref: `r.example/x@${digest('0')}`, digest: digest('0'), action: 'pushed' }];
  const [amd64, arm64] = [entry('asked', '1', byDigest), entry('asked', '2', byDigest)];
  for (const role of ['asked', 'needed', 'given'])
    assert.deepEqual(await read(t, { a: { x: amd64 }, b: { x: entry(role, '3') }, c: { x: arm64 } }), [
      { x: '3' },
      [],
    ]);
  assert.deepEqual(await read(t, { a: { x: amd64 } }), [{ x: '1' }, []]);
  assert.deepEqual(await read(t, { a: { x: amd64 }, c: { x: arm64 } }), [{}, ['x']]);
});

test('what each job made for itself and pushed nowhere is no contradiction', async (t) => {
  const files = {
    a: { tools: entry('needed', '1', []), api: entry('asked', '2') },
    b: { tools: entry('needed', '3', []), site: entry('asked', '4') },
  };
  assert.deepEqual(await read(t, files), [{ api: '2', site: '4' }, []]);
});

test('files that tell as much and disagree count for nothing, until one comes that tells more', async (t) => {
  const two = { a: { base: entry('needed', '1') }, b: { base: entry('needed', '2') } };
  assert.deepEqual(await read(t, two), [{}, ['base']]);
  assert.deepEqual(await read(t, { ...two, c: { base: entry('asked', '3') } }), [{ base: '3' }, []]);
  assert.deepEqual(await read(t, { ...two, c: { base: entry('needed', '2') } }), [{}, ['base']]);
});

test('a run stops over what files disagree about where it would take that, and ends with 2', async (t) => {
  const image = (name: string) => `tags: ["r.invalid/${name}:1"], push: true`;
  const { cwd, env } = await makeFakePlace(t, {
    'builds.yaml': `builds:
  tools: { context: ., push: false }
  os: { context: ., ${image('os')} }
  base: { context: ., needs: [os, tools], ${image('base')} }
  api: { context: ., needs: [base], ${image('api')} }
`,
  });
  const run = async (files: Readonly<Record<string, Entries>>) => {
    await writeFiles(cwd, files);
    const io = createFakeIo(
      ['run', 'api', '--dry-run', '--parents-from', 'made', '--metadata-file', 'meta.json'],
      { cwd, env },
    );
    return { code: await runCli(io), err: io.err() };
  };
  const both = (name: string) => ({ a: { [name]: entry('asked', '1') }, b: { [name]: entry('asked', '2') } });
  for (const name of ['base', 'os']) {
    const { code, err } = await run(both(name));
    assert.equal(code, EXIT.usage, err);
    assert.match(err, new RegExp(`run/metadata-unusable[\\s\\S]*for\\s+${name}, but`));
  }
  // Neither what is never pushed, nor what was asked for, nor what only others need that are given, is taken.
  for (const name of ['tools', 'api']) assert.equal((await run(both(name))).code, EXIT.ok, name);
  const { a, b } = both('os');
  const given = { base: entry('asked', '3') };
  const below = await run({ a: { ...a, ...given }, b: { ...b, ...given } });
  assert.doesNotMatch(below.err, /metadata-unusable/);
  const roles = JSON.parse(await readFile(path.join(cwd, 'meta.json'), 'utf8')).builds;
  assert.deepEqual([roles.api.role, roles.base.role], ['asked', 'needed']);
  await writeTree(cwd, { 'made/a.json': '{}' });
  const odd = createFakeIo(['run', '--parents-from', 'made'], { cwd, env });
  assert.equal(await runCli(odd), EXIT.usage, odd.err());
});

test('metadata says of what was taken from metadata that it was given', () => {
  const plan = { nodes: new Map([['base', { role: 'needed' }]]) } as unknown as Plan;
  const outcome: Outcome = { build: 'base', kind: 'unchanged', tags: [], durationMs: 1 };
  assert.equal(roleOf(plan, outcome), 'needed');
  assert.equal(roleOf(plan, { ...outcome, reason: { code: 'given', text: '' } }), 'given');
});
