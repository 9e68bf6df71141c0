/** Failures from the look-ups of a run to its pushes. See `failure-bench.ts` for what a row says. */
import { type FailureRow, SAME } from './failure-bench.ts';
import { CONNECTION_LOST } from './fake-engine.ts';
import { makeSignal } from './fake-registry-faults.ts';
import {
  A_CANCELLED,
  ALL_BUILT,
  aFailed,
  atEngine,
  BASE,
  BASE_OF_ENGINE,
  BEGIN_UPLOAD,
  BUILT,
  CONTAINERD_AWAY,
  CUT,
  CUT_AFTER,
  cancelAfterC,
  cIsOnItsWay,
  HEALED,
  LOOK_UP,
  MANIFEST,
  on,
  once,
  READ_BACK,
  status,
  UNMOVED,
  UPLOAD,
} from './row-faults.ts';

/** Look-ups: what the registry says of tags and bases. */
const LOOK_UP_ROWS: readonly FailureRow[] = [
  {
    name: 'the look-up of a tag is refused',
    edit: 'none',
    real: true,
    faults: () => [on(LOOK_UP, status(403))],
    // Presence unknown: never taken for "in place".
    after: { kinds: 'a built, b unchanged, c unchanged', moved: '', recorded: '', calls: 1 },
    next: SAME,
  },
  {
    name: 'the look-up of a tag fails each time',
    edit: 'none',
    faults: () => [on(LOOK_UP, status(503))],
    after: { kinds: 'a built, b unchanged, c unchanged', moved: '', recorded: '', calls: 1 },
    next: SAME,
  },
  {
    name: 'the look-up of a tag fails once',
    edit: 'none',
    faults: () => [on(once(LOOK_UP), status(503))],
    after: UNMOVED,
    next: SAME,
  },
  {
    name: 'the look-up of a tag is cut each time: the registry counts as down, and nothing as in place',
    edit: 'none',
    faults: () => [on(LOOK_UP, CUT)],
    after: {
      kinds: 'a failed, b blocked, c failed',
      codes: ['registry/unreachable of a', 'registry/unreachable of c', 'warning run/registry-down'],
      moved: '',
      recorded: '',
      calls: 0,
    },
    next: SAME,
  },
  {
    name: 'the answer to the look-up of a tag is lost once',
    edit: 'none',
    faults: () => [on(once(LOOK_UP), CUT_AFTER)],
    after: UNMOVED,
    next: SAME,
  },
  {
    name: 'a registry says that a tag is not there which is',
    edit: 'none',
    faults: () => [on(LOOK_UP, status(404))],
    after: { kinds: 'a retagged, b unchanged, c unchanged', moved: '', recorded: '', calls: 0 },
    next: SAME,
  },
  {
    name: 'the run is cancelled while a tag is looked up',
    edit: 'none',
    faults: ({ cancel }) => [on(LOOK_UP, { kind: 'call', run: cancel })],
    after: { kinds: 'a cancelled, b cancelled, c cancelled', moved: '', recorded: '', calls: 0 },
    next: SAME,
  },
  {
    name: 'the look-up of a base is refused: built, and not remembered',
    real: true,
    faults: () => [on(BASE, status(403))],
    // b reads what a's base sets, too.
    after: { ...BUILT, recorded: 'c' },
    next: HEALED,
  },
  {
    name: 'the look-up of a base fails once',
    faults: () => [on(once(BASE), status(503))],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the look-up of a base is cut once',
    faults: () => [on(once(BASE), CUT)],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the answer to the look-up of a base is lost once',
    faults: () => [on(once(BASE), CUT_AFTER)],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the run is cancelled while a base is looked up',
    faults: ({ cancel }) => {
      const { promise, resolve } = makeSignal();
      return [
        on(BASE, { kind: 'call', run: () => promise.then(cancel) }),
        atEngine('start', resolve, '/c\n'),
        atEngine('start', 'hang', '/c\n'),
      ];
    },
    after: {
      kinds: 'a cancelled, b cancelled, c cancelled',
      moved: '',
      recorded: '',
      calls: 1,
    },
    next: ALL_BUILT,
  },
  {
    name: 'a base is not there for bake-ts, but for the engine: built, and not remembered',
    faults: () => [on(BASE, status(404))],
    // b reads what a's base sets, too.
    after: { ...BUILT, recorded: 'c' },
    next: HEALED,
  },
  {
    name: 'the engine may not look up a base',
    faults: () => [on(BASE_OF_ENGINE, status(403))],
    after: aFailed('build/base-unreachable'),
    next: HEALED,
  },
  {
    name: 'the engine finds no base',
    faults: () => [on(BASE_OF_ENGINE, status(404))],
    after: aFailed('build/base-missing'),
    next: HEALED,
  },
  {
    name: 'a base moves between its look-up and the build: the build gets what was looked up',
    faults: ({ moveBase }) => [atEngine('start', moveBase, '/a\n', 1)],
    after: BUILT,
    next: 'a built, b built, c unchanged',
  },
];

