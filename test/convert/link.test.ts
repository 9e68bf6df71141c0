/** Which images that Dockerfiles read are taken for builds of the same repository. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PrintedSet, printBuilds } from '../../lib/config/mod.ts';
import { describePlan } from '../../lib/plan/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { makeTree } from '../rig/temp.ts';
import { propose, proposeIn, readIn, readText } from './support.ts';

type Contexts = Readonly<Record<string, unknown>>;

async function contextsOf(
  files: Readonly<Record<string, string>>,
  more: Parameters<typeof propose>[1] = {},
): Promise<Contexts> {
  const printed: PrintedSet = printBuilds(await readText(propose(files, more)));
  return Object.fromEntries(
    Object.entries(printed.builds).flatMap(([name, build]) =>
      build['contexts'] === undefined ? [] : [[name, build['contexts']]],
    ),
  );
}

/** Dockerfiles → named contexts of the builds that get some. */
const CASES: readonly (readonly [string, Readonly<Record<string, string>>, Contexts])[] = [
  [
    'folders that give name and tag',
    {
      'node/22-slim/Dockerfile': 'FROM debian\n',
      'python-3.12/Dockerfile': 'FROM debian\n',
      'ruby/Dockerfile.3.4': 'FROM debian\n',
      'app/Dockerfile': 'FROM node:22-slim\nCOPY --from=python:3.12 /a /a\nCOPY --from=ruby:3.4 /b /b\n',
    },
    {
      app: {
        'node:22-slim': 'build:node-22-slim',
        'python:3.12': 'build:python-3.12',
        'ruby:3.4': 'build:ruby-3.4',
      },
    },
  ],
  [
    'an image of Docker Hub whose name alone is that of a folder',
    { 'redis/Dockerfile': 'FROM debian:12\n', 'app/Dockerfile': 'FROM redis:7\n' },
    {},
  ],
  [
    'the same without a tag, which would mean the build: it is said that it does not',
    {
      'alpine/Dockerfile': 'FROM debian\n',
      'debian/Dockerfile': 'FROM alpine\n',
      'x/Dockerfile': 'FROM alpine\n',
    },
    {
      alpine: { debian: 'docker-image://debian' },
      debian: { alpine: 'docker-image://alpine' },
      x: { alpine: 'docker-image://alpine' },
    },
  ],
  [
    'an image that is based on the one of the same name',
    { 'node/22-slim/Dockerfile': 'FROM node:22-slim\n', 'app/Dockerfile': 'FROM node:22-slim\n' },
    {},
  ],
  [
    'an image whose base is based on the one of the same name',
    {
      'node/22-slim/Dockerfile': 'FROM tools\n',
      'tools/Dockerfile': 'FROM node:22-slim\n',
      'app/Dockerfile': 'FROM node:22-slim\n',
    },
    { 'node-22-slim': { tools: 'build:tools' } },
  ],
  [
    'an image that is based on another release of its own name which is made here, too',
    {
      'node/22/Dockerfile': 'FROM debian\n',
      'node/22-slim/Dockerfile': 'FROM node:22\n',
      'app/Dockerfile': 'FROM node:22-slim\n',
    },
    { 'node-22-slim': { 'node:22': 'build:node-22' }, app: { 'node:22-slim': 'build:node-22-slim' } },
  ],
  [
    'images of the owner of the repository, of moving tags',
    {
      'images/base/Dockerfile': 'FROM debian\n',
      'tool/Dockerfile': 'FROM debian\n',
      'app/Dockerfile':
        'FROM ghcr.io/acme/base\nCOPY --from=acme/tool:latest / /\nCOPY --from=acme/acme-tool:main / /\n',
    },
    {
      app: {
        'ghcr.io/acme/base': 'build:base',
        'acme/tool:latest': 'build:tool',
        'acme/acme-tool:main': 'build:tool',
      },
    },
  ],
  [
    'a release of an image of the owner, and images of others: only a comment',
    {
      'base/Dockerfile': 'FROM debian\n',
      'static/Dockerfile': 'FROM debian\n',
      'app/Dockerfile': 'FROM acme/base:1.2\nCOPY --from=gcr.io/distroless/static / /\n',
    },
    {},
  ],
  [
    'names that Docker Hub does not have',
    {
      'base/Dockerfile': 'FROM debian\n',
      'web/Dockerfile': 'FROM base\n',
      'api/Dockerfile': 'FROM base:latest\n',
      'job/Dockerfile': 'FROM localhost:5000/base:v3\n',
    },
    {
      web: { base: 'build:base' },
      api: { 'base:latest': 'build:base' },
      job: { 'localhost:5000/base:v3': 'build:base' },
    },
  ],
  [
    'two folders that could be meant',
    {
      'a/base/Dockerfile': 'FROM debian\n',
      'b/base/Dockerfile': 'FROM debian\n',
      'app/Dockerfile': 'FROM acme/base\n',
    },
    {},
  ],
  [
    'images that read one another',
    {
      'app/Dockerfile': 'FROM scratch\nCOPY --from=acme/tool /tool /tool\n',
      'tool/Dockerfile': 'FROM acme/lib\n',
      'lib/Dockerfile': 'FROM acme/app\n',
      'cli/Dockerfile': 'FROM acme/tool\n',
    },
    { cli: { 'acme/tool': 'build:tool' } },
  ],
  [
    'Dockerfiles of tests and examples, and digests',
    {
      'test/node/22/Dockerfile': 'FROM debian\n',
      'base/Dockerfile': 'FROM debian\n',
      'app/Dockerfile': `FROM node:22\nCOPY --from=acme/base@sha256:${'0'.repeat(64)} / /\n`,
    },
    {},
  ],
];

