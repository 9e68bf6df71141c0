/** What `init` makes of the bake and Compose files that lie in a directory. */
import assert from 'node:assert/strict';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { printBuilds } from '../../lib/config/mod.ts';
import { findSources } from '../../lib/convert/mod.ts';
import { makeTree, type TreeEntry } from '../rig/temp.ts';
import { mustImport, proposeIn, readIn } from './support.ts';

const FROM = 'FROM debian:12\n';

async function printIn(dir: string, env: Readonly<Record<string, string>> = {}) {
  const proposal = await proposeIn(dir, env);
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
    'compose.yaml is left aside; `bake-ts import compose.yaml` shows what it builds',
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
  assert.equal(body(yaml), body(mustImport(text, 'docker-bake.json').yaml));
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
    'docker-bake.json is not valid JSON; it is passed over',
    'compose.yaml has no service with a build section; it is passed over',
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

/** A buildx that keeps how it was called, and prints what bake prints. */
const BUILDX = `#!/bin/sh
printf '%s\\n' "$*" >> calls
printf '%s\\n' "$TOKEN" >> tokens
case "$*" in
"buildx version"|version) exit 0 ;;
*"-f docker-bake.hcl") cat default.json ;;
*) cat all.json ;;
esac
`;

function printedTargets(names: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    names.map((name) => [
      name,
      { context: '.', dockerfile: name === 'app' ? 'Dockerfile' : `${name}.Dockerfile` },
    ]),
  );
}

for (const program of ['docker', 'buildx'] as const) {
  test(`HCL goes through ${program === 'docker' ? 'docker buildx' : 'buildx'}, all targets at once`, async (t) => {
    const dir = await makeTree(t, {
      'docker-bake.hcl': HCL,
      'default.json': JSON.stringify({
        group: { default: { targets: ['app'] } },
        target: printedTargets(['app', 'lib']),
      }),
      'all.json': JSON.stringify({
        group: { default: { targets: ['app', 'lib', 'parent', 'all'] }, all: { targets: ['app', 'lib'] } },
        target: printedTargets(['app', 'lib', 'parent']),
      }),
      [`bin/${program}`]: BUILDX,
      Dockerfile: FROM,
    });
    await chmod(join(dir, 'bin', program), 0o755);
    const { printed, origin, remarks } = await printIn(dir, {
      PATH: `${join(dir, 'bin')}:/usr/bin:/bin`,
      TOKEN: 'secret',
    });
    const command = program === 'docker' ? 'docker buildx' : 'buildx';
    assert.deepEqual(remarks, [`docker-bake.hcl went through \`${command} bake --print\``]);
    assert.equal(origin, 'docker-bake.hcl');
    assert.deepEqual(Object.keys(printed.builds), ['app', 'lib']);
    assert.deepEqual(printed.groups, { default: ['app'], all: ['app', 'lib'] });
    // Variables of a bake file take what the environment has, and a token belongs in no file.
    assert.doesNotMatch(await readFile(join(dir, 'tokens'), 'utf8'), /secret/);
    // A variable of a bake file takes what the environment has, and a token belongs in no file.
    assert.match(await readFile(join(dir, 'tokens'), 'utf8'), /^\n+$/);
    const calls = (await readFile(join(dir, 'calls'), 'utf8')).trim().split('\n');
    assert.deepEqual(calls.at(-1)?.split(' ').slice(-4), ['parent', 'app', 'lib', 'all']);
  });
}

test('HCL without a buildx, or with one that refuses it, is passed over, with the way to have it', async (t) => {
  const dir = await makeTree(t, {
    'docker-bake.hcl': HCL,
    'docker-bake.json': JSON.stringify({ target: { web: { context: 'web' } } }),
    Dockerfile: FROM,
    'bin/docker': '#!/bin/sh\necho "docker: unknown command: docker buildx" >&2\nexit 1\n',
    'bad/buildx':
      '#!/bin/sh\n[ "$1" = version ] && exit 0\necho "ERROR: docker-bake.hcl:3: no" >&2\nexit 1\n',
  });
  await chmod(join(dir, 'bin', 'docker'), 0o755);
  await chmod(join(dir, 'bad', 'buildx'), 0o755);
  const without = await printIn(dir, { PATH: join(dir, 'bin') });
  assert.equal(without.origin, 'docker-bake.json and one Dockerfile that it does not name');
  assert.match(
    without.remarks.join('\n'),
    /^docker-bake\.hcl is passed over: .*docker buildx bake --print \| bake-ts import -o builds\.yaml$/,
  );
  const refused = await printIn(dir, { PATH: `${join(dir, 'bad')}:/usr/bin:/bin` });
  assert.deepEqual(refused.remarks, [
    'docker-bake.hcl is passed over, since buildx says: docker-bake.hcl:3: no',
  ]);
});