/** The engine: before, during and after a build, and its export. */
const BUILD_ROWS: readonly FailureRow[] = [
  {
    name: 'the engine goes away before a build, and again after it came back',
    faults: () => [atEngine('start', { fail: CONNECTION_LOST })],
    after: aFailed('engine/lost', 3),
    next: HEALED,
  },
  {
    name: 'the engine goes away during a build, and again after it came back',
    faults: () => [atEngine('step', { fail: CONNECTION_LOST })],
    after: aFailed('engine/lost', 3),
    next: HEALED,
  },
  {
    name: 'the engine goes away during a build and comes back: the build is tried again',
    faults: () => [atEngine('step', { fail: CONNECTION_LOST }, '/a\n', 1)],
    after: { ...BUILT, calls: 4 },
    next: SAME,
  },
  {
    name: 'buildctl is killed during a build',
    faults: () => [atEngine('step', 'die')],
    after: aFailed('build/failed'),
    next: HEALED,
  },
  {
    name: 'containerd is not there for a moment: the build is tried again',
    faults: () => [atEngine('start', { fail: CONTAINERD_AWAY }, '/a\n', 2)],
    after: { ...BUILT, calls: 5 },
    next: SAME,
  },
  {
    name: 'containerd stays away: the build is tried three times',
    faults: () => [atEngine('start', { fail: CONTAINERD_AWAY })],
    after: aFailed('engine/lost', 4),
    next: HEALED,
  },
  {
    name: 'a step fails',
    real: true,
    faults: () => [
      {
        on: 'files',
        wrong: { 'a/Dockerfile': 'FROM scratch\nCOPY file /a\nRUN ["/missing"]\n' },
        right: { 'a/Dockerfile': 'FROM scratch\nCOPY file /a\nLABEL mended=yes\n' },
      },
    ],
    after: aFailed('build/step-failed'),
    next: HEALED,
  },
  {
    name: 'a file that is copied is missing',
    real: true,
    faults: () => [
      {
        on: 'files',
        wrong: { 'a/Dockerfile': 'FROM scratch\nCOPY file missing /\n' },
        right: { 'a/Dockerfile': 'FROM scratch\nCOPY file /\n' },
      },
    ],
    after: aFailed('build/file-missing'),
    next: HEALED,
  },
  {
    name: 'the run stops at the first failure',
    options: { failFast: true },
    faults: () => [...cIsOnItsWay(), atEngine('start', { fail: CONNECTION_LOST })],
    after: {
      kinds: 'a failed, b blocked, c cancelled',
      codes: ['engine/lost of a'],
      moved: '',
      recorded: '',
      calls: 3,
    },
    next: ALL_BUILT,
  },
  {
    name: 'the run is cancelled before any build',
    faults: () => [{ on: 'event', cancel: (event) => event.type === 'planned' }],
    after: { kinds: 'a cancelled, b cancelled, c cancelled', moved: '', recorded: '', calls: 0 },
    next: ALL_BUILT,
  },
  {
    name: 'the run is cancelled during a build',
    edit: 'a',
    real: true,
    faults: () => {
      const seen = new Set<string>();
      return [
        // The real one takes its time.
        atEngine('step', 'hang'),
        {
          on: 'event',
          cancel: (event) => {
            if ('build' in event) seen.add(`${event.build} ${event.type}`);
            return seen.has('a node-started') && seen.has('c node-finished');
          },
        },
      ];
    },
    after: { kinds: 'a cancelled, b cancelled, c unchanged', moved: '', recorded: '', calls: 1 },
    next: HEALED,
  },
  {
    name: 'the run is cancelled during a step, and c has just been pushed',
    faults: ({ cancel }) => {
      const { promise, resolve } = makeSignal();
      return [
        atEngine('step', resolve),
        atEngine('step', 'hang'),
        atEngine('end', () => promise.then(cancel), '/c\n'),
      ];
    },
    after: { kinds: 'a cancelled, b cancelled, c cancelled', moved: '', recorded: '', calls: 2 },
    next: ALL_BUILT,
  },
  {
    name: 'the disk of the engine is full when a result is exported',
    faults: () => [atEngine('built', { fail: 'error: failed to solve: write /x: no space left on device' })],
    after: aFailed('engine/disk-full'),
    next: HEALED,
  },
  {
    name: 'the run is cancelled during an export',
    faults: ({ cancel, finished }) => [atEngine('exported', () => finished('c').then(cancel))],
    after: A_CANCELLED,
    next: HEALED,
  },
  {
    name: 'buildctl is killed during an export',
    faults: () => [atEngine('exported', 'die')],
    after: aFailed('build/failed'),
    next: HEALED,
  },
];

