/** Where outputs go: their directories are made, right before the build and only for one that runs. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { makeOutputPlaces } from '../../lib/run/output-places.ts';
import { codesOf } from '../rig/baking.ts';
import { makeFakeWorld, prepareIn } from '../rig/fake-world.ts';
import { makeBuild } from '../rig/sets.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

/** What comes of places; `type: attributes` each, in which `dest` is relative to a new directory. */
async function makeIn(
  t: Cleanup,
  outputs: readonly Readonly<Record<string, string>>[],
  cacheTo: readonly Readonly<Record<string, string>>[] = [],
) {
  const dir = await makeTempDir(t, 'places-');
  const typed = (one: Readonly<Record<string, string>>) => {
    const { type = '', dest, ...rest } = one;
    const place = dest === undefined ? [] : [['dest', dest === '-' ? '-' : path.join(dir, dest)] as const];
    const attributes = new Map([...Object.entries(rest), ...place]);
    return { type, attributes, ...(dest === undefined ? {} : { writtenPath: dest }) };
  };
  const build = makeBuild('a', { cacheTo: cacheTo.map(typed) });
  const written = outputs.map((one) => ({ kind: 'written', output: typed(one) }) as const);
  const make = () => makeOutputPlaces(build, [...written, { kind: 'layout', dir: path.join(dir, 'layout') }]);
  return { dir, make, mode: (name: string) => (statSync(path.join(dir, name)).mode & 0o777).toString(8) };
}

const umask = process.umask();

test('the directory of a file is made, and a directory itself, as buildctl would make it', async (t) => {
  const { dir, make, mode } = await makeIn(
    t,
    [
      { type: 'oci', dest: 'a/b/x.tar' },
      { type: 'docker', dest: 'c/x.tar', tar: 'true' },
      { type: 'tar', dest: 'd/x.tar', tar: 'false' },
      { type: 'oci', dest: 'e/layout', tar: 'false' },
      { type: 'local', dest: 'f/files' },
      { type: 'local', dest: '-' },
      { type: 'tar' },
      { type: 'image', dest: 'g/x' },
    ],
    [
      { type: 'local', dest: 'h/cache' },
      { type: 'registry', dest: 'i/cache' },
    ],
  );
  assert.equal(await make(), undefined);
  for (const made of ['a/b', 'c', 'd', 'e/layout', 'f/files', 'h/cache'])
    assert(existsSync(path.join(dir, made)), made);
  for (const other of ['a/b/x.tar', 'c/x.tar', 'd/x.tar', 'g', 'i', 'layout', '-'])
    assert(!existsSync(path.join(dir, other)), other);
  const usual = (0o777 & ~umask).toString(8);
  assert.deepEqual(['a', 'e/layout', 'h', 'f', 'f/files'].map(mode), [usual, usual, usual, '700', '700']);
  // What is there already is no fault.
  assert.equal(await make(), undefined);
});

test('a file that is in the way is named', async (t) => {
  const found = async (output: Readonly<Record<string, string>>, tree: Readonly<Record<string, string>>) => {
    const { dir, make } = await makeIn(t, [output]);
    await writeTree(dir, tree);
    const problem = await make();
    return [problem?.code, problem?.build, problem?.message, problem?.hint];
  };
  const move = 'Move that file away, or set `dest` to another path.';
  assert.deepEqual(await found({ type: 'oci', dest: 'dist/a/x.tar' }, { dist: '' }), [
    'build/output-place',
    'a',
    '`outputs` cannot write `dist/a/x.tar`: `dist` is a file',
    move,
  ]);
  assert.deepEqual(await found({ type: 'local', dest: 'dist' }, { dist: '' }), [
    'build/output-place',
    'a',
    '`outputs` cannot write `dist`: it is a file',
    move,
  ]);
  const [, , message, hint] = await found({ type: 'tar', dest: 'dist' }, { 'dist/x': '' });
  assert.equal(message, '`outputs` cannot write the file `dist`: it is a directory');
  assert.match(String(hint), /type=local/);
});

test('why a directory cannot be made is said', async (t) => {
  const { dir, make } = await makeIn(t, [{ type: 'oci', dest: 'link/x.tar' }]);
  await symlink('nowhere', path.join(dir, 'link'));
  const dangling = await make();
  assert.match(
    String(dangling?.message),
    /^`outputs` cannot write `link\/x.tar`: its directory cannot be made \(E[A-Z]+\)$/,
  );
  assert.match(String(dangling?.hint), /^Make .*\/link writable/);
  // Root may write anywhere.
  if (process.getuid?.() === 0) return;
  const locked = await makeIn(t, [], [{ type: 'local', dest: 'locked/cache' }]);
  await mkdir(path.join(locked.dir, 'locked'));
  await chmod(path.join(locked.dir, 'locked'), 0o500);
  assert.match(String((await locked.make())?.message), /^`cache-to` is .*\(EACCES\)$/);
});

test('a build that runs gets its directory; one that is planned, refused or dry does not, one that is skipped has it', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': `
builds:
  a: { context: ., cache-to: ["type=local,dest=out/deep"], push: true, tags: ["${host}/places/a:1"] }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'a\n',
  }));
  const made = () => existsSync(path.join(world.dir, 'out'));
  await prepareIn(world);
  await world.bake({ dryRun: true });
  assert(!made());
  let wasThere = false;
  world.engine.fault({
    at: 'start',
    act: () => {
      wasThere = existsSync(path.join(world.dir, 'out/deep'));
    },
  });
  await world.bake();
  assert(wasThere, 'when buildctl starts');
  world.engine.mend();
  // As the engine leaves it.
  await world.write({ 'out/deep/index.json': '{}' });
  assert.deepEqual((await world.bake()).kinds, { a: 'unchanged' });
  // Whoever has a job that hands the cache on needs it, whether the image is there or not.
  await rm(path.join(world.dir, 'out'), { recursive: true });
  world.engine.forgetCalls();
  const again = await world.bake();
  assert.deepEqual(again.kinds, { a: 'built' });
  assert.deepEqual(again.outcome('a').reason, {
    code: 'not-recorded-output',
    text: 'the cache that it exports is missing',
    items: ['out/deep'],
  });
  assert(made());

  const outside = await makeTempDir(t, 'outside-');
  await world.write({
    'builds.yaml': `builds:\n  b: { context: ., outputs: ["type=oci,dest=${outside}/new/b.tar"] }\n`,
  });
  assert.deepEqual(codesOf(await world.bake()), ['config/needs-grant']);
  assert(!existsSync(path.join(outside, 'new')));

  await world.write({
    'builds.yaml': 'builds:\n  c: { context: ., outputs: ["type=oci,dest=file/c.tar"] }\n',
  });
  world.engine.forgetCalls();
  const blocked = await world.bake();
  assert.deepEqual(codesOf(blocked), ['build/output-place of c']);
  assert.equal(blocked.outcome('c').problem?.place?.line, 2);
  assert.deepEqual(world.engine.builds, []);
});
