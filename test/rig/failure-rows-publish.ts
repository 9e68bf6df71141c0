/** Failures of tags and records. See `failure-bench.ts` for what a row says. */
import { type FailureRow, SAME } from './failure-bench.ts';
import {
  A_CANCELLED,
  ALL_BUILT,
  aFailed,
  atEngine,
  BEGIN_UPLOAD,
  BUILT,
  CUT_AFTER,
  cancelAfterC,
  cIsOnItsWay,
  HEALED,
  on,
  once,
  RECORDS,
  status,
  TAG,
  TAG_B,
} from './row-faults.ts';

/** Tags, put by bake-ts. */
const TAG_ROWS: readonly FailureRow[] = [
  {
    name: 'a tag may not be put',
    real: true,
    faults: () => [on(TAG, status(403))],
    after: aFailed('registry/denied'),
    next: HEALED,
  },
  {
    name: 'the registry fails at a tag once',
    faults: () => [on(once(TAG), status(503))],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the registry fails at a tag each time',
    faults: () => [on(TAG, status(503))],
    after: aFailed('registry/unavailable'),
    next: HEALED,
  },
  {
    name: 'the put of a tag is cut once while its bytes come',
    faults: () => [on(once(TAG), { kind: 'cut-body' })],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the answer to a tag is lost once: it is put again',
    faults: () => [on(once(TAG), CUT_AFTER)],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the answer to a tag is lost each time: it has moved, and nothing is recorded',
    faults: () => [on(TAG, status(503, true))],
    after: { ...aFailed('registry/unavailable'), moved: 'a c' },
    next: HEALED,
  },
  {
    name: 'the run is cancelled while a tag is put: may have moved, and nothing is recorded',
    faults: (handle) => [on(TAG, cancelAfterC(handle))],
    after: { ...A_CANCELLED, moved: 'a c' },
    next: HEALED,
  },
  {
    name: 'the run is cancelled once a is done, while c is on its way',
    faults: () => [
      ...cIsOnItsWay(),
      { on: 'event', cancel: (event) => event.type === 'node-finished' && event.build === 'a' },
    ],
    after: { kinds: 'a built, b cancelled, c cancelled', moved: 'a', recorded: 'a', calls: 2 },
    next: 'a unchanged, b built, c built',
  },
  {
    name: 'the run is cancelled as soon as a tag was put: what was done is remembered',
    faults: ({ finished }) => [
      atEngine('start', () => finished('c')),
      { on: 'event', cancel: (event) => event.type === 'tag' && event.build === 'a' },
    ],
    after: { kinds: 'a built, b cancelled, c built', moved: 'a c', recorded: 'a c', calls: 2 },
    next: 'a unchanged, b built, c unchanged',
  },
];

const TOGETHER = 'publish: together\n';

