/** The end of what a build wrote. */
import type { ProblemJson } from '../model/mod.ts';
import { plainText } from '../report/mod.ts';

/** Characters of a line that are shown; some tools print a whole file in one. */
const WIDEST = 500;

/** The last lines that fit, safe to print: at most so many, with no more characters than there is room for. */
export function lastLines(lines: readonly string[], most: number, room: number): readonly string[] {
  const shown: string[] = [];
  let left = room;
  for (let at = lines.length - 1; at >= 0 && shown.length < most; at--) {
    const whole = plainText(lines[at] ?? '');
    const line = whole.length > WIDEST ? `${whole.slice(0, WIDEST - 1)}…` : whole;
    left -= line.length + 1;
    if (left < 0) break;
    shown.unshift(line);
  }
  return shown;
}

/** What there is of a problem's log: what it brings along, or else the end of what its build wrote. */
export function logOfProblem(
  { severity, detail, build }: ProblemJson,
  builds: readonly string[],
  tailOf: ((build: string) => readonly string[]) | undefined,
): readonly string[] {
  if (detail !== undefined) return detail.trimEnd().split('\n');
  const named = build ?? builds[0];
  return severity === 'error' && named !== undefined ? (tailOf?.(named) ?? []) : [];
}
