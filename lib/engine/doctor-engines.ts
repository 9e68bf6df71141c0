/** What `engine doctor` says of engines that a run would use. */
import type { Problem, Result, WorkerInfo } from '../model/mod.ts';
import type { PoolStatus } from './pool-status.ts';
import type { ServingEngine } from './serving.ts';

/** One check. */
export interface DoctorCheck {
  /** What was checked, in a few words. */
  readonly name: string;
  /** `fail`: an embedded engine cannot work like this, and no other one serves; or the one that was named does not. `warn`: it can, but not as well; or only a source is missing. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found, as text. */
  readonly found: string;
  /** What to do; absent if there is nothing to do. */
  readonly hint?: string;
}

/** Why no engine serves, where a check of what the embedded one needs says it, too. */
const SAID_BY_OTHER_CHECKS: readonly string[] = [
  'engine/none-found',
  'engine/not-installed',
  'engine/not-running',
  'engine/other-user',
  'engine/unsafe-directory',
];

/** A check for each engine of a pool, and what is wrong with what is named. */
export function checkPool({ members, problems }: PoolStatus): readonly DoctorCheck[] {
  return [
    ...members.flatMap(({ member, state }): readonly DoctorCheck[] => {
      if (!state.ok) return state.error.map((one) => failed('engine', one));
      const { version = 'of a version it does not say', worker } = state.value;
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

/** The engine that a run would use. Where there is none, what keeps the embedded one from working says more. */
export function checkServing(serving: Result<ServingEngine>): readonly DoctorCheck[] {
  if (serving.ok) {
    const { address, source, version, worker } = serving.value;
    const found = `${address} (${source}), BuildKit ${version ?? 'of a version it does not say'}, ${describeWorker(worker)}`;
    return [{ name: 'engine', status: 'ok', found }];
  }
  return serving.error.flatMap((one) =>
    SAID_BY_OTHER_CHECKS.includes(one.code) ? [] : [failed('engine', one)],
  );
}

/** A worker in a few words. */
export function describeWorker({ executor, snapshotter, network, platforms }: WorkerInfo): string {
  return `${executor} worker, ${snapshotter}, network ${network}, ${platforms.join(' ')}`;
}
