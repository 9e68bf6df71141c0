/** What a run leaves on the disk: no sensitive value, and nothing for the eyes of others. What changed is seen all the same. */
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { assertOk, codesOf } from '../rig/baking.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';

const PEM = '-----BEGIN KEY-----\\nabcdefgh\\n-----END KEY-----';
/** Whatever of it a file would hold. */
const OPEN = /hunter|BEGIN KEY|abcdefgh/;

interface Given {
  readonly secret: string;
  /** A label that has nothing to do with it. */
  readonly rev?: string;
  readonly isSensitive?: boolean;
  readonly base?: string;
  /** Labels of `noted`, of which nothing else changes. */
  readonly note?: string;
  readonly inside?: string;
}

const tree =
  ({ secret, rev = 'r1', isSensitive = true, base = 'b1', note = 'x', inside = 'x' }: Given) =>
  (host: string) => ({
    'builds.yaml': `vars:
  PW: { default: ${secret}, sensitive: ${isSensitive} }
  PEM: { default: "${PEM}", sensitive: true }
builds:
  base: { context: ., tags: ["${host}/app/base:1"], push: true, labels: { base: ${base} } }
  said:
    context: .
    contexts: { base: "build:base" }
    args: { NOTE: "is \${{ vars.PW }}, or \${{ vars.PEM }}" }
    labels: { note: "\${{ vars.PW }}", rev: ${rev} }
    dockerfile-inline: |
      FROM base
      ARG NOTE
      LABEL inside="\${{ vars.PW }}"
      COPY file /\${{ vars.PW }}
    tags: ["${host}/app/said:1", "${host}/app/said:of-\${{ vars.PW }}"]
    push: true
  noted:
    context: .
    labels: { note: "${note}" }
    dockerfile-inline: |
      FROM scratch
      COPY file /
      LABEL inside="${inside}"
    tags: ["${host}/app/noted:1"]
    push: true
  plain: { context: ., tags: ["${host}/app/plain:1"], push: true }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'f\n',
  });

async function stateFiles(world: FakeWorld): Promise<readonly string[]> {
  const entries = await readdir(path.join(world.home, 'state'), { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
}

async function assertClosed(world: FakeWorld): Promise<void> {
  for (const file of await stateFiles(world)) {
    assert.doesNotMatch(`${path.relative(world.home, file)}\n${await readFile(file, 'latin1')}`, OPEN, file);
    assert.equal((await stat(file)).mode & 0o777, 0o600, file);
  }
  assert.equal((await stat(path.join(world.home, 'state'))).mode & 0o777, 0o700);
}

const itemsOf = (reason: { readonly text: string; readonly items?: readonly string[] } | undefined) =>
  [...(reason?.items ?? [])].sort();

test('no file of the state holds a sensitive value, equality and changes are seen, and seals are in no image', async (t) => {
  const world = await makeFakeWorld(t, tree({ secret: 'hunter22' }), { lax: true });
  const first = await world.bake();
  assertOk(first);
  await assertClosed(world);
  assert.match(
    (await Promise.all((await stateFiles(world)).map((one) => readFile(one, 'latin1')))).join(''),
    /NOTE/,
  );
  assert.doesNotMatch(JSON.stringify([first.events, first.summary]), OPEN);

  const again = await world.bake();
  assert.deepEqual(again.kinds, {
    base: 'unchanged',
    said: 'unchanged',
    noted: 'unchanged',
    plain: 'unchanged',
  });
  await assertClosed(world);

  await world.write(tree({ secret: 'hunter33' })(world.registry.host));
  const changed = await world.bake();
  assertOk(changed);
  assert.deepEqual(changed.kinds, {
    base: 'unchanged',
    said: 'built',
    noted: 'unchanged',
    plain: 'unchanged',
  });
  assert.deepEqual(itemsOf(changed.outcome('said').reason), [
    'Dockerfile: COPY file /(hidden) became COPY file /(hidden)',
    'Dockerfile: LABEL inside="(hidden)" became LABEL inside="(hidden)"',
    'arg NOTE changed',
    'label note changed',
  ]);
  assert.notEqual(changed.outcome('said').digest, first.outcome('said').digest);
  await assertClosed(world);

  // Back again: the earlier result is found.
  await world.write(tree({ secret: 'hunter22' })(world.registry.host));
  const back = await world.bake();
  assert.equal(back.kinds['said'], 'retagged');
  assert.equal(back.outcome('said').digest, first.outcome('said').digest);
});

test('labels are never put into a config as they are sealed', async (t) => {
  const world = await makeFakeWorld(t, tree({ secret: 'hunter22' }), { lax: true });
  assertOk(await world.bake());
  const open = '${{ vars.PW }}';
  for (const given of [
    { secret: 'hunter22', note: 'y', inside: 'y' },
    { secret: 'hunter22', note: open, inside: 'y' },
    { secret: 'hunter22', note: 'y', inside: 'y' },
    { secret: 'hunter22', note: 'y', inside: open },
    { secret: 'hunter33', note: 'y', inside: open },
    { secret: 'hunter22', note: open, inside: open },
    { secret: 'hunter22', rev: 'r2' },
    { secret: 'hunter22', rev: 'r2', base: 'b2' },
    { secret: 'hunter33', rev: 'r2', base: 'b2' },
  ]) {
    await world.write(tree(given)(world.registry.host));
    const baked = await world.bake();
    assertOk(baked);
    const fresh = await makeFakeWorld(t, tree(given), { lax: true });
    const expected = await fresh.bake();
    for (const build of ['base', 'said', 'noted'])
      assert.equal(
        baked.outcome(build).digest,
        expected.outcome(build).digest,
        `${build} ${JSON.stringify(given)}`,
      );
  }
});

test('a value that becomes sensitive is built once more and goes from the state', async (t) => {
  const world = await makeFakeWorld(t, tree({ secret: 'hunter22', isSensitive: false }), { lax: true });
  assertOk(await world.bake());
  await world.write(tree({ secret: 'hunter22' })(world.registry.host));
  assert.equal((await world.bake()).kinds['said'], 'built');
  const last = (await stateFiles(world)).filter((file) => /[/](?:last|documents)[/]/.test(file));
  for (const file of last) assert.doesNotMatch(await readFile(file, 'utf8'), OPEN, file);
  assert.equal((await world.bake()).kinds['said'], 'unchanged');
});

test('without the key of the seals, or with one that cannot be kept, what is sealed is built again and the rest is not', async (t) => {
  const world = await makeFakeWorld(t, tree({ secret: 'hunter22' }), { lax: true });
  const file = path.join(world.home, 'state/seal-key.json');
  assertOk(await world.bake());
  const before = await readFile(file, 'utf8');
  await rm(file);
  const lost = await world.bake();
  assert.deepEqual(lost.kinds, { base: 'unchanged', said: 'built', noted: 'unchanged', plain: 'unchanged' });
  assert.notEqual(await readFile(file, 'utf8'), before);

  await writeFile(file, before.slice(0, 20));
  const strange = await world.bake();
  assert.equal(strange.kinds['said'], 'built');
  assert.deepEqual(
    codesOf(strange).filter((code) => !code.includes('sensitive-arg')),
    ['warning state/strange'],
  );
  assert.equal((await world.bake()).kinds['said'], 'unchanged');
});

test('a directory that others may read is closed when it is used', async (t) => {
  const world = await makeFakeWorld(t, tree({ secret: 'hunter22' }), { lax: true });
  assertOk(await world.bake());
  await chmod(path.join(world.home, 'state'), 0o755);
  assertOk(await world.bake({ dryRun: true }));
  await assertClosed(world);
});

test('a sensitive value that is given as an argument is warned of, with its place', async (t) => {
  const world = await makeFakeWorld(t, tree({ secret: 'hunter22' }), { lax: true });
  const baked = await world.bake();
  const warned = baked.events.flatMap((event) => (event.type === 'warning' ? event.problem : []));
  assert.deepEqual(
    warned.map(({ code, place, build }) => [code, place?.line, build]),
    [['build/sensitive-arg', 9, 'said']],
  );
});
