/** With `record:` in a registry, a machine that never built anything says what changed since another one did. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { assertOk, type Baked, type BakeHere } from '../rig/baking.ts';
import { kindsText, rowTree } from '../rig/failure-bench.ts';
import { type FakeWorld, makeFakeWorld, putBase } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const RECORD = 'record: registry\n';
const INPUTS_TYPE = 'application/vnd.bake-ts.inputs.v1+json+gzip';

async function makeThree(t: Cleanup): Promise<FakeWorld> {
  const world = await makeFakeWorld(t, (host) => rowTree(host, RECORD), { lax: true });
  putBase(world.registry, 'base', '1', 'one');
  assertOk(await world.bake());
  return world;
}

/** Bakes where nothing is remembered. */
async function bakeFresh(t: Cleanup, world: FakeWorld, options: BakeHere = {}): Promise<Baked> {
  return world.bake({ ...options, home: await makeTempDir(t, 'world-fresh-') });
}

const reasonOf = (baked: Baked, build: string) => baked.outcome(build).reason;

interface Layer {
  readonly mediaType: string;
  readonly digest: `sha256:${string}`;
  readonly size: number;
}

const REPOSITORIES = ['app/a', 'app/b', 'app/c'];

interface Artifact {
  readonly config: Layer;
  readonly layers: readonly Layer[];
}

function artifactIn({ registry }: FakeWorld, repository: string): Artifact {
  const found = registry.store.manifest(repository, 'bake-records');
  assert(found !== undefined, `there are no records in ${repository}`);
  return JSON.parse(found.bytes.toString()) as Artifact;
}

/** Everything that is shared, as text. */
function sharedText(world: FakeWorld, repository: string): string {
  const { config, layers } = artifactIn(world, repository);
  return [config, ...layers]
    .map(({ digest }) => gunzipSync(world.registry.store.blob(repository, digest) ?? '').toString())
    .join('\n');
}

/** Puts other layers in the place of what is shared beside records. */
function replaceLayers(
  world: FakeWorld,
  layersOf: (repository: string, artifact: Artifact) => readonly Layer[],
): void {
  for (const repository of REPOSITORIES) {
    const artifact = artifactIn(world, repository);
    world.registry.store.putManifest(repository, 'bake-records', {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      bytes: Buffer.from(JSON.stringify({ ...artifact, layers: layersOf(repository, artifact) })),
    });
  }
}

test('a fresh machine says which file, which image and which parent changed', async (t) => {
  const world = await makeThree(t);
  await world.write({ 'c/file': 'C\n', 'c/Dockerfile': 'FROM scratch\nCOPY file /\nLABEL x=y\n' });
  putBase(world.registry, 'base', '1', 'two');
  const dry = await bakeFresh(t, world, { dryRun: true });
  assert.deepEqual(reasonOf(dry, 'b')?.items, ['a']);
  const baked = await bakeFresh(t, world);
  assertOk(baked);
  assert.equal(kindsText(baked), 'a built, b built, c built');
  assert.equal(reasonOf(baked, 'a')?.code, 'changed');
  assert.match(
    reasonOf(baked, 'a')?.text ?? '',
    /^image [\w.:]+\/base:1 changed sha256:[0-9a-f]{12}… → sha256:[0-9a-f]{12}…$/,
  );
  assert.deepEqual(reasonOf(baked, 'b')?.items, ['build for context a has another result']);
  assert.deepEqual(reasonOf(baked, 'c')?.items, ['Dockerfile: LABEL x=y added', 'context: file changed']);
  // And the next fresh machine goes by what this one built.
  await world.write({ 'c/Dockerfile': 'FROM scratch\nCOPY file /\n' });
  const next = await bakeFresh(t, world);
  assert.equal(kindsText(next), 'a unchanged, b unchanged, c built');
  assert.deepEqual(reasonOf(next, 'c')?.items, ['Dockerfile: an instruction removed']);
});

test('an unchanged run on a fresh machine does not read what only gives reasons', async (t) => {
  const world = await makeThree(t);
  world.registry.forget();
  const baked = await bakeFresh(t, world);
  assert.equal(kindsText(baked), 'a unchanged, b unchanged, c unchanged');
  const outlines = REPOSITORIES.flatMap((one) => artifactIn(world, one).layers.map(({ digest }) => digest));
  assert.equal(outlines.length, 3);
  assert.deepEqual(
    world.registry.requests.filter(({ path }) => outlines.some((digest) => path.includes(digest))),
    [],
  );
  assert.deepEqual(world.registry.writes(), []);
});

