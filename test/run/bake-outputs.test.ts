/**
 * bake's lists of outputs as they reach buildctl. Expected is what docker/buildx 0.38.2 hands to BuildKit (bake/bake.go
 * `toBuildOpt`, build/opt.go `toSolveOpt`), but that a push of ours goes by digest before its tags.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFakeWorld } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const FILES = { Dockerfile: 'FROM scratch\nCOPY file /file\n', file: 'file' };

/** What each call of buildctl gets by `--output`, paths and hosts by names of this test. */
async function outputsOf(
  t: Cleanup,
  attributes: string,
): Promise<{
  readonly sent: readonly (readonly string[])[];
  readonly tags: readonly string[];
  readonly stored: readonly string[];
  readonly again: string | undefined;
  readonly isThere: (file: string) => boolean;
}> {
  const world = await makeFakeWorld(t, (host) => ({
    'docker-bake.hcl': `target "default" {\n${attributes.replaceAll('HOST', host)}\n}\n`,
    ...FILES,
  }));
  const first = await world.bake();
  assert.equal(first.kinds['default'], 'built', JSON.stringify(first.outcome('default')));
  const named = (text: string) =>
    text
      .replaceAll(`${world.dir}/`, '')
      .replaceAll(world.registry.host, 'HOST')
      .replace(/127\.0\.0\.1:1\/bake\/default:[0-9a-f]+/, 'OWN');
  const sent = world.engine.builds.map((argv) =>
    argv.flatMap((word, at) => (argv[at - 1] === '--output' ? [named(word)] : [])),
  );
  const stored = [...world.engine.images.keys()].map(named);
  const tags = Object.keys(world.registry.store.tags());
  const second = await world.bake();
  return {
    sent,
    tags,
    stored,
    again: second.kinds['default'],
    isThere: (file) => existsSync(path.join(world.dir, file)),
  };
}

const TAGGED = 'tags = ["HOST/o/a:1"]\n';
const BY_DIGEST = 'push=true,push-by-digest=true,store=false';

