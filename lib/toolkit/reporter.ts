/** Shows runs of scripts on a terminal. */
import type { EventSink } from '../model/mod.ts';
import { createReporter as makeReporter, type ProgressMode, type Writer } from '../report/mod.ts';
import { checkOptions } from '../util/check-options.ts';
import { processStreams } from './surroundings.ts';

const MODES: readonly ProgressMode[] = ['auto', 'tty', 'plain', 'grouped', 'json', 'quiet'];

/** How to show a run. */
export interface ReporterOptions {
  /** As with `--progress`. Default: `auto`, the live view on a terminal and plain lines elsewhere. */
  readonly mode?: ProgressMode;
  /** Use colours. Default: if standard error is a terminal. */
  readonly color?: boolean;
  /** Gets events as JSON (mode `json`). Default: standard output. */
  readonly out?: Writer;
  /** Gets output for people. Default: standard error. */
  readonly err?: Writer;
}

/** Shows events until it is closed. */
export interface EventReporter {
  /** Pass it every event of a run, in order. */
  readonly onEvent: EventSink;
  /** Removes the live view and releases the terminal. You may call it twice. */
  readonly close: () => void;
}

/**
 * Shows a run as the command line does. Close it at the end.
 *
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const reporter = createReporter({ mode: 'plain' });
 * const result = await run({ onEvent: reporter.onEvent });
 * reporter.close();
 * ```
 */
export function createReporter(options: ReporterOptions = {}): EventReporter {
  checkOptions('createReporter', options, {
    mode: { oneOf: MODES },
    color: 'flag',
    out: 'object',
    err: 'object',
  });
  const { stdout, stderr } = processStreams();
  const { mode = 'auto', out = stdout, err = stderr } = options;
  const { onEvent, close } = makeReporter({
    mode,
    out,
    err,
    color: options.color ?? ('isTTY' in err && err.isTTY === true),
    now: Date.now,
  });
  return { onEvent, close: () => close() };
}
