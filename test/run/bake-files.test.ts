/** Whole runs of bake and Compose files as they are: with a fake engine and a fake registry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';

const DOCKERFILES = {
  'base/Dockerfile': 'FROM scratch\nCOPY file /base\n',
  'base/file': 'base\n',
  'app/Dockerfile': 'FROM base\nARG MODE\nCOPY file /app\n',
  'app/file': 'app\n',
  'tool/Dockerfile': 'FROM scratch\nARG V\nCOPY file /tool\n',
  'tool/file': 'tool\n',
};

const hcl = (host: string) => `
variable "TAG" { default = "dev" }
group "default" { targets = ["app", "tool"] }
target "_pushed" { output = ["type=registry"] }
target "base" { context = "base" }
target "app" {
  inherits = ["_pushed"]
  context = "app"
  contexts = { base = "target:base" }
  args = { MODE = "prod" }
  tags = ["${host}/app:\${TAG}"]
}
target "tool" {
  inherits = ["_pushed"]
  matrix = { v = ["1", "2"] }
  name = "tool-\${v}"
  context = "tool"
  args = { V = v }
  tags = ["${host}/tool:\${v}"]
}
`;

const json = (host: string) =>
  JSON.stringify({
    group: { default: { targets: ['app', 'tool-1', 'tool-2'] } },
    target: {
      base: { context: 'base' },
      app: {
        context: 'app',
        contexts: { base: 'target:base' },
        args: { MODE: 'prod' },
        tags: [`${host}/app:dev`],
        output: [{ type: 'registry' }],
      },
      ...Object.fromEntries(
        ['1', '2'].map((v) => [
          `tool-${v}`,
          { context: 'tool', args: { V: v }, tags: [`${host}/tool:${v}`], output: ['type=image,push=true'] },
        ]),
      ),
    },
  });

const compose = (host: string) => `
services:
  app:
    image: ${host}/app:\${TAG:-dev}
    build:
      context: app
      args: { MODE: prod }
      additional_contexts: { base: "service:base" }
      x-bake: { output: "type=registry" }
  base: { build: base }
  tool-1: { image: "${host}/tool:1", build: { context: tool, args: { V: "1" }, x-bake: { output: type=registry } } }
  tool-2: { image: "${host}/tool:2", build: { context: tool, args: { V: "2" }, x-bake: { output: type=registry } } }
  db: { image: postgres }
`;

const textOf = ({ kinds }: Baked) =>
  Object.keys(kinds)
    .sort()
    .map((name) => `${name} ${kinds[name]}`)
    .join(', ');

const all = (kind: string) => ['app', 'base', 'tool-1', 'tool-2'].map((name) => `${name} ${kind}`).join(', ');

const FILES = [
  ['docker-bake.hcl', hcl],
  ['docker-bake.json', json],
  ['compose.yaml', compose],
] as const;

for (const [name, textFor] of FILES) {
  test(`${name}: built and pushed, then skipped; an edit builds only what it touches`, async (t) => {
    const world = await makeFakeWorld(t, (host) => ({ [name]: textFor(host), ...DOCKERFILES }));
    const first = await world.bake();
    assertOk(first);
    assert.equal(textOf(first), all('built'));
    assert.notEqual(world.registry.store.manifest('app', 'dev'), undefined);
    assert.notEqual(world.registry.store.manifest('tool', '2'), undefined);
    assert.deepEqual(codesOf(first), []);

    const second = await world.bake();
    assert.equal(textOf(second), all('unchanged'));
    assert.equal(second.summary.buildctlCalls, 0);

    await world.write({ 'tool/file': 'another\n' });
    const third = await world.bake();
    assert.equal(textOf(third), 'app unchanged, base unchanged, tool-1 built, tool-2 built');

    await world.write({ [name]: textFor(world.registry.host).replace(/prod/g, 'test') });
    const fourth = await world.bake();
    assert.equal(textOf(fourth), 'app built, base unchanged, tool-1 unchanged, tool-2 unchanged');
  });
}

test('a variable of the environment makes another tag, and nothing is built for it', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({ 'docker-bake.hcl': hcl(host), ...DOCKERFILES }));
  assertOk(await world.bake());
  const released = await world.bake({ env: { TAG: '1.4' } });
  assert.equal(textOf(released), 'app retagged, base unchanged, tool-1 unchanged, tool-2 unchanged');
  const tags = ['dev', '1.4'].map((tag) => world.registry.store.manifest('app', tag)?.digest);
  assert.equal(tags[0], tags[1]);
});

test('what must not be built without something that bake-ts does not have is not built', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    'docker-bake.hcl': `${hcl(host)}\ntarget "checked" {\n  context = "tool"\n  call = "check"\n}\n`,
    ...DOCKERFILES,
  }));
  const baked = await world.bake({ builds: ['checked'] });
  assert.equal(baked.summary.ok, false);
  assert.deepEqual(codesOf(baked), ['bake/unsupported']);
  assert.equal(baked.summary.buildctlCalls, 0);
});
