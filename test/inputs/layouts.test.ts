/** Which image of an OCI layout is meant (docker/buildx 0.38.2, build/opt.go `resolveDigest`). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { findLayouts, withLayouts } from '../../lib/inputs/mod.ts';
import { makeBuild } from '../rig/sets.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const NAME = 'io.containerd.image.name';
const REF = 'org.opencontainers.image.ref.name';

/** What a layout with this index gives for a tag. */
async function find(
  t: Cleanup,
  index: unknown,
  ref: { readonly tag?: string; readonly digest?: string } = {},
): Promise<string | undefined> {
  const dir = await makeTempDir(t, 'layout-');
  if (index !== undefined)
    await writeTree(dir, { 'index.json': typeof index === 'string' ? index : JSON.stringify(index) });
  const source = { ref: { kind: 'oci-layout', path: dir, ...ref }, written: 'oci-layout://lay' } as const;
  const { digests, problems } = findLayouts(makeBuild('app', { contexts: new Map([['base', source]]) }));
  const [wrong] = problems;
  if (wrong === undefined) return digests.get('base');
  assert.deepEqual([wrong.code, wrong.build, digests.size], ['context/layout', 'app', 0]);
  return wrong.message.replace(/^no image is found in oci-layout:\/\/lay, the context `base` of `app`: /, '');
}

const image = (letter: string, annotations?: object) => ({
  digest: digest(letter),
  ...(annotations === undefined ? {} : { annotations }),
});

test('the image with the tag is meant, by its full name first; latest without a tag; else the only one', async (t) => {
  const two = { manifests: [image('a', { [REF]: 'v1' }), image('b', { [REF]: 'latest' })] };
  assert.equal(await find(t, two, { tag: 'v1' }), digest('a'));
  assert.equal(await find(t, two), digest('b'));
  assert.equal(await find(t, two, { tag: 'v2' }), 'none of its 2 images has the tag v2');
  const named = { manifests: [image('a', { [REF]: 'v1' }), image('b', { [NAME]: 'v1' })] };
  assert.equal(await find(t, named, { tag: 'v1' }), digest('b'));
  assert.equal(await find(t, { manifests: [image('a')] }, { tag: 'other' }), digest('a'));
  assert.equal(await find(t, two, { tag: 'v1', digest: digest('c') }), digest('c'));
});

test('what is wrong with a layout is said', async (t) => {
  assert.equal(await find(t, undefined), 'it has no index.json');
  assert.equal(await find(t, '{'), 'its index.json is not JSON');
  for (const index of [{}, [], null, { manifests: {} }])
    assert.equal(await find(t, index), 'none of its 0 images has the tag latest');
  for (const wrong of [{}, { digest: 1 }, { digest: 'sha256:../..' }])
    assert.equal(await find(t, { manifests: [wrong] }), 'its index.json has no digest for it');
});

test('an index that is a pipe is not waited for', async (t) => {
  const dir = await makeTempDir(t, 'layout-');
  await mkdir(path.join(dir, 'lay'));
  execFileSync('mkfifo', [path.join(dir, 'lay/index.json')]);
  const source = { ref: { kind: 'oci-layout', path: path.join(dir, 'lay') }, written: 'lay' } as const;
  const { problems } = findLayouts(makeBuild('app', { contexts: new Map([['base', source]]) }));
  assert.match(problems[0]?.message ?? '', /cannot be read: not-regular$/);
});

test('what the Dockerfile does not read is not looked up', async (t) => {
  const dir = await makeTempDir(t, 'layout-');
  const source = { ref: { kind: 'oci-layout', path: dir }, written: 'lay' } as const;
  const build = makeBuild('app', { contexts: new Map([['base', source]]) });
  const read = (name: string) => findLayouts(build, { contexts: [{ name }], stages: [{}] }).problems.length;
  assert.deepEqual([read('other'), read('base')], [0, 1]);
  assert.equal(withLayouts(build, new Map()), build);
});
