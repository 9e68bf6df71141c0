/** What links builds to each other and to images from outside, and what a plan refuses, in every field. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Build, parseImageRef, type Span } from '../../lib/model/mod.ts';
import { type DockerfileReads, planBuilds } from '../../lib/plan/mod.ts';
import { fromBuild, makeBuild, makeSet } from '../rig/sets.ts';

const source: Span['source'] = { path: 'builds.yaml', text: '  x\n'.repeat(20) };
const at = (line: number): Span => ({ source, start: 4 * line - 2, end: 4 * line - 1 });

function plan(
  builds: readonly Build[],
  reads: Readonly<Record<string, DockerfileReads['images']>> = {},
  selected: readonly string[] = builds.map((build) => build.name),
  dependents?: boolean,
) {
  return planBuilds({
    set: makeSet(builds),
    selected: new Set(selected),
    ...(dependents === undefined ? {} : { dependents }),
    readsOf: (build) => {
      const images = reads[build.name];
      return images === undefined
        ? undefined
        : { images, contexts: [], onbuild: [], unknowns: [{ kind: 'stage', text: 'who knows' }] };
    },
  });
}

function planned(...args: Parameters<typeof plan>) {
  const made = plan(...args);
  assert.ok(made.ok, JSON.stringify(made));
  return made.value.nodes;
}

function refused(...args: Parameters<typeof plan>) {
  const made = plan(...args);
  assert.ok(!made.ok);
  return made.error;
}

test('an edge carries what the Dockerfile calls it, its fixed platform and its place', () => {
  const nodes = planned(
    [
      makeBuild('base', { tags: ['r.io/base:1'] }),
      makeBuild('app', {
        contexts: new Map([['lib', { ...fromBuild('base'), span: at(7) }]]),
        needs: [{ build: 'base', span: at(9) }],
      }),
    ],
    { app: [{ written: 'r.io/base:1', use: 'from', platform: 'linux/arm64', span: at(2) }] },
  );
  assert.deepEqual(nodes.get('app')?.edges, [
    { to: 'base', reason: 'context', contextName: 'lib', span: at(7) },
    { to: 'base', reason: 'from', contextName: 'r.io/base:1', platform: 'linux/arm64', span: at(2) },
    { to: 'base', reason: 'needs', span: at(9) },
  ]);
  assert.deepEqual(nodes.get('base')?.neededBy, ['app'], 'once, however many edges there are');
});

test('one build under one name is one edge, under two names two, and names do not run together', () => {
  const contexts = new Map([
    ['b', fromBuild('a')],
    ['', fromBuild('ab')],
  ]);
  const nodes = planned([makeBuild('a'), makeBuild('ab'), makeBuild('app', { contexts })], {
    app: [
      { written: 'a', use: 'from' },
      { written: 'a', use: 'copy' },
      { written: 'a', use: 'mount' },
    ],
  });
  assert.deepEqual(nodes.get('app')?.edges, [
    { to: 'a', reason: 'context', contextName: 'b' },
    { to: 'ab', reason: 'context', contextName: '' },
    { to: 'a', reason: 'from', contextName: 'a' },
  ]);
});

test('external images are those of the Dockerfile, of contexts, the frontend, and generators of SBOMs', () => {
  const [, app] = planned(
    [
      makeBuild('frontend'),
      makeBuild('app', {
        contexts: new Map([
          ['tools', { ref: { kind: 'image', ref: 'r.io/tools:1' }, written: 'r.io/tools:1', span: at(4) }],
          ['docs', { ref: { kind: 'local', path: '/docs' }, written: 'docs' }],
        ]),
        attest: [{ type: 'sbom', attributes: new Map([['generator', 'r.io/scanner:2']]) }],
      }),
    ],
    {
      app: [
        { written: 'frontend', use: 'syntax', span: at(1) },
        { written: 'alpine:3', use: 'mount' },
      ],
    },
  ).values();
  const external = (written: string, rest: object) => ({ written, ref: parseImageRef(written), ...rest });
  assert.deepEqual(app?.externalImages, [
    external('r.io/tools:1', { use: 'context', contextName: 'tools', span: at(4) }),
    external('frontend', { use: 'syntax', span: at(1) }),
    external('alpine:3', { use: 'mount' }),
    external('r.io/scanner:2', { use: 'attest' }),
  ]);
  assert.deepEqual(app?.edges, [], 'a frontend is never one of the builds');
  assert.deepEqual(app?.unknowns, [{ kind: 'stage', text: 'who knows' }]);
});

test('a Dockerfile that cannot be read from here gives no images and no reasons', () => {
  const node = planned([makeBuild('app')]).get('app');
  assert.deepEqual([node?.edges, node?.externalImages, node?.unknowns], [[], [], []]);
});

test('a tag with a digest, or that is not valid, is no name of the image that a build makes', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const nodes = planned(
    [makeBuild('base', { tags: [`r.io/base:1@${digest}`, 'r.io/Base'] }), makeBuild('app')],
    {
      app: [
        { written: `r.io/base:1@${digest}`, use: 'from' },
        { written: 'r.io/base:1', use: 'copy' },
        { written: 'r.io/Base', use: 'copy' },
      ],
    },
  );
  assert.deepEqual(nodes.get('app')?.edges, []);
  assert.equal(nodes.get('app')?.externalImages.length, 3);
});

test('two spellings of one tag of one build are not ambiguous, and a build may push them both', () => {
  const nodes = planned(
    [makeBuild('base', { tags: ['acme/x', 'docker.io/acme/x:latest'], push: 'selected' }), makeBuild('app')],
    { app: [{ written: 'acme/x', use: 'from' }] },
  );
  assert.deepEqual(nodes.get('app')?.edges, [{ to: 'base', reason: 'from', contextName: 'acme/x' }]);
});

test('an ambiguous reference is reported at its place, with what to write', () => {
  const [found] = refused(
    [makeBuild('a', { tags: ['r.io/x:1'] }), makeBuild('b', { tags: ['r.io/x:1'] }), makeBuild('c')],
    { c: [{ written: 'r.io/x:1', use: 'from', span: at(2) }] },
  );
  assert.equal(found?.build, 'c');
  assert.deepEqual(found?.span, at(2));
  assert.match(found?.message ?? '', /2 builds have as a tag: a, b$/);
  assert.match(found?.hint ?? '', /`r\.io\/x:1: build:a`/);
});

test('a main context that is a build, an image or a layout is refused at its place', () => {
  for (const ref of [
    { kind: 'build', build: 'other' },
    { kind: 'image', ref: 'alpine' },
    { kind: 'oci-layout', path: '/l', tag: 'x' },
  ] as const) {
    const [found, more] = refused([
      makeBuild('other'),
      makeBuild('app', { context: { ref, written: 'w', span: at(5) } }),
    ]);
    assert.equal(found?.code, 'plan/context-kind', ref.kind);
    assert.equal(found?.build, 'app');
    assert.deepEqual(found?.span, at(5));
    assert.equal(more, undefined);
  }
  planned([makeBuild('app', { context: { ref: { kind: 'git', url: 'https://h/r.git' }, written: 'w' } })]);
  planned([makeBuild('app', { context: { ref: { kind: 'http', url: 'https://h/x.tar' }, written: 'w' } })]);
});

test('one tag of two builds is reported at both places', () => {
  const tagged = (name: string, line: number): Build => {
    const build = makeBuild(name, { push: 'selected', tags: ['acme/x'] });
    return { ...build, tags: build.tags.map((tag) => ({ ...tag, span: at(line) })) };
  };
  const [found] = refused([tagged('a', 3), tagged('b', 6)]);
  assert.equal(found?.build, 'b');
  assert.deepEqual(found?.span, at(6));
  assert.deepEqual(
    found?.related?.map(({ span }) => span),
    [at(3)],
  );
  const [plain] = refused([
    makeBuild('a', { tags: ['acme/x'], push: 'always' }),
    makeBuild('b', { tags: ['acme/x'], push: 'always' }),
  ]);
  assert.ok(plain !== undefined && !('related' in plain) && !('span' in plain));
});

test('builds that push nothing share tags, and a build without tags pushes nothing', () => {
  const nodes = planned([
    makeBuild('a', { tags: ['acme/x'] }),
    makeBuild('b', { tags: ['acme/x'] }),
    makeBuild('c', { push: 'always' }),
  ]);
  assert.deepEqual(
    [...nodes.values()].map(({ pushes }) => pushes),
    [false, false, false],
  );
});

test('tags with a digest, or that are not valid, are nobody’s in common', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  planned([
    makeBuild('a', { tags: [`acme/x@${digest}`, 'acme/X'], push: 'always' }),
    makeBuild('b', { tags: [`acme/y@${digest}`, 'acme/Y'], push: 'always' }),
  ]);
});

test('every reason of a cycle is said in words and with its place', () => {
  const link = { a: 'from', b: 'copy', c: 'mount' } as const;
  const [found, more] = refused(
    [
      makeBuild('a'),
      makeBuild('b'),
      makeBuild('c'),
      makeBuild('d', { contexts: new Map([['x', { ...fromBuild('e'), span: at(8) }]]) }),
      makeBuild('e', { needs: [{ build: 'a' }] }),
    ],
    {
      a: [{ written: 'b', use: link.a, span: at(1) }],
      b: [{ written: 'c', use: link.b, span: at(2) }],
      c: [{ written: 'd', use: link.c }],
    },
  );
  assert.equal(more, undefined);
  assert.equal(found?.code, 'plan/cycle');
  assert.match(found.message, /: a → b → c → d → e → a$/);
  assert.equal(found.build, 'a');
  assert.deepEqual(found.span, at(1));
  assert.deepEqual(found.related, [
    { message: '`a` needs `b` (FROM b) at builds.yaml:1:3', span: at(1) },
    { message: '`b` needs `c` (COPY --from=c) at builds.yaml:2:3', span: at(2) },
    { message: '`c` needs `d` (RUN --mount=from=d)' },
    { message: '`d` needs `e` (contexts: x) at builds.yaml:8:3', span: at(8) },
    { message: '`e` needs `a` (needs)' },
  ]);
});

test('a cycle of one build, and one behind builds that lead to it, are found without a place to name', () => {
  const needs = (...names: readonly string[]) => ({ needs: names.map((build) => ({ build })) });
  const [self] = refused([makeBuild('a', { needs: [{ build: 'a' }] })]);
  assert.match(self?.message ?? '', /: a → a$/);
  assert.ok(self !== undefined && !('span' in self));
  const [found] = refused([
    makeBuild('top', needs('dead', 'x')),
    makeBuild('dead'),
    makeBuild('x', needs('gone', 'dead', 'p', 'q')),
    makeBuild('p', needs('dead', 'r')),
    makeBuild('q', needs('r')),
    makeBuild('r', needs('x')),
  ]);
  assert.match(found?.message ?? '', /: x → p → r → x$/, 'the first of two ways of one length');
});

test('a base must be built for every platform: all that are missing are said, and only the missing', () => {
  const [found, more] = refused(
    [
      makeBuild('base', { platforms: ['linux/amd64'], tags: ['b:1'] }),
      makeBuild('app', { platforms: ['linux/amd64', 'linux/arm64', 'linux/s390x'] }),
    ],
    { app: [{ written: 'b:1', use: 'from', span: at(3) }] },
  );
  assert.equal(more, undefined);
  assert.equal(found?.message, '`app` is built for linux/arm64, linux/s390x, but its base `base` is not');
  assert.equal(found.build, 'app');
  assert.deepEqual(found.span, at(3));
});

test('platforms need no match where files are copied, where the build names none, or where one meets a base without', () => {
  const from = { app: [{ written: 'b:1', use: 'from' as const }] };
  const base = (...platforms: readonly string[]) => makeBuild('base', { platforms, tags: ['b:1'] });
  const app = (...platforms: readonly string[]) => makeBuild('app', { platforms });
  planned([base('linux/amd64'), app('linux/arm64')], { app: [{ written: 'b:1', use: 'copy' }] });
  planned([base('linux/amd64'), app()], from);
  planned([base('linux/amd64', 'linux/arm64'), app('linux/arm64')], from);
  // The engine's own platform may be the one.
  planned([base(), app('linux/arm64')], from);
  assert.equal(refused([base(), app('linux/amd64', 'linux/arm64')], from)[0]?.code, 'plan/platform-missing');
  assert.equal(refused([base('linux/amd64'), app('linux/arm64')], from)[0]?.code, 'plan/platform-missing');
});

test('dependents are those of every selected build, and not taken unless asked for', () => {
  const builds = [
    makeBuild('a'),
    makeBuild('b', { contexts: new Map([['x', fromBuild('a')]]) }),
    makeBuild('c', { contexts: new Map([['x', fromBuild('a')]]) }),
    makeBuild('d', { needs: [{ build: 'c' }] }),
  ];
  assert.deepEqual([...planned(builds, {}, ['a'], true).keys()], ['a', 'b', 'c', 'd']);
  assert.deepEqual([...planned(builds, {}, ['a'], false).keys()], ['a']);
  assert.deepEqual([...planned(builds, {}, ['a']).keys()], ['a']);
});

test('a name that is not in the set is passed over, wherever it comes from', () => {
  const nodes = planned([makeBuild('a', { needs: [{ build: 'gone' }] })], {}, ['a', 'never']);
  assert.deepEqual([...nodes.keys()], ['a']);
  assert.equal(nodes.get('a')?.level, 0);
});

test('an order holds for builds that several need: none comes twice, each after all that it needs', () => {
  const needs = (...names: readonly string[]) => ({ needs: names.map((build) => ({ build })) });
  const nodes = planned([
    makeBuild('top', needs('left', 'right')),
    makeBuild('left', needs('base')),
    makeBuild('right', needs('left', 'base')),
    makeBuild('base'),
  ]);
  assert.deepEqual(
    [...nodes.values()].map(({ build, level, neededBy }) => [build.name, level, neededBy]),
    [
      ['base', 0, ['left', 'right']],
      ['left', 1, ['right', 'top']],
      ['right', 2, ['top']],
      ['top', 3, []],
    ],
  );
});
