import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Build } from '../../lib/model/mod.ts';
import { type ImageUse, planBuilds } from '../../lib/plan/mod.ts';
import { fromBuild, makeBuild, makeSet } from '../rig/sets.ts';

type Reads = Readonly<Record<string, readonly (string | ImageUse)[]>>;

function plan(builds: readonly Build[], reads: Reads = {}, selected?: readonly string[], dependents = false) {
  return planBuilds({
    set: makeSet(builds),
    selected: new Set(selected ?? builds.map((build) => build.name)),
    dependents,
    readsOf: (build) => ({
      images: (reads[build.name] ?? []).map((use) =>
        typeof use === 'string' ? { written: use, use: 'from' } : use,
      ),
      contexts: [...build.contexts.keys()].map((name) => ({ name, use: 'copy' })),
      onbuild: [],
      unknowns: [],
    }),
  });
}

function planned(...args: Parameters<typeof plan>) {
  const made = plan(...args);
  assert.ok(made.ok, JSON.stringify(made));
  return [...made.value.nodes.values()];
}

function refused(...args: Parameters<typeof plan>) {
  const made = plan(...args);
  assert.ok(!made.ok);
  return made.error;
}

test('an edge comes from a named context, from a tag the Dockerfile names, from a bare name, and from needs', () => {
  const nodes = planned(
    [
      makeBuild('base', { tags: ['localhost:5000/base:1'] }),
      makeBuild('tools'),
      makeBuild('tests'),
      makeBuild('app', { contexts: new Map([['lib', fromBuild('base')]]), needs: [{ build: 'tests' }] }),
    ],
    { app: ['localhost:5000/base:1', { written: 'tools', use: 'copy' }, 'alpine:3.20'] },
  );
  const app = nodes.find((node) => node.build.name === 'app');
  assert.deepEqual(
    app?.edges.map((edge) => [edge.to, edge.reason, edge.contextName]),
    [
      ['base', 'context', 'lib'],
      ['base', 'from', 'localhost:5000/base:1'],
      ['tools', 'copy', 'tools'],
      ['tests', 'needs', undefined],
    ],
  );
  assert.deepEqual(
    app?.externalImages.map((image) => image.written),
    ['alpine:3.20'],
  );
  assert.deepEqual(nodes[0]?.neededBy, ['app']);
});

test('a tag is recognised in every spelling of the same reference', () => {
  const builds = [makeBuild('base', { tags: ['docker.io/library/base:latest'] }), makeBuild('app')];
  for (const spelling of ['base', 'base:latest', 'docker.io/base', 'index.docker.io/library/base']) {
    const app = planned(builds, { app: [spelling] })[1];
    assert.deepEqual(
      app?.edges.map((edge) => edge.to),
      ['base'],
      spelling,
    );
  }
});

test('a build that starts from its own published image does not need itself', () => {
  const [node] = planned([makeBuild('app', { tags: ['app:1'] })], { app: ['app:1'] });
  assert.deepEqual(node?.edges, []);
  assert.deepEqual(
    node?.externalImages.map((image) => image.written),
    ['app:1'],
  );
});

test('what is only needed comes along, after nothing it needs, and is pushed only if it says always', () => {
  const nodes = planned(
    [
      makeBuild('leaf', {
        contexts: new Map([['b', fromBuild('middle')]]),
        tags: ['r.io/leaf'],
        push: 'selected',
      }),
      makeBuild('middle', {
        contexts: new Map([['b', fromBuild('root')]]),
        tags: ['r.io/middle'],
        push: 'selected',
      }),
      makeBuild('root', { tags: ['r.io/root'], push: 'always' }),
      makeBuild('other'),
    ],
    {},
    ['leaf'],
  );
  assert.deepEqual(
    nodes.map((node) => [node.build.name, node.role, node.level, node.pushes]),
    [
      ['root', 'needed', 0, true],
      ['middle', 'needed', 1, false],
      ['leaf', 'asked', 2, true],
    ],
  );
});

test('dependents are added on request, over any number of hops', () => {
  const builds = [
    makeBuild('a'),
    makeBuild('b', { contexts: new Map([['x', fromBuild('a')]]) }),
    makeBuild('c', { contexts: new Map([['x', fromBuild('b')]]) }),
    makeBuild('d'),
  ];
  assert.deepEqual(
    planned(builds, {}, ['a'], true).map((node) => node.build.name),
    ['a', 'b', 'c'],
  );
});

test('a cycle is shown at its shortest, with each hop', () => {
  const builds = [
    makeBuild('a', { contexts: new Map([['x', fromBuild('b')]]) }),
    makeBuild('b', {
      contexts: new Map([
        ['x', fromBuild('c')],
        ['y', fromBuild('a')],
      ]),
    }),
    makeBuild('c', { contexts: new Map([['x', fromBuild('a')]]) }),
  ];
  const [found] = refused(builds);
  assert.equal(found?.code, 'plan/cycle');
  assert.match(found?.message ?? '', /a → b → a$/);
  assert.deepEqual(
    found?.related?.map((one) => one.message),
    ['`a` needs `b` (contexts: x)', '`b` needs `a` (contexts: y)'],
  );
});

test('a chain of ten thousand builds is planned without running out of stack', () => {
  const builds = Array.from({ length: 10_000 }, (_, at) =>
    makeBuild(`n${at}`, at === 0 ? {} : { contexts: new Map([['up', fromBuild(`n${at - 1}`)]]) }),
  ).reverse();
  const nodes = planned(builds);
  assert.equal(nodes[0]?.build.name, 'n0');
  assert.equal(nodes[9_999]?.level, 9_999);
});

test('two builds that push one tag are refused, in whatever spelling; one that does not push does not matter', () => {
  const found = refused([
    makeBuild('a', { tags: ['docker.io/acme/x:latest'], push: 'selected' }),
    makeBuild('b', { tags: ['acme/x'], push: 'selected' }),
  ]);
  assert.deepEqual(
    found.map((one) => one.code),
    ['plan/same-tag'],
  );
  planned([makeBuild('a', { tags: ['acme/x'], push: 'selected' }), makeBuild('b', { tags: ['acme/x'] })]);
});

test('a reference that two builds make needs a decision', () => {
  const found = refused(
    [makeBuild('a', { tags: ['r.io/x:1'] }), makeBuild('b', { tags: ['r.io/x:1'] }), makeBuild('c')],
    { c: ['r.io/x:1'] },
  );
  assert.deepEqual(
    found.map((one) => one.code),
    ['plan/ambiguous-tag'],
  );
});

test('a platform that the base is not built for is refused, unless the Dockerfile fixes the platform', () => {
  const builds = [
    makeBuild('base', { platforms: ['linux/amd64'], tags: ['b:1'] }),
    makeBuild('app', { platforms: ['linux/amd64', 'linux/arm64'] }),
  ];
  const [found] = refused(builds, { app: ['b:1'] });
  assert.equal(found?.code, 'plan/platform-missing');
  assert.match(found?.message ?? '', /linux\/arm64/);
  planned(builds, { app: [{ written: 'b:1', use: 'from', platform: 'linux/amd64' }] });
});

test('a build as the main context is refused with the way out', () => {
  const [found] = refused([makeBuild('base'), makeBuild('app', { context: fromBuild('base') })]);
  assert.equal(found?.code, 'plan/context-kind');
  assert.match(found?.hint ?? '', /contexts/);
});
