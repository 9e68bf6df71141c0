/** The end of a run's output: its warnings again, each failure in a line or two, and how to continue. */
import {
  buildsToRunAgain,
  type Outcome,
  type PlannedNode,
  type ProblemJson,
  type RunSummary,
} from '../model/mod.ts';
import { nameSome } from './doing.ts';
import { type FailureGroup, groupFailures } from './failures.ts';
import type { Palette } from './palette.ts';
import { foldBuilds } from './problem.ts';
import type { EngineLoss } from './state.ts';
import { directoryOf, plainText, truncate, widthOf, wrap } from './text.ts';
import { formatDuration, plural } from './units.ts';
import { foldUnwritten } from './unwritten.ts';

/** Input of the recap besides the run. */
export interface RecapStyle {
  /** The failed step, as BuildKit prints it. */
  readonly stepOf?: (build: string) => string | undefined;
  /** Path of the whole log of a build. */
  readonly logOf?: (build: string) => string | undefined;
  /** The command that runs these builds again with the same options; undefined: all requested builds. */
  readonly commandFor?: (builds: readonly string[] | undefined) => string;
  /** What a build was doing when it was stopped. */
  readonly stoppedIn?: (build: string) => string | undefined;
  /** Whether a build was requested or is a dependency; undefined counts as requested. */
  readonly roleOf?: (build: string) => PlannedNode['role'] | undefined;
}

/** Most warnings shown; the rest is counted. */
const MOST_WARNINGS = 10;
/** Most lines for failures, so that they fit on one screen with the totals. */
const MOST_LINES = 14;
const MOST_NAMED = 5;
const MOST_LOSSES = 5;

/** Warnings, one line each; a shared warning appears once. Empty if there are none. */
export function formatWarnings(warnings: readonly ProblemJson[], columns: number, palette: Palette): string {
  const folded = [...foldBuilds(foldUnwritten(warnings))];
  if (folded.length === 0) return '';
  const lines = folded.slice(0, MOST_WARNINGS).map(([one, builds]) => {
    const where = one.place === undefined ? '' : `${one.place.file}:${one.place.line}: `;
    const of = builds.filter((build) => !one.message.includes(build));
    const names = builds.length > 1 || of.length > 0 ? ` (${nameSome(builds, MOST_NAMED)})` : '';
    const [head = '', ...rest] = wrap(
      plainText(`warning[${one.code}]: ${where}${one.message}${names}`.replaceAll('\n', ' ')),
      columns - 2,
    );
    const label = `warning[${one.code}]`;
    return [palette.warning(label) + head.slice(label.length), ...rest.map((line) => `  ${line}`)].join('\n');
  });
  const more = folded.length - MOST_WARNINGS;
  return [...lines, ...(more > 0 ? [palette.dim(`… and ${plural(more, 'more warning')}`)] : [])].join('\n');
}

/** Each loss of the engine on one line: when, how long, and the restarted builds. Empty if there was none. */
export function formatEngineLosses(losses: readonly EngineLoss[], columns: number, palette: Palette): string {
  const lines = losses.slice(0, MOST_LOSSES).flatMap(({ atMs, waitedMs, back, builds }) => {
    const end = back
      ? `back after ${formatDuration(waitedMs)}`
      : `not back within ${formatDuration(waitedMs)}`;
    const again =
      builds.length === 0
        ? ''
        : `, ${plural(builds.length, 'build was', 'builds were')} restarted: ${nameSome(builds, MOST_NAMED)}`;
    return wrap(`the engine was lost at ${formatDuration(atMs)}, ${end}${again}`, columns);
  });
  const more = losses.length - MOST_LOSSES;
  if (more > 0) lines.push(`… and ${plural(more, 'more time', 'more times')}`);
  return lines.map(palette.warning).join('\n');
}

