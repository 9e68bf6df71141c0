/** What `init` makes of the bake and Compose files that lie in a directory. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { printBuilds } from '../../lib/config/mod.ts';
import { findSources } from '../../lib/convert/mod.ts';
import { makeTree, type TreeEntry } from '../rig/temp.ts';
import { mustImport, proposeIn, readIn } from './support.ts';

const FROM = 'FROM debian:12\n';

async function printIn(dir: string) {
  const proposal = await proposeIn(dir);
  return { ...proposal, printed: printBuilds(await readIn(dir, proposal.yaml)) };
}

test('files are found by the names and in the order of bake and Compose', async (t) => {
  const file: TreeEntry = 'x';
  const dir = await makeTree(t, {
    'docker-bake.override.hcl': file,
    'docker-bake.override.json': file,
    'docker-bake.hcl': file,
    'docker-bake.json': file,
    'docker-compose.yaml': file,
    'docker-compose.yml': file,
    'compose.yml': { symlink: '/dev/zero' },
    'bake.json': file,
  });
  const found = findSources(dir);
  assert.deepEqual(
    found.bake.map(({ name }) => name),
    ['docker-bake.json', 'docker-bake.hcl', 'docker-bake.override.json', 'docker-bake.override.hcl'],
  );
  assert.equal(found.compose?.name, 'docker-compose.yml');
  assert.deepEqual(found.unreadable, ['compose.yml']);
});

test('a bake file in JSON with its override is what the proposal is made from, as import makes it', async (t) => {
  const bake = {
    variable: { TAG: { default: 'dev' } },
    group: { default: { targets: ['app'] } },
    target: {
      app: {
        context: 'app',
        args: { A: '1', B: '1' },
        tags: ['acme/app:${TAG}'],
        'cache-from': ['type=registry,ref=acme/cache'],
      },
    },
  };
  const override = {
    target: { app: { args: { B: '2' }, tags: ['acme/app:${TAG}-x'], 'cache-from': ['type=gha'] }, more: {} },
  };
  const dir = await makeTree(t, {
    'docker-bake.json': JSON.stringify(bake),
    'docker-bake.override.json': JSON.stringify(override),
    'app/Dockerfile': FROM,
    Dockerfile: FROM,
    'tools/lint/Dockerfile': FROM,
    'compose.yaml': 'services: { web: { build: . } }\n',
  });
  const { yaml, origin, remarks, printed } = await printIn(dir);
  assert.equal(
    origin,
    'docker-bake.json, docker-bake.override.json and one Dockerfile that they do not name',
  );
  assert.deepEqual(remarks, [
    'compose.yaml is not imported; `bake-ts import compose.yaml` shows what it builds',
  ]);
  assert.deepEqual(printed.builds['app'], {
    context: 'app',
    dockerfile: 'Dockerfile',
    args: { A: '1', B: '2' },
    tags: ['acme/app:dev-x'],
    'cache-from': [{ type: 'registry', ref: 'acme/cache' }, { type: 'gha' }],
  });
  assert.deepEqual(printed.builds['lint']?.['tags'], ['localhost:5000/lint:dev']);
  assert.match(yaml, /# Not in docker-bake\.json; proposed from its Dockerfile\.\n {2}lint:/);
  assert.deepEqual(printed.groups, { default: ['app'], other: ['lint'] });
});

test('without anything of its own to say, init says what import says', async (t) => {
  const text = JSON.stringify({
    target: Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name) => [
        name,
        {
          context: '.',
          dockerfile: `${name}.Dockerfile`,
          platforms: ['linux/amd64'],
          pull: true,
          args: { X: 'x' },
        },
      ]),
    ),
  });
  const dir = await makeTree(t, { 'docker-bake.json': text, 'a.Dockerfile': FROM, 'b.Dockerfile': FROM });
  const body = (yaml: string): string => yaml.replaceAll(/^#.*\n/gm, '');
  const { yaml, origin } = await proposeIn(dir);
  assert.equal(origin, 'docker-bake.json');
  assert.equal(body(yaml), body((await mustImport(text, 'docker-bake.json')).yaml));
  assert.match(yaml, /templates:\n {2}common:/);
});

test('a Compose file comes with the Dockerfiles that no service names; names that are taken stay what they are', async (t) => {
  const dir = await makeTree(t, {
    'docker-compose.yml':
      'services:\n  image: { build: { context: ., dockerfile: "${DIR:-web}/Dockerfile" }, image: "acme/web:${TAG:-dev}" }\n' +
      '  other: { build: ./other }\n  db: { image: "postgres:16" }\n',
    'web/Dockerfile': FROM,
    'other/Dockerfile': FROM,
    'api/image/Dockerfile': `ARG TAG\n${FROM}`,
    'jobs/other/Dockerfile': FROM,
  });
  const { printed, yaml } = await printIn(dir);
  assert.deepEqual(printed.groups, { default: ['image', 'other'], 'other-2': ['api-image', 'jobs-other'] });
  assert.deepEqual(printed.builds['image']?.['tags'], ['acme/web:dev']);
  assert.deepEqual(printed.builds['api-image']?.['args'], { TAG: 'dev' });
  assert.match(yaml, /TAG: "\$\{\{ vars\.IMAGE_TAG \}\}"/);
});

test('a matrix claims the Dockerfiles that its rows may have', async (t) => {
  const dir = await makeTree(t, {
    'docker-bake.json': JSON.stringify({
      target: {
        app: { matrix: { os: ['a', 'b'] }, name: 'app-${os}', dockerfile: 'docker/${os}/Dockerfile' },
      },
    }),
    'docker/a/Dockerfile': FROM,
    'docker/b/Dockerfile': FROM,
    'c/Dockerfile': FROM,
  });
  const { printed } = await printIn(dir);
  assert.deepEqual(Object.keys(printed.builds), ['app-a', 'app-b', 'c']);
});

test('what cannot be converted is passed over, with the reason, for the next best', async (t) => {
  const dir = await makeTree(t, {
    'docker-bake.json': '{ "target": ',
    'compose.yaml': 'services: { db: { image: postgres } }\n',
    Dockerfile: FROM,
  });
  const { origin, remarks } = await printIn(dir);
  assert.equal(origin, 'the Dockerfile it found');
  assert.deepEqual(remarks, [
    'docker-bake.json is not valid JSON; it is skipped',
    'compose.yaml has no service with a build section; it is skipped',
  ]);
});

const HCL = `
target "_common" { args = { A = 1 } }
# target "gone" {}
target "parent" { inherits = ["_common"] }
target "app" {
  inherits = ["parent"]
  contexts = { lib = "target:lib" }
}
target "lib" {}
target "-x" {}
group "default" { targets = ["app"] }
group "all" { targets = ["app", "lib"] }
`;

test('HCL is read as it is, without buildx, and without values of the environment', async (t) => {
  const dir = await makeTree(t, {
    'docker-bake.hcl': `variable "TOKEN" { default = "none" }\n${HCL}`,
    'docker-bake.override.hcl': 'target "app" { args = { T = TOKEN } }',
    Dockerfile: FROM,
  });
  process.env['TOKEN'] = 'secret';
  const { yaml, printed, origin, remarks } = await printIn(dir).finally(() => {
    delete process.env['TOKEN'];
  });
  assert.deepEqual(remarks, []);
  assert.equal(origin, 'docker-bake.hcl and docker-bake.override.hcl');
  assert.deepEqual(Object.keys(printed.builds), ['app', 'lib', 'x']);
  assert.deepEqual(printed.builds['app']?.['args'], { A: '1', T: 'none' });
  assert.deepEqual(printed.groups, { default: ['app'], all: ['app', 'lib'] });
  assert.match(yaml, /TOKEN: none/);
});

test('HCL that cannot be read is passed over, with the reason', async (t) => {
  const dir = await makeTree(t, { 'docker-bake.hcl': 'target "app" {', Dockerfile: FROM });
  const { origin, remarks } = await printIn(dir);
  assert.equal(origin, 'the Dockerfile it found');
  assert.match(remarks.join(), /; it is skipped$/);
});
