/** A repository with a docker-bake.hcl, baked as it is with the real engine: matrix, links between targets, pushes, skips. */
import assert from 'node:assert/strict';
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
