import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatPrinted, printBuilds } from '../../lib/config/mod.ts';
import { print, printOne, problemsOf, readSet } from './support.ts';

test('null leaves a key or an item out, "" too in tags, platforms and caches, and duplicates drop', async () => {
  const build = await printOne(`
builds:
  a:
    target: null
    args: { A: null, B: 1, C: 3.10, D: true, E: "" }
    tags: [x:1, null, "", x:1, y:2]
    platforms: [linux/amd64, "", x86_64]
    cache-from: ["", owner/cache, null, owner/cache]
`);
  assert.deepEqual(build, {
    context: '.',
    dockerfile: 'Dockerfile',
    args: { B: '1', C: '3.10', D: 'true', E: '' },
    platforms: ['linux/amd64', 'x86_64'],
    tags: ['x:1', 'y:2'],
    'cache-from': [{ type: 'registry', ref: 'owner/cache' }],
  });
});

test('parents apply left to right and own keys last: replaced, merged by key, appended', async () => {
  const build = await printOne(`
templates:
  one: { target: one, tags: [one:1], args: { A: one, B: one }, cache-from: [c/one], secrets: ["id=s,env=ONE"] }
  two: { extends: one, target: two, args: { B: two }, cache-from: [c/two], cache-to: [type=inline] }
  three: { args: { C: three }, cache-from: [c/three], secrets: ["id=s,env=THREE"], tags: [three:1] }
builds:
  a: { extends: [two, three], args: { A: own }, cache-from: [c/own, c/two] }
`);
  assert.equal(build['target'], 'two');
  assert.deepEqual(build['tags'], ['three:1']);
  assert.deepEqual(build['args'], { A: 'own', B: 'two', C: 'three' });
  const refs = (build['cache-from'] as { ref: string }[]).map((one) => one.ref);
  assert.deepEqual(refs, ['c/one', 'c/two', 'c/three', 'c/own']);
  assert.deepEqual(build['cache-to'], [{ type: 'inline' }]);
  assert.deepEqual(build['secrets'], [{ id: 's', env: 'THREE' }]);
});

test('[] clears an inherited list, null does not, and a list whose items were all left out adds nothing', async () => {
  const yaml = (own: string): string =>
    `templates: { t: { tags: [t:1], cache-from: [c/t] } }\nbuilds: { a: { extends: t, ${own} } }\n`;
  assert.deepEqual(await printOne(yaml('tags: [], cache-from: []')), {
    context: '.',
    dockerfile: 'Dockerfile',
  });
  const kept = await printOne(yaml('tags: null, cache-from: [null]'));
  assert.deepEqual(kept['tags'], ['t:1']);
  assert.deepEqual(kept['cache-from'], [{ type: 'registry', ref: 'c/t' }]);
});

test('in variables and matrix axes, too, null leaves an item out and an expression may give several', async () => {
  const yaml = `
vars:
  L: [a, "\${{ ['b', null, 'c'] }}", ~, [d, ~, e]]
  M: { default: { K: [f, ~, "\${{ ['g'] }}"] } }
  W: { type: list, default: "\${{ ['h', null] }}" }
builds:
  a:
    args: { L: "\${{ toJSON(vars.L) }}", M: "\${{ toJSON(vars.M) }}", W: "\${{ toJSON(vars.W) }}" }
  m:
    matrix:
      x: [1, "\${{ [2, 3] }}", ~, { n: [p, ~] }]
      exclude: ["\${{ [{'x': 2}, {'x': 9}] }}", ~]
    name: m-\${{ toJSON(matrix.x).replace('"', '').replace(':', '').replace('{', '').replace('}', '').replace('[', '').replace(']', '') }}
`;
  const { set } = await readSet(yaml, {
    varFiles: ['v.yaml'],
    tree: { 'v.yaml': 'M: { K: [f, ~, g] }\n' },
  });
  const read = Object.fromEntries(set.builds.get('a')?.args ?? []);
  assert.deepEqual(read, { L: '["a","b","c",["d","e"]]', M: '{"K":["f","g"]}', W: '["h"]' });
  assert.deepEqual(set.matrices.get('m'), ['m-1', 'm-3', 'm-np']);
});

