import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printBuilds, readBuilds } from '../../lib/config/mod.ts';
import { proposeBuilds, type Repository, readRepository, unclearOf } from '../../lib/convert/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { assertGolden } from '../rig/golden.ts';
import { repoPath } from '../rig/paths.ts';
import { makeTree, type TreeEntry } from '../rig/temp.ts';
import { propose, readText, repository } from './support.ts';

async function proposeAndPrint(files: Readonly<Record<string, string>>) {
  return printBuilds(await readText(propose(files)));
}

test('the proposal for a small repository is what a person would write', () => {
  const yaml = propose(
    {
      'base/Dockerfile': 'FROM alpine:3.20\nRUN apk add curl\n',
      'services/api/Dockerfile':
        'ARG REGISTRY\nARG TAG\nFROM golang:1.23 AS build\nARG VERSION\nARG GIT_SHA\nARG EXTRA\nCOPY . .\nRUN go test ./...\n' +
        'FROM golang:1.23 AS dev\nFROM ${REGISTRY}/base:${TAG}\nCOPY --from=build /app /app\nEXPOSE 8080 9090/udp\n',
      'services/api/main.go': '',
      'services/web/Dockerfile':
        'FROM node:22 AS build\nCOPY services/web/package.json .\nCOPY shared shared\nRUN --mount=type=secret,id=npm-token npm ci\nRUN --mount=type=ssh true\nFROM base\nCOPY --from=build /dist /dist\n',
      'services/web/package.json': '',
      'shared/index.js': '',
      'docker/tools.Dockerfile': 'FROM alpine\nCOPY . /src\n',
      '.devcontainer/Dockerfile': 'FROM debian\n',
    },
    { hasGit: true },
  );
  assertGolden(yaml, 'convert/golden/init.yaml');
});

test('a proposal reads, and its edges follow from the Dockerfiles', async () => {
  const dir = repoPath('examples/shop');
  const { yaml } = mustPropose(await readRepository(dir));
  const read = await readBuilds({ cwd: dir, env: {}, files: ['-'], stdin: yaml });
  if (!read.ok) assert.fail(read.error.map(({ message }) => message).join('\n'));
  const plan = preparePlan(read.value.set, { patterns: [] }, dir);
  if (!plan.ok) assert.fail(plan.error.map(({ message }) => message).join('\n'));
  assert.deepEqual(plan.value.missing, []);
  const edges = [...plan.value.plan.nodes].map(([name, node]) => [name, node.edges.map((edge) => edge.to)]);
  assert.deepEqual(Object.fromEntries(edges)['web'], ['base', 'assets']);
  assert.equal(edges[0]?.[0], 'base');
});

function mustPropose(found: Repository): { readonly yaml: string } {
  const result = proposeBuilds(found);
  if (!result.ok) assert.fail('nothing was proposed');
  return result.value;
}

test('what a person is asked about is in the group dev where nobody is asked', async () => {
  const side = [
    'tests/x/Dockerfile',
    'svc/api/test/Dockerfile',
    'examples/y/Dockerfile',
    'web/Dockerfile.dev',
  ];
  const main = ['svc/api/Dockerfile', 'web/Dockerfile', 'ci/tools.Dockerfile'];
  const paths = [...main, ...side];
  assert.deepEqual(unclearOf(paths), side);
  const { groups } = await proposeAndPrint(Object.fromEntries(paths.map((path) => [path, 'FROM scratch\n'])));
  assert.equal(groups['dev']?.length, side.length);
  assert.equal(groups['default']?.length, main.length);
  assert.deepEqual(unclearOf(side), []);
});

