/**
 * The live view of a run: failures, running and waiting builds, and one line of totals. A pure function of the state,
 * the size and the time, so that tests check lines and not cursor movements.
 *
 * All of it is redrawn; permanent output is written when the run ends. If space is short, running and failed builds are
 * shown and the others counted.
 */
import {
  doing,
  engineWaitNow,
  nameSome,
  registryWaitNow,
  type Surroundings,
  surroundingsOf,
} from './doing.ts';
import { estimateLeftMs } from './eta.ts';
import { failureText, finishedNote, outcomeWord } from './outcome.ts';
import type { Palette } from './palette.ts';
import { elapsedMs, type NodeView, type RunState } from './state.ts';
import { padEnd, padStart, truncate, widthOf } from './text.ts';
import { formatDuration, plural } from './units.ts';

/** The size of the terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPINNER_MS = 100;
/** Largest share of the width for the name column. */
const NAME_SHARE = 0.35;
/** If less width than this is left for a build's activity, its usual duration is omitted. */
const LEAST_ROOM = 24;
/** Lines of output shown for a failed build if there is space. */
const FAILED_TAIL = 5;
/** Most waiting builds shown one by one. */
const MOST_WAITING = 10;
/** Shorter remaining times are not shown. */
const LEAST_LEFT_MS = 1_000;
/** In narrower terminals the counts need all the space. */
const LEAST_FOR_LEFT = 60;
/** How long a registry stays visible after a retry, unless it fails again. */
const ASKED_MS = 2_000;

/** What every line of a frame is painted with. */
interface Canvas {
  readonly state: RunState;
  readonly around: Surroundings;
  readonly columns: number;
  readonly nowMs: number;
  readonly spinner: string;
  readonly palette: Palette;
}

/** Draws the live part: at most one line less than the terminal has, for the cursor, and no wider. */
export function paintLive(state: RunState, size: Size, nowMs: number, palette: Palette): readonly string[] {
  if (state.phase === 'finished') return [];
  const columns = Math.max(20, size.columns - 1);
  const most = Math.max(1, size.rows - 1);
  const spinner = SPINNER[Math.floor(nowMs / SPINNER_MS) % SPINNER.length] ?? '*';
  const canvas: Canvas = { state, around: surroundingsOf(state), columns, nowMs, spinner, palette };
  const parts = sortNodes(state);
  const starting =
    state.engineText === undefined || state.nodes.size === 0
      ? []
      : [`${palette.info(spinner)} ${truncate(state.engineText, columns - 2)}`];
  const notes = [...starting, ...paintNotes(canvas, parts)].slice(0, most - 1);
  const room = most - 1 - notes.length;
  return [...paintRows(parts, room, canvas), ...notes, paintTotals(canvas, parts)];
}

interface Parts {
  /** Built or retagged, most recent last. */
  readonly done: readonly NodeView[];
  readonly failed: readonly NodeView[];
  /** Active builds: running before checking, the longest first. */
  readonly active: readonly NodeView[];
  readonly waiting: readonly NodeView[];
}

function sortNodes(state: RunState): Parts {
  const [done, failed, active, waiting]: [NodeView[], NodeView[], NodeView[], NodeView[]] = [[], [], [], []];
  for (const node of state.nodes.values()) {
    const kind = node.outcome?.kind;
    if (kind === 'failed') failed.push(node);
    else if (kind === 'built' || kind === 'retagged') done.push(node);
    else if (kind === undefined) {
      if (node.status === 'waiting' || node.status === 'queued') waiting.push(node);
      else if (node.status !== 'finished') active.push(node);
    }
  }
  const byEnd = (a: NodeView, b: NodeView): number => (a.finishedAtMs ?? 0) - (b.finishedAtMs ?? 0);
  const rank = (node: NodeView): number => (node.status === 'checking' ? 1 : 0);
  active.sort((a, b) => rank(a) - rank(b) || (a.startedAtMs ?? 0) - (b.startedAtMs ?? 0));
  return { done: done.sort(byEnd), failed: failed.sort(byEnd), active, waiting };
}

/** What is shown in the available space. */
interface Choice {
  readonly done: readonly NodeView[];
  readonly failed: readonly NodeView[];
  readonly active: readonly NodeView[];
  /** Waiting builds shown one by one; undefined: they are counted on one line, or not shown. */
  readonly waiting: readonly NodeView[] | undefined;
  readonly isWaitingCounted: boolean;
  /** Lines of output below a build. */
  readonly tails: ReadonlyMap<NodeView, readonly string[]>;
}

