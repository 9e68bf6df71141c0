/** A repository with a docker-bake.hcl, baked as it is with the real engine: matrix, links between targets, pushes, skips. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace, named } from './support.ts';

const hcl = (host: string) => `
variable "TAG" { default = "1" }
function "image" {
  params = [name]
  result = ["${host}/hcl/\${name}:\${TAG}"]
}
group "default" { targets = ["app"] }
target "_pushed" { output = ["type=registry,compression=gzip"] }
target "base" {
  context = "base"
  tags = image("base")
}
target "app" {
  inherits = ["_pushed"]
  name = "app-\${v}"
  matrix = { v = ["one", "two"] }
  context = "app"
  contexts = { base = "target:base" }
  args = { V = v }
  tags = image("app-\${v}")
  labels = { "org.example.v" = v }
}
`;

/** A target with each of these lists of outputs; `HOST` is the registry. */
const OUTPUTS = {
  beside: ['type=image,name=HOST/out/beside:1', 'type=local,dest=out/beside'],
  names: ['type=registry,name=HOST/out/one:1', 'type=image,name=HOST/out/two:1,push=true'],
  file: [
    'type=registry,name=HOST/out/file:1,compression=zstd,force-compression=true',
    'type=oci,dest=out/file.tar',
  ],
  both: ['type=cacheonly', 'type=registry,name=HOST/out/both:1', 'type=image,name=HOST/out/kept:1'],
} as const;

const MODES: Readonly<Record<keyof typeof OUTPUTS, string>> = {
  beside: '644',
  names: '640',
  file: '604',
  both: '600',
};

test('of several outputs of a target each is made, and is what it says', {
  skip: realEngine.skip,
  timeout: 120_000,
}, async (t) => {
  const { host } = await startTestRegistry(t);
  const target = (name: keyof typeof OUTPUTS) =>
    // A layer of its own: one that another target has compressed is taken as it is by outputs that name no compression.
    `target "${name}" {\n  args = { MODE = "${MODES[name]}" }\n  annotations = ["x=${name}"]\n  output = ${JSON.stringify(OUTPUTS[name]).replaceAll('HOST', host)}\n}\n`;
  const names = Object.keys(OUTPUTS) as (keyof typeof OUTPUTS)[];
  const work = await makeWorkspace(t, {
    'docker-bake.hcl': `group "default" { targets = ${JSON.stringify(names)} }\n${names.map(target).join('')}`,
    Dockerfile: 'FROM scratch\nARG MODE\nCOPY --chmod=$MODE file /file\n',
    file: '1\n',
  });
  assertOk(await work.bake());
  const manifestOf = async (name: string): Promise<string> => {
    const answer = await fetch(`http://${host}/v2/out/${name}/manifests/1`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    });
    return answer.ok ? await answer.text() : String(answer.status);
  };
  assert(existsSync(path.join(work.dir, 'out/beside/file')));
  assert(existsSync(path.join(work.dir, 'out/file.tar')));
  assert.equal(await digestOf(`${host}/out/one:1`), await digestOf(`${host}/out/two:1`));
  assert.match(await manifestOf('file'), /tar\+zstd".*"x": "file"/s);
  assert.match(await manifestOf('both'), /tar\+gzip"/);
  assert.match(await manifestOf('one'), /"x": "names"/);
  const again = await work.bake();
  assertOk(again);
  assert.deepEqual(named(again, 'unchanged'), ['names']);
  await work.write({ 'docker-bake.hcl': target('names').replace('/two:1', '/three:1') });
  assert.deepEqual(named(await work.bake({ builds: ['names'] }), 'retagged'), ['names']);
  assert.equal(await digestOf(`${host}/out/three:1`), await digestOf(`${host}/out/one:1`));
  // Kept, and not pushed: the engine finds it in its own store alone.
  for (const name of ['beside', 'kept']) {
    assert.equal(await digestOf(`${host}/out/${name}:1`), undefined, name);
    await work.write({
      'docker-bake.hcl': `target "default" {\n  output = ["out/${name}"]\n  dockerfile-inline = "FROM ${host}/out/${name}:1"\n}\n`,
    });
    assertOk(await work.bake());
    assert(existsSync(path.join(work.dir, 'out', name, 'file')), name);
  }
});

test('a docker-bake.hcl is built, pushed, and skipped the second time', {
  skip: realEngine.skip,
  timeout: 180_000,
}, async (t) => {
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    'docker-bake.hcl': hcl(host),
    'base/Dockerfile': 'FROM scratch\nCOPY words /words\n',
    'base/words': 'base\n',
    'app/Dockerfile': 'FROM base\nARG V\nENV V=$V\nCOPY data /data\n',
    'app/data': 'a\n',
  });
  const first = await work.bake();
  assertOk(first);
  assert.deepEqual(named(first, 'built'), ['app-one', 'app-two', 'base']);
  const [one, two] = await Promise.all(['one', 'two'].map((v) => digestOf(`${host}/hcl/app-${v}:1`)));
  assert.equal(one, first.outcome('app-one').digest);
  assert.equal(two, first.outcome('app-two').digest);
  assert.notEqual(one, two);
  // It is read by others and was not asked for: bake gives it no output.
  assert.equal(await digestOf(`${host}/hcl/base:1`), undefined);

  await work.buildctl.reset();
  const second = await work.bake();
  assertOk(second);
  assert.deepEqual(named(second, 'unchanged'), ['app-one', 'app-two', 'base']);
  assert.deepEqual(await work.buildctl.builds(), []);

  const released = await work.bake({ env: { TAG: '2' } });
  assertOk(released);
  assert.equal(await digestOf(`${host}/hcl/app-one:2`), one);
  assert.deepEqual(await work.buildctl.builds(), []);

  await work.write({ 'docker-bake.hcl': hcl(host).replace('"two"', '"three"') });
  const third = await work.bake();
  assertOk(third);
  assert.deepEqual(named(third, 'built'), ['app-three']);
  assert.deepEqual(named(third, 'unchanged'), ['app-one', 'base']);
});

test('an OCI layout is read by its tag, and another image under it is built with again', {
  skip: realEngine.skip,
  timeout: 120_000,
}, async (t) => {
  const work = await makeWorkspace(t, {
    'docker-bake.hcl': `
target "lay" {
  tags = ["example/lay:v1"]
  output = ["type=oci,tar=false,dest=lay"]
  dockerfile-inline = "FROM scratch\\nCOPY file /file\\n"
}
target "app" {
  contexts = { base = "oci-layout://lay:v1" }
  output = ["type=image,name=example/app"]
  dockerfile-inline = "FROM scratch\\nCOPY --from=base /file /file\\nCOPY other /other\\n"
}
`,
    file: '1\n',
    other: '1\n',
  });
  const early = await work.bake({ builds: ['app'] });
  assert.equal(early.outcome('app').problem?.code, 'context/layout');
  assertOk(await work.bake({ builds: ['lay'] }));
  const first = await work.bake({ builds: ['app'] });
  assertOk(first);
  const second = await work.bake({ builds: ['app'] });
  assert.deepEqual(second.kinds, { app: 'unchanged' });
  await work.write({ file: '2\n' });
  await rm(path.join(work.dir, 'lay'), { recursive: true });
  assertOk(await work.bake({ builds: ['lay'] }));
  const third = await work.bake({ builds: ['app'] });
  assert.deepEqual(third.kinds, { app: 'built' });
  assert.notEqual(third.outcome('app').digest, first.outcome('app').digest);
});
