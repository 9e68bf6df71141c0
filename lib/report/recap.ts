/** The last thing a run says: its warnings once more, what failed and why in a line or two each, and how to go on. */
import type { Outcome, ProblemJson, RunSummary } from '../model/mod.ts';
import { nameSome } from './doing.ts';
import { failureText } from './outcome.ts';
import type { Palette } from './palette.ts';
import { foldBuilds } from './problem.ts';
import type { EngineLoss } from './state.ts';
import { plainText, truncate, widthOf, wrap } from './text.ts';
import { formatDuration, plural } from './units.ts';

/** What the recap needs to know beyond the run. */
export interface RecapStyle {
  /** The step that failed, as BuildKit prints it. */
  readonly stepOf?: (build: string) => string | undefined;
  /** Path of the whole log of a build. */
  readonly logOf?: (build: string) => string | undefined;
  /** The command that runs these builds again, otherwise as this one. */
  readonly commandFor?: (builds: readonly string[]) => string;
}

/** Warnings, failures and builds that are named before the rest is only counted. */
const MOST_WARNINGS = 10;
const MOST_FAILED = 20;
const MOST_NAMED = 5;
const MOST_LOSSES = 5;

/** Warnings of a run in a line each: what many builds share once. Empty for none. */
export function formatWarnings(warnings: readonly ProblemJson[], columns: number, palette: Palette): string {
  const folded = [...foldBuilds(warnings)];
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

/** Each time that the engine went away, in a line: when, for how long, and what that cost. Empty where it never did. */
export function formatEngineLosses(losses: readonly EngineLoss[], columns: number, palette: Palette): string {
  const lines = losses.slice(0, MOST_LOSSES).flatMap(({ atMs, waitedMs, back, builds }) => {
    const end = back
      ? `back after ${formatDuration(waitedMs)}`
      : `not back within ${formatDuration(waitedMs)}`;
    const again =
      builds.length === 0
        ? ''
        : `, ${plural(builds.length, 'build was', 'builds were')} begun again: ${nameSome(builds, MOST_NAMED)}`;
    return wrap(`the engine was lost at ${formatDuration(atMs)}, ${end}${again}`, columns);
  });
  const more = losses.length - MOST_LOSSES;
  if (more > 0) lines.push(`… and ${plural(more, 'more time', 'more times')}`);
  return lines.map(palette.warning).join('\n');
}

/** What failed, what that keeps from running, where all of its output is, and how to run it again. Empty where nothing failed. */
export function formatRecap(
  summary: RunSummary,
  style: RecapStyle,
  columns: number,
  palette: Palette,
): string {
  const failed = summary.outcomes.filter((one) => one.kind === 'failed');
  if (failed.length === 0) return '';
  const blocked = blockedBy(summary.outcomes);
  const lines = failed.slice(0, MOST_FAILED).flatMap((one) => {
    const room = columns - widthOf(one.build) - 4;
    const why =
      one.problem === undefined
        ? 'failed'
        : truncate(failureText(one.problem, style.stepOf?.(one.build)), room);
    const keeps = blocked.get(one.build) ?? [];
    const log = style.logOf?.(one.build);
    return [
      `${palette.error('✗')} ${palette.bold(one.build)}  ${why}`,
      ...(keeps.length === 0
        ? []
        : wrap(`blocked by it: ${nameSome(keeps)}`, columns - 2).map((line) => palette.dim(`  ${line}`))),
      ...(log === undefined ? [] : [palette.dim(`  whole log: ${plainText(log)}`)]),
    ];
  });
  if (failed.length > MOST_FAILED)
    lines.push(palette.error(`✗ and ${failed.length - MOST_FAILED} more that failed`));
  const command = style.commandFor?.(failed.map((one) => one.build));
  if (command !== undefined)
    lines.push(
      `${palette.hint(failed.length === 1 ? 'run it again:' : 'run them again:')} ${plainText(command)}`,
    );
  return lines.join('\n');
}

/** Builds that did not run, by the build whose failure that is due to. */
function blockedBy(outcomes: readonly Outcome[]): ReadonlyMap<string, readonly string[]> {
  const causes = new Map(
    outcomes.flatMap((one) => (one.kind === 'blocked' ? [[one.build, one.blockedBy]] : [])),
  );
  const blocked = new Map<string, string[]>();
  for (const build of causes.keys()) {
    let cause = causes.get(build);
    // One that is blocked itself has a cause of its own.
    for (let turn = causes.size; turn > 0 && cause !== undefined && causes.has(cause); turn -= 1)
      cause = causes.get(cause);
    if (cause === undefined) continue;
    const group = blocked.get(cause);
    if (group === undefined) blocked.set(cause, [build]);
    else group.push(build);
  }
  return blocked;
}