test('no value of an argument is shared, and none that may be secret in any form', async (t) => {
  const tree = (version: string, secret: string) => (host: string) => ({
    'builds.yaml': `${RECORD}
builds:
  a:
    context: .
    tags: ["${host}/app/a:dev"]
    push: true
    args: { VERSION: ${version}, NPM_TOKEN: ${secret} }
    labels: { commit: "0123456789abcdef" }
`,
    Dockerfile: 'FROM scratch\nARG VERSION\nARG NPM_TOKEN\nCOPY file /\n',
    file: 'a\n',
  });
  const world = await makeFakeWorld(t, tree('seventeen', 'hunter22hunter22'), { lax: true });
  assertOk(await world.bake());
  assert.doesNotMatch(sharedText(world, 'app/a'), /seventeen|hunter22|0123456789abcdef|NPM_TOKEN/);
  await world.write(tree('eighteen', 'hunter22hunter22')(world.registry.host));
  const version = await bakeFresh(t, world);
  assert.deepEqual(reasonOf(version, 'a')?.items, ['arg VERSION changed']);
  await world.write(tree('eighteen', 'hunter33hunter33')(world.registry.host));
  const secret = await bakeFresh(t, world);
  assert.deepEqual(reasonOf(secret, 'a')?.items, [
    'an argument changed (its name is not recorded, since the value may be secret)',
  ]);
});

test('a build that is given a sensitive value is shared with nobody, and skipped where it was built', async (t) => {
  const tree = (secret: string) => (host: string) => ({
    'builds.yaml': `${RECORD}vars:
  PW: { default: ${secret}, sensitive: true }
builds:
  a: { context: ., tags: ["${host}/app/a:dev"], push: true }
  given: { context: ., tags: ["${host}/app/given:dev"], push: true, args: { NOTE: "is \${{ vars.PW }}" } }
`,
    Dockerfile: 'FROM scratch\nARG NOTE\nCOPY file /\n',
    file: 'a\n',
  });
  const world = await makeFakeWorld(t, tree('hunter22hunter22'), { lax: true });
  const first = await world.bake();
  assertOk(first);
  const shared = sharedText(world, 'app/a');
  assert.match(shared, new RegExp(first.outcome('a').key ?? 'none'));
  assert.doesNotMatch(shared, new RegExp(`hunter22|given|NOTE|${first.outcome('given').key}`));
  assert.equal(world.registry.store.tags()['app/given:bake-records'], undefined);
  const again = await world.bake();
  assert.deepEqual(again.kinds, { a: 'unchanged', given: 'unchanged' });
  assert.equal(again.outcome('given').key, first.outcome('given').key);
  const elsewhere = await bakeFresh(t, world);
  assert.deepEqual(elsewhere.kinds, { a: 'unchanged', given: 'built' });
  assert.notEqual(elsewhere.outcome('given').key, first.outcome('given').key);
  assert.equal(elsewhere.outcome('given').digest, first.outcome('given').digest);
});

const STRANGE: readonly (readonly [what: string, spoil: (world: FakeWorld) => void])[] = [
  ['without outlines', (world) => replaceLayers(world, (_, { config }) => [config])],
  [
    'whose outlines are gone',
    (world) => {
      for (const one of REPOSITORIES)
        for (const { digest } of artifactIn(world, one).layers) world.registry.store.deleteBlob(one, digest);
    },
  ],
  ...['no gzip', gzipSync('no JSON'), gzipSync('{"builds":{"c":{"key":1}}}'), gzipSync('[]')].map(
    (content, at): (typeof STRANGE)[number] => [
      `whose outlines are strange (${at + 1})`,
      (world) => {
        const bytes = Buffer.from(content);
        replaceLayers(world, (repository) => [
          {
            mediaType: INPUTS_TYPE,
            digest: world.registry.store.putBlob(repository, bytes),
            size: bytes.length,
          },
        ]);
      },
    ],
  ),
];

for (const [what, spoil] of STRANGE) {
  test(`records ${what} still say what was built, and the next run writes outlines anew`, async (t) => {
    const world = await makeThree(t);
    spoil(world);
    await world.write({ 'c/file': 'C\n' });
    const baked = await bakeFresh(t, world);
    assertOk(baked);
    assert.equal(kindsText(baked), 'a unchanged, b unchanged, c built');
    assert.equal(reasonOf(baked, 'c')?.code, 'first-build');
    await world.write({ 'c/file': 'again\n', 'a/file': 'A\n' });
    const again = await bakeFresh(t, world);
    assert.deepEqual(reasonOf(again, 'c')?.items, ['context: file changed']);
    // Beside a nothing was written meanwhile.
    assert.equal(reasonOf(again, 'a')?.code, 'first-build');
  });
}

test('tags in a repository that the image was never in are not said to be gone', async (t) => {
  const tree = (repository: string) => (host: string) => ({
    'builds.yaml': `builds:\n  a: { context: ., push: true, tags: ["${host}/${repository}:dev"] }\n`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'a\n',
  });
  const world = await makeFakeWorld(t, tree('app/a'), { lax: true });
  const { host } = world.registry;
  assertOk(await world.bake());
  await world.write(tree('app/new')(host));
  const moved = await world.bake();
  assertOk(moved);
  assert.deepEqual(reasonOf(moved, 'a'), {
    code: 'not-pushed',
    text: `its image was not pushed to ${host}/app/new before`,
    items: [`${host}/app/new:dev is missing`],
  });
});