/** Distributes the space: failures (at most a third while others run), running builds, waiting builds, output, finished builds. */
function chooseRows({ done, failed, active, waiting }: Parts, room: number): Choice {
  const goesOn = active.length > 0 || waiting.length > 0;
  const failedShown = fit(failed, goesOn ? Math.ceil(room / 3) : room, 'newest');
  let left = room - failedShown.lines;
  const counted = waiting.length > 0 && left > (active.length > 0 ? 1 : 0) ? 1 : 0;
  const activeShown = fit(active, left - counted, 'oldest');
  left -= activeShown.lines + counted;
  const tails = new Map<NodeView, readonly string[]>();
  const lastLines = activeShown.shown.flatMap((node) => {
    const line = lastLine(node);
    return line === undefined ? [] : [[node, [line]] as const];
  });
  if (lastLines.length <= left) {
    for (const [node, lines] of lastLines) tails.set(node, lines);
    left -= lastLines.length;
  }
  const isEach = counted === 1 && waiting.length <= MOST_WAITING && waiting.length - 1 <= left;
  if (isEach) left -= waiting.length - 1;
  for (const node of failedShown.shown.toReversed()) {
    if (left < 1) break;
    const tail = node.tail.slice(-Math.min(FAILED_TAIL, left)).map((line) => line.text);
    tails.set(node, tail);
    left -= tail.length;
  }
  return {
    done: left < 1 ? [] : done.slice(-Math.min(left, Math.ceil(room / 2))),
    failed: failedShown.shown,
    active: activeShown.shown,
    waiting: isEach ? waiting : undefined,
    isWaitingCounted: counted === 1 && !isEach,
    tails,
  };
}

/** Rows of builds in this order: finished, failed, running, waiting. */
function paintRows(parts: Parts, room: number, canvas: Canvas): readonly string[] {
  if (room < 1) return [];
  const { palette, columns } = canvas;
  const choice = chooseRows(parts, room);
  const { done, failed, active, waiting = [] } = choice;
  const nameWidth = Math.min(
    Math.floor(columns * NAME_SHARE),
    Math.max(0, ...[done, failed, active, waiting].flat().map((node) => widthOf(node.build))),
  );
  const paint = (nodes: readonly NodeView[]): readonly string[] =>
    nodes.flatMap((node) => [
      paintNode(node, nameWidth, canvas),
      ...(choice.tails.get(node) ?? []).map((text) => palette.dim(truncate(`    ┆ ${text}`, columns))),
    ]);
  const more = (all: readonly NodeView[], shown: readonly NodeView[], word: string): readonly string[] =>
    all.length === shown.length
      ? []
      : [palette.dim(truncate(`  … and ${all.length - shown.length} more ${word}`, columns))];
  return [
    ...paint(done),
    ...paint(failed),
    ...more(parts.failed, failed, 'failed'),
    ...paint(active),
    ...more(parts.active, active, 'running'),
    ...paint(waiting),
    ...(choice.isWaitingCounted ? [palette.dim(truncate(countWaiting(parts.waiting, canvas), columns))] : []),
  ].slice(0, room);
}

/** As many as fit, reserving a line for the number of others. */
function fit(
  nodes: readonly NodeView[],
  room: number,
  which: 'oldest' | 'newest',
): { readonly shown: readonly NodeView[]; readonly lines: number } {
  if (nodes.length <= room) return { shown: nodes, lines: nodes.length };
  if (room < 1) return { shown: [], lines: 0 };
  const shown = which === 'oldest' ? nodes.slice(0, room - 1) : nodes.slice(nodes.length - room + 1);
  return { shown, lines: room };
}

function paintNode(node: NodeView, nameWidth: number, canvas: Canvas): string {
  const { columns, nowMs, spinner, palette, around } = canvas;
  const name = palette.name(node.build, padEnd(truncate(node.build, nameWidth), nameWidth));
  const whole = Math.max(0, columns - 2 - nameWidth - 2);
  const { outcome } = node;
  if (outcome !== undefined) {
    const { sign, word, paint } = outcomeWord(outcome, palette);
    const isFailed = outcome.kind === 'failed';
    const note =
      isFailed && outcome.problem !== undefined
        ? failureText(outcome.problem, node.failedStep)
        : finishedNote(outcome);
    const text = truncate(`${word}  ${note}`, whole);
    return `${paint(sign)} ${name}  ${isFailed ? palette.error(text) : palette.dim(text)}`;
  }
  const what = doing(node, nowMs, around);
  if (node.status === 'waiting' || node.status === 'queued')
    return `${palette.dim('·')} ${name}  ${palette.dim(truncate(what, whole))}`.trimEnd();
  const time = padStart(formatDuration(elapsedMs(node, nowMs)), 6);
  const isTrouble = node.status === 'retrying' || node.stalled !== undefined;
  const usual = node.usualMs === undefined || isTrouble ? '' : `  usually ${formatDuration(node.usualMs)}`;
  // Activity, time and usual time, separated by two spaces.
  const end = whole - time.length - 2 - usual.length < LEAST_ROOM ? time : `${time}${usual}`;
  const room = Math.max(0, whole - end.length - 2);
  const text = padEnd(truncate(what, room), room);
  return `${palette.info(spinner)} ${name}  ${isTrouble ? palette.warning(text) : text}  ${palette.dim(end)}`;
}

