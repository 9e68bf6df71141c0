/** What the images say that a build is based on, and whether a build without platforms is one of the engine's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BaseUse, DockerfileFacts, StageFacts } from '../../lib/dockerfile/mod.ts';
import { type BaseReading, isOfEnginePlatform, readBases } from '../../lib/inputs/bases.ts';
import type { ExternalImages } from '../../lib/inputs/mod.ts';
import type { ContextSource } from '../../lib/model/mod.ts';
import type { ImageConfigFacts } from '../../lib/state/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const SPAN = {} as BaseUse['span'];

/** Reads from images that say, for a platform, what is given. */
function reading(
  images: Readonly<Record<string, Readonly<Record<string, ImageConfigFacts>>>>,
  produces?: ImageConfigFacts,
): BaseReading {
  const fake = {
    lookUp: async (written: string) =>
      images[written] === undefined ? { kind: 'image', why: '' } : { kind: 'known', digest: A },
    factsOf: async (written: string, digest: string, platform: string) => {
      assert.equal(digest, A);
      return images[written]?.[platform];
    },
  };
  return {
    images: fake as unknown as ExternalImages,
    enginePlatform: 'linux/amd64',
    resultOf: (build) => (build === 'parent' && produces !== undefined ? { produces } : undefined),
  };
}

const image = (name: string, platform?: string): BaseUse => ({
  name,
  kind: 'image',
  span: SPAN,
  ...(platform === undefined ? {} : { platform }),
});
const context = (name: string): BaseUse => ({ name, kind: 'context', span: SPAN });
const says = (env: string, ...platforms: readonly string[]): ImageConfigFacts => ({
  env: [env],
  onbuild: [],
  ...(platforms.length === 0 ? {} : { platforms }),
});

test('an image is read for the platforms of the build, of its own FROM, or of the engine', async () => {
  const amd = says('A=1', 'linux/amd64');
  const arm = says('A=1', 'linux/arm64');
  const other = says('A=2', 'linux/s390x');
  const keying = reading({ base: { 'linux/amd64': amd, 'linux/arm64': arm, 'linux/s390x': other } });
  const read = async (platforms: readonly string[], base = image('base')) =>
    (await readBases(keying, makeNode({ platforms }), [base])).get('base');
  assert.deepEqual(await read([]), amd);
  assert.deepEqual(await read(['linux/arm64']), arm);
  assert.deepEqual(await read(['linux/arm64', 'linux/amd64']), {
    ...amd,
    platforms: ['linux/arm64', 'linux/amd64'],
  });
  // Platforms that say different things, and one that is not there, give no answer.
  assert.equal(await read(['linux/amd64', 'linux/s390x']), undefined);
  assert.equal(await read(['linux/amd64', 'linux/riscv64']), undefined);
  assert.equal(await read(['linux/riscv64', 'linux/riscv64']), undefined);
  assert.deepEqual(await read(['linux/arm64'], image('base', 'linux/s390x')), other);
  assert.deepEqual(await read([], image('base', 'linux/x86_64')), amd);
  assert.equal(await read([], image('base', 'not a platform')), undefined);
});

test('triggers count as variables do', async () => {
  const one = { env: [], onbuild: ['RUN a'], platforms: ['linux/amd64'] };
  const keying = reading({ base: { 'linux/amd64': one, 'linux/arm64': { ...one, onbuild: ['RUN b'] } } });
  const node = makeNode({ platforms: ['linux/amd64', 'linux/arm64'] });
  assert.deepEqual(await readBases(keying, node, [image('base')]), new Map());
});

test('an image whose platform is not known is read without one', async () => {
  const keying = reading({ base: { 'linux/amd64': says('A=1') } });
  const found = await readBases(keying, makeNode(), [image('base')]);
  assert.deepEqual(found.get('base'), { ...says('A=1'), platforms: [] });
});

