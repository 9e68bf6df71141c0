/** Checks of `engine doctor` for the engines that a run would use. */
import type { Problem, Result, WorkerInfo } from '../model/mod.ts';
import type { PoolStatus } from './pool-status.ts';
import type { ServingEngine } from './serving.ts';

/** One check. */
export interface DoctorCheck {
  /** What was checked, in a few words. */
  readonly name: string;
  /**
   * `fail`: the embedded engine cannot work and no other one serves, or the specified engine does not serve. `warn`: it works,
   * but not as well, or only a source is missing.
   */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found, as text. */
  readonly found: string;
  /** What to do; absent if there is nothing to do. */
  readonly hint?: string;
}

/** Reasons why no engine serves that checks of the embedded engine report as well. */
const SAID_BY_OTHER_CHECKS: readonly string[] = [
  'engine/none-found',
  'engine/not-installed',
  'engine/not-running',
  'engine/other-user',
  'engine/unsafe-directory',
];

/** A check for each engine of a pool, and one for each invalid entry. */
export function checkPool({ members, problems }: PoolStatus): readonly DoctorCheck[] {
  return [
    ...members.flatMap(({ member, state }): readonly DoctorCheck[] => {
      if (!state.ok) return state.error.map((one) => failed('engine', one));
      const { version = 'of unknown version', worker } = state.value;
      return [
        {
          name: 'engine',
          status: 'ok',
          found: `${member.id}, BuildKit ${version}, ${describeWorker(worker)}`,
        },
      ];
    }),
    ...problems.map((one) => failed('pool', one)),
  ];
}

function failed(name: string, { message, hint }: Problem): DoctorCheck {
  return { name, status: 'fail', found: message, ...(hint === undefined ? {} : { hint }) };
}

/** Checks the engine that a run would use. If there is none, the checks of the embedded engine say more. */
export function checkServing(serving: Result<ServingEngine>): readonly DoctorCheck[] {
  if (serving.ok) {
    const { address, source, version, worker } = serving.value;
    const found = `${address} (${source}), BuildKit ${version ?? 'of unknown version'}, ${describeWorker(worker)}`;
    return [{ name: 'engine', status: 'ok', found }];
  }
  return serving.error.flatMap((one) =>
    SAID_BY_OTHER_CHECKS.includes(one.code) ? [] : [failed('engine', one)],
  );
}

/** A worker as a short text. */
export function describeWorker({ executor, snapshotter, network, platforms }: WorkerInfo): string {
  return `${executor} worker, ${snapshotter}, network ${network}, ${platforms.join(' ')}`;
}
