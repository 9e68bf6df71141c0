/** Kept runs for tests: made of events, without a run. */
import path from 'node:path';
import { type KeptRun, listRuns, RunRecorder, runsDirectory } from '../../lib/history/mod.ts';
import type { BakeEvent, Problem } from '../../lib/model/mod.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

/** Where one test keeps runs. */
export interface KeptPlace {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** The project: no repository of git, so that nothing of its surroundings gets in. */
  readonly root: string;
  readonly runsDir: string;
  /** Keeps a run as it is told by its events. */
  readonly keep: (
    events: readonly BakeEvent[],
    more?: Partial<RecorderOptions>,
  ) => Promise<readonly Problem[]>;
  readonly list: () => Promise<readonly KeptRun[]>;
}

type RecorderOptions = ConstructorParameters<typeof RunRecorder>[0];

export async function makeKeptPlace(t: Cleanup): Promise<KeptPlace> {
  const home = await makeTempDir(t, 'kept-home-');
  const root = await makeTempDir(t, 'kept-root-');
  const env = { BAKE_TS_HOME: home, PATH: '/nowhere' };
  const runsDir = runsDirectory(env, root);
  return {
    home,
    env,
    root,
    runsDir,
    keep: async (events, more = {}) => {
      const recorder = new RunRecorder({ env, root, ...more });
      for (const event of events) recorder.onEvent(event);
      return recorder.close();
    },
    list: () => listRuns(runsDir),
  };
}

/** The same events as those of another run: later by some minutes. */
export function laterRun(events: readonly BakeEvent[], runId: string, minutes: number): readonly BakeEvent[] {
  return events.map((event) => ({
    ...event,
    ...(event.type === 'run-started' ? { runId } : {}),
    atMs: event.atMs + minutes * 60_000,
  }));
}

/** The files of a run, by what they are. */
export function filesIn({ dir }: KeptRun): {
  readonly events: string;
  readonly summary: string;
  readonly logs: string;
} {
  return {
    events: path.join(dir, 'events.ndjson'),
    summary: path.join(dir, 'summary.json'),
    logs: path.join(dir, 'logs'),
  };
}