/** Attributes of a target → the outputs of its call, and what a second run does. */
const CASES: readonly (readonly [
  name: string,
  attributes: string,
  sent: readonly string[],
  again: 'built' | 'unchanged',
])[] = [
  [
    'an image stays beside files',
    'output = ["type=image,name=one", "type=local,dest=out"]',
    ['type=local,dest=out', 'type=image,name=one'],
    'built',
  ],
  [
    'two images that differ in nothing but the name are one image with two names',
    'output = ["type=image,name=one", "type=image,name=two"]',
    ['type=image,"name=docker.io/library/one:latest,docker.io/library/two:latest"'],
    'unchanged',
  ],
  [
    'two images that differ are two',
    'output = ["type=image,name=one", "type=image,name=two,compression=zstd"]',
    ['type=image,name=one', 'type=image,compression=zstd,name=two'],
    'built',
  ],
  [
    'cacheonly says nothing beside others',
    'output = ["type=cacheonly", "type=image,name=one"]',
    ['type=image,name=docker.io/library/one:latest'],
    'unchanged',
  ],
  ['cacheonly alone is no output', 'output = ["type=cacheonly"]', [], 'built'],
  [
    "an image's name and annotations stay its own",
    'output = ["type=image,name=one,annotation.x=B", "type=oci,dest=e.tar"]',
    ['type=oci,dest=e.tar', 'type=image,annotation.x=B,name=one'],
    'built',
  ],
  [
    'compression of a push does not reach a file',
    `${TAGGED}output = ["type=registry,compression=zstd", "type=oci,dest=e.tar"]`,
    ['type=oci,dest=e.tar,name=HOST/o/a:1', 'type=image,compression=zstd,push=true,name=HOST/o/a:1'],
    'built',
  ],
  [
    'a plain push beside a file is pushed by digest as ever',
    `${TAGGED}output = ["type=registry", "type=oci,dest=e.tar"]`,
    ['type=oci,dest=e.tar,name=HOST/o/a:1', `type=image,name=HOST/o/a,${BY_DIGEST}`],
    'built',
  ],
  [
    'a push and an image that is kept',
    `${TAGGED}output = ["type=registry", "type=image"]`,
    ['type=image,name=HOST/o/a:1', `type=image,name=HOST/o/a,${BY_DIGEST}`],
    'built',
  ],
  [
    'two pushes without tags are one image with two tags',
    'output = ["type=registry,name=HOST/o/a:1", "type=image,name=HOST/o/b:1,push=true"]',
    [`type=image,"name=HOST/o/a,HOST/o/b",${BY_DIGEST}`],
    'unchanged',
  ],
  [
    'tags count before the name of any image',
    'tags = ["bar:1"]\noutput = ["type=oci,dest=b.tar,name=foo", "type=docker,dest=c.tar,name=foo", "type=image,name=foo"]',
    ['type=oci,dest=b.tar,name=bar:1', 'type=docker,dest=c.tar,name=bar:1', 'type=image,name=bar:1'],
    'built',
  ],
  [
    "the target's annotations count before those of an output",
    `annotations = ["x=A", "index,manifest[linux/x86_64]:y=A"]
output = [
  "type=image,name=one,annotation.x=B,annotation-index.y=B,annotation-manifest[linux/amd64].y=B,annotation-manifest.y=B",
  "type=oci,dest=e.tar,annotation.x=C",
]`,
    [
      'type=oci,dest=e.tar,annotation.x=A,annotation-index.y=A,annotation-manifest[linux/x86_64].y=A',
      'type=image,annotation-manifest.y=B,name=one,annotation.x=A,annotation-index.y=A,annotation-manifest[linux/x86_64].y=A',
    ],
    'built',
  ],
  [
    'a registry is always pushed to',
    `${TAGGED}output = ["type=registry,push=false,unpack=true"]`,
    [`type=image,name=HOST/o/a,${BY_DIGEST}`],
    'unchanged',
  ],
  [
    'an empty push is one',
    `${TAGGED}output = ["type=image,push="]`,
    [`type=image,name=HOST/o/a,${BY_DIGEST}`],
    'unchanged',
  ],
  [
    'what BuildKit does not take for true or false, BuildKit refuses',
    'output = ["type=image,name=one,push=maybe"]',
    ['type=image,name=one,push=maybe'],
    'built',
  ],
  [
    'an image for Docker stays in the store, under its name',
    'output = ["type=docker,name=one"]',
    ['type=image,name=docker.io/library/one:latest'],
    'unchanged',
  ],
  [
    'also beside files',
    'output = ["type=docker,name=one", "type=tar,dest=x.tar"]',
    ['type=tar,dest=x.tar', 'type=image,name=one'],
    'built',
  ],
];

for (const [name, attributes, expected, again] of CASES) {
  test(name, async (t) => {
    const found = await outputsOf(t, attributes);
    assert.deepEqual(found.sent, [expected]);
    assert.equal(found.again, again);
  });
}

test('the images are there', async (t) => {
  const beside = await outputsOf(t, 'output = ["type=image,name=one", "type=local,dest=out"]');
  assert.deepEqual(beside.stored, ['one']);
  assert(beside.isThere('out/file'));
  const pushed = await outputsOf(
    t,
    'output = ["type=registry,name=HOST/o/a:1", "type=registry,name=HOST/o/b:1"]',
  );
  assert.deepEqual(pushed.tags, ['o/a:1', 'o/b:1']);
});

test('what others read as well keeps the names that its own outputs give', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'docker-bake.hcl': `
group "default" { targets = ["base", "app"] }
target "base" {
  tags = ["base:1"]
  output = ["type=image,annotation.x=own", "type=local,dest=out"]
}
target "app" {
  contexts = { base = "target:base" }
  dockerfile-inline = "FROM base"
}
`,
    ...FILES,
  }));
  const baked = await world.bake();
  assert.deepEqual(baked.kinds, { base: 'built', app: 'built' });
  const [base = []] = world.engine.builds;
  const outputs = base.flatMap((word, at) => (base[at - 1] === '--output' ? [word] : []));
  assert.equal(outputs.length, 3);
  assert.match(outputs[1] ?? '', /^type=image,annotation\.x=own,name=base:1$/);
  assert.match(outputs[2] ?? '', /^type=image,name=127\.0\.0\.1:1\/bake\/base:[0-9a-f]+$/);
});