test('"" is the way back to the default of network, as of target and dockerfile', async () => {
  const build = await printOne(
    'templates: { t: { network: host, target: x, dockerfile: y } }\nbuilds: { a: { extends: t, network: "", target: "", dockerfile: "" } }\n',
  );
  assert.deepEqual(build, { context: '.', dockerfile: 'Dockerfile' });
});

test('an empty environment variable is empty text, list or map, and unset for other types and where one is required', async () => {
  const yaml = `
vars:
  S: s
  L: [l]
  M: { default: { k: v } }
  B: true
  I: 1
  N: { type: number, default: 1.5 }
  R: { required: true, env: [EMPTY, R] }
builds: { a: {} }
`;
  const env = { S: '', L: '', M: '', B: '', I: '', N: '', EMPTY: '', R: 'r' };
  const { set } = await readSet(yaml, { env });
  assert.deepEqual(
    [...set.variables.values()].map(({ name, value, origin }) => [name, value, origin.kind]),
    [
      ['S', '', 'env'],
      ['L', [], 'env'],
      ['M', {}, 'env'],
      ['B', true, 'default'],
      ['I', 1, 'default'],
      ['N', 1.5, 'default'],
      ['R', 'r', 'env'],
    ],
  );
});

test('empty does not do where a variable is required, wherever it comes from', async () => {
  const yaml = 'vars: { R: { required: true } }\nbuilds: { a: {} }\n';
  const required = [
    'config/required-variable builds.yaml:1:9 «R» R must be set | Set it with --var R=… (`vars` in a script), or R in the environment.',
  ];
  assert.deepEqual(await problemsOf(yaml, { env: { R: '' } }), required);
  assert.deepEqual(await problemsOf(yaml, { vars: new Map([['R', '']]), env: { R: 'r' } }), required);
  assert.deepEqual(await problemsOf(yaml, { varFiles: ['v.env'], tree: { 'v.env': 'R=\n' } }), required);
});

test('a value that is one expression keeps its type, and templates are evaluated in the build that extends them', async () => {
  const { builds } = await print(`
vars: { LIST: [linux/amd64, linux/arm64], N: 3, ON: true, MAP: { default: { X: 1, Y: b } } }
templates:
  t:
    platforms: \${{ vars.LIST }}
    tags: ["r/\${{ build.name }}:\${{ vars.N + 1 }}", '\${{ vars.ON ? "r/on:1" : null }}', "\${{ vars.LIST.map(p, 'r/p:' + slug(p)) }}"]
    no-cache: \${{ vars.ON }}
    args: \${{ vars.MAP }}
builds: { one: { extends: t }, two: { extends: t, args: { X: null, Z: "$\${{ x }}" } } }
`);
  assert.deepEqual(builds['one'], {
    context: '.',
    dockerfile: 'Dockerfile',
    args: { X: '1', Y: 'b' },
    platforms: ['linux/amd64', 'linux/arm64'],
    tags: ['r/one:4', 'r/on:1', 'r/p:linux-amd64', 'r/p:linux-arm64'],
    'no-cache': true,
  });
  assert.deepEqual(builds['two']?.['args'], { X: '1', Y: 'b', Z: '${{ x }}' });
});

test('our own functions', async () => {
  const { builds } = await print(
    `
builds:
  a:
    args:
      MAJOR: \${{ semver("v3.12.1-rc.1").major }}
      PRE: \${{ semver("v3.12.1-rc.1").prerelease }}
      SLUG: \${{ slug("Feature/ÄB_c") }}
      JSON: \${{ fromJSON("{\\"a\\": [1, 2]}").a[1] }}
      TEXT: \${{ readText("VERSION") }}
      FILE: \${{ readJSON("package.json").version }}
      NOW: \${{ now }}
      DAY: \${{ string(now).substring(0, 10) }}
      FLAT: \${{ [["a"], ["b", "a"]].flatten().distinct().join("-") }}
      REPLACE: \${{ "a.b.c".replace(".", "$&") }}
      HASH: \${{ sha256("").substring(0, 8) }}
      BACK: \${{ toJSON({"a": 1}) }}
`,
    { tree: { VERSION: '1.2\n', 'package.json': '{"version": "9.9.9"}' } },
  );
  assert.deepEqual(builds['a']?.['args'], {
    MAJOR: '3',
    PRE: 'rc.1',
    SLUG: 'feature-b_c',
    JSON: '2',
    TEXT: '1.2',
    FILE: '9.9.9',
    NOW: '2026-01-02T03:04:05Z',
    DAY: '2026-01-02',
    FLAT: 'a-b',
    REPLACE: 'a$&b$&c',
    HASH: 'e3b0c442',
    BACK: '{"a":1}',
  });
});

