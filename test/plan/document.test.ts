import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readBuilds } from '../../lib/config/mod.ts';
import type { Build, Plan, Span, Variable } from '../../lib/model/mod.ts';
import {
  type DockerfileReads,
  describePlan,
  drawDot,
  drawMermaid,
  drawTree,
  planBuilds,
} from '../../lib/plan/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { repoPath } from '../rig/paths.ts';
import { fromBuild, makeBuild, makeSet } from '../rig/sets.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

interface SchemaNode {
  readonly [key: string]: unknown;
}

const schema = JSON.parse(readFileSync(repoPath('schemas/plan.schema.json'), 'utf8')) as SchemaNode;
const validate = new Ajv2020({
  strict: true,
  allErrors: true,
  allowUnionTypes: true,
  strictRequired: false,
}).compile(schema);

const FULL = `vars:
  TAG: { default: dev }
  TOKEN: { default: hunter2hunter2, sensitive: true }
  FROM_ENV: { default: x, env: [FROM_ENV] }
builds:
  base:
    description: What all are based on
    context: base
    platforms: [linux/amd64, linux/arm64]
  tool:
    context: .
    dockerfile-inline: |
      FROM busybox:1.36
  api:
    context: api
    target: final
    args: { MODE: prod, AUTH: "Bearer \${{ vars.TOKEN }}" }
    labels: { org.opencontainers.image.title: api }
    annotations: { "index:org.opencontainers.image.title": api }
    platforms: [linux/amd64]
    tags: ["localhost:5000/api:\${{ vars.TAG }}"]
    push: true
    contexts: { base: build:base, tools: build:tool, docs: ./docs }
    needs: [job-a]
    cache-from: ["type=registry,ref=localhost:5000/cache"]
    cache-to: ["type=gha,scope=x,token=abcdefgh"]
    outputs: ["type=local,dest=out"]
    attest: ["type=provenance,mode=max"]
    secrets: ["id=npm,env=NPM_TOKEN"]
    ssh: [default]
    opts: { hostname: build }
    buildctl-options: [--trace, out/trace.json]
  job:
    matrix: { which: [a, b] }
    name: job-\${{ matrix.which }}
    context: .
    dockerfile-inline: "FROM scratch"
`;

async function planOf(t: Cleanup, env: Readonly<Record<string, string>> = {}): Promise<Plan> {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, {
    'builds.yaml': FULL,
    'base/Dockerfile': 'FROM alpine:3\n',
    'api/Dockerfile':
      'FROM base AS final\nCOPY --from=tools /bin/busybox /\nRUN --mount=from=docs,target=/d true\nCOPY --from=ghcr.io/x/y:1 /a /\n',
    'docs/': '',
  });
  const read = await readBuilds({ cwd, env, vars: new Map([['TAG', '1.2']]) });
  assert.ok(read.ok, JSON.stringify(read.ok ? '' : read.error.map((one) => one.message)));
  const prepared = preparePlan(read.value.set, { patterns: ['*'] }, cwd);
  assert.ok(prepared.ok);
  assert.deepEqual(prepared.value.missing, []);
  return prepared.value.plan;
}

test('the document says everything about a build, and its schema knows all of it', async (t) => {
  const document = describePlan(await planOf(t, { FROM_ENV: 'y' }));
  const json: unknown = JSON.parse(JSON.stringify(document));
  assert.ok(validate(json), JSON.stringify(validate.errors, undefined, 1));
  const api = document.builds.find((one) => one.name === 'api');
  assert.ok(api !== undefined);
  // Nothing of the schema is out of reach but these, which this build cannot have.
  const { properties } = (schema['$defs'] as { build: { properties: object } }).build;
  const absent = Object.keys(properties).filter((key) => !(key in api));
  assert.deepEqual(absent, [
    'description',
    'matrix',
    'dockerfile-inline',
    'frontend',
    'source',
    'unused-contexts',
    'unknowns',
  ]);
  assert.deepEqual(api.edges, [
    { to: 'base', reason: 'context', as: 'base', place: 'builds.yaml:23:23' },
    { to: 'tool', reason: 'context', as: 'tools', place: 'builds.yaml:23:42' },
    { to: 'job-a', reason: 'needs', place: 'builds.yaml:24:13' },
  ]);
  assert.deepEqual(api.secrets, ['npm']);
  assert.deepEqual(api['buildctl-options'], ['--trace=out/trace.json']);
  assert.deepEqual(api.outputs, ['type=local,dest=out']);
  assert.deepEqual(api.tags, ['localhost:5000/api:1.2']);
  assert.deepEqual(
    document.variables.map(({ name, origin, from }) => [name, origin, from.replace(/ at .*/, '')]),
    [
      ['TAG', 'flag', '--var'],
      ['TOKEN', 'default', 'default'],
      ['FROM_ENV', 'env', 'environment variable FROM_ENV'],
    ],
  );
});