function lastLine(node: NodeView): string | undefined {
  const last = node.tail.at(-1);
  return last !== undefined && node.running.has(last.vertex) && last.text.trim() !== ''
    ? last.text
    : undefined;
}

/** `· 46 builds wait: 12 for a slot, 30 for base, 4 for others` */
function countWaiting(waiting: readonly NodeView[], { around }: Canvas): string {
  const counts = new Map<string, number>();
  for (const node of waiting) {
    const what = node.status === 'queued' ? around.queuedFor : node.needs.find(around.isOpen);
    if (what !== undefined) counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const sorted = [...counts].sort(
    ([a, many], [b, more]) => Number(b === around.queuedFor) - Number(a === around.queuedFor) || more - many,
  );
  const named = sorted.slice(0, 3);
  const rest = waiting.length - named.reduce((sum, [, count]) => sum + count, 0);
  const parts = named.map(([what, count]) => `${count} for ${what}`);
  if (rest > 0 && parts.length > 0) parts.push(`${rest} for others`);
  return `· ${plural(waiting.length, 'build waits', 'builds wait')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

/** Waits that should not take so long and how to stop them, or that the run is being stopped. */
function paintNotes({ state, columns, nowMs, palette }: Canvas, { active }: Parts): readonly string[] {
  const lines: string[] = [];
  const warn = (text: string): void => {
    lines.push(palette.warning(`! ${truncate(text, columns - 2)}`));
  };
  if (state.engineWait !== undefined) warn(engineWaitNow(state.engineWait, nowMs));
  for (const wait of state.registryWaits.values())
    if (nowMs < wait.untilMs + ASKED_MS) warn(registryWaitNow(wait, nowMs));
  if (state.interruptedBy !== undefined) {
    const names = active.map((node) => node.build);
    warn('stopping; press Ctrl-C again to stop at once');
    const have = names.length === 1 ? 'has' : 'have';
    if (names.length > 0)
      lines.push(palette.dim(truncate(`  until ${nameSome(names)} ${have} ended`, columns)));
    return lines;
  }
  const stalled = active.flatMap((node) => node.stalled ?? []);
  if (lines.length > 0 || stalled.length > 0) {
    const limit = stalled.some((one) => one.endsAtMs === undefined)
      ? '; --stall-timeout 10m stops a build without progress'
      : '';
    lines.push(palette.dim(truncate(`  Ctrl-C stops the run${limit}`, columns)));
  }
  return lines;
}

function paintTotals({ state, columns, nowMs, spinner, palette }: Canvas, parts: Parts): string {
  const time = formatDuration(state.startedAtMs === 0 ? 0 : nowMs - state.startedAtMs);
  if (state.nodes.size === 0) {
    const text = state.engineText ?? 'reading and planning';
    return `${palette.info(spinner)} ${truncate(`${text}  ${time}`, columns - 2)}`;
  }
  const counts = new Map<string, number>();
  for (const { outcome } of state.nodes.values())
    if (outcome !== undefined) counts.set(outcome.kind, (counts.get(outcome.kind) ?? 0) + 1);
  const count = (kind: string): number => counts.get(kind) ?? 0;
  const finished = [...counts.values()].reduce((sum, one) => sum + one, 0);
  const checking = parts.active.filter((node) => node.status === 'checking').length;
  const warnings = state.warningKinds.size;
  const left = state.interruptedBy === undefined ? estimateLeftMs(state, nowMs) : undefined;
  const shown: readonly (readonly [number, string, (text: string) => string])[] = [
    [count('failed'), 'failed', palette.error],
    [count('blocked'), 'blocked', palette.warning],
    [count('cancelled'), 'cancelled', palette.warning],
    [count('built'), 'built', palette.good],
    [count('retagged'), 'retagged', palette.good],
    [count('unchanged'), 'unchanged', palette.dim],
    [parts.active.length - checking, 'running', palette.info],
    [checking, 'checking', palette.info],
    [parts.waiting.length, 'waiting', palette.dim],
    [warnings, warnings === 1 ? 'warning' : 'warnings', palette.warning],
  ];
  const ends = [
    ...(left === undefined || left < LEAST_LEFT_MS || columns < LEAST_FOR_LEFT
      ? []
      : [`about ${formatDuration(left)} left`]),
    time,
  ];
  const end = ends.join(' · ');
  let plain = `${spinner} ${finished}/${state.nodes.size}`;
  let painted = `${palette.info(spinner)} ${palette.bold(`${finished}/${state.nodes.size}`)}`;
  for (const [number, word, paint] of shown) {
    if (number === 0) continue;
    const part = `${number} ${word}`;
    if (widthOf(plain) + part.length + 3 + end.length + 3 > columns) break;
    plain += ` · ${part}`;
    painted += ` · ${paint(part)}`;
  }
  return `${painted} · ${truncate(end, columns - widthOf(plain) - 3)}`;
}