test('variables: flag, file, environment, default, in this order; lists and maps from text; origins kept', async () => {
  const yaml = `
vars:
  A: default
  B: { default: default, env: [B1, B2] }
  C: { type: list, default: [x], sensitive: true }
  D: { type: map, env: false, default: { k: v } }
  E: 1
  F: { default: "\${{ vars.A }}-\${{ vars.E }}", description: words }
builds: { a: { args: { A: "\${{ vars.A }}", B: "\${{ vars.B }}", C: "\${{ vars.C.join('+') }}", D: "\${{ vars.D.k }}", E: "\${{ vars.E + 1 }}", F: "\${{ vars.F }}" } } }
`;
  const { set } = await readSet(yaml, {
    env: { A: 'env', B2: 'env2', C: 'a, "b,c"', D: 'k=no', E: '41' },
    vars: new Map([['A', 'flag']]),
    varFiles: ['one.env', 'two.yaml'],
    tree: { 'one.env': "# c\nexport D='k=file'\nA=file\n", 'two.yaml': 'D: { k: yaml }\n' },
  });
  assert.deepEqual(Object.fromEntries(set.builds.get('a')?.args ?? []), {
    A: 'flag',
    B: 'env2',
    C: 'a+b,c',
    D: 'yaml',
    E: '42',
    F: 'flag-41',
  });
  const kinds = [...set.variables.values()].map((one) => `${one.name} ${one.origin.kind}`);
  assert.deepEqual(kinds, ['A flag', 'B env', 'C env', 'D file', 'E env', 'F default']);
  assert.equal(set.variables.get('C')?.sensitive, true);
  assert.equal(set.variables.get('F')?.description, 'words');
});

test('a sensitive value is not in the problem about it', async () => {
  const yaml =
    'vars: { T: { sensitive: true, type: int } , U: { sensitive: true, pattern: "[a-z]+" } }\nbuilds: { a: {} }\n';
  const problems = await problemsOf(yaml, { env: { T: 'hunter2', U: 'hunter3' } });
  assert.equal(problems.length, 2);
  assert.doesNotMatch(problems.join('\n'), /hunter/);
  const used = `
vars: { T: { sensitive: true } }
builds: { a: { network: "\${{ vars.T }}", target: "\${{ semver(vars.T).major }}", tags: ["\${{ vars.T }} x"] } }
`;
  const said = await problemsOf(used, { env: { T: 'hunter2' } });
  assert.equal(said.length, 3);
  assert.doesNotMatch(said.join('\n'), /hunter/);
});

test('a required variable that is unset, or set to nothing, is one problem that names it', async () => {
  const yaml =
    'vars: { GIT_SHA: { required: true } }\nbuilds: { a: { args: { S: "${{ vars.GIT_SHA }}" } } }\n';
  for (const env of [{}, { GIT_SHA: '' }]) {
    const problems = await problemsOf(yaml, { env });
    assert.deepEqual(problems, [
      'config/required-variable builds.yaml:1:9 «GIT_SHA» GIT_SHA must be set | Set it with --var GIT_SHA=… (`vars` in a script), or GIT_SHA in the environment.',
    ]);
  }
});

test('a matrix: product in order, exclude by parts, include, when, names, missing keys', async () => {
  const { set } = await readSet(`
builds:
  api:
    matrix:
      python: [3.9, 3.10]
      os: [{ name: bookworm, default: true }, { name: alpine }]
      exclude: [{ python: 3.9, os: { name: alpine } }]
      include: [{ python: 3.14-rc, os: { name: bookworm }, extra: yes }]
      when: \${{ matrix.python != "3.10" || matrix.os.name == "bookworm" }}
    tags: ["r/api:\${{ matrix.python }}", '\${{ matrix.os.default ? "r/api:latest" : null }}']
    target: \${{ matrix.extra }}
groups: { default: [api] }
`);
  assert.deepEqual(set.matrices.get('api'), [
    'api-3.9-bookworm',
    'api-3.10-bookworm',
    'api-3.14-rc-bookworm-yes',
  ]);
  assert.deepEqual(set.groups.get('default')?.builds, set.matrices.get('api'));
  const first = set.builds.get('api-3.9-bookworm');
  assert.deepEqual(
    first?.tags.map((tag) => tag.text),
    ['r/api:3.9', 'r/api:latest'],
  );
  assert.equal(first?.target, undefined);
  assert.equal(first?.matrix?.row['python'], '3.9');
  const last = set.builds.get('api-3.14-rc-bookworm-yes');
  assert.deepEqual(
    last?.tags.map((tag) => tag.text),
    ['r/api:3.14-rc'],
  );
  assert.equal(last?.target, 'yes');
});