for (const [name, files, wanted] of CASES) {
  test(`edges: ${name}`, async () => assert.deepEqual(await contextsOf(files), wanted));
}

test('a repository of one image has its name above all folders', async () => {
  const files = { '22/slim/Dockerfile': 'FROM debian\n', 'app/Dockerfile': 'FROM node:22-slim\n' };
  assert.deepEqual(await contextsOf(files, { name: 'docker-node' }), {
    app: { 'node:22-slim': 'build:node-22-slim' },
  });
  assert.deepEqual(await contextsOf(files, { name: 'x' }), {});
});

test('a guess is called one, and what may be meant is a comment', () => {
  const yaml = propose({
    'node/22/Dockerfile': 'FROM debian\n',
    'base/Dockerfile': 'FROM debian\n',
    'app/Dockerfile': 'FROM node:22\nCOPY --from=acme/base:1.2 / /\n',
  });
  assert.match(
    yaml,
    /# Guessed from names: "node:22" is built from node\/22\/Dockerfile\. Without this line it is pulled\.\n +contexts: \{ "node:22": build:node-22 \}/,
  );
  assert.match(
    yaml,
    /# If "acme\/base:1\.2" is the build base, add contexts: \{ "acme\/base:1\.2": build:base \}\n {2}app:/,
  );
});

test('tags of a bake file say for certain what is made here, whatever folders are called', async (t) => {
  const bake = {
    variable: { TAG: { default: 'dev' } },
    target: {
      one: { context: 'one', tags: ['acme/base:${TAG}'] },
      base: { context: 'two', tags: ['acme/other'] },
      app: { context: 'app', args: { FROM: 'acme/other:latest' } },
      free: { context: 'free', args: { FROM: '${TAG}/x' } },
      held: { context: 'held', contexts: { 'acme/other': 'docker-image://x' } },
    },
  };
  const dir = await makeTree(t, {
    'docker-bake.json': JSON.stringify(bake),
    'one/Dockerfile': 'FROM debian\n',
    'two/Dockerfile': 'FROM debian\n',
    'app/Dockerfile':
      'ARG FROM=nothing\nFROM acme/base:dev\nCOPY --from=acme/base:1 / /\nFROM ${FROM}\nCOPY --from=0 / /\n',
    'free/Dockerfile': 'ARG FROM=acme/base:dev\nFROM ${FROM}\n',
    'held/Dockerfile': 'FROM acme/other\n',
  });
  const { yaml } = await proposeIn(dir);
  const set = await readIn(dir, yaml);
  const { builds } = printBuilds(set);
  assert.deepEqual(builds['app']?.['contexts'], {
    'acme/base:dev': 'build:one',
    'acme/other:latest': 'build:base',
  });
  assert.equal(builds['free']?.['contexts'], undefined);
  assert.deepEqual(builds['held']?.['contexts'], { 'acme/other': 'docker-image://x' });
  assert.doesNotMatch(yaml, /guess/);
  const plan = preparePlan(set, { patterns: ['app'] }, dir);
  if (!plan.ok) assert.fail(plan.error.map(({ message }) => message).join('\n'));
  assert.deepEqual(
    describePlan(plan.value.plan).builds.map(({ name }) => name),
    ['base', 'one', 'app'],
  );
});
