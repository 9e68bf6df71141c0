import { harmlessText } from './text.ts';

/** Where output goes. `process.stdout` and `process.stderr` are such writers; so is an array in a test. */
export interface Writer {
  /** Writes text. Its return value is ignored. */
  write(text: string): unknown;
  /** Writes text that may contain control sequences for a terminal or commands for a CI system. Absent: `write` is used. */
  readonly writeRaw?: ((text: string) => unknown) | undefined;
  /** Columns of the terminal, if it is one. */
  readonly columns?: number | undefined;
  /** Rows of the terminal, if it is one. */
  readonly rows?: number | undefined;
  /** It is a terminal. */
  readonly isTTY?: boolean | undefined;
}

/** Columns assumed where the output is not a terminal: CI logs wrap or scroll, and about this much is visible. */
export const DEFAULT_COLUMNS = 120;

/** Blanks and what .NET passes over when it compares texts, as the runner does; but for ends of lines. */
const UNSEEN = String.raw`(?:[^\S\n\r]|[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}])`;
/** What the log of GitHub Actions would obey: `::` at the start of a line, `##[` anywhere. Made on first use: classes of Unicode take long. */
let commands: RegExp | undefined;

/** Text that does nothing in the log of GitHub Actions but to be shown. */
export function withoutCommands(text: string): string {
  commands ??= new RegExp(`^(${UNSEEN}*):${UNSEEN}*:|#${UNSEEN}*#(?=${UNSEEN}*\\[)`, 'gmu');
  return text.replace(commands, (_, blanks: string | undefined) =>
    blanks === undefined ? '# #' : `${blanks}: :`,
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