/** Pushes by the engine: blobs, then the manifest. */
const PUSH_ROWS: readonly FailureRow[] = [
  {
    name: 'the upload of a blob is denied',
    real: true,
    faults: () => [on(BEGIN_UPLOAD, status(403))],
    after: aFailed('registry/denied'),
    next: HEALED,
  },
  {
    name: 'the upload of a blob wants a sign-in',
    faults: () => [on(BEGIN_UPLOAD, status(401))],
    after: aFailed('registry/unauthorized'),
    next: HEALED,
  },
  {
    name: 'the upload of a blob is turned down for a while',
    faults: () => [on(once(BEGIN_UPLOAD), status(429))],
    after: { ...BUILT, calls: 4 },
    next: SAME,
  },
  {
    name: 'the upload of a blob is cut each time while its bytes come',
    faults: () => [on(UPLOAD, { kind: 'cut-body' })],
    after: aFailed('registry/unreachable'),
    next: HEALED,
  },
  {
    name: 'the upload of a blob is cut once while its bytes come',
    faults: () => [on(once(UPLOAD), { kind: 'cut-body' })],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the answer to the upload of a blob is lost each time: it is there all the same',
    faults: () => [on(UPLOAD, CUT_AFTER)],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the registry fails at uploads, each time',
    faults: () => [on(UPLOAD, status(503))],
    after: aFailed('registry/unavailable'),
    next: HEALED,
  },
  {
    name: 'the run is cancelled while a blob is uploaded',
    faults: (handle) => [on(UPLOAD, cancelAfterC(handle))],
    after: A_CANCELLED,
    next: HEALED,
  },
  {
    name: 'the push of a manifest is denied',
    real: true,
    faults: () => [on(MANIFEST, status(403))],
    after: aFailed('registry/denied'),
    next: HEALED,
  },
  {
    name: 'the push of a manifest is cut each time',
    faults: () => [on(MANIFEST, CUT)],
    after: aFailed('registry/unreachable'),
    next: HEALED,
  },
  {
    name: 'the push of a manifest is cut once while its bytes come',
    faults: () => [on(once(MANIFEST), { kind: 'cut-body' })],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'the run is cancelled while a manifest is pushed: it may be there, and has no tag',
    faults: (handle) => [on(MANIFEST, cancelAfterC(handle))],
    after: A_CANCELLED,
    next: HEALED,
  },
  {
    name: 'the answer to the push of a manifest is lost each time: it is there all the same',
    faults: () => [on(MANIFEST, CUT_AFTER)],
    after: BUILT,
    next: SAME,
  },
  {
    name: 'buildctl is killed after a push: pushed by digest, and neither tagged nor recorded',
    faults: () => [atEngine('pushed', 'die')],
    after: aFailed('build/failed'),
    next: HEALED,
  },
  {
    name: 'buildctl is killed at its very end',
    faults: () => [atEngine('end', 'die')],
    after: aFailed('build/failed'),
    next: HEALED,
  },
  {
    name: 'the run is cancelled after a push',
    faults: ({ cancel, finished }) => [atEngine('end', () => finished('c').then(cancel))],
    after: A_CANCELLED,
    next: HEALED,
  },
  {
    name: 'what was pushed cannot be read back: there is nothing to put under the tag',
    faults: () => [on(READ_BACK, status(503))],
    after: aFailed('registry/unavailable'),
    next: HEALED,
  },
  {
    name: 'what was pushed cannot be read back at first',
    faults: () => [on(once(READ_BACK), status(403))],
    after: BUILT,
    next: SAME,
  },
];

/** All of them. */
export const BUILD_FAILURES: readonly FailureRow[] = [...LOOK_UP_ROWS, ...BUILD_ROWS, ...PUSH_ROWS];