test('no sensitive value and no credential is in the document, wherever it went', async (t) => {
  const text = JSON.stringify(describePlan(await planOf(t)));
  assert.doesNotMatch(text, /hunter2|abcdefgh|NPM_TOKEN/);
  assert.match(text, /"AUTH":"\(hidden\)"/);
  assert.match(text, /token=\(hidden\)/);
});

test('equal input gives equal documents and pictures', async (t) => {
  const [one, two] = [await planOf(t), await planOf(t)];
  for (const draw of [describePlan, drawTree, drawDot, drawMermaid])
    assert.deepEqual(draw(one), draw(two), draw.name);
});

test('every part of the schema is described', () => {
  const lacking: string[] = [];
  const walk = (node: SchemaNode, where: string): void => {
    for (const [name, child] of Object.entries((node['properties'] ?? {}) as Record<string, SchemaNode>)) {
      if (typeof child['description'] !== 'string') lacking.push(`${where}.${name}`);
      walk(child, `${where}.${name}`);
    }
    if (node['items'] !== undefined) walk(node['items'] as SchemaNode, `${where}[]`);
  };
  walk(schema, 'plan');
  for (const [name, def] of Object.entries(schema['$defs'] as Record<string, SchemaNode>)) walk(def, name);
  assert.deepEqual(lacking, []);
});

test('the schema refuses what is not a plan', () => {
  assert.ok(!validate({ version: 2, builds: [], variables: [] }));
  assert.ok(!validate({ version: 1, builds: [{ name: 'a' }], variables: [] }));
  assert.ok(!validate({ version: 1, builds: [], variables: [{ name: 'a', from: 'x', origin: 'magic' }] }));
});

test('a tree starts at what nothing needs, and shows a part once', async (t) => {
  assert.equal(
    drawTree(await planOf(t)),
    `api
├─ base (context)
├─ tool (context)
└─ job-a (needs)
job-b
`,
  );
});