test('edges and parents are computed for each row', async () => {
  const { builds } = await print(`
templates: { lean: { target: lean }, fat: { target: fat } }
builds:
  base: { matrix: { r: [1, 2] }, name: "base-\${{ matrix.r }}" }
  app:
    matrix: { r: [1, 2] }
    extends: \${{ matrix.r == 1 ? "lean" : "fat" }}
    contexts: { base: "build:base-\${{ matrix.r }}", "x/\${{ matrix.r }}": docker-image://busybox }
    needs: [base, null]
`);
  assert.deepEqual(builds['app-2'], {
    context: '.',
    dockerfile: 'Dockerfile',
    target: 'fat',
    contexts: { base: 'build:base-2', 'x/2': 'docker-image://busybox' },
    needs: ['base-1', 'base-2'],
  });
  assert.equal(builds['app-1']?.['target'], 'lean');
});

test('groups hold builds, rows, groups and globs, and ! takes out again', async () => {
  const { groups } = await print(`
vars: { ALL: false }
builds: { web: {}, api: { matrix: { v: [1, 2] } }, tool-a: {}, tool-b: {} }
groups:
  default: [web, api, tools, "!tool-b"]
  tools: { builds: ["tool-*"], description: the tools }
  rest: ["!api", "!web"]
  maybe: ['\${{ vars.ALL ? "web" : null }}', "{web,tool-a}"]
`);
  assert.deepEqual(groups, {
    default: ['web', 'api-1', 'api-2', 'tool-a'],
    tools: ['tool-a', 'tool-b'],
    rest: ['tool-a', 'tool-b'],
    maybe: ['web', 'tool-a'],
  });
});

test('included files come first, paths start where they are written, and print is relative to the root', async () => {
  const { set } = await readSet(
    `
include: [ci/common.yaml]
vars: { TAG: two }
builds:
  a: { extends: shared, context: app, secrets: [{ id: s, file: s.txt }] }
  shared-build: { args: { X: own } }
`,
    {
      tree: {
        'ci/common.yaml': `
vars: { TAG: { default: one, description: kept } }
templates: { shared: { contexts: { lib: ../lib }, outputs: [out, "-"], tags: ["r:\${{ vars.TAG }}"] } }
builds: { shared-build: { context: img, args: { X: common, Y: common } } }
`,
      },
    },
  );
  const a = set.builds.get('a');
  assert.equal(a?.context.ref.kind === 'local' && a.context.ref.path, join(set.root, 'app'));
  assert.equal(a?.dockerfile.kind === 'file' && a.dockerfile.path, join(set.root, 'app', 'Dockerfile'));
  assert.equal(a?.contexts.get('lib')?.written, 'lib');
  assert.equal(a?.outputs[0]?.attributes.get('dest'), join(set.root, 'ci', 'out'));
  assert.equal(a?.outputs[0]?.writtenPath, 'ci/out');
  assert.deepEqual(
    a?.tags.map((tag) => tag.text),
    ['r:two'],
  );
  const shared = set.builds.get('shared-build');
  assert.equal(shared?.context.written, 'ci/img');
  assert.deepEqual(Object.fromEntries(shared?.args ?? []), { X: 'own', Y: 'common' });
  assert.equal(set.variables.get('TAG')?.description, 'kept');
  assert.deepEqual(
    set.files,
    ['ci/common.yaml', 'builds.yaml'].map((one) => set.files.find((file) => file.endsWith(one))),
  );
});

