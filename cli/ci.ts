/** What a CI system around us gets of a run besides its log. Which one that is, the environment says. */
import type { LogGroups } from '../lib/ci/mod.ts';
import type { EventReader } from './event-readers.ts';
import type { CiRun } from './github.ts';

/** What is made for a CI system. */
export interface CiOutput {
  readonly readers: readonly EventReader[];
  /** What stands around the lines of a build where they are grouped. */
  readonly frame?: Pick<LogGroups, 'open' | 'close'>;
}

/** Opens it; the modules of a CI system are loaded nowhere else. */
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