test('graphs name builds and reasons in the syntax of their readers', async (t) => {
  const plan = await planOf(t);
  const dot = drawDot(plan);
  assert.match(dot, /^digraph builds \{\n/);
  assert.match(dot, /^ {2}"api" \[penwidth=2\];$/m);
  assert.match(dot, /^ {2}"base" -> "api";$/m);
  const { text, warnings } = drawMermaid(plan);
  assert.match(text, /^flowchart LR\n {2}b0\["base"\]\n/);
  assert.match(text, /^ {2}b\d -\.->\|order only\| b\d$/m);
  assert.deepEqual(warnings, []);
});

/** The document of builds made by hand, with everything that the language would fill in left out or given. */
function describeBuilds(
  builds: readonly Build[],
  variables: readonly Variable[] = [],
  reads: DockerfileReads = { images: [], contexts: [], onbuild: [], unknowns: [] },
) {
  const set = { ...makeSet(builds), variables: new Map(variables.map((one) => [one.name, one])) };
  const selected = new Set(builds.map(({ name }) => name));
  const made = planBuilds({ set, selected, readsOf: () => reads });
  assert.ok(made.ok, JSON.stringify(made));
  return describePlan(made.value);
}

const span: Span = { source: { path: 'builds.yaml', text: 'builds:\n  a:\n' }, start: 10, end: 11 };

test('a build of which nothing is set has only what every build has', () => {
  assert.deepEqual(describeBuilds([makeBuild('a')]).builds, [
    {
      name: 'a',
      role: 'asked',
      level: 0,
      context: 'a',
      dockerfile: 'Dockerfile',
      edges: [],
      images: [],
      push: false,
    },
  ]);
});

test('what is set is said in full, with places', () => {
  const matrix = { name: 'm', row: { x: 1 } };
  const [, described] = describeBuilds(
    [
      makeBuild('base'),
      makeBuild('a', {
        span,
        description: 'about a',
        matrix,
        dockerfile: { kind: 'inline', text: 'FROM scratch' },
        target: 'final',
        args: new Map([['A', '1']]),
        contexts: new Map([['b', { ...fromBuild('base'), span }]]),
        needs: [{ build: 'base' }],
        secrets: [{ id: 's', from: { kind: 'env', variable: 'S' } }],
        ssh: [{ id: 'default', paths: [] }],
      }),
    ],
    [],
    {
      images: [
        { written: 'alpine', use: 'from', span },
        { written: 'busybox', use: 'copy' },
      ],
      contexts: [],
      onbuild: [],
      unknowns: [{ kind: 'value', text: 'who knows' }],
    },
  ).builds;
  assert.deepEqual(described, {
    name: 'a',
    place: 'builds.yaml:2:3',
    description: 'about a',
    matrix,
    role: 'asked',
    level: 1,
    context: 'a',
    'dockerfile-inline': 'FROM scratch',
    target: 'final',
    args: { A: '1' },
    contexts: { b: 'build:base' },
    edges: [
      { to: 'base', reason: 'context', as: 'b', place: 'builds.yaml:2:3' },
      { to: 'base', reason: 'needs' },
    ],
    images: [
      { ref: 'alpine', use: 'from', place: 'builds.yaml:2:3' },
      { ref: 'busybox', use: 'copy' },
    ],
    secrets: ['s'],
    ssh: ['default'],
    push: false,
    unknowns: ['who knows'],
  });
});

test('every variable says where its value came from; the value of a sensitive one is left out', () => {
  const plain = { value: 'v', sensitive: false } as const;
  assert.deepEqual(
    describeBuilds(
      [],
      [
        { name: 'D', ...plain, origin: { kind: 'default' } },
        { name: 'P', ...plain, origin: { kind: 'default', span } },
        { name: 'E', ...plain, origin: { kind: 'env', variable: 'E_' } },
        { name: 'F', ...plain, origin: { kind: 'flag' } },
        { name: 'V', ...plain, origin: { kind: 'file', path: 'ci.yaml' } },
        { name: 'S', value: 'hunter2', sensitive: true, origin: { kind: 'flag' } },
      ],
    ).variables,
    [
      { name: 'D', value: 'v', origin: 'default', from: 'default' },
      { name: 'P', value: 'v', origin: 'default', from: 'default at builds.yaml:2:3' },
      { name: 'E', value: 'v', origin: 'env', from: 'environment variable E_' },
      { name: 'F', value: 'v', origin: 'flag', from: '--var' },
      { name: 'V', value: 'v', origin: 'file', from: '--var-file ci.yaml' },
      { name: 'S', sensitive: true, origin: 'flag', from: '--var' },
    ],
  );
});

test('caches and outputs show paths as written and no credentials, in whatever case their names are', () => {
  const typed = (type: string, attributes: Readonly<Record<string, string>>, writtenPath?: string) => ({
    type,
    attributes: new Map(Object.entries(attributes)),
    ...(writtenPath === undefined ? {} : { writtenPath }),
  });
  const [described] = describeBuilds([
    makeBuild('a', {
      cacheFrom: [typed('local', { src: '/abs/cache', tag: 'x' }, 'cache')],
      cacheTo: [
        typed('s3', { access_key_id: 'one', SECRET_access_key: 'two', Session_Token: 'three', bucket: 'b' }),
        typed('azblob', { account_key: 'four', password: 'five' }),
      ],
      outputs: [typed('local', { dest: '/abs/out', mode: 'x' }, 'out'), typed('tar', { dest: '-' })],
    }),
  ]).builds;
  assert.deepEqual(described?.['cache-from'], ['type=local,src=cache,tag=x']);
  assert.deepEqual(described['cache-to'], [
    'type=s3,access_key_id=(hidden),SECRET_access_key=(hidden),Session_Token=(hidden),bucket=b',
    'type=azblob,account_key=(hidden),password=(hidden)',
  ]);
  assert.deepEqual(described.outputs, ['type=local,dest=out,mode=x', 'type=tar,dest=-']);
});

test('a variable, a label and an annotation whose names sound secret show no value', () => {
  const named = new Map([
    ['my.token', 'tell-nobody'],
    ['team', 'one'],
  ]);
  const document = describeBuilds(
    [makeBuild('a', { labels: named, annotations: named, args: named })],
    [{ name: 'NPM_TOKEN', value: 'tell-nobody', sensitive: false, origin: { kind: 'flag' } }],
  );
  assert.doesNotMatch(JSON.stringify(document), /tell-nobody/);
  assert.deepEqual(document.builds[0]?.labels, { 'my.token': '(hidden)', team: 'one' });
  assert.equal(document.variables[0]?.value, '(hidden)');
});
