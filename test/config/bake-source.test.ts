/** Bake and Compose files as a source of builds: which are read, what becomes of their values, and where problems point. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { DEFAULT_BAKE_FILES } from '../../lib/bake/mod.ts';
import { BAKE_NAMES } from '../../lib/config/bake-files.ts';
import { printBakeFiles, printBuilds, readBuilds } from '../../lib/config/mod.ts';
import { selectBuilds } from '../../lib/plan/mod.ts';
import { findMistakes } from '../../lib/prepare/mod.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';
import { chosen, problemsIn, setOf } from './bake-support.ts';
import { line, type Reading, read } from './support.ts';

const HCL = `variable "TAG" {
  default = "dev"
  description = "what to call the release"
}

group "default" { targets = ["app", "tools"] }
group "tools" { targets = ["tool"] }

target "_common" {
  labels = { team = "x" }
}

target "base" {
  context = "images/base"
}

target "app" {
  inherits = ["_common"]
  context = "app"
  contexts = { base = "target:base" }
  args = { MODE = "\${TAG}", KEPT = "$\${{ x }}", BARE = null }
  tags = ["reg.example.com/app:\${TAG}"]
  output = ["type=registry"]
}

target "tool" {
  name = "tool-\${replace(v, ".", "-")}"
  matrix = { v = ["1.2", "1.3"] }
  inherits = ["_common"]
  dockerfile = "tool.Dockerfile"
}
`;

test('targets are builds, with their values final and nothing in them an expression', async () => {
  const set = await setOf({ 'docker-bake.hcl': HCL });
  assert.deepEqual(printBuilds(set).builds['app'], {
    context: 'app',
    dockerfile: 'Dockerfile',
    args: { MODE: 'dev', KEPT: '${{ x }}' },
    contexts: { base: 'build:base' },
    tags: ['reg.example.com/app:dev'],
    push: true,
    labels: { team: 'x' },
  });
  assert.deepEqual(set.matrices, new Map([['tool', ['tool-1-2', 'tool-1-3']]]));
  assert.deepEqual(set.builds.get('tool-1-3')?.matrix, { name: 'tool', row: { v: '1.3' } });
  assert.equal(set.isBake, true);
  assert.deepEqual(set.files, ['docker-bake.hcl']);
});

test('names, groups, matrices and globs select; what others only inherit from is meant by its name alone', async () => {
  const set = await setOf({ 'docker-bake.hcl': HCL });
  assert.deepEqual(chosen(set), ['app', 'tool-1-2', 'tool-1-3']);
  assert.deepEqual(chosen(set, 'tools'), ['tool-1-2', 'tool-1-3']);
  assert.deepEqual(chosen(set, 'tool'), ['tool-1-2', 'tool-1-3']);
  assert.deepEqual(chosen(set, 'tool-?-2', 'base'), ['base', 'tool-1-2']);
  assert.deepEqual(chosen(set, '*'), ['base', 'app', 'tool-1-2', 'tool-1-3']);
  assert.deepEqual(chosen(set, '_common'), ['_common']);
});

test('without names: the group default, else the target of that name, else everything', async () => {
  const two = 'target "a" {}\ntarget "default" { context = "x" }\n';
  assert.deepEqual(chosen(await setOf({ 'docker-bake.hcl': two })), ['default']);
  const none = 'target "a" {}\ntarget "b" { context = "b" }\ntarget "c" { inherits = ["a"] }\n';
  assert.deepEqual(chosen(await setOf({ 'docker-bake.hcl': none })), ['b', 'c']);
});

test('a group may have the name of a target, and the name means the group, as in bake', async () => {
  const hcl =
    'group "image" { targets = ["image", "more"] }\ntarget "image" { context = "i" }\ntarget "more" {}\n';
  const set = await setOf({ 'docker-bake.hcl': hcl });
  assert.deepEqual(chosen(set, 'image'), ['image', 'more']);
});

test("bake's files lie over Compose's and over one another, and each is found by itself", async () => {
  const tree = {
    'compose.yaml': 'services:\n  web:\n    image: reg.example.com/web:1\n    build: web\n',
    'docker-bake.json': JSON.stringify({ target: { web: { args: { A: '1', B: '1' } } } }),
    'docker-bake.override.hcl': 'target "web" { args = { B = "2" } }\n',
  };
  const found = await read('', { tree });
  assert(found.ok, JSON.stringify(found));
  assert.deepEqual(found.value.foundBake, Object.keys(tree));
  assert.deepEqual(printBuilds(found.value.set).builds['web']?.['args'], { A: '1', B: '2' });
  // A builds.yaml beside them is all that counts.
  const own = await read('builds: { x: {} }\n', { tree });
  assert(own.ok);
  assert.deepEqual([own.value.foundBake, [...own.value.set.builds.keys()]], [undefined, ['x']]);
});

test('the files that are looked for are those of lib/bake, which is not loaded to look', () => {
  assert.deepEqual(BAKE_NAMES, DEFAULT_BAKE_FILES);
});

test('files are looked for up to the root of the repository, and paths start where they lie', async (t) => {
  const dir = await makeTempDir(t);
  await writeTree(dir, { 'docker-bake.hcl': 'target "default" { context = "app" }\n', '.git/HEAD': '' });
  await mkdir(path.join(dir, 'app/deep'), { recursive: true });
  const result = await readBuilds({ cwd: path.join(dir, 'app/deep'), env: {} });
  assert(result.ok, JSON.stringify(result));
  const { context } = result.value.set.builds.get('default') ?? {};
  assert.deepEqual(context?.ref, { kind: 'local', path: path.join(dir, 'app') });
  assert.deepEqual(result.value.foundBake, ['../../docker-bake.hcl']);
});

test('paths of a file that is named start in the working directory, as in bake', async () => {
  const tree = { 'ci/docker-bake.hcl': 'target "default" { context = "app" }\n' };
  const set = await setOf(tree, { files: ['ci/docker-bake.hcl'] });
  assert.match(JSON.stringify(set.builds.get('default')?.context.ref), /[^/]\/app"/);
  assert.doesNotMatch(JSON.stringify(set.builds.get('default')?.context.ref), /ci\/app/);
});

test('any name does: what a file is follows from what is in it', async () => {
  const tree = {
    'images.txt': 'target "a" { context = "a" }\n',
    'images.json': JSON.stringify({ target: { b: { context: 'b' } } }),
    'services.yml': 'services: { c: { build: c } }\n',
  };
  const set = await setOf(tree, { files: Object.keys(tree) });
  assert.deepEqual([...set.builds.keys()].sort(), ['a', 'b', 'c']);
  const piped = await setOf({}, { files: ['-'], stdin: 'target "p" { context = "p" }\n' });
  assert.deepEqual([...piped.builds.keys()], ['p']);
});

test('BUILDX_BAKE_FILE names files where there is no builds.yaml', async () => {
  const tree = { 'one.hcl': 'target "a" { context = "a" }\n', 'docker-bake.hcl': 'target "b" {}\n' };
  const env = { BUILDX_BAKE_FILE: 'one.hcl' };
  assert.deepEqual([...(await setOf(tree, { env })).builds.keys()], ['a']);
});

test('a builds.yaml goes on from a bake file: over it with -f, or by include', async () => {
  const tree = {
    'docker-bake.hcl': HCL,
    'more.yaml':
      'include: [docker-bake.hcl]\nbuilds:\n  app: { timeout: 5m, args: { TAG: "${{ vars.TAG }}" } }\n',
    'over.yaml': 'builds:\n  app: { timeout: 5m, push: false }\n',
  };
  const included = await setOf(tree, { files: ['more.yaml'] });
  const app = printBuilds(included).builds['app'];
  assert.deepEqual([app?.['timeout'], app?.['args']], [300, { MODE: 'dev', KEPT: '${{ x }}', TAG: 'dev' }]);
  const over = await setOf(tree, {
    files: ['docker-bake.hcl', 'over.yaml'],
    overrides: ['app.tags=reg.example.com/app:x', '*.push=true'],
  });
  assert.equal(over.builds.get('app')?.push, 'selected');
  assert.deepEqual(
    over.builds.get('app')?.tags.map(({ text }) => text),
    ['reg.example.com/app:x'],
  );
  assert.equal(over.isBake, undefined);
});

test('--set goes by the rules of bake; keys that only we have go on top', async () => {
  const set = await setOf(
    { 'docker-bake.hcl': HCL },
    {
      overrides: [
        'app.args.MODE=set',
        '*.platforms=linux/amd64,linux/arm64',
        '*.push=true',
        'base.tags=reg.example.com/base:1',
        'app.timeout=90s',
        '*.attest+=type=provenance,mode=max',
      ],
    },
  );
  const app = set.builds.get('app');
  assert.equal(app?.args.get('MODE'), 'set');
  assert.deepEqual(app?.platforms, ['linux/amd64', 'linux/arm64']);
  assert.deepEqual(
    [app?.push, set.builds.get('base')?.push, app?.timeoutMs],
    ['selected', 'selected', 90_000],
  );
  assert.deepEqual(
    app?.attest.map(({ type, attributes }) => [type, attributes.get('mode')]),
    [['provenance', 'max']],
  );
});

test('an override that bake does not know, or that matches nothing, is an error', async () => {
  const tree = { 'docker-bake.hcl': HCL };
  const cases: readonly (readonly [string, RegExp])[] = [
    ['nope.args.A=1', /nope/],
    ['app.wrong=1', /wrong/],
    [
      '*.load=true',
      /config\/override --set:1:1 .* there is no Docker here to load images into \| .*docker load/,
    ],
  ];
  for (const [override, expected] of cases) {
    const [first = '', ...more] = await problemsIn(tree, { overrides: [override] });
    assert.match(first, expected);
    assert.deepEqual(more, [], override);
  }
});

test('variables come from --var, then --var-file, the environment and the default, and are listed with that', async () => {
  const tree = { 'docker-bake.hcl': HCL, 'vars.env': 'TAG=file\n' };
  const tagOf = async (reading: Reading) => {
    const set = await setOf(tree, reading);
    const { value, origin, description } = set.variables.get('TAG') ?? {};
    assert.equal(description, 'what to call the release');
    assert.equal(set.builds.get('app')?.tags[0]?.text, `reg.example.com/app:${String(value)}`);
    return [value, origin?.kind];
  };
  const env = { TAG: 'env' };
  assert.deepEqual(await tagOf({}), ['dev', 'default']);
  assert.deepEqual(await tagOf({ env }), ['env', 'env']);
  assert.deepEqual(await tagOf({ env, varFiles: [] }), ['env', 'env']);
  assert.deepEqual(await tagOf({ env, vars: new Map([['TAG', 'flag']]) }), ['flag', 'flag']);
});

test('an untrusted file does not see what sounds like a secret', async () => {
  const hcl = 'variable "API_TOKEN" { default = "" }\ntarget "default" { args = { T = API_TOKEN } }\n';
  const tree = { 'docker-bake.hcl': hcl };
  const env = { API_TOKEN: 'hunter2' };
  const set = await setOf(tree, { env, untrusted: true });
  assert.equal(set.builds.get('default')?.args.get('T'), '');
  assert.match((await problemsIn(tree, { env, untrusted: true }))[0] ?? '', /^config\/untrusted .*API_TOKEN/);
  const granted = await setOf(tree, { env, untrusted: true, allow: ['env:API_TOKEN'] });
  assert.equal(granted.builds.get('default')?.args.get('T'), 'hunter2');
});

test('problems point into the file that says it', async () => {
  const hcl = `target "app" {
  context = "app"
  tags = ["reg.example.com/App:1"]
}
`;
  assert.deepEqual(await problemsIn({ 'docker-bake.hcl': hcl }), [
    'config/bad-tag docker-bake.hcl:3:11 «"reg.example.com/App:1"» "reg.example.com/App:1" is not a valid tag for a push | Write the repository in lowercase: reg.example.com/app:1.',
  ]);
  const two = {
    'docker-bake.hcl': 'target "app" {\n  context = "app"\n}\n',
    'docker-bake.override.hcl': 'target "app" {\n  shm-size = "many"\n}\n',
  };
  assert.match((await problemsIn(two))[0] ?? '', /^\S+ docker-bake\.override\.hcl:2:3 /);
});

test('what is written wrongly is an error with its place', async () => {
  for (const [hcl, expected] of [
    ['target "app" {\n  context = \n}\n', /^bake\/syntax docker-bake\.hcl:2:\d+ /],
    ['target "app" {\n  args = { A = NOPE }\n}\n', /^bake\/\S+ docker-bake\.hcl:2:16 «NOPE»/],
    ['target "app" {\n  inherits = ["nope"]\n}\n', /^bake\/\S+ docker-bake\.hcl:\d+:\d+ .*nope/],
  ] as const) {
    const [first = ''] = await problemsIn({ 'docker-bake.hcl': hcl });
    assert.match(first, expected);
  }
});

test('a file without a target says so', async () => {
  assert.deepEqual(await problemsIn({ 'compose.yaml': 'services: { db: { image: postgres } }\n' }), [
    'config/no-builds compose.yaml:1:1 «s» There is no target, and no service with `build`, in compose.yaml | Name another file with -f FILE (`files` in a script), or run bake-ts init to create a builds.yaml.',
  ]);
});

test('an untrusted Compose file does not see what sounds like a secret, which is said once for each', async () => {
  const tree = {
    'compose.yaml':
      'services:\n  a:\n    build: { context: ., args: { A: "${API_TOKEN}${API_TOKEN}", SECRET_KEY: , B: "${PLAIN}", C: "${NONE-}" } }\n',
  };
  const env = { API_TOKEN: 't0ken', SECRET_KEY: 'k3y', OTHER_TOKEN: 'other', PLAIN: 'p' };
  const told = await problemsIn(tree, { env, untrusted: true });
  assert.equal(told.length, 2, told.join('\n'));
  assert.match(told[0] ?? '', /^config\/untrusted .*API_TOKEN is withheld/);
  assert.match(told[1] ?? '', /^config\/untrusted .*SECRET_KEY is withheld/);
  const set = await setOf(tree, { env, untrusted: true });
  assert.deepEqual(
    [...(set.builds.get('a')?.args ?? [])],
    [
      ['A', ''],
      ['B', 'p'],
      ['C', ''],
    ],
  );
  const allowed = { env, untrusted: true, allow: ['env:API_TOKEN', 'env:SECRET_KEY'] };
  assert.deepEqual(await problemsIn(tree, allowed), []);
  assert.deepEqual(await problemsIn(tree, { env }), []);
});

// docker/buildx 0.38.2: nowhere/ctx without the directory, nowhere/deep/ctx with it.
test('the directory of an included project is the one above where it is not there', async () => {
  const tree = {
    'compose.yaml':
      'include: [{ path: inc/c.yaml, project_directory: nowhere/deep }]\nservices: { a: { build: a } }\n',
    'inc/c.yaml': 'services: { b: { build: ./ctx } }\n',
  };
  const contextIn = async (more: Readonly<Record<string, string>>) => {
    const set = await setOf({ ...tree, ...more });
    return [set.builds.get('b')?.context.written, set.absentFiles?.includes('nowhere/deep') === true];
  };
  assert.deepEqual(await contextIn({}), ['nowhere/ctx', true]);
  assert.deepEqual(await contextIn({ 'nowhere/deep/file': '' }), ['nowhere/deep/ctx', false]);
});

test('a directory called .env is no file of variables', async () => {
  const set = await setOf({
    'compose.yaml': 'services: { a: { build: { context: ., args: { A: "${A-none}" } } } }\n',
    '.env/A': 'x',
  });
  assert.equal(set.builds.get('a')?.args.get('A'), 'none');
});

test('a pipe is not waited for', async (t) => {
  const dir = await makeTempDir(t, 'pipe-');
  await writeTree(dir, { 'compose.yaml': 'include: [pipe.yaml]\nservices: { a: { build: . } }\n' });
  execFileSync('mkfifo', [path.join(dir, 'pipe.yaml')]);
  const result = await readBuilds({ cwd: dir, env: {} });
  assert(!result.ok);
  assert.match(
    result.error.map(line).join('\n'),
    /^config\/unreadable-file - pipe\.yaml cannot be read: not-regular/m,
  );
});

test('images that are pushed with what they are compressed by and annotated with are pushed as such, so that they can be skipped', async () => {
  const hcl = `target "a" {
  tags = ["reg.example.com/a"]
  output = ["type=registry,compression=zstd,compression-level=9,force-compression=true,annotation-index.x=y"]
  annotations = ["index,manifest:k=v"]
}
target "b" { output = ["type=image,name=reg.example.com/b,push=true"] }
target "c" { output = ["type=registry,name=reg.example.com/c,push-by-digest=true", "type=local,dest=out"] }
target "d" {
  tags = ["reg.example.com/d"]
  output = ["type=image,push=false", "type=cacheonly"]
}
`;
  const { builds } = printBuilds(await setOf({ 'docker-bake.hcl': hcl }));
  const keys = ['push', 'tags', 'compression', 'annotations', 'outputs'];
  const shown = (name: string) =>
    Object.fromEntries(Object.entries(builds[name] ?? {}).filter(([key]) => keys.includes(key)));
  assert.deepEqual(shown('a'), {
    tags: ['reg.example.com/a'],
    push: true,
    annotations: { 'index:k': 'v', 'manifest:k': 'v', 'index:x': 'y' },
    compression: { type: 'zstd', level: 9, force: true },
  });
  assert.deepEqual(shown('b'), { tags: ['reg.example.com/b'], push: true });
  assert.deepEqual(shown('c'), {
    outputs: [
      { type: 'image', name: 'reg.example.com/c', 'push-by-digest': 'true', push: 'true' },
      { type: 'local', dest: 'out' },
    ],
  });
  assert.deepEqual(shown('d'), { tags: ['reg.example.com/d'] });
});

test('what bake-ts does not do is said where the build is planned', async () => {
  const hcl = `group "default" { targets = ["image", "check"] }
target "image" { output = ["type=docker"] }
target "check" {
  inherits = ["image"]
  call = "check"
}
target "guarded" { policy = [{ filename = "p.rego" }] }
target "limited" { resources = { memory = "512m", cpu-shares = 512 } }
`;
  const set = await setOf({ 'docker-bake.hcl': hcl });
  const cautionsOf = (name: string) =>
    (set.builds.get(name)?.cautions ?? []).map((one) => `${one.severity} ${line(one)}`);
  assert.match(
    cautionsOf('image')[0] ?? '',
    /^warning bake\/unsupported docker-bake\.hcl:2:18 .* loaded into Docker/,
  );
  assert.match(
    cautionsOf('check').at(-1) ?? '',
    /^error bake\/unsupported docker-bake\.hcl:5:3 .*only checks/,
  );
  assert.match(cautionsOf('guarded')[0] ?? '', /^error bake\/unsupported .*policy/);
  const beside = { 'docker-bake.hcl': hcl, 'Dockerfile.rego': 'package docker\n' };
  const [caution] = (await setOf(beside)).builds.get('limited')?.cautions ?? [];
  assert.match(caution?.message ?? '', /Dockerfile\.rego/);
  const without = await setOf(beside, { overrides: ['*.policy=disabled=true'] });
  assert.equal(without.builds.get('limited')?.cautions, undefined);
  assert.equal(without.builds.get('guarded')?.cautions, undefined);
  assert.deepEqual(
    set.builds.get('limited')?.opts,
    new Map([
      ['memory', '536870912'],
      ['cpushares', '512'],
    ]),
  );
  assert.deepEqual(chosen(set), ['image']);
  assert.match(
    (await problemsIn({ 'docker-bake.hcl': hcl }))[0] ?? '',
    /group `default` is built without `check`/,
  );
});

test('SOURCE_DATE_EPOCH of the environment is an argument of every target, as in bake', async () => {
  const hcl = 'target "a" { args = { SOURCE_DATE_EPOCH = "1" } }\ntarget "b" { context = "b" }\n';
  const set = await setOf({ 'docker-bake.hcl': hcl }, { env: { SOURCE_DATE_EPOCH: '7' } });
  const epochs = ['a', 'b'].map((name) => set.builds.get(name)?.args.get('SOURCE_DATE_EPOCH'));
  assert.deepEqual(epochs, ['1', '7']);
});

test('contexts, secrets and paths mean what they mean in bake', async () => {
  const hcl = `target "a" {
  context = "\${BAKE_CMD_CONTEXT}sub"
  dockerfile = "cwd://docker/a.Dockerfile"
  contexts = { img = "docker-image://alpine", here = "cwd://x", git = "https://github.com/acme/x.git" }
  secret = ["id=one,env=ONE", "id=two,src=two.txt", "id=three"]
  ssh = ["default", "key=id_rsa"]
  extra-hosts = { h = "1.2.3.4" }
  ulimits = ["nofile=1:2"]
  cache-from = ["reg.example.com/cache", "type=local,src=cache"]
  network = "none"
  no-cache-filter = ["stage"]
}
`;
  const set = await setOf({ 'docker-bake.hcl': hcl });
  const { dockerfile, ...printed } = printBuilds(set).builds['a'] ?? {};
  assert.match(String(dockerfile), /^\/.*\/docker\/a\.Dockerfile$/);
  assert.deepEqual(printed, {
    context: 'sub',
    contexts: { git: 'https://github.com/acme/x.git', here: 'x', img: 'docker-image://alpine' },
    secrets: [{ id: 'one', env: 'ONE' }, { id: 'two', file: 'two.txt' }, { id: 'three' }],
    ssh: [{ id: 'default' }, { id: 'key', paths: ['id_rsa'] }],
    'extra-hosts': { h: '1.2.3.4' },
    ulimits: { nofile: '1:2' },
    'cache-from': [
      { type: 'registry', ref: 'reg.example.com/cache' },
      { type: 'local', src: 'cache' },
    ],
    network: 'none',
    'no-cache-filter': ['stage'],
  });
});

test('--print gives what bake gives; of a builds.yaml there is no such thing', async (t) => {
  const dir = await makeTempDir(t);
  await writeTree(dir, { 'docker-bake.hcl': HCL, '.git/HEAD': '', 'sub/builds.yaml': 'builds: { a: {} }\n' });
  const options = { cwd: dir, env: {}, overrides: ['*.attest+=type=sbom'] };
  const printed = await printBakeFiles(options, ['base']);
  assert(printed.ok, JSON.stringify(printed));
  // As docker/buildx 0.38.2 has it.
  assert.equal(
    printed.value.text,
    `{
  "group": {
    "default": {
      "targets": [
        "base"
      ]
    }
  },
  "target": {
    "base": {
      "attest": [
        {
          "type": "sbom"
        }
      ],
      "context": "images/base",
      "dockerfile": "Dockerfile"
    }
  }
}
`,
  );
  const own = await printBakeFiles({ cwd: path.join(dir, 'sub'), env: {} }, ['default']);
  assert.deepEqual(own, { ok: true, value: { text: undefined, warnings: [] } });
});

test('Compose: services with `build` are builds, all of them by default', async () => {
  const compose = `services:
  web:
    image: reg.example.com/web:\${TAG:-dev}
    build:
      context: ./web
      additional_contexts: { lib: "service:lib" }
      args: { A: "1" }
  lib: { build: { context: lib, target: out } }
  db: { image: postgres }
`;
  const set = await setOf({ 'compose.yaml': compose, '.env': 'TAG=7\n' });
  assert.deepEqual([...set.builds.keys()].sort(), ['lib', 'web']);
  assert.deepEqual(chosen(set).toSorted(), ['lib', 'web']);
  const web = set.builds.get('web');
  assert.deepEqual(
    web?.tags.map(({ text }) => text),
    ['reg.example.com/web:7'],
  );
  assert.deepEqual(web?.contexts.get('lib')?.ref, { kind: 'build', build: 'lib' });
  assert(set.files.includes('.env'));
});

test('files that are found above are read as from where they lie, and named from here', async (t) => {
  const dir = await makeTempDir(t);
  await writeTree(dir, {
    '.git/HEAD': '',
    '.env': 'TAG=7\n',
    'compose.yaml':
      'include: [more/compose.yaml]\nservices: { a: { image: "r.example/a:${TAG}", build: a } }\n',
    'more/compose.yaml': 'services:\n  b:\n    image: "r.example/B:1"\n    build: b\n',
  });
  await mkdir(path.join(dir, 'a'), { recursive: true });
  const result = await readBuilds({ cwd: path.join(dir, 'a'), env: {} });
  assert(result.ok, JSON.stringify(result));
  const { set } = result.value;
  assert.deepEqual(
    set.builds.get('a')?.tags.map(({ text }) => text),
    ['r.example/a:7'],
  );
  assert.deepEqual(set.builds.get('a')?.context.ref, { kind: 'local', path: path.join(dir, 'a') });
  assert.deepEqual(set.builds.get('b')?.context.ref, { kind: 'local', path: path.join(dir, 'more/b') });
  assert.match(findMistakes(set).map(line)[0] ?? '', /^config\/bad-tag \.\.\/more\/compose\.yaml:\d+:\d+ /);
  assert.deepEqual(set.files, ['../compose.yaml', '../.env', '../more/compose.yaml']);
});

test("what lies above and in no repository is not this project's", async (t) => {
  const dir = await makeTempDir(t);
  await writeTree(dir, { 'compose.yaml': 'services: { a: { build: . } }\n', 'project/': '' });
  const above = await readBuilds({ cwd: path.join(dir, 'project'), env: {} });
  assert.deepEqual(above.ok ? [] : above.error.map(({ code }) => code), ['config/no-file']);
  const here = await readBuilds({ cwd: dir, env: {} });
  assert(here.ok && here.value.set.builds.has('a'));
});

test('BUILDX_BAKE_FILE_RELATIVE_PATHS: paths start at the file, as in bake', async (t) => {
  const dir = await makeTempDir(t);
  await writeTree(dir, { '.git/HEAD': '', 'ci/docker-bake.hcl': 'target "default" { context = "app" }\n' });
  const env = { BUILDX_BAKE_FILE_RELATIVE_PATHS: '1' };
  for (const [cwd, files] of [
    [dir, ['ci/docker-bake.hcl']],
    [path.join(dir, 'ci'), []],
  ] as const) {
    const result = await readBuilds({ cwd, env, files });
    assert(result.ok, JSON.stringify(result));
    const { ref } = result.value.set.builds.get('default')?.context ?? {};
    assert.deepEqual(ref, { kind: 'local', path: path.join(dir, 'ci/app') });
  }
});

test('a group that names what is not there is no group, and no reason to refuse the rest', async () => {
  const hcl = 'group "g" { targets = ["a", "nope"] }\ntarget "a" { context = "a" }\n';
  const set = await setOf({ 'docker-bake.hcl': hcl });
  assert.equal(selectBuilds(set, { patterns: ['g'] }).ok, false);
  assert.deepEqual(chosen(set), ['a']);
  assert.match(
    (await problemsIn({ 'docker-bake.hcl': hcl }))[0] ?? '',
    /^bake\/unknown-name docker-bake\.hcl:1:29 «"nope"» Group "g" names "nope"/,
  );
  const byDefault = await setOf({ 'docker-bake.hcl': hcl.replace('"g"', '"default"') });
  const none = selectBuilds(byDefault, { patterns: [] });
  assert.deepEqual(none.ok ? [] : none.error.map(line), [
    'bake/unknown-name docker-bake.hcl:1:35 «"nope"» Group "default" names "nope", which does not exist | Use one of a, default.',
  ]);
  assert.deepEqual(chosen(byDefault, 'a'), ['a']);
});

test('Compose files of any name are known by what is in them: tags of their own, includes', async () => {
  const tree = {
    'base.yml': 'services: { a: { build: a, ports: ["1:1"] } }\n',
    'prod.yml': 'services:\n  a:\n    build: b\n    ports: !reset []\n',
    'all.yml': 'include:\n  - path: base.yml\n',
    'named.yml': 'name: shop\ninclude: [base.yml]\n',
  };
  const contexts = async (...files: string[]) =>
    [...(await setOf(tree, { files })).builds.values()].map(({ context }) => context.written);
  assert.deepEqual(await contexts('base.yml', 'prod.yml'), ['b']);
  assert.deepEqual(await contexts('all.yml'), ['a']);
  assert.deepEqual(await contexts('named.yml'), ['a']);
});
