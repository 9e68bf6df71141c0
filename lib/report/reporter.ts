/**
 * The reporters: one factory, one interface. All of them read the same events; which one is used never changes what
 * a run does.
 *
 * Progress and the table go to `err`, so that `out` stays clean for what a program reads: with `json` it carries the
 * events, one a line, and `err` nothing.
 */
import { clearInterval, setInterval } from 'node:timers';
import type { BakeEvent, EventSink } from '../model/mod.ts';
import { escapeControls } from '../util/control-characters.ts';
import { finishedLines, paintLive } from './live.ts';
import { createPalette } from './palette.ts';
import { PlainPainter } from './plain.ts';
import { formatGithubAnnotation, formatProblem } from './problem.ts';
import { Screen } from './screen.ts';
import { applyEvent, createRunState, type RunState } from './state.ts';
import { formatFailures, formatSummary, type SummaryStyle } from './summary.ts';
import { DEFAULT_COLUMNS, guardWriter, type Writer } from './writer.ts';

/** `auto`: `tty` where `err` is a terminal, `plain` otherwise. */
export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json' | 'quiet';

/** What a reporter needs. */
export interface ReporterOptions {
  readonly mode: ProgressMode;
  readonly out: Writer;
  readonly err: Writer;
  readonly color: boolean;
  /** Milliseconds since 1970; asked only for elapsed times of the live view. */
  readonly now: () => number;
  /** Text of a file that a problem names, for its code frame. */
  readonly sourceOf?: (path: string) => string | undefined;
  /** `github`: every problem at the end also as a workflow command, which shows it in the pull request. */
  readonly annotations?: 'github';
  /** Milliseconds between two frames of the live view. Default: 100. */
  readonly frameMs?: number;
}

/** Takes events until it is closed. */
export interface Reporter {
  readonly onEvent: EventSink;
  /** Clears the live view and gives the terminal back; safe to call twice. */
  close(): void;
}

/** Makes the reporter of a mode. */
export function createReporter(given: ReporterOptions): Reporter {
  const options = { ...given, out: guardWriter(given.out), err: guardWriter(given.err) };
  const mode = options.mode === 'auto' ? (options.err.isTTY === true ? 'tty' : 'plain') : options.mode;
  switch (mode) {
    case 'json':
      return {
        onEvent: (event) => {
          options.out.write(`${escapeControls(JSON.stringify(event))}\n`);
        },
        close: () => {},
      };
    case 'quiet':
      return createQuietReporter(options);
    case 'plain':
      return createPlainReporter(options);
    case 'tty':
      return createLiveReporter(options);
  }
}

function createQuietReporter(options: ReporterOptions): Reporter {
  const state = createRunState();
  return {
    onEvent: (event) => {
      applyEvent(state, event);
      if (event.type !== 'run-finished') return;
      const failures = formatFailures(event.summary, summaryStyle(options, state));
      if (failures.length > 0) options.err.write(`${failures.join('\n\n')}\n`);
      writeAnnotations(options, state, event);
    },
    close: () => {},
  };
}

function createPlainReporter(options: ReporterOptions): Reporter {
  const state = createRunState();
  const painter = new PlainPainter(createPalette(options.color));
  return {
    onEvent: (event) => {
      applyEvent(state, event);
      const lines = painter.take(event);
      if (lines.length > 0) options.err.write(`${lines.join('\n')}\n`);
      writeEnd(options, state, event);
    },
    close: () => {},
  };
}

function createLiveReporter(options: ReporterOptions): Reporter {
  const { err, now } = options;
  const state = createRunState();
  const screen = new Screen(err);
  const palette = createPalette(options.color);
  let pending: string[] = [];
  let open = true;
  const draw = (): void => {
    const size = { columns: err.columns ?? DEFAULT_COLUMNS, rows: err.rows ?? 24 };
    screen.draw(pending, paintLive(state, size, now(), palette));
    pending = [];
  };
  // Frames come at a steady pace, however many events there are; nothing else draws. A timer of ours must not keep
  // a process alive that is done.
  const timer = setInterval(draw, options.frameMs ?? 100);
  timer.unref();
  const close = (): void => {
    if (!open) return;
    open = false;
    clearInterval(timer);
    if (pending.length > 0) draw();
    screen.close();
  };
  return {
    onEvent: (event) => {
      if (!open) return;
      applyEvent(state, event);
      pending.push(...stayingLines(state, event, options));
      if (event.type !== 'run-finished') return;
      close();
      writeEnd(options, state, event);
    },
    close,
  };
}

/** Lines of the live view that stay above it. */
function stayingLines(state: RunState, event: BakeEvent, options: ReporterOptions): readonly string[] {
  const { color } = options;
  const palette = createPalette(color);
  const columns = options.err.columns ?? DEFAULT_COLUMNS;
  if (event.type === 'node-finished') {
    const node = state.nodes.get(event.build);
    return node === undefined ? [] : finishedLines(node, columns, palette);
  }
  if (event.type === 'warning') {
    return formatProblem(event.problem, { color, columns: columns - 1 }).split('\n');
  }
  if (event.type === 'interrupted') return [palette.warning(`${event.signal}: stopping what runs`)];
  return [];
}

function writeEnd(options: ReporterOptions, state: RunState, event: BakeEvent): void {
  if (event.type !== 'run-finished') return;
  options.err.write(`\n${formatSummary(event.summary, summaryStyle(options, state))}`);
  writeAnnotations(options, state, event);
}

function writeAnnotations(options: ReporterOptions, state: RunState, event: BakeEvent): void {
  if (options.annotations !== 'github' || event.type !== 'run-finished') return;
  const found = [
    ...state.warnings,
    ...event.summary.problems,
    ...event.summary.outcomes.flatMap((one) => (one.problem === undefined ? [] : [one.problem])),
  ];
  for (const one of found) options.out.write(`${formatGithubAnnotation(one)}\n`);
}

function summaryStyle(options: ReporterOptions, state: RunState): SummaryStyle {
  return {
    color: options.color,
    columns: options.err.columns ?? DEFAULT_COLUMNS,
    ...(options.sourceOf === undefined ? {} : { sourceOf: options.sourceOf }),
    tailOf: (build) => state.nodes.get(build)?.tail ?? [],
  };
}
