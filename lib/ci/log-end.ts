/** The end of a build's output. */
import type { ProblemJson } from '../model/mod.ts';
import { plainText } from '../report/mod.ts';

/** Most characters of a line; some tools print a whole file on one. */
const WIDEST = 500;

/** The last lines, safe to print, within a number of lines and of characters. */
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

/** The log of a problem: its own, or else the last output of its build. */
export function logOfProblem(
  { severity, detail, build }: ProblemJson,
  builds: readonly string[],
  tailOf: ((build: string) => readonly string[]) | undefined,
): readonly string[] {
  if (detail !== undefined) return detail.trimEnd().split('\n');
  const named = build ?? builds[0];
  return severity === 'error' && named !== undefined ? (tailOf?.(named) ?? []) : [];
}