test('a second -f overlays builds and may add one that says what it is built from', async () => {
  const tree = { 'two.yaml': 'builds: { a: { target: two }, extra: { context: x } }\n' };
  const { builds } = await print('builds: { a: { target: one, args: { A: 1 } } }\n', {
    tree,
    files: ['builds.yaml', 'two.yaml'],
  });
  assert.deepEqual(builds['a'], { context: '.', dockerfile: 'Dockerfile', target: 'two', args: { A: '1' } });
  assert.equal(builds['extra']?.['context'], 'x');
});

test('overrides replace, then collect; += appends; names with dots are found', async () => {
  const yaml = `
builds:
  api: { matrix: { v: ["3.12", "3.13"] }, tags: [r:1], cache-from: [c/x], args: { A: 1 } }
  web: { tags: [w:1] }
`;
  const { builds } = await print(yaml, {
    overrides: [
      'api-3.12.tags=r:2',
      'api-3.12.tags=r:3',
      'api-3.13.tags+=r:4',
      'api.cache-from=c/y',
      '*.platform=linux/amd64,linux/arm64',
      'api.labels.org.title=a=b',
      'web.push=always',
      'web.target=${{ literal }}',
      'web.outputs=type=local,dest=out',
    ],
  });
  assert.deepEqual(builds['api-3.12']?.['tags'], ['r:2', 'r:3']);
  assert.deepEqual(builds['api-3.13']?.['tags'], ['r:1', 'r:4']);
  assert.deepEqual(builds['api-3.13']?.['cache-from'], [{ type: 'registry', ref: 'c/y' }]);
  assert.deepEqual(builds['api-3.12']?.['labels'], { 'org.title': 'a=b' });
  assert.deepEqual(builds['web'], {
    context: '.',
    dockerfile: 'Dockerfile',
    target: '${{ literal }}',
    platforms: ['linux/amd64', 'linux/arm64'],
    tags: ['w:1'],
    push: 'always',
    outputs: [{ type: 'local', dest: 'out' }],
  });
});

test('every option in its short and its long form', async () => {
  const yaml = `
builds:
  a:
    context: https://github.com/o/r.git#main:sub
    dockerfile-inline: |
      FROM \${BASE}
    contexts: { l: "oci-layout://img:1", g: git@host:o/r.git, h: "https://x/y.tgz" }
    outputs: [out, "type=oci,dest=a.tar", { type: docker }]
    attest: [sbom, "type=provenance,mode=min", { type: provenance, mode: max }]
    compression: { type: zstd, level: 3, force: true }
    reproducible: true
    source-date-epoch: 0
    cache-to: ["type=registry,ref=o/c,mode=max", { type: local, dest: cache }]
    no-cache-filter: [x]
    pull: true
    secrets: ["id=a,src=f", "type=env,id=b", lone, { id: c, command: [pass, show, c] }]
    ssh: [default, "k=~/.ssh/id,other", { id: z, paths: [agent.sock] }]
    network: none
    extra-hosts: ["a=1.2.3.4", "b:::1"]
    ulimits: { nofile: "1024:2048", nproc: 5, core: { soft: 0, hard: -1 } }
    shm-size: 64m
    cgroup-parent: /x
    timeout: 1h30m
    entitlements: [network.host]
    annotations: { "index,manifest[linux/amd64]:k": w, "index:k": v, "a,b:c": d }
`;
  const { set } = await readSet(yaml, { env: { HOME: '/home/u' } });
  const { builds } = await print(yaml, { env: { HOME: '/home/u' } });
  assert.deepEqual(builds['a'], {
    context: 'https://github.com/o/r.git#main:sub',
    'dockerfile-inline': 'FROM ${BASE}\n',
    contexts: { l: 'oci-layout://img:1', g: 'git@host:o/r.git', h: 'https://x/y.tgz' },
    annotations: { 'index:k': 'v', 'manifest[linux/amd64]:k': 'w', 'a,b:c': 'd' },
    outputs: [{ type: 'local', dest: 'out' }, { type: 'oci', dest: 'a.tar' }, { type: 'docker' }],
    attest: [{ type: 'sbom' }, { type: 'provenance', mode: 'max' }],
    compression: { type: 'zstd', level: 3, force: true },
    reproducible: true,
    'source-date-epoch': 0,
    'cache-to': [
      { type: 'registry', ref: 'o/c', mode: 'max' },
      { type: 'local', dest: 'cache' },
    ],
    'no-cache-filter': ['x'],
    pull: true,
    secrets: [
      { id: 'a', file: 'f' },
      { id: 'b', env: 'b' },
      { id: 'lone' },
      { id: 'c', command: ['pass', 'show', 'c'] },
    ],
    ssh: [{ id: 'default' }, { id: 'k', paths: ['~/.ssh/id', 'other'] }, { id: 'z', paths: ['agent.sock'] }],
    network: 'none',
    'extra-hosts': { a: '1.2.3.4', b: '::1' },
    ulimits: { nofile: '1024:2048', nproc: 5, core: '0:-1' },
    'shm-size': 67108864,
    'cgroup-parent': '/x',
    entitlements: ['network.host'],
    timeout: 5400,
  });
  const build = set.builds.get('a');
  assert.deepEqual(build?.ssh[1]?.paths, ['/home/u/.ssh/id', join(set.root, 'other')]);
  assert.equal(
    build?.contexts.get('l')?.ref.kind === 'oci-layout' && build.contexts.get('l')?.written,
    'oci-layout://img:1',
  );
  assert.equal(build?.context.ref.kind, 'git');
  assert.equal(build?.contexts.get('h')?.ref.kind, 'http');
});

