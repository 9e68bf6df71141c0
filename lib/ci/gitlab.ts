/**
 * Output for GitLab CI: sections that fold in the log, and a dotenv report (https://docs.gitlab.com/ci/jobs/job_logs/,
 * https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv).
 */
import type { RunTimeline } from '../timeline/mod.ts';
import { imageOf } from './image-name.ts';

/** Clears the line, so that a terminal does not show the markers of sections either. */
const CLEAR = '\u001b[0K';

/** The line that starts a section; GitLab shows the header while the section is folded. Without a final line break. */
export function sectionStart(
  build: string,
  atMs: number,
  header: string,
  { isCollapsed }: { readonly isCollapsed: boolean },
): string {
  const options = isCollapsed ? '[collapsed=true]' : '';
  return `${CLEAR}section_start:${seconds(atMs)}:${sectionName(build)}${options}\r${CLEAR}${header}`;
}

/** The line that ends a section. */
export function sectionEnd(build: string, atMs: number): string {
  return `${CLEAR}section_end:${seconds(atMs)}:${sectionName(build)}\r${CLEAR}`;
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function sectionName(build: string): string {
  return `bake_ts_${build.replace(/[^A-Za-z0-9_.-]/g, '_')}`;
}

/** GitLab rejects a file of 5 KiB or more, or with more variables than its limit (20 by default). */
const MOST_BYTES = 5 * 1024 - 1;
const MOST_VARIABLES = 20;

/** A dotenv report. */
export interface Dotenv {
  readonly text: string;
  /** Builds whose images did not fit, or whose variable names are taken already. */
  readonly left: readonly string[];
}

/**
 * Makes a dotenv report: `BAKE_TS_RESULT` (`ok`, `failed`, `cancelled`), and `IMAGE_NAME` for each build whose image is
 * in a registry. GitLab supports no quotes and line breaks in values and expands `$`; image references contain none of
 * these.
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

/** With a prefix, because variables of this file override those of the pipeline. */
function variableName(build: string): string {
  return `IMAGE_${build.toUpperCase().replace(/[^A-Z0-9_]/g, '_')}`;
}
