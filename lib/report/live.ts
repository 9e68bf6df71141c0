/**
 * The picture of a run on a terminal: what runs now, and one line of totals. A pure function of the state, the size
 * and the time, so that tests look at lines and never at escape sequences that move a cursor.
 *
 * What has ended is not part of it: those lines are written once, above, and scroll away (see `finishedLines`).
 */
import { finishedNote, outcomeWord } from './outcome.ts';
import type { Palette } from './palette.ts';
import type { NodeView, RunState } from './state.ts';
import { padEnd, padStart, truncate, widthOf } from './text.ts';
import { formatBytes, formatDuration } from './units.ts';

/** The size of the terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPINNER_MS = 100;
/** The name column never takes more than this share of the width. */
const NAME_SHARE = 0.35;
/** Columns for what a build does below which its counts are left out. */
const LEAST_ROOM = 12;

/**
 * Draws the moving part: never more lines than the terminal has, less one for the cursor, and no line wider than it.
 * Builds that run come first, the longest running on top; each shows the last line its step printed where there is
 * room for that.
 */
export function paintLive(state: RunState, size: Size, nowMs: number, palette: Palette): readonly string[] {
  if (state.phase === 'finished') return [];
  const columns = Math.max(20, size.columns - 1);
  const most = Math.max(1, size.rows - 1);
  const spinner = SPINNER[Math.floor(nowMs / SPINNER_MS) % SPINNER.length] ?? '*';
  const canvas: Canvas = { columns, nowMs, spinner, palette };
  const totals = paintTotals(state, canvas);
  const active: NodeView[] = [];
  for (const node of state.nodes.values()) {
    if (node.status === 'running' || node.status === 'retrying') active.push(node);
  }
  active.sort((a, b) => (a.startedAtMs ?? 0) - (b.startedAtMs ?? 0));

  const room = most - 1;
  const overflow = active.length > room;
  const shown = overflow ? active.slice(0, Math.max(0, room - 1)) : active;
  const withLogs = shown.length * 2 <= room;
  const nameWidth = Math.min(
    Math.floor(columns * NAME_SHARE),
    Math.max(0, ...shown.map((node) => widthOf(node.build))),
  );
  const lines: string[] = [];
  for (const node of shown) {
    lines.push(paintNode(node, nameWidth, canvas));
    const last = withLogs ? lastLine(node) : undefined;
    if (last !== undefined) lines.push(palette.dim(truncate(`    ┆ ${last}`, columns)));
  }
  if (overflow && room > 0) {
    lines.push(palette.dim(truncate(`  … and ${active.length - shown.length} more running`, columns)));
  }
  return [...lines, totals];
}

/** What all lines of one frame are painted with. */
interface Canvas {
  readonly columns: number;
  readonly nowMs: number;
  readonly spinner: string;
  readonly palette: Palette;
}

function paintNode(node: NodeView, nameWidth: number, canvas: Canvas): string {
  const { columns, nowMs, spinner, palette } = canvas;
  const name = padEnd(truncate(node.build, nameWidth), nameWidth);
  const time = padStart(formatDuration(nowMs - (node.startedAtMs ?? nowMs)), 6);
  const { total, done, cached } = node.steps;
  // spinner, name, what, count, time with two spaces between them
  const whole = columns - 2 - nameWidth - 2 - time.length - 2;
  const full = total === 0 ? '' : `${done}/${total}${cached > 0 ? ` (${cached} cached)` : ''}`;
  const count = whole - full.length - 2 < LEAST_ROOM ? '' : full;
  const room = whole - (count === '' ? 0 : count.length + 2);
  const what = padEnd(truncate(doing(node, nowMs), Math.max(0, room)), Math.max(0, room));
  const counted = count === '' ? '' : `  ${palette.dim(count)}`;
  return `${palette.info(spinner)} ${palette.name(node.build, name)}  ${what}${counted}  ${palette.dim(time)}`;
}