test('a named context says what stands behind it says', async () => {
  const produced = says('A=parent');
  const inImage = says('A=image', 'linux/amd64');
  const keying = reading({ 'r.example/i:1': { 'linux/amd64': inImage } }, produced);
  const local = { ref: { kind: 'local', path: '/d' }, written: 'd' } as const;
  const node = makeNode(
    {
      contexts: new Map<string, ContextSource>([
        ['dir', local],
        ['img', { ref: { kind: 'image', ref: 'r.example/i:1' }, written: '' }],
        ['git', { ref: { kind: 'git', url: 'x' }, written: '' }],
        ['parent', local],
      ]),
    },
    {
      edges: [
        { to: 'parent', reason: 'from', contextName: 'parent' },
        { to: 'silent', reason: 'from', contextName: 'silent' },
      ],
    },
  );
  const names = ['dir', 'img', 'git', 'parent', 'silent', 'unknown'];
  const found = await readBases(keying, node, [...names.map(context), image('gone')]);
  assert.deepEqual(
    found,
    new Map([
      ['dir', { env: [], onbuild: [] }],
      ['img', inImage],
      ['parent', produced],
    ]),
  );
});

test('a build without platforms is one of the engine only where all it is based on is', () => {
  const stage = (more: Partial<StageFacts> = {}): StageFacts => ({
    index: 0,
    base: 'base',
    reachable: true,
    span: SPAN,
    ...more,
  });
  const factsOf = (stages: readonly StageFacts[], bases: readonly BaseUse[] = [image('base')]) =>
    ({ stages, bases }) as unknown as DockerfileFacts;
  const amd = new Map([['base', says('A=1', 'linux/arm64', 'linux/amd64')]]);
  const is = (
    facts: DockerfileFacts,
    bases: ReadonlyMap<string, ImageConfigFacts> = amd,
    node = makeNode(),
    engine = 'linux/amd64',
  ) => isOfEnginePlatform(node, facts, bases, engine);
  const plain = factsOf([stage()]);
  assert.equal(is(plain), true);
  assert.equal(is(factsOf([stage()], []), new Map()), true);
  assert.equal(is(plain, new Map([['base', says('A=1', 'linux/arm64')]])), false);
  assert.equal(is(plain, new Map([['base', says('A=1')]])), false);
  assert.equal(is(plain, new Map()), false);
  assert.equal(is(factsOf([stage()], [image('base'), image('more')])), false);
  // What FROM says of the platform, and stages that are not built.
  assert.equal(is(factsOf([stage({ platform: 'linux/x86_64' })])), true);
  assert.equal(is(factsOf([stage(), stage({ platform: 'linux/arm64' })])), false);
  assert.equal(is(factsOf([stage(), stage({ platform: 'linux/arm64', reachable: false })])), true);
  assert.equal(is(factsOf([])), false);
  // Engines with a variant or of another system, attestations, contexts for one platform.
  const variant = new Map([['base', says('A=1', 'linux/arm/v7', 'windows/amd64', 'xlinux/amd64')]]);
  for (const engine of ['linux/arm/v7', 'windows/amd64', 'xlinux/amd64'])
    assert.equal(is(plain, variant, makeNode(), engine), false);
  const attest = [{ type: 'provenance', attributes: new Map<string, string>() }];
  assert.equal(is(plain, amd, makeNode({ attest })), false);
  assert.equal(is(plain, amd, makeNode({ args: new Map([['BUILDKIT_ATTEST_PROVENANCE', 'true']]) })), false);
  const local = { ref: { kind: 'local', path: '/d' }, written: 'd' } as const;
  assert.equal(
    is(
      plain,
      amd,
      makeNode({
        contexts: new Map([
          ['a', local],
          ['b::linux/amd64', local],
        ]),
      }),
    ),
    false,
  );
  assert.equal(is(plain, amd, makeNode({ contexts: new Map([['a', local]]) })), true);
});
