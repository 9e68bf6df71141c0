/** What a command says last about its errors: how to read more about them. */
import type { Problem, ProblemCode } from '../lib/model/mod.ts';
import type { Writer } from '../lib/report/mod.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';

const MOST_NAMED = 3;

/** Codes of errors that were shown, by the stderr of the command line that showed them. */
const SHOWN = new WeakMap<Writer, Set<ProblemCode>>();

/** Their hints say all there is to say. */
const CLEAR =
  /^(?:cli\/(?:unknown|missing|unexpected)-|cli\/(?:bad-value|conflict|repeated-option)$|run\/cancelled$)/;

/** Remembers the errors among problems that were shown to a person. */
export function noteShown(problems: readonly Pick<Problem, 'code' | 'severity'>[], { stderr }: Io): void {
  const codes = problems.flatMap(({ code, severity }) =>
    severity === 'error' && !CLEAR.test(code) ? [code] : [],
  );
  if (codes.length > 0) SHOWN.set(stderr, new Set([...(SHOWN.get(stderr) ?? []), ...codes]));
}

/** At the end of a command, on a terminal: how to read more about the errors that were shown. Once, whatever went wrong. */
export function suggestReading(code: ExitCode, { stderr }: Io): void {
  const shown = [...(SHOWN.get(stderr) ?? [])];
  if (stderr.isTTY !== true || code === 0 || code >= 128 || shown.length === 0) return;
  stderr.write(`\nMore: bake-ts why ${shown.slice(0, MOST_NAMED).join(' ')}\n`);
}
