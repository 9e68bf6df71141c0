import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printBuilds } from '../../lib/config/mod.ts';
import { importBuilds } from '../../lib/convert/mod.ts';
import { fixture, importAndPrint, mustImport, readText } from './support.ts';

test('the build sections of a Compose file become builds with all their options', async () => {
  const { builds, groups } = await importAndPrint(fixture('compose.yaml'), 'compose.yaml');
  assert.deepEqual(Object.keys(builds), ['base', 'web', 'tool']);
  assert.deepEqual(builds['base'], {
    context: 'base',
    dockerfile: 'Dockerfile',
    tags: ['localhost:5000/base:dev'],
  });
  assert.deepEqual(builds['web'], {
    context: 'web',
    dockerfile: '../docker/web.Dockerfile',
    target: 'prod',
    args: { VERSION: '1.0' },
    contexts: { base: 'build:base', assets: 'assets' },
    platforms: ['linux/amd64', 'linux/arm64'],
    tags: ['extra/tag:1'],
    push: true,
    labels: { 'com.x': '1', 'com.y': 'dev $5' },
    attest: [{ type: 'sbom' }, { type: 'provenance', mode: 'max' }],
    'cache-from': [
      { type: 'registry', ref: 'localhost:5000/cache' },
      { type: 'registry', ref: 'user/app:cache' },
    ],
    'cache-to': [{ type: 'inline' }],
    'no-cache': true,
    'no-cache-filter': ['deps'],
    pull: true,
    secrets: [
      { id: 'token', env: 'TOKEN' },
      { id: 'cert', file: 'cert.pem' },
    ],
    ssh: [{ id: 'default' }],
    network: 'host',
    'extra-hosts': { a: '1.2.3.4', b: '::1' },
    ulimits: { nproc: 3, nofile: '1024:2048' },
    'shm-size': 67108864,
  });
  assert.equal(builds['tool']?.['dockerfile-inline'], 'FROM scratch\nENV PRICE=$5\n');
  assert.deepEqual(groups, { default: ['base', 'web'], tools: ['tool'] });
});

test('references become variables that the environment sets as before', async () => {
  const text = `
services:
  app:
    build:
      context: .
      args:
        ONE: \${ONE:-a}-\${ONE:-a}
        TWO: \${TWO:-b}
        OTHER: \${TWO-c}
        BARE: $BARE
        NESTED: \${OUTER:-\${INNER:-deep}}
        WITH: \${ONE2:+set}
        COST: $$5 and \${{ not ours }}
        FROM_ENV:
        LIST: "x\${NEED:?say it}"
`;
  const env = { NEED: 'n', FROM_ENV: 'e' };
  const args = async (more: Readonly<Record<string, string>>): Promise<unknown> =>
    (await importAndPrint(text, 'compose.yaml', { ...env, ...more })).builds['app']?.['args'];
  const usual = {
    ONE: 'a-a',
    TWO: 'b',
    OTHER: 'c',
    BARE: '',
    NESTED: 'deep',
    WITH: '',
    COST: '$5 and ${{ not ours }}',
    FROM_ENV: 'e',
    LIST: 'xn',
  };
  assert.deepEqual(await args({}), usual);
  assert.deepEqual(await args({ ONE: '1', TWO: '2', BARE: '3', INNER: '4', ONE2: '5' }), {
    ...usual,
    ONE: '1-1',
    TWO: '2',
    OTHER: '2',
    BARE: '3',
    NESTED: '4',
    WITH: 'set',
  });
  const { yaml } = await mustImport(text, 'compose.yaml');
  assert.match(yaml, /NEED: \{ required: true, description: say it \}/);
});

test('services extend others of the file, and share anchors', async () => {
  const text = `
x-build: &build { target: prod, args: { A: 1 } }
services:
  parent: { build: { <<: *build, context: parent }, image: x/parent, profiles: [p] }
  child: { extends: { service: parent }, build: { context: child, args: { B: 2 } }, image: x/child }
  short: { extends: parent, build: short }
`;
  const { builds, groups } = await importAndPrint(text, 'compose.yaml');
  assert.deepEqual(builds['child'], {
    context: 'child',
    dockerfile: 'Dockerfile',
    target: 'prod',
    args: { A: '1', B: '2' },
    tags: ['x/child'],
  });
  assert.equal(builds['short']?.['context'], 'short');
  assert.deepEqual(groups['p'], ['parent']);
});

