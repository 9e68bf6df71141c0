/** What is remembered of a result, and when nothing is. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { computeKey } from '../../lib/fingerprint/mod.ts';
import type { ContextFiles, Keying, NodeInputs } from '../../lib/inputs/mod.ts';
import {
  type BuildRecord,
  type Digest,
  fail,
  type ImageResult,
  KEY_VERSION,
  type KeyParts,
  ok,
  problem,
} from '../../lib/model/mod.ts';
import type { Memory } from '../../lib/run/memory.ts';
import { type Memorable, remember } from '../../lib/run/remember.ts';
import type { LastInputs } from '../../lib/state/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const DIGEST: Digest = `sha256:${'a'.repeat(64)}`;
const PARTS: KeyParts = {
  version: KEY_VERSION,
  dockerfile: 'FROM scratch',
  target: '',
  platforms: [],
  args: {},
  files: {},
  images: {},
  parents: {},
  options: {},
};
const KEY = computeKey(PARTS);
const IMAGE: ImageResult = { digest: DIGEST, platforms: [{ platform: 'linux/amd64', digest: DIGEST }] };
const RESULT: Memorable = {
  image: IMAGE,
  mediaType: 'm',
  sizeBytes: 5,
  refs: ['r.example/x:1'],
  durationMs: 7,
  steps: { total: 3, cached: 1 },
};
const RECORD: BuildRecord = {
  version: KEY_VERSION,
  key: KEY,
  build: 'x',
  digest: DIGEST,
  platforms: IMAGE.platforms,
  finishedAt: '1970-01-01T00:00:01.500Z',
  mediaType: 'm',
  refs: ['r.example/x:1'],
  durationMs: 7,
  steps: { total: 3, cached: 1 },
  sizeBytes: 5,
};

interface Given {
  readonly result?: Partial<Memorable>;
  readonly isUnkeyed?: true;
  /** How many files of its context were touched while it was built. */
  readonly touched?: number;
  readonly isFull?: true;
}

async function rememberIn(t: Cleanup, { result, isUnkeyed, touched = 0, isFull }: Given) {
  const written: [BuildRecord, LastInputs][] = [];
  const full = problem('state/not-written', 'the disk is full', { severity: 'warning' });
  const root = path.join(await makeTempDir(t, 'remember-'), 'context');
  const context = {
    name: 'context',
    request: { root, written: '.', reads: 'all', ignore: { rules: [] } },
    ignoreSignature: '',
  } as unknown as ContextFiles;
  const keying = {
    resultOf: () => undefined,
    dockerfiles: { isUntouched: () => true },
    hasher: { recheck: async () => ok(Array.from({ length: touched }, (_, at) => `file${at}`)) },
  } as unknown as Keying;
  const memory = {
    remember: async (record: BuildRecord, last: LastInputs) => {
      written.push([record, last]);
      return isFull === true ? fail([full]) : ok(undefined);
    },
  } as unknown as Memory;
  const inputs: NodeInputs = {
    untracked: [],
    files: 0,
    bytes: 0,
    problems: [],
    contexts: [context],
    filesOnly: new Map(),
    parts: PARTS,
    ...(isUnkeyed === true ? {} : { key: KEY }),
  };
  const found = await remember({ keying, memory, clock: () => 1500 }, makeNode(), inputs, {
    ...RESULT,
    ...result,
  });
  return { found, written, full };
}

test('a result is remembered under its key, with its inputs', async (t) => {
  const { found, written } = await rememberIn(t, {});
  assert.deepEqual(found, []);
  assert.deepEqual(written, [[RECORD, { key: KEY, parts: PARTS }]]);
  const unsized = await rememberIn(t, { result: { sizeBytes: undefined } });
  const { sizeBytes: _, ...rest } = RECORD;
  assert.deepEqual(unsized.written[0]?.[0], rest);
});

test('what has no key, or no image, is not remembered', async (t) => {
  for (const given of [{ isUnkeyed: true }, { result: { image: undefined } }] as const)
    assert.deepEqual((await rememberIn(t, given)).written, []);
});

test('what was touched while it was built is named, ten paths of it, and nothing is remembered', async (t) => {
  for (const [touched, lines, last] of [
    [1, 1, 'file0'],
    [10, 10, 'file9'],
    [11, 11, 'and 1 more'],
    [30, 11, 'and 20 more'],
  ] as const) {
    const { found, written } = await rememberIn(t, { touched });
    assert.deepEqual(written, []);
    assert.equal(found.length, 1);
    const [{ code, severity, build, detail = '' } = assert.fail()] = found;
    assert.deepEqual([code, severity, build], ['run/changed-while-building', 'warning', 'x']);
    assert.deepEqual([detail.split('\n').length, detail.split('\n').at(-1)], [lines, last]);
  }
});

test('a state that cannot be written is a warning', async (t) => {
  const { found, written, full } = await rememberIn(t, { isFull: true });
  assert.deepEqual([found, written.length], [[full], 1]);
});
