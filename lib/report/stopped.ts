/** Output when a run is stopped at once, because it has no end that would report it. */
import { nameSome } from './doing.ts';
import { failureText } from './outcome.ts';
import type { Palette } from './palette.ts';
import type { NodeView, RunState } from './state.ts';
import { directoryOf, plainText } from './text.ts';
import { plural } from './units.ts';

/** Builds that are named; the rest is counted. */
const MOST_NAMED = 8;

/** The failures so far, one line each. */
export function failedLines(state: RunState, palette: Palette): readonly string[] {
  return [...state.nodes.values()].flatMap(({ build, outcome, failedStep }) =>
    outcome?.problem === undefined || outcome.kind !== 'failed'
      ? []
      : [`${palette.error('✗')} ${palette.bold(build)}  ${failureText(outcome.problem, failedStep)}`],
  );
}

/**
 * Lines about the running builds and their logs. Empty if the run has ended.
 *
 * @param logOf path of the full log of a build
 */
export function stoppedLines(
  state: RunState,
  palette: Palette,
  logOf?: (build: string) => string | undefined,
): readonly string[] {
  if (state.phase === 'finished') return [];
  const nodes = [...state.nodes.values()];
  const running = nodes.filter(isRunning).map((node) => node.build);
  const open = nodes.filter((node) => node.status !== 'finished').length - running.length;
  const what = [
    ...(running.length === 0
      ? []
      : [`${plural(running.length, 'build was', 'builds were')} running: ${nameSome(running, MOST_NAMED)}`]),
    ...(open === 0 ? [] : [`${open} had not started`]),
  ];
  const where = directoryOf(running.flatMap((build) => logOf?.(build) ?? []));
  return [
    `${palette.warning('stopped at once')}${what.length === 0 ? '' : `; ${what.join('; ')}`}`,
    ...(where === undefined ? [] : [palette.dim(`  logs: ${plainText(where)}`)]),
  ];
}

function isRunning({ status }: NodeView): boolean {
  return status !== 'finished' && status !== 'waiting' && status !== 'queued';
}