test('the context is where the copied files are', async () => {
  const { builds } = await proposeAndPrint({
    'a/Dockerfile': 'FROM scratch\nCOPY main.c /\n',
    'a/main.c': '',
    'b/Dockerfile': 'FROM scratch\nCOPY b/main.c lib/ /\n',
    'b/main.c': '',
    'lib/x.c': '',
    'c/build/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'd/deep/e/Dockerfile': 'FROM scratch\nCOPY deep/*.txt /\n',
    'd/deep/x.txt': '',
    'f/Dockerfile': 'FROM scratch\n',
  });
  const contexts = Object.entries(builds).map(([name, build]) => [
    name,
    build['context'],
    build['dockerfile'],
  ]);
  assert.deepEqual(contexts.sort(), [
    ['a', 'a', 'Dockerfile'],
    ['b', '.', 'b/Dockerfile'],
    ['c', 'c', 'build/Dockerfile'],
    ['e', 'd', 'deep/e/Dockerfile'],
    ['f', 'f', 'Dockerfile'],
  ]);
});

test('names come from the file, its folder, or the repository, and never clash', async () => {
  const from = 'FROM scratch\n';
  const { builds } = await proposeAndPrint({
    Dockerfile: from,
    'Dockerfile.debug': from,
    'docker/worker.Dockerfile': from,
    'docker/Dockerfile.cron': from,
    'one/api/Dockerfile': from,
    'two/api/Dockerfile': from,
    'three/src/Containerfile': from,
    'My App/Dockerfile': from,
  });
  assert.deepEqual(Object.keys(builds).sort(), [
    'acme',
    'cron',
    'debug',
    'my-app',
    'one-api',
    'three',
    'two-api',
    'worker',
  ]);
});

test('an argument without which FROM is empty stands there to be filled in', () => {
  const yaml = propose({ 'a/Dockerfile': 'ARG BASE\nFROM ${BASE}\n' });
  assert.match(yaml, /# FROM needs these: fill in empty values\.\n {4}args: \{ BASE: "" \}/);
});

test('a repository without Dockerfiles, and Dockerfiles that cannot be read, are reported', () => {
  const none = proposeBuilds(repository({ 'README.md': '' }));
  assert.equal(none.ok ? undefined : none.error[0]?.code, 'import/no-dockerfile');
  const broken = proposeBuilds(
    repository({ 'a/Dockerfile': 'FROM a\nNONSENSE\n', 'b/Dockerfile': 'FROM b\n' }),
  );
  assert.deepEqual(broken.ok ? broken.value.notes.length : 0, 1);
});

test('the walk passes over what git ignores and what others wrote', async (t) => {
  const file: TreeEntry = 'FROM scratch\n';
  const dir = await makeTree(t, {
    '.git/HEAD': 'ref: refs/heads/main\n',
    '.git/Dockerfile': file,
    '.gitignore': '# built\nout/\n/only-top\n*.tmp.Dockerfile\n!keep.tmp.Dockerfile\n',
    Dockerfile: file,
    'Dockerfile.dockerignore': '*',
    'out/Dockerfile': file,
    'a/out/Dockerfile': file,
    'only-top/Dockerfile': file,
    'a/only-top/Dockerfile': file,
    'a/.gitignore': 'secret\n',
    'a/secret/Dockerfile': file,
    'secret/Dockerfile': file,
    'x.tmp.Dockerfile': file,
    'keep.tmp.Dockerfile': file,
    'node_modules/x/Dockerfile': file,
    'b/vendor/Dockerfile': file,
    'b/Dockerfile.md': '# FROM\n',
    'b/Containerfile.prod': file,
    loop: { symlink: '.' },
  });
  const found = await readRepository(dir);
  assert.deepEqual(
    [...found.dockerfiles.keys()],
    [
      'Dockerfile',
      'a/only-top/Dockerfile',
      'b/Containerfile.prod',
      'keep.tmp.Dockerfile',
      'secret/Dockerfile',
    ],
  );
  assert.ok(found.hasGit);
  assert.ok(found.paths.includes('Dockerfile.dockerignore'));
  assert.ok(!found.paths.some((path) => path.startsWith('.git/')));
});

test('any text in a Dockerfile gives a proposal or a note, and never throws', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'FROM a AS b',
      'FROM ${X}',
      'ARG X',
      'ARG Y=1',
      'COPY a b',
      'COPY --from=c /x /y',
      'EXPOSE 80',
      'RUN --mount=type=secret,id=s x',
      '# syntax=x/y',
      'FROM b',
    ),
  );
  const path = fc.constantFrom(
    'Dockerfile',
    'a/Dockerfile',
    'b/x.Dockerfile',
    '.x/Dockerfile.y',
    'ä/Dockerfile',
  );
  fc.assert(
    fc.property(fc.dictionary(path, fc.array(line)), (files) => {
      proposeBuilds(
        repository(
          Object.fromEntries(Object.entries(files).map(([name, lines]) => [name, lines.join('\n')])),
        ),
      );
    }),
    { numRuns: 500 },
  );
});
