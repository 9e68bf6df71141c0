/** Putting an image that was made from another one: in an order in which nothing is named before it is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RebasedImage } from '../../lib/inputs/mod.ts';
import {
  type Digest,
  type DigestRef,
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  problem,
} from '../../lib/model/mod.ts';
import type { Manifest, RegistryClient } from '../../lib/registry/mod.ts';
import { putRebased } from '../../lib/run/put-rebased.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const manifest = (letter: string): Manifest => ({
  digest: digest(letter),
  mediaType: '',
  bytes: new Uint8Array(),
  json: {},
});
const SOURCE: DigestRef = { registry: 'r.example', repository: 'app', digest: digest('0') };
const IMAGE: RebasedImage = {
  configs: [new Uint8Array([1]), new Uint8Array([2, 2])],
  manifests: [manifest('a'), manifest('b')],
  top: manifest('c'),
  platforms: [],
  grownBytes: 0,
};

/** Puts it where the call of a number fails; @returns what was asked of the registry, and what came of it. */
async function put(
  image: RebasedImage,
  repositories: readonly string[],
  failing?: number,
  withTop?: boolean,
) {
  const calls: string[] = [];
  const broken = problem('registry/denied', 'no');
  const note = async (text: string) => {
    calls.push(text);
    return calls.length === failing ? fail([broken]) : ok(undefined);
  };
  const short = (ref: ImageRef) => formatImageRef(ref).replace(/(sha256:.).*$/, '$1');
  const registry = {
    putBlob: (ref: ImageRef, bytes: Uint8Array) =>
      note(`blob of ${bytes.length} in ${ref.registry}/${ref.repository}`),
    putManifest: (ref: ImageRef, one: Manifest) => {
      assert.equal(ref.digest, one.digest);
      return note(`manifest ${short(ref)}`);
    },
    tagManifest: (from: ImageRef, to: ImageRef) => note(`copy ${short(from)} to ${short(to)}`),
  } as unknown as RegistryClient;
  const refs = repositories.map((name): ImageRef => {
    const [host = '', repository = ''] = name.split('/');
    return { registry: host, repository };
  });
  const result = await putRebased(registry, image, SOURCE, refs, withTop);
  if (!result.ok) assert.deepEqual(result.error, [broken]);
  return { calls, isOk: result.ok };
}

const ALL = [
  'blob of 1 in r.example/app',
  'blob of 2 in r.example/app',
  'manifest r.example/app@sha256:a',
  'manifest r.example/app@sha256:b',
  'manifest r.example/app@sha256:c',
  'copy r.example/app@sha256:c to r.example/other@sha256:c',
  'copy r.example/app@sha256:c to s.example/app@sha256:c',
];

test('configs go before manifests, those before the index, and all of it before other repositories', async () => {
  const { calls, isOk } = await put(IMAGE, ['r.example/other', 'r.example/app', 's.example/app']);
  assert.deepEqual([calls, isOk], [ALL, true]);
  const single = await put({ ...IMAGE, manifests: [] }, ['r.example/app']);
  assert.deepEqual(single.calls, [ALL[0], ALL[1], ALL[4]]);
});

test('it ends with the first that cannot be put', async () => {
  for (let failing = 1; failing <= ALL.length; failing++) {
    const { calls, isOk } = await put(IMAGE, ['r.example/other', 's.example/app'], failing);
    assert.deepEqual([calls, isOk], [ALL.slice(0, failing), false]);
  }
});

test('the top of the image is left to who names it by a tag', async () => {
  const all = await put(IMAGE, []);
  const { calls, isOk } = await put(IMAGE, [], undefined, false);
  assert(isOk);
  assert.deepEqual(calls, all.calls.slice(0, -1));
  assert.match(all.calls.at(-1) ?? '', /^manifest .*sha256:c$/);
});
