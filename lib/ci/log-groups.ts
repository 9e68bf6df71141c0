/** Groups the lines of each build so that the log of a CI system folds them; failed builds stay open. */
import type { BakeEvent, Outcome } from '../model/mod.ts';
import { withoutCommands } from '../report/mod.ts';
import { escapeData } from './escape-command.ts';
import { sectionEnd, sectionStart } from './gitlab.ts';

/** Markers around the lines of a build. Returns lines without line breaks, to be written unchanged; empty: no line. */
export interface LogGroups {
  /** Receives each event before its lines are written. */
  readonly onEvent: (event: BakeEvent) => void;
  /** `title` is one line that is safe to print. */
  readonly open: (build: string, title: string) => string;
  readonly close: (build: string) => string;
}

/** `::group::` of GitHub Actions. Groups are always folded at first, so failed builds get none. */
export function createGithubGroups(): LogGroups {
  const kinds = new Map<string, Outcome['kind']>();
  const isOpen = (build: string): boolean => kinds.get(build) === 'failed';
  return {
    onEvent: (event) => {
      if (event.type === 'node-finished') kinds.set(event.build, event.outcome.kind);
    },
    open: (build, title) => (isOpen(build) ? withoutCommands(title) : `::group::${escapeData(title)}`),
    close: (build) => (isOpen(build) ? '' : '::endgroup::'),
  };
}

/** Sections of GitLab CI, which also show their durations. */
export function createGitlabGroups(): LogGroups {
  const times = new Map<
    string,
    { readonly fromMs: number; readonly toMs: number; readonly isFailed: boolean }
  >();
  const of = (build: string) => times.get(build) ?? { fromMs: 0, toMs: 0, isFailed: true };
  return {
    onEvent: (event) => {
      if (!('build' in event) || event.build === undefined) return;
      const { fromMs } = times.get(event.build) ?? { fromMs: event.atMs };
      const isFailed = event.type === 'node-finished' && event.outcome.kind === 'failed';
      times.set(event.build, { fromMs, toMs: event.atMs, isFailed });
    },
    open: (build, title) => {
      const { fromMs, isFailed } = of(build);
      return sectionStart(build, fromMs, title, { isCollapsed: !isFailed });
    },
    close: (build) => sectionEnd(build, of(build).toMs),
  };
}
