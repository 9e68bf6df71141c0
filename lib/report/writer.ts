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

/** The same writer, but what a terminal would obey besides our own colours does not come through `write`. */
export function guardWriter(writer: Writer): Writer {
  return {
    write: (text) => writer.write(harmlessText(text)),
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
