/** Recorded runs as text. */
import type { KeptBuild, KeptRun } from '../lib/history/mod.ts';
import {
  formatBytes,
  formatDuration,
  type Palette,
  plainText,
  plural,
  shortDigest,
  truncate,
} from '../lib/report/mod.ts';
import { formatTable } from './output.ts';

/** In the order of their importance in a history. */
const KINDS: readonly KeptBuild['result'][] = [
  'failed',
  'blocked',
  'cancelled',
  'built',
  'retagged',
  'unchanged',
];
/** As git shortens commits. */
const COMMIT_DIGITS = 9;
/** A table that fits is worth more than the end of a long command. */
const COMMAND_WIDTH = 48;
/** Most builds named in a row, and the width of each name. */
const MOST_NAMED = 2;
const NAME_WIDTH = 24;
/** The reason of a result, in a row. */
const REASON_WIDTH = 70;
const COMMIT_NOTE = '* with changes that were not committed\n';

/** `1 failed (api), 3 built, 36 unchanged`; `withNames` adds the names of the first failed builds. */
export function countBuilds(builds: readonly KeptBuild[], withNames = false): string {
  const parts = KINDS.flatMap((kind) => {
    const found = builds.filter(({ result }) => result === kind);
    const names = withNames && kind === 'failed' ? ` (${nameSome(found)})` : '';
    return found.length === 0 ? [] : [`${found.length} ${kind}${names}`];
  });
  return parts.join(', ');
}

function nameSome(builds: readonly KeptBuild[]): string {
  const names = builds.slice(0, MOST_NAMED).map(({ build }) => truncate(plainText(build), NAME_WIDTH));
  return [...names, ...(builds.length > MOST_NAMED ? ['…'] : [])].join(', ');
}

/** `did not end` and the like, coloured. */
export function resultText({ result }: Pick<KeptRun, 'result'>, palette: Palette): string {
  if (result === 'succeeded') return palette.good(result);
  if (result === 'failed') return palette.error(result);
  return result === 'running' ? palette.info(result) : palette.warning(result.replaceAll('-', ' '));
}

/** The result of a build, coloured. */
export function buildResultText({ result }: KeptBuild, palette: Palette): string {
  if (result === 'failed') return palette.error(result);
  if (result === 'built' || result === 'retagged') return palette.good(result);
  return result === 'unchanged' ? palette.info(result) : palette.warning(result);
}

/** `2026-01-02 03:04, 5 min ago`, in the time zone of this machine. */
export function whenText(startedAt: string, nowMs: number): string {
  const at = new Date(startedAt);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}, ${agoText(nowMs - at.getTime())}`;
}

function agoText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${plural(Math.floor(hours / 24), 'day')} ago`;
}

/** All runs, a line each. */
export function formatRuns(runs: readonly KeptRun[], nowMs: number, palette: Palette): string {
  const rows = runs.map((run) => [
    run.runId,
    whenText(run.startedAt, nowMs),
    resultText(run, palette),
    formatDuration(run.durationMs),
    countBuilds(run.builds, true),
    commitText(run),
    truncate(plainText((run.command ?? []).join(' ')), COMMAND_WIDTH),
  ]);
  const titles = ['ID', 'WHEN', 'RESULT', '>TIME', 'BUILDS', 'COMMIT', 'COMMAND'];
  return withNote(formatTable(titles, rows, palette), runs, palette);
}

/** The results of one build in each run that it was part of. */
export function formatBuildRuns(
  build: string,
  runs: readonly KeptRun[],
  nowMs: number,
  palette: Palette,
): string {
  const hasCommits = runs.some(({ commit }) => commit !== undefined);
  const rows = runs.flatMap((run) => {
    const one = run.builds.find((each) => each.build === build);
    if (one === undefined) return [];
    return [
      [
        run.runId,
        whenText(run.startedAt, nowMs),
        buildResultText(one, palette),
        formatDuration(one.durationMs),
        one.sizeBytes === undefined ? '' : formatBytes(one.sizeBytes),
        one.digest === undefined ? '' : shortDigest(one.digest),
        ...(hasCommits ? [commitText(run)] : []),
        truncate(plainText((one.problem ?? one.reason ?? '').replaceAll('\n', ' ')), REASON_WIDTH),
      ],
    ];
  });
  const titles = [
    'ID',
    'WHEN',
    'RESULT',
    '>TIME',
    '>SIZE',
    'DIGEST',
    ...(hasCommits ? ['COMMIT'] : []),
    'WHY',
  ];
  return withNote(formatTable(titles, rows, palette), runs, palette);
}

function commitText({ commit }: KeptRun): string {
  if (commit === undefined) return '';
  return `${commit.id.slice(0, COMMIT_DIGITS)}${commit.clean === false ? '*' : ''}`;
}

function withNote(table: string, runs: readonly KeptRun[], palette: Palette): string {
  const hasNote = runs.some(({ commit }) => commit?.clean === false);
  return hasNote ? `${table}${palette.dim(COMMIT_NOTE)}` : table;
}