test('what Compose can say and BuildKit cannot is named', async () => {
  const text = `
include: [other.yaml]
services:
  a:
    image: a
    build: { context: ., isolation: hyperv, privileged: true, extra_hosts: ["gw:host-gateway"], secrets: [s] }
    extends: { file: base.yaml, service: base }
  b: { build: { context: ., additional_contexts: [db=service:db, c=service:c] } }
  c: {}
  db: { image: postgres }
secrets: { s: { external: true } }
`;
  const { notes, yaml } = await mustImport(text, 'compose.yaml');
  assert.match(yaml, /db: docker-image:\/\/postgres/);
  assert.deepEqual(notes, [
    'a: it extends a service of another file, which is not read',
    'a: `build.isolation` has no counterpart here',
    'a: the secret "s" comes neither from a file nor from the environment; say where it is below secrets',
    'a: `host-gateway` is an address that only a Docker daemon knows; write the IP address',
    'a: `privileged` becomes the entitlement security.insecure, which only RUN --security=insecure makes use of',
    'files named by `include` are not followed; import them one by one, `include` the results',
    'b: the service "c" that it reads has no build section',
  ]);
});

test('tags are those of Compose: the image and the further ones', async () => {
  const text = 'services: { a: { image: x/a:1, build: { context: ., tags: [x/a:2] } } }';
  assert.deepEqual((await importAndPrint(text, 'compose.yaml')).builds['a']?.['tags'], ['x/a:1', 'x/a:2']);
});

test('a Compose file in JSON is one, too', async () => {
  const text = JSON.stringify({ services: { a: { build: './a' } } });
  assert.equal((await importAndPrint(text, 'compose.json')).builds['a']?.['context'], 'a');
});

test('what is not a Compose file with builds is refused, with the place of the error', async () => {
  const bomb = `a: &a [x,x]\n${[...'bcdefghijklmnop'].map((key, at) => `${key}: &${key} [${`*${'abcdefghijklmnop'[at]},`.repeat(9)}]`).join('\n')}\nservices: { s: { build: *p } }`;
  const refused: readonly (readonly [string, string])[] = [
    ['services: { a: { image: x } }', 'import/nothing-to-build'],
    ['', 'import/nothing-to-build'],
    ['services:\n  a: [\n', 'import/not-yaml'],
    [bomb, 'import/not-yaml'],
    [`#${'x'.repeat(9 * 1024 * 1024)}`, 'import/too-big'],
  ];
  for (const [text, code] of refused) {
    const result = await importBuilds(text, { fileName: 'compose.yaml' });
    assert.deepEqual(result.ok ? [] : [result.error[0]?.code], [code], text.slice(0, 80));
  }
});

test('a file of any kind is imported or refused, and never throws', async () => {
  const build = fc.dictionary(
    fc.constantFrom(
      'context',
      'args',
      'secrets',
      'ssh',
      'ulimits',
      'extra_hosts',
      'labels',
      'tags',
      'additional_contexts',
      'x-bake',
      'sbom',
      'cache_from',
    ),
    fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(
        { toString: 1 },
        [{ toString: 1 }],
        '${',
        '${A',
        '${A:-${B}',
        '$',
        '$$',
        '${A:?x}',
        '${1}',
      ),
    ),
  );
  const service = fc.record({
    build: fc.oneof(build, fc.jsonValue()),
    image: fc.jsonValue(),
    extends: fc.jsonValue(),
    profiles: fc.jsonValue(),
  });
  const file = fc.record({
    services: fc.dictionary(fc.string(), fc.oneof(service, fc.jsonValue())),
    secrets: fc.jsonValue(),
  });
  fc.assert(
    fc.property(file, (value) => {
      importBuilds(JSON.stringify(value), { fileName: 'compose.yaml' });
    }),
    { numRuns: 300 },
  );
});

test('a literal text in a Compose file comes through unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (value) => {
      const text = JSON.stringify({
        services: { a: { build: { args: { V: value.replaceAll('$', () => '$$') } } } },
      });
      const set = await readText((await mustImport(text, 'compose.yaml')).yaml);
      assert.deepEqual(printBuilds(set).builds['a']?.['args'], { V: value });
    }),
    { numRuns: 200 },
  );
});
