/** What a run looks like on a terminal, for scripts that want to show it. */
import type { EventSink } from '../model/mod.ts';
import { createReporter as makeReporter, type ProgressMode, type Writer } from '../report/mod.ts';
import { checkOptions } from '../util/check-options.ts';
import { processStreams } from './surroundings.ts';

const MODES: readonly ProgressMode[] = ['auto', 'tty', 'plain', 'grouped', 'json', 'quiet'];

/** How a run is shown. */
export interface ReporterOptions {
  /** As `--progress` has it; default: `auto`, which is the live view on a terminal and plain lines elsewhere. */
  readonly mode?: ProgressMode;
  /** Default: where standard error is a terminal. */
  readonly color?: boolean;
  /** Gets events as JSON (`json`); default: standard output. */
  readonly out?: Writer;
  /** Gets everything for people; default: standard error. */
  readonly err?: Writer;
}

/** Shows events until it is closed. */
export interface EventReporter {
  /** Takes every event of a run, in order. */
  readonly onEvent: EventSink;
  /** Clears the live view and gives the terminal back; safe to call twice. */
  readonly close: () => void;
}

/**
 * Shows a run as the command line does. Close it at the end.
 *
 * @throws TypeError for options that there are not
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