/** Failures, the builds that they block, their logs, and how to run them again. Empty if nothing failed. */
export function formatRecap(
  summary: RunSummary,
  style: RecapStyle,
  columns: number,
  palette: Palette,
): string {
  const failed = summary.outcomes.filter((one) => one.kind === 'failed');
  if (failed.length === 0) {
    const stopped = summary.outcomes.filter(
      (one) => one.kind === 'cancelled' && style.stoppedIn?.(one.build) !== undefined,
    );
    return formatLogs(stopped, style, palette).join('\n');
  }
  const groups = groupFailures(failed, style.stepOf);
  const blocked = blockedBy(summary.outcomes);
  const lines: string[] = [];
  let named = 0;
  for (const group of groups) {
    const more = formatGroup(group, blocked, columns, palette);
    if (named > 0 && lines.length + more.length > MOST_LINES) break;
    lines.push(...more);
    named += group.outcomes.length;
  }
  if (failed.length > named) lines.push(palette.error(`✗ and ${failed.length - named} more failures`));
  lines.push(...formatLogs(failed, style, palette));
  const ended = summary.outcomes.map((outcome) => ({
    build: outcome.build,
    outcome,
    role: style.roleOf?.(outcome.build),
  }));
  const command = style.commandFor?.(buildsToRunAgain(ended));
  if (command !== undefined)
    lines.push(
      `${palette.hint(failed.length === 1 ? 'run it again:' : 'run them again:')} ${plainText(command)}`,
    );
  return lines.join('\n');
}

/** `✗ base  exit code 1: RUN make`, or for several `✗ exit code 1: RUN make, 3 builds: base, web and api`; then the blocked builds. */
function formatGroup(
  { outcomes, cause }: FailureGroup,
  blocked: ReadonlyMap<string, readonly string[]>,
  columns: number,
  palette: Palette,
): readonly string[] {
  const builds = outcomes.map(({ build }) => build);
  const [first = ''] = builds;
  const keeps = builds.flatMap((build) => blocked.get(build) ?? []);
  const sign = palette.error('✗');
  const below =
    keeps.length === 0
      ? []
      : wrap(`blocked by it: ${nameSome(keeps)}`, columns - 2).map((line) => palette.dim(`  ${line}`));
  if (builds.length === 1)
    return [`${sign} ${palette.bold(first)}  ${truncate(cause, columns - widthOf(first) - 4)}`, ...below];
  const count = `, ${builds.length} builds:`;
  const names = nameSome(builds, MOST_NAMED);
  const head = `${sign} ${truncate(cause, columns - 2 - count.length)}${count}`;
  if (2 + widthOf(cause) + count.length + 1 + widthOf(names) <= columns)
    return [`${head} ${palette.bold(names)}`, ...below];
  return [head, ...wrap(names, columns - 2).map((line) => palette.bold(`  ${line}`)), ...below];
}

/** Paths of the full logs, or their common directory. */
function formatLogs(failed: readonly Outcome[], { logOf }: RecapStyle, palette: Palette): readonly string[] {
  const logs = failed.flatMap(({ build }) => logOf?.(build) ?? []);
  const directory = logs.length > 1 ? directoryOf(logs) : undefined;
  if (directory !== undefined) return [palette.dim(`full logs: ${plainText(directory)}`)];
  return logs.map((log) => palette.dim(`full log: ${plainText(log)}`));
}

/** Blocked builds, by the failed build that blocks them. */
function blockedBy(outcomes: readonly Outcome[]): ReadonlyMap<string, readonly string[]> {
  const causes = new Map(
    outcomes.flatMap((one) => (one.kind === 'blocked' ? [[one.build, one.blockedBy]] : [])),
  );
  const blocked = new Map<string, string[]>();
  for (const build of causes.keys()) {
    let cause = causes.get(build);
    // A blocking build may be blocked itself.
    for (let turn = causes.size; turn > 0 && cause !== undefined && causes.has(cause); turn -= 1)
      cause = causes.get(cause);
    if (cause === undefined) continue;
    const group = blocked.get(cause);
    if (group === undefined) blocked.set(cause, [build]);
    else group.push(build);
  }
  return blocked;
}