test('what print says as YAML reads back to the same', async () => {
  const yaml = `
builds:
  a: { secrets: [lone], ulimits: { nofile: "1:2" }, args: { X: "$\${{ not ours }}", V: 3.10 }, push: always, platforms: [linux/amd64, linux/arm64] }
  b: { contexts: { a: build:a }, dockerfile-inline: "FROM a\\n", cache: { repository: r/c, mode: min }, ssh: [default] }
groups: { default: [b], all: ["*"] }
`;
  const { set } = await readSet(yaml);
  const again = await print(await formatPrinted(printBuilds(set)));
  assert.deepEqual(again, await print(yaml));
});

test('cache: auto keeps a cache of its own for each build and set of platforms', async () => {
  const { builds } = await print(`
templates: { t: { tags: ["localhost:5000/app:\${{ build.name }}"], cache: auto } }
builds:
  a: { extends: t }
  b: { extends: t, platforms: [linux/amd64, linux/arm64] }
  c: { extends: t, platforms: [linux/arm64], cache: { repository: r/cache, export: false } }
`);
  const refs = Object.values(builds).map((build) => (build['cache-from'] as { ref: string }[])[0]?.ref ?? '');
  assert.match(refs[0] ?? '', /^localhost:5000\/app:cache-a-[0-9a-f]{10}$/);
  assert.match(refs[2] ?? '', /^r\/cache:cache-c-[0-9a-f]{10}$/);
  assert.equal(new Set(refs).size, 3);
  assert.deepEqual(builds['a']?.['cache-to'], [
    { type: 'registry', ref: refs[0], mode: 'max', 'ignore-error': 'true' },
  ]);
  assert.equal(builds['c']?.['cache-to'], undefined);
});

test('registries and the engine', async () => {
  const { set } = await readSet(`
registries:
  localhost:5000: { http: true, mirrors: [m:1], concurrency: 4 }
  r.example: { ca: certs/ca.pem, insecure: "\${{ 1 == 1 }}" }
engine: { address: "tcp://\${{ 'h' }}:1" }
builds: { a: {} }
`);
  assert.deepEqual(set.registries.get('localhost:5000'), { http: true, mirrors: ['m:1'], concurrency: 4 });
  assert.deepEqual(set.registries.get('r.example'), {
    ca: join(set.root, 'certs', 'ca.pem'),
    insecure: true,
  });
  assert.equal(set.engine?.address, 'tcp://h:1');
});

test('anchors, aliases, merge keys and x- sections work', async () => {
  const build = await printOne(`
x-common: &common
  args: &args { A: 1 }
  target: common
builds:
  a:
    <<: *common
    target: own
    labels: *args
    dockerfile-inline: >
      FROM
      x
`);
  assert.deepEqual(build, {
    context: '.',
    'dockerfile-inline': 'FROM x\n',
    target: 'own',
    args: { A: '1' },
    labels: { A: '1' },
  });
});