/** What a build does now, in words. */
function doing(node: NodeView, nowMs: number): string {
  if (node.retry !== undefined) {
    const wait = Math.max(0, node.retry.untilMs - nowMs);
    return `trying again in ${formatDuration(wait)}: ${node.retry.why}`;
  }
  if (node.stalled !== undefined) {
    const quiet = formatDuration(nowMs - node.stalled.sinceMs);
    return `no progress for ${quiet}, waiting for ${node.stalled.waitsFor}`;
  }
  const transfers = [...node.transfers.values()];
  const push = transfers.find((one) => one.id.startsWith('pushing '));
  if (push !== undefined) return push.id;
  const names = [...node.running.values()];
  const last = names.at(-1);
  if (last === undefined) return 'starting';
  const more = names.length > 1 ? ` (+${names.length - 1})` : '';
  const sized = transfers.filter((one) => one.total !== undefined && one.total > 0);
  if (sized.length > 0 && /\] FROM |^\[internal\]|^\[context /.test(last)) {
    const current = sized.reduce((sum, one) => sum + one.current, 0);
    const total = sized.reduce((sum, one) => sum + (one.total ?? 0), 0);
    return `${last} ${formatBytes(current)} of ${formatBytes(total)}`;
  }
  const sending = transfers.find((one) => one.id.startsWith('transferring ') && one.current > 0);
  if (sending !== undefined) return `sending the context, ${formatBytes(sending.current)}`;
  return `${last}${more}`;
}

function lastLine(node: NodeView): string | undefined {
  const last = node.tail.at(-1);
  return last !== undefined && node.running.has(last.vertex) && last.text.trim() !== ''
    ? last.text
    : undefined;
}

function paintTotals(state: RunState, { columns, nowMs, spinner, palette }: Canvas): string {
  const time = formatDuration(state.startedAtMs === 0 ? 0 : nowMs - state.startedAtMs);
  if (state.nodes.size === 0 || state.engineText !== undefined) {
    const text = state.engineText ?? 'reading and planning';
    return `${palette.info(spinner)} ${truncate(`${text}  ${time}`, columns - 2)}`;
  }
  const counts = new Map<string, number>();
  for (const node of state.nodes.values()) {
    const word = node.outcome === undefined ? node.status : node.outcome.kind;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const count = (...words: string[]): number => words.reduce((sum, word) => sum + (counts.get(word) ?? 0), 0);
  const finished = count('built', 'retagged', 'unchanged', 'failed', 'cancelled', 'blocked');
  const parts: readonly [number, string, (text: string) => string][] = [
    [count('failed'), 'failed', palette.error],
    [count('blocked'), 'blocked', palette.warning],
    [count('cancelled'), 'cancelled', palette.warning],
    [count('built'), 'built', palette.good],
    [count('retagged'), 'retagged', palette.good],
    [count('unchanged'), 'unchanged', palette.dim],
    [count('running', 'retrying'), 'running', palette.info],
    [count('checking', 'decided'), 'checking', palette.info],
    [count('waiting'), 'waiting', palette.dim],
  ];
  const stopping = state.interruptedBy === undefined ? '' : 'stopping · ';
  let plain = `${spinner} ${stopping}${finished}/${state.nodes.size}`;
  let painted = `${palette.info(spinner)} ${palette.warning(stopping)}${palette.bold(`${finished}/${state.nodes.size}`)}`;
  for (const [number, word, paint] of parts) {
    if (number === 0) continue;
    const part = `${number} ${word}`;
    if (widthOf(plain) + part.length + 3 + time.length + 3 > columns) break;
    plain += ` · ${part}`;
    painted += ` · ${paint(part)}`;
  }
  return `${painted} · ${time}`;
}

/**
 * The lines that stay when a build has ended. Unchanged builds get none: the table at the end has a row
 * with the reason for each, and two hundred lines of "unchanged" would push what matters off the screen.
 */
export function finishedLines(node: NodeView, columns: number, palette: Palette): readonly string[] {
  const { outcome } = node;
  if (outcome === undefined || ['unchanged', 'cancelled', 'blocked'].includes(outcome.kind)) return [];
  const { sign, word, paint } = outcomeWord(outcome, palette);
  const name = palette.name(node.build, node.build);
  const note = finishedNote(outcome);
  const room = columns - 1 - widthOf(`${sign} ${node.build} ${word}  `);
  const lines = [
    `${paint(sign)} ${name} ${paint(word)}  ${palette.dim(truncate(note, Math.max(0, room)))}`.trimEnd(),
  ];
  if (outcome.kind === 'failed') {
    for (const line of node.tail.slice(-10))
      lines.push(palette.dim(truncate(`    ┆ ${line.text}`, columns - 1)));
  }
  return lines;
}
