import { harmlessText } from './text.ts';

/** Where output goes. `process.stdout` and `process.stderr` are such writers; so is an array in a test. */
export interface Writer {
  write(text: string): unknown;
  /** Writes what moves the cursor, too; absent: `write` does. */
  readonly writeRaw?: ((text: string) => unknown) | undefined;
  /** Columns and rows of the terminal, where it is one. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly isTTY?: boolean | undefined;
}

/** Columns assumed where the output is not a terminal: CI logs wrap or scroll, and about this much is visible. */
export const DEFAULT_COLUMNS = 120;

/**
 * Lines that the log of GitHub Actions would obey (workflow commands), but for the annotations that we write ourselves,
 * which only show something.
 */
const COMMANDS = /^([ \t]+)::|^::(?!(?:error|warning|notice)[ :])|##(?=\[)/gm;

function withoutCommands(text: string): string {
  return text.replace(COMMANDS, (found, blanks: string | undefined) =>
    found === '##' ? '# #' : `${blanks ?? ''}: :`,
  );
}

/**
 * The same writer, but what a terminal would obey besides our own colours does not come through `write`.
 *
 * @param inActions also what the log of GitHub Actions would obey
 */
export function guardWriter(writer: Writer, inActions = false): Writer {
  return {
    write: (text) => writer.write(inActions ? withoutCommands(harmlessText(text)) : harmlessText(text)),
    writeRaw: (text) => (writer.writeRaw ?? writer.write).call(writer, text),
    get columns() {
      return writer.columns;
    },
    get rows() {
      return writer.rows;
    },
    get isTTY() {
      return writer.isTTY;
    },
  };
}
