/**
 * What GitLab CI reads of a run: sections of the log that fold, and a dotenv report
 * (https://docs.gitlab.com/ci/jobs/job_logs/, https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv).
 */
import type { RunTimeline } from '../timeline/mod.ts';
import { imageOf } from './image-name.ts';

/** Back to the start of the line, which is emptied: a terminal shows no more of a section's mark than GitLab does. */
const CLEAR = '\u001b[0K';

/** The line that starts a section; its header is what GitLab shows while it is closed. Ends without a line break. */
export function sectionStart(
  build: string,
  atMs: number,
  header: string,
  { isCollapsed }: { readonly isCollapsed: boolean },
): string {
  const options = isCollapsed ? '[collapsed=true]' : '';
  return `${CLEAR}section_start:${seconds(atMs)}:${sectionName(build)}${options}\r${CLEAR}${header}`;
}

/** The line that ends it. */
export function sectionEnd(build: string, atMs: number): string {
  return `${CLEAR}section_end:${seconds(atMs)}:${sectionName(build)}\r${CLEAR}`;
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function sectionName(build: string): string {
  return `bake_ts_${build.replace(/[^A-Za-z0-9_.-]/g, '_')}`;
}

/** A file is refused as a whole where it is larger (it must be smaller than 5 KiB), or has more variables: 20 unless GitLab is set up otherwise. */
const MOST_BYTES = 5 * 1024 - 1;
const MOST_VARIABLES = 20;

/** A dotenv report. */
export interface Dotenv {
  readonly text: string;
  /** Builds for whose images there was no room, or whose names are those of others once only letters, digits and _ are left. */
  readonly left: readonly string[];
}

/**
 * Makes a dotenv report: `BAKE_TS_RESULT` (`ok`, `failed`, `cancelled`), and `IMAGE_NAME` for each build whose image
 * the run has in a registry. GitLab knows neither quotes nor lines in a value and expands `$`; references
 * have none of them.
 */
export function formatDotenv({ builds, summary }: RunTimeline): Dotenv {
  const result = summary?.cancelled === true ? 'cancelled' : summary?.ok === true ? 'ok' : 'failed';
  let text = `BAKE_TS_RESULT=${result}\n`;
  let count = 1;
  const taken = new Set<string>();
  const left: string[] = [];
  for (const { build, outcome } of builds) {
    const image = outcome === undefined ? undefined : imageOf(outcome);
    if (image === undefined) continue;
    const name = variableName(build);
    const line = `${name}=${image}\n`;
    if (taken.has(name) || count === MOST_VARIABLES || text.length + line.length > MOST_BYTES) {
      left.push(build);
      continue;
    }
    taken.add(name);
    text += line;
    count += 1;
  }
  return { text, left };
}

/** With a prefix, since a variable of this file wins over those of the pipeline. */
function variableName(build: string): string {
  return `IMAGE_${build.toUpperCase().replace(/[^A-Z0-9_]/g, '_')}`;
}
