/**
 * The reporters: one factory, one interface. All read the same events, and none affects the run.
 *
 * Progress and the table go to `err`, so that `out` is for programs: with `json` it gets the events, one per line, and
 * `err` gets nothing.
 */
import { clearInterval, setInterval } from 'node:timers';
import type { BakeEvent, EventSink } from '../model/mod.ts';
import { escapeControls } from '../util/control-characters.ts';
import { stoppedIn } from './doing.ts';
import { GroupedPainter } from './grouped.ts';
import { createLiveView } from './live-view.ts';
import { createPalette } from './palette.ts';
import { PlainPainter } from './plain.ts';
import type { Reporter, ReporterOptions } from './reporting.ts';
import { applyEvent, createRunState, type RunState } from './state.ts';
import { stoppedLines } from './stopped.ts';
import { formatFailures, formatSummary, type SummaryStyle } from './summary.ts';
import { DEFAULT_COLUMNS, guardWriter } from './writer.ts';

/** Creates the reporter for a mode. */
export function createReporter(given: ReporterOptions): Reporter {
  const options = { ...given, out: guardWriter(given.out), err: guardWriter(given.err) };
  const mode = options.mode === 'auto' ? (options.err.isTTY === true ? 'tty' : 'plain') : options.mode;
  const closed = { interrupt: () => sayToWatcher(options), close: () => {}, abandon: () => {} };
  switch (mode) {
    case 'json':
      return {
        ...closed,
        onEvent: (event) => {
          options.out.write(`${escapeControls(JSON.stringify(event))}\n`);
        },
      };
    case 'quiet':
      return { ...closed, onEvent: quietSink(options) };
    case 'plain':
      return createPlainReporter(options);
    case 'grouped':
      return createGroupedReporter(options);
    case 'tty': {
      const state = createRunState();
      return createLiveView(options, state, (event) => writeEnd(options, state, event));
    }
  }
}

/** Shown after Ctrl-C in modes that show nothing else. */
function sayToWatcher({ err }: ReporterOptions): void {
  if (err.isTTY === true) err.write('stopping; press Ctrl-C again to stop at once\n');
}

function quietSink(options: ReporterOptions): EventSink {
  const state = createRunState();
  return (event) => {
    applyEvent(state, event);
    if (event.type !== 'run-finished') return;
    const failures = formatFailures(event.summary, summaryStyle(options, state));
    if (failures.length > 0) options.err.write(`${failures.join('\n\n')}\n`);
  };
}

/** `2026-01-02T03:04:05.678Z ` if timestamps are on. */
function stamping(options: ReporterOptions): (event: BakeEvent) => string {
  return options.timestamps === true ? ({ atMs }) => `${new Date(atMs).toISOString()} ` : () => '';
}

function createPlainReporter(options: ReporterOptions): Reporter {
  const state = createRunState();
  const painter = new PlainPainter(createPalette(options.color));
  const stamp = stamping(options);
  const interrupting = new Interrupting(options);
  return {
    onEvent: (event) => {
      applyEvent(state, event);
      if (interrupting.isSaid(event)) return;
      const prefix = stamp(event);
      const lines = painter.take(event);
      if (lines.length > 0) options.err.write(`${lines.map((line) => `${prefix}${line}\n`).join('')}`);
      writeEnd(options, state, event);
    },
    interrupt: (signal) => interrupting.say(signal),
    close: () => {},
    abandon: () => writeStopped(options, state),
  };
}

function createGroupedReporter(options: ReporterOptions): Reporter {
  const { err, now } = options;
  const state = createRunState();
  const painter = new GroupedPainter(createPalette(options.color), options.frame, stamping(options));
  const interrupting = new Interrupting(options);
  const lifeSignMs = options.lifeSignMs ?? 60_000;
  let wroteAtMs = now();
  const timer = setInterval(() => {
    if (now() - wroteAtMs < lifeSignMs) return;
    wroteAtMs = now();
    for (const line of painter.lifeSign(state, wroteAtMs)) err.write(`${line}\n`);
  }, lifeSignMs / 4);
  timer.unref();
  const close = (): void => clearInterval(timer);
  return {
    onEvent: (event) => {
      applyEvent(state, event);
      if (interrupting.isSaid(event)) return;
      for (const { text, asItIs } of painter.take(event)) {
        wroteAtMs = now();
        if (asItIs === true) (err.writeRaw ?? err.write)(`${text}\n`);
        else err.write(`${text}\n`);
      }
      if (event.type === 'run-finished') close();
      writeEnd(options, state, event);
    },
    interrupt: (signal) => interrupting.say(signal),
    close,
    abandon: () => {
      close();
      writeStopped(options, state);
    },
  };
}

/** Reports once that a run is being stopped, on the signal or its event. */
class Interrupting {
  readonly #options: ReporterOptions;
  #said = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  say(signal: string): void {
    if (this.#said) return;
    this.#said = true;
    const words = `${signal}: stopping; send it again to stop at once`;
    this.#options.err.write(`${createPalette(this.#options.color).warning(words)}\n`);
  }

  isSaid(event: BakeEvent): boolean {
    return event.type === 'interrupted' && this.#said;
  }
}

function writeStopped({ err, color, logOf }: ReporterOptions, state: RunState): void {
  for (const line of stoppedLines(state, createPalette(color), logOf)) err.write(`${line}\n`);
}

function writeEnd(options: ReporterOptions, state: RunState, event: BakeEvent): void {
  if (event.type !== 'run-finished') return;
  options.err.write(`\n${formatSummary(event.summary, summaryStyle(options, state))}`);
}

function summaryStyle(options: ReporterOptions, state: RunState): SummaryStyle {
  return {
    color: options.color,
    columns: options.err.columns ?? DEFAULT_COLUMNS,
    ...(options.sourceOf === undefined ? {} : { sourceOf: options.sourceOf }),
    ...(options.logOf === undefined ? {} : { logOf: options.logOf }),
    ...(options.commandFor === undefined ? {} : { commandFor: options.commandFor }),
    stoppedIn: (build) => stoppedIn(state.nodes.get(build)),
    roleOf: (build) => state.nodes.get(build)?.role,
    warnings: state.warnings,
    engineLosses: state.engineLosses,
    stepOf: (build) => state.nodes.get(build)?.failedStep,
    tailOf: (build) => state.nodes.get(build)?.tail ?? [],
  };
}
