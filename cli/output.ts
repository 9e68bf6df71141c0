/** Shared output functions of the commands. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Problem } from '../lib/model/mod.ts';
import {
  createPalette,
  DEFAULT_COLUMNS,
  foldBuilds,
  formatProblems,
  type Palette,
  type ProgressMode,
  padEnd,
  padStart,
  sortProblems,
  toProblemJson,
  type Writer,
  widthOf,
} from '../lib/report/mod.ts';
import { escapeControls } from '../lib/util/control-characters.ts';
import { isCi } from '../lib/util/is-ci.ts';
import { type ParsedArgs, textOf } from './args.ts';
import { EXIT, type ExitCode, exitCodeOfProblems } from './exit-codes.ts';
import type { Io } from './io.ts';
import { noteShown } from './read-on.ts';
import { repositoryFiles } from './repository-files.ts';

/**
 * Whether to colour the output to a writer. `--color` decides; else NO_COLOR (https://no-color.org), then FORCE_COLOR;
 * else whether it is a terminal that supports colours.
 */
export function wantsColor(args: ParsedArgs | undefined, io: Io, writer: Writer): boolean {
  const wanted = args === undefined ? undefined : textOf(args, 'color');
  if (wanted === 'always') return true;
  if (wanted === 'never' || (io.env['NO_COLOR'] ?? '') !== '') return false;
  const forced = io.env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return writer.isTTY === true && io.env['TERM'] !== 'dumb';
}

/** Colours for a writer, or none. */
export function paletteFor(args: ParsedArgs | undefined, io: Io, writer: Writer): Palette {
  return createPalette(wantsColor(args, io, writer));
}

/** `auto` is a live view only if somebody watches: some CI steps have a terminal, but its output is stored. */
export function progressMode(args: ParsedArgs, io: Io): ProgressMode {
  const mode = (textOf(args, 'progress') ?? 'auto') as ProgressMode;
  if (mode !== 'auto') return mode;
  if (isCi(io.env)) return 'grouped';
  return io.env['TERM'] === 'dumb' ? 'plain' : mode;
}

/** Width to lay out text for. */
export function columnsOf(writer: Writer): number {
  return writer.columns ?? DEFAULT_COLUMNS;
}

/** Writes problems to stderr; returns their exit code. */
export function reportProblems(problems: readonly Problem[], args: ParsedArgs | undefined, io: Io): ExitCode {
  if (problems.length > 0) {
    const color = wantsColor(args, io, io.stderr);
    io.stderr.write(`${formatProblems(problems, { color, columns: columnsOf(io.stderr) })}\n`);
    noteShown(problems, io);
  }
  return exitCodeOfProblems(problems);
}

/** Like `reportProblems`, for work that may have been stopped: then `run/cancelled` is not shown, but the work still fails. */
export function reportStoppable(
  problems: readonly Problem[],
  { aborted }: AbortSignal,
  args: ParsedArgs | undefined,
  io: Io,
): ExitCode {
  if (!aborted || problems.length === 0) return reportProblems(problems, args, io);
  const code = reportProblems(
    problems.filter(({ code }) => code !== 'run/cancelled'),
    args,
    io,
  );
  return code === EXIT.ok ? EXIT.buildFailed : code;
}

/** Writes the problems that a command found as its result to stdout, in the format of `--format`. */
export async function writeFindings(problems: readonly Problem[], args: ParsedArgs, io: Io): Promise<void> {
  const format = textOf(args, 'format') ?? 'text';
  if (format === 'json') {
    writeJson({ problems: sortProblems(problems).map(toProblemJson) }, io);
  } else if (format === 'github') {
    const { formatAnnotation } = await import('../lib/ci/mod.ts');
    const fileOf = repositoryFiles(io.cwd, io.env['GITHUB_WORKSPACE']);
    for (const [one, builds] of foldBuilds(problems))
      writeCommand(io.stdout, formatAnnotation(toProblemJson(one), { builds, fileOf }));
  } else if (problems.length > 0) {
    const color = wantsColor(args, io, io.stdout);
    const style = { color, columns: columnsOf(io.stdout), frames: format === 'text' };
    io.stdout.write(`${formatProblems(problems, style)}\n`);
    noteShown(problems, io);
  }
}

/** Writes a line that is a command to a CI system. */
export function writeCommand(writer: Writer, line: string): void {
  (writer.writeRaw ?? writer.write).call(writer, `${line}\n`);
}

/** Writes a value to stdout as indented JSON with a final line break. */
export function writeJson(value: unknown, io: Io): void {
  io.stdout.write(`${escapeControls(JSON.stringify(value, undefined, 2))}\n`);
}

/** The text of a file that a problem names, or undefined; for code frames of problems without text. */
export function sourceReader(cwd: string): (file: string) => string | undefined {
  return (file) => {
    try {
      return readFileSync(path.resolve(cwd, file), 'utf8');
    } catch {
      return undefined;
    }
  };
}

/** A table with a dim head. A title that starts with `>` marks a right-aligned column of numbers. */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  palette: Palette,
): string {
  const heads = titles.map((title) => title.replace(/^>/, ''));
  const widths = heads.map((head, at) =>
    Math.max(widthOf(head), ...rows.map((row) => widthOf(row[at] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        return titles[at]?.startsWith('>') === true ? padStart(cell, width) : padEnd(cell, width);
      })
      .join('  ')
      .trimEnd();
  return `${[palette.dim(line(heads)), ...rows.map(line)].join('\n')}\n`;
}
