/** The last line of a failed command: how to read more about its errors. */
import type { Problem, ProblemCode } from '../lib/model/mod.ts';
import type { Writer } from '../lib/report/mod.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';

const MOST_NAMED = 3;

/** Codes of the errors that were shown, by stderr of the command line. */
const SHOWN = new WeakMap<Writer, Set<ProblemCode>>();

/** Errors whose hints are sufficient. */
const CLEAR =
  /^(?:cli\/(?:unknown|missing|unexpected)-|cli\/(?:bad-value|conflict|repeated-option)$|run\/cancelled$)/;

/** Remembers the errors among the shown problems. */
export function noteShown(problems: readonly Pick<Problem, 'code' | 'severity'>[], { stderr }: Io): void {
  const codes = problems.flatMap(({ code, severity }) =>
    severity === 'error' && !CLEAR.test(code) ? [code] : [],
  );
  if (codes.length > 0) SHOWN.set(stderr, new Set([...(SHOWN.get(stderr) ?? []), ...codes]));
}

/** Tells at the end of a command, on a terminal, how to read more about the shown errors. */
export function suggestReading(code: ExitCode, { stderr }: Io): void {
  const shown = [...(SHOWN.get(stderr) ?? [])];
  if (stderr.isTTY !== true || code === 0 || code >= 128 || shown.length === 0) return;
  stderr.write(`\nMore: bake-ts why ${shown.slice(0, MOST_NAMED).join(' ')}\n`);
}
