/** Output of a run for the surrounding CI system, besides the log. The environment tells which CI system it is. */
import type { LogGroups } from '../lib/ci/mod.ts';
import type { EventReader } from './event-readers.ts';
import type { CiRun } from './github.ts';

/** What a run writes for a CI system. */
export interface CiOutput {
  readonly readers: readonly EventReader[];
  /** Written around the log lines of a build if they are grouped. */
  readonly frame?: Pick<LogGroups, 'open' | 'close'>;
}

/** Opens this output. The modules of a CI system are loaded only here. */
export async function openCi(run: CiRun): Promise<CiOutput> {
  const { env } = run.io;
  if (env['GITHUB_ACTIONS'] === 'true') {
    const { createGithubGroups } = await import('../lib/ci/mod.ts');
    const { openGithub } = await import('./github.ts');
    return withGroups(createGithubGroups(), [await openGithub(run)]);
  }
  if (env['GITLAB_CI'] !== 'true') return { readers: [] };
  const { createGitlabGroups } = await import('../lib/ci/mod.ts');
  return withGroups(createGitlabGroups(), []);
}

function withGroups(groups: LogGroups, readers: readonly EventReader[]): CiOutput {
  const own: EventReader = { name: 'groups of the log', onEvent: groups.onEvent, close: async () => [] };
  return { frame: groups, readers: [own, ...readers] };
}
