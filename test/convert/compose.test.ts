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
    entitlements: ['network.host'],
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
  // Profiles come along with everything else that a service extends (compose-go 2.16, loader/extends.go).
  assert.deepEqual(groups['p'], ['parent', 'child', 'short']);
});

test('what Compose can say and BuildKit cannot is named', async () => {
  const text = `
services:
  a:
    image: a
    build: { context: ., isolation: hyperv, privileged: true, extra_hosts: ["gw:host-gateway"], secrets: [s] }
  b: { build: { context: ., additional_contexts: [db=service:db, c=service:c] } }
  c: {}
  db: { image: postgres }
secrets: { s: { external: true } }
`;
  const { notes, yaml } = await mustImport(text, 'compose.yaml');
  assert.match(yaml, /db: docker-image:\/\/postgres/);
  assert.deepEqual(notes, [
    'a: `build.isolation` has no equivalent here',
    'a: the secret "s" has neither a file nor an environment variable; add one below secrets',
    'a: `host-gateway` works only with a Docker daemon; write the IP address',
    'a: `privileged` becomes the entitlement security.insecure, which only RUN --security=insecure uses',
    'b: the service "c" that it reads has no build section',
  ]);
});

/** Imports files that lie beside one another; the first one is the Compose file. */
async function importTree(
  tree: Readonly<Record<string, string>>,
): Promise<{ readonly yaml: string; readonly notes: readonly string[] }> {
  const [[fileName, text] = ['', '']] = Object.entries(tree);
  const result = await importBuilds(text, { fileName, reader: { readFile: async (path) => tree[path] } });
  if (!result.ok) assert.fail(result.error.map(({ message }) => message).join('\n'));
  return result.value;
}

test('what a Compose file includes and extends is read, with its files of variables and its comments', async () => {
  const { yaml, notes } = await importTree({
    'compose.yaml': `# The shop.

include: [sub/compose.yaml]
x-args: &args
  VERSION: \${VERSION:-1}
services:
  # What customers see.
  web: # by hand
    extends: { file: common.yaml, service: base }
    image: acme/web:\${TAG:-dev}
    build:
      # Not the root.
      context: web
      args:
        <<: *args
        MODE: prod # as it runs
        TOKEN:
      tags:
        - acme/web:\${TAG:-dev}-extra
  db: { image: "postgres:\${PG}" }
`,
    'common.yaml':
      'services:\n  base:\n    build:\n      target: prod\n      args: { COMMON: "${COMMON}" }\n',
    'sub/compose.yaml':
      'services:\n  # Far away.\n  far:\n    image: acme/far\n    build: { context: "./${DIR}", args: { A: "${IN_SUB}" } }\n',
    'sub/.env': 'IN_SUB=of-sub\nDIR=app\n',
    '.env': 'TAG=2.0\nAPI_TOKEN=never\nCOMMON=c\n',
  });
  assert.equal(
    yaml.slice(yaml.indexOf('# Made')),
    `# Made from compose.yaml, .env, sub/compose.yaml, sub/.env, common.yaml by bake-ts import.
#
# The shop.

vars:
  COMMON: c
  VERSION: "1"
  TAG: "2.0"
  DIR: app
  IN_SUB: of-sub
  TOKEN: { optional: true }

builds:
  # What customers see.
  # by hand
  web:
    # Not the root.
    context: web
    target: prod
    args:
      COMMON: "\${{ vars.COMMON }}"
      MODE: prod # as it runs
      VERSION: "\${{ vars.VERSION }}"
      TOKEN: "\${{ vars.TOKEN }}"
    tags: ["acme/web:\${{ vars.TAG }}", "acme/web:\${{ vars.TAG }}-extra"]

  # Far away.
  far:
    context: "sub/\${{ vars.DIR }}"
    args: { A: "\${{ vars.IN_SUB }}" }
    tags: [acme/far]
`,
  );
  assert.deepEqual(notes, []);
});

test('values of files of variables that sound secret are not written down', async () => {
  const { yaml, notes } = await importTree({
    'compose.yaml': 'services: { a: { build: { args: { T: "${API_TOKEN}" } } } }\n',
    '.env': 'API_TOKEN=never-written\n',
  });
  assert.doesNotMatch(yaml, /never-written/);
  assert.deepEqual(notes, ['the values of API_TOKEN in a variables file are not copied']);
});

test('of a Compose file with nothing to build it is said what it has', async () => {
  const hintOf = async (text: string): Promise<string | undefined> => {
    const result = await importBuilds(text, { fileName: 'compose.yaml' });
    return result.ok ? undefined : result.error[0]?.hint;
  };
  assert.equal(
    await hintOf('services: { db: { image: postgres:17 }, cache: { image: "valkey:${V:-8}" } }'),
    'Add `build:` to a service; these only have an image: db (postgres:17), cache (valkey:${V:-8}).',
  );
  assert.equal(await hintOf('services: {}'), 'Add `build:` to a service; the file has no services.');
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
    ['services:\n  a: [\n', 'bake/compose'],
    [bomb, 'bake/compose'],
    ['include: [none.yaml]\n', 'bake/compose'],
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