test('git values are those of the repository, and git does not run unless asked', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bake-ts-git-'));
  try {
    const git = (...argv: string[]): string =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-C', dir, ...argv], {
        encoding: 'utf8',
      }).trim();
    git('init', '-q', '-b', 'main');
    git('commit', '-q', '--allow-empty', '-m', 'x');
    git('tag', 'v1');
    const stdin = `builds: { a: { args: { S: "\${{ git.sha }}", H: "\${{ git.short }}", B: "\${{ git.branch }}", T: "\${{ git.tag }}", D: "\${{ git.dirty }}" }, source-date-epoch: "\${{ git.timestamp }}" } }`;
    const build = await printOne('', 'a', { cwd: dir, files: ['-'], stdin, env: process.env });
    const sha = git('rev-parse', 'HEAD');
    assert.deepEqual(build['args'], { S: sha, H: sha.slice(0, 7), B: 'main', T: 'v1', D: 'false' });
    assert.equal(build['source-date-epoch'], Number(git('log', '-1', '--format=%ct')));
    const without = await printOne('', 'a', {
      cwd: dir,
      files: ['-'],
      stdin: 'builds: { a: {} }',
      env: { PATH: '' },
    });
    assert.deepEqual(without, { context: '.', dockerfile: 'Dockerfile' });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('a module exports the same as an object or a function', async () => {
  const tree = {
    'builds.mjs':
      'export default ({ env }) => ({ vars: { TAG: env.T }, builds: { a: { tags: ["r:${{ vars.TAG }}"], args: { N: 1, U: undefined } } } });',
    'object.mjs': 'export default { builds: { b: { context: "x" } } };',
  };
  const build = await printOne('', 'a', { tree, files: ['builds.mjs'], env: { T: 'x' } });
  assert.deepEqual(build, { context: '.', dockerfile: 'Dockerfile', args: { N: '1' }, tags: ['r:x'] });
  assert.deepEqual(await printOne('', 'b', { tree, files: ['object.mjs'] }), {
    context: 'x',
    dockerfile: 'Dockerfile',
  });
});

test('a builds.mjs is found, and of several files the first one counts, with a warning that names the others', async () => {
  const module = 'export default { builds: { b: {} } };';
  assert.deepEqual(await printOne('', 'b', { tree: { 'builds.mjs': module } }), {
    context: '.',
    dockerfile: 'Dockerfile',
  });
  const yaml = 'builds: { a: {} }\n';
  const tree = { 'builds.mjs': module, 'builds.json': '{}', 'builds.js': 'throw 1' };
  assert.deepEqual(await problemsOf(yaml, { tree }), [
    'config/several-files - builds.yaml is read; builds.json, builds.mjs beside it is ignored | Remove the other file, or name one: -f builds.yaml (`files` in a script).',
  ]);
  assert.deepEqual(await problemsOf(yaml, { tree, files: ['builds.yaml'] }), []);
  const including = { tree: { 'builds.mjs': module } };
  assert.deepEqual(await problemsOf(`include: [builds.mjs]\n${yaml}`, including), []);
  assert.match((await problemsOf('', { tree: { 'builds.js': module } })).join(), /^config\/no-file/);
});

test('a builds.ts runs where the runtime runs TypeScript, and says what is needed where not', async () => {
  const tree = { 'builds.ts': 'const name: string = "a"; export default { builds: { [name]: {} } };' };
  const problems = await problemsOf('', { tree });
  for (const found of problems) assert.match(found, /^config\/module-runtime .*22\.18/);
});

test('an optional variable is null where nobody sets it, and what would be its value is left out', async () => {
  const yaml = `
vars: { A: { optional: true }, B: { type: bool, optional: true }, C: { type: int }, D: { optional: true, default: d } }
builds: { a: { args: { A: "\${{ vars.A }}", B: "\${{ vars.B == null ? 'unset' : string(vars.B) }}", D: "\${{ vars.D }}" } } }
`;
  assert.deepEqual((await printOne(yaml))['args'], { B: 'unset', D: 'd' });
  assert.deepEqual((await printOne(yaml, 'a', { env: { A: '', B: 'true' } }))['args'], {
    A: '',
    B: 'true',
    D: 'd',
  });
});

test('a builds file that imports defineBuilds needs no installed package for it', async () => {
  const module =
    "import { defineBuilds } from 'bake-ts'; export default defineBuilds({ builds: { a: { nothing: 1 } } });";
  const problems = await problemsOf('', { tree: { 'builds.mjs': module } });
  assert.match(problems.join(), /^config\/unknown-key /);
});
