/** The words that rows of failures are written in: where something goes wrong, what, and what mostly comes of it. */
import { type FailureRow, type RowFault, type RowHandle, SAME } from './failure-bench.ts';
import type { EngineAct, EnginePoint } from './fake-engine.ts';
import { type FaultAct, type FaultRule, makeSignal } from './fake-registry-faults.ts';

/** Requests that a fault is for. */
export type Rule = Omit<FaultRule, 'act'>;

/** What is true after a run. */
export type After = FailureRow['after'];

/** An answer with a status. */
export function status(code: number, after = false): FaultAct {
  return { kind: 'status', status: code, after };
}

export const CUT: FaultAct = { kind: 'cut' };
/** The effect is had, and nobody hears of it. */
export const CUT_AFTER: FaultAct = { kind: 'cut', after: true };

/** Only the first of the requests. */
export function once(rule: Rule): Rule {
  return { ...rule, nth: 1 };
}

/** Something happens to requests. */
export function on(rule: Rule, act: FaultAct): RowFault {
  return { on: 'registry', rule: { ...rule, act } };
}

/** Something happens at a moment of builds: of `a`, or of those in whose arguments `when` occurs. */
export function atEngine(at: EnginePoint, act: EngineAct, when = '/a\n', times?: number): RowFault {
  return { on: 'engine', fault: { at, act, when, ...(times === undefined ? {} : { times }) } };
}

/** What buildkitd says while containerd is started again. */
export const CONTAINERD_AWAY =
  'error: failed to solve: dial unix /run/containerd.sock: connect: connection refused';

export const LOOK_UP: Rule = { from: 'bake-ts', method: 'HEAD', path: '/app/a/manifests/dev' };
export const BASE: Rule = { from: 'bake-ts', path: '/base/manifests/1' };
export const BASE_OF_ENGINE: Rule = { from: 'engine', path: '/base/' };
export const BEGIN_UPLOAD: Rule = { from: 'engine', method: 'POST', path: '/app/a/blobs/uploads/' };
export const UPLOAD: Rule = { from: 'engine', method: 'PUT', path: '/app/a/blobs/uploads/' };
export const MANIFEST: Rule = { from: 'engine', method: 'PUT', path: '/app/a/manifests/sha256:' };
export const READ_BACK: Rule = { from: 'bake-ts', method: 'GET', path: '/app/a/manifests/sha256:' };
export const TAG: Rule = { from: 'bake-ts', method: 'PUT', path: '/app/a/manifests/dev' };
export const TAG_B: Rule = { from: 'bake-ts', method: 'PUT', path: '/app/b/manifests/dev' };
export const RECORDS: Rule = { from: 'bake-ts', method: 'PUT', path: '/manifests/bake-records' };

export const ALL_BUILT = 'a built, b built, c built';
/** How the next run ends where only c came to its end. */
export const HEALED = 'a built, b built, c unchanged';
export const BUILT: After = { kinds: ALL_BUILT, moved: 'a b c', recorded: 'a b c', calls: 3 };
export const UNMOVED: After = { kinds: SAME, moved: '', recorded: '', calls: 0 };

/** a failed; what does not need it went on. */
export function aFailed(code: string, calls = 2): After {
  return {
    kinds: 'a failed, b blocked, c built',
    codes: [`${code} of a`],
    moved: 'c',
    recorded: 'c',
    calls,
  };
}

/** a was cancelled, and with it what needs it; c had ended. */
export const A_CANCELLED: After = {
  kinds: 'a cancelled, b cancelled, c built',
  moved: 'c',
  recorded: 'c',
  calls: 2,
};

/** The run is cancelled once c has ended. */
export function cancelAfterC({ cancel, finished }: RowHandle): FaultAct {
  return { kind: 'call', run: () => finished('c').then(cancel) };
}

/** The build of c does not end by itself, and a waits until it has begun. */
export function cIsOnItsWay(): readonly RowFault[] {
  const { promise, resolve } = makeSignal();
  return [
    atEngine('start', resolve, '/c\n'),
    atEngine('start', 'hang', '/c\n'),
    atEngine('start', () => promise),
  ];
}