/** Tags that move together, or none of them. */
const TOGETHER_ROWS: readonly FailureRow[] = [
  {
    name: 'together: a build fails, and no tag moves',
    set: TOGETHER,
    faults: () => [on(BEGIN_UPLOAD, status(403))],
    after: {
      kinds: 'a failed, b blocked, c built',
      codes: ['registry/denied of a', 'warning run/not-published'],
      moved: '',
      recorded: 'c',
      calls: 2,
    },
    next: 'a built, b built, c retagged',
  },
  {
    name: 'together: the second tag may not be put, and the first is put back',
    set: TOGETHER,
    real: true,
    faults: () => [on(TAG_B, status(403))],
    after: {
      kinds: ALL_BUILT,
      codes: ['registry/denied', 'warning run/publish-rolled-back'],
      moved: '',
      recorded: 'a b c',
      calls: 3,
    },
    next: 'a retagged, b retagged, c retagged',
  },
  {
    name: 'together: the second tag moves, but the registry says it failed: both are put back',
    set: TOGETHER,
    faults: () => [on(once(TAG_B), status(403, true))],
    after: {
      kinds: ALL_BUILT,
      codes: ['registry/denied', 'warning run/publish-rolled-back'],
      moved: '',
      recorded: 'a b c',
      calls: 3,
    },
    next: 'a retagged, b retagged, c retagged',
  },
  {
    name: 'together: the answer to the second tag is lost once',
    set: TOGETHER,
    faults: () => [on(once(TAG_B), CUT_AFTER)],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'together: the run is cancelled before the tags move',
    set: TOGETHER,
    faults: () => [
      ...cIsOnItsWay(),
      { on: 'event', cancel: (event) => event.type === 'node-finished' && event.build === 'b' },
    ],
    after: {
      kinds: 'a built, b built, c cancelled',
      codes: ['warning run/not-published'],
      moved: '',
      recorded: 'a b',
      calls: 3,
    },
    next: 'a retagged, b retagged, c built',
  },
  {
    name: 'together: the run is cancelled while the second tag is put: both are put back',
    set: TOGETHER,
    faults: ({ cancel }) => [on(once(TAG_B), { kind: 'call', run: cancel })],
    after: {
      kinds: ALL_BUILT,
      codes: ['run/cancelled', 'warning run/publish-rolled-back'],
      moved: '',
      recorded: 'a b c',
      calls: 3,
    },
    next: 'a retagged, b retagged, c retagged',
  },
];

/** Records, on this machine and in the registry. */
const RECORD_ROWS: readonly FailureRow[] = [
  {
    name: 'no record can be written',
    faults: () => [{ on: 'state', path: 'records' }],
    after: {
      kinds: ALL_BUILT,
      codes: [
        'warning state/not-written of c',
        'warning state/not-written of a',
        'warning state/not-written of b',
        'warning state/strange',
      ],
      moved: 'a b c',
      recorded: '',
      calls: 3,
    },
    next: ALL_BUILT,
  },
  {
    name: 'the latest inputs cannot be written',
    faults: () => [{ on: 'state', path: 'last' }],
    after: {
      kinds: ALL_BUILT,
      codes: [
        'warning state/not-written of c',
        'warning state/not-written of a',
        'warning state/not-written of b',
        'warning state/strange',
      ],
      moved: 'a b c',
      recorded: 'a b c',
      calls: 3,
    },
    next: SAME,
  },
  {
    name: 'shared records: the look-up is refused',
    set: 'record: registry\n',
    faults: () => [on({ method: 'GET', path: '/manifests/bake-records' }, status(403))],
    after: { ...BUILT, codes: ['warning run/records-not-shared'] },
    next: SAME,
  },
  {
    name: 'shared records: their blob cannot be uploaded',
    set: 'record: registry\n',
    faults: () => [on({ from: 'bake-ts', method: 'POST', path: '/blobs/uploads/' }, status(403))],
    after: { ...BUILT, codes: ['warning run/no-layers-only', 'warning run/records-not-shared'] },
    next: SAME,
  },
  {
    name: 'shared records: their manifest may not be put',
    set: 'record: registry\n',
    real: true,
    faults: () => [on(RECORDS, status(403))],
    after: { ...BUILT, codes: ['warning run/records-not-shared'] },
    next: SAME,
  },
  {
    name: 'shared records: the answer to their manifest is lost once',
    set: 'record: registry\n',
    faults: () => [on(once(RECORDS), CUT_AFTER)],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'shared records: the answer to their manifest is lost each time, though they are there',
    set: 'record: registry\n',
    faults: () => [on(RECORDS, status(503, true))],
    after: { ...BUILT, codes: ['warning run/records-not-shared'] },
    next: SAME,
  },
  {
    name: 'shared records: the run is cancelled while they are written',
    set: 'record: registry\n',
    faults: ({ cancel }) => [on(RECORDS, { kind: 'call', run: cancel })],
    after: { ...BUILT, codes: ['warning run/records-not-shared'] },
    next: SAME,
  },
];

/** All of them. */
export const PUBLISH_FAILURES: readonly FailureRow[] = [...TAG_ROWS, ...TOGETHER_ROWS, ...RECORD_ROWS];
