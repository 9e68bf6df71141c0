import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CacheRecord } from '../../lib/engine/mod.ts';
import { attributeRecords } from '../../lib/storage/attribute.ts';

const SOURCE = `bake${'a1'.repeat(16)}`;
const DIGEST = `sha256:${'0f'.repeat(32)}`;

function record(description: string, parents: readonly string[] = [], id = description): CacheRecord {
  const fixed = {
    kind: 'regular',
    sizeBytes: 1,
    createdAt: '2026-01-01T00:00:00Z',
    inUse: false,
    shared: false,
  };
  return { id, description, parents, ...fixed };
}

const BUILDS = new Map([
  [
    'web',
    {
      steps: new Set([
        '[1/4] COPY site /site',
        '[2/4] RUN make all',
        '[3/4] RUN ["/bin/sh", "-x"]',
        '[4/4] RUN --mount=type=cache,target=/c --network=none go build 1.2',
        `[internal] load metadata for docker.io/library/alpine:3`,
        `[stage-0 1/4] FROM docker.io/library/alpine:3@${DIGEST}`,
        '[build 1/2] ADD https://example.com/file.tgz /',
      ]),
      sources: new Set([SOURCE]),
    },
  ],
  ['api', { steps: new Set(['[2/2] RUN make all', '[1/2] COPY . .']), sources: new Set<string>() }],
]);

test('a record is of the builds that have its step, and of no others', () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['[1/4] COPY site /site', ['web']],
    ['[1/2] COPY . .', ['api']],
    ['[9/9] COPY . .', []],
    ['mount / from exec /bin/sh -c make all', ['api', 'web']],
    ['mount /out from exec /bin/bash -o pipefail -c make all', ['api', 'web']],
    ['mount / from exec /bin/sh -c make', []],
    ['mount / from exec /bin/sh -x', ['web']],
    ['cached mount /c from exec /bin/sh -c go build $VERSION with id "mod"', ['web']],
    ['cached mount /c from exec /bin/sh -c go build ${VERSION:-1} with id "/with \\"quotes\\""', ['web']],
    ['cached mount /c from exec /bin/sh -c go test $VERSION', []],
    ['mount / from exec /bin/sh -c $ANYTHING', ['api', 'web']],
    [`pulled from docker.io/library/alpine@${DIGEST}`, ['web']],
    [`pulled from docker.io/library/alpine@sha256:${'1'.repeat(64)}`, []],
    ['http url https://example.com/file.tgz', ['web']],
    ['http url https://example.com/other.tgz', []],
    [`local source for ${SOURCE}`, ['web']],
    [`local source for ${SOURCE}-${SOURCE}-context`, ['web']],
    [`local source for ${SOURCE}0`, []],
    ['local source for dockerfile', []],
    ['', []],
    ['something that no version of ours knows', []],
  ];
  for (const [description, builds] of rows) {
    const found = attributeRecords([record(description, [], 'it')], BUILDS).get('it');
    assert.deepEqual([...(found ?? [])].sort(), builds, description);
  }
});

test('what is below a layer of a build is of that build, and what is above is not', () => {
  const records = [
    record('', [], 'bottom'),
    record('', ['bottom'], 'middle'),
    record('[1/4] COPY site /site', ['middle', 'nobody'], 'site'),
    record('[1/2] COPY . .', ['middle'], 'dot'),
    record('', ['site'], 'top'),
  ];
  const found = attributeRecords(records, BUILDS);
  const of = (id: string) => [...(found.get(id) ?? [])].sort();
  assert.deepEqual(of('bottom'), ['api', 'web']);
  assert.deepEqual(of('middle'), ['api', 'web']);
  assert.deepEqual(of('site'), ['web']);
  assert.deepEqual(of('top'), []);
});

test('records that name one another as parents come to an end', () => {
  const records = [record('[1/2] COPY . .', ['two'], 'one'), record('', ['one'], 'two')];
  assert.deepEqual([...(attributeRecords(records, BUILDS).get('two') ?? [])], ['api']);
});
