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

/** Width of output that is not a terminal: CI logs wrap or scroll, and show about this much. */
export const DEFAULT_COLUMNS = 120;

/** Spaces and characters that .NET ignores when it compares texts, as the runner does; except line ends. */
const UNSEEN = String.raw`(?:[^\S\n\r]|[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}])`;
/**
 * Commands in the log of GitHub Actions: `::` at the start of a line, `##[` anywhere. Created on first use, because
 * Unicode classes are slow.
 */
let commands: RegExp | undefined;

/** Makes text harmless for the log of GitHub Actions. */
export function withoutCommands(text: string): string {
  commands ??= new RegExp(`^(${UNSEEN}*):${UNSEEN}*:|#${UNSEEN}*#(?=${UNSEEN}*\\[)`, 'gmu');
  return text.replace(commands, (_, blanks: string | undefined) =>
    blanks === undefined ? '# #' : `${blanks}: :`,
  );
}

/**
 * A writer whose `write` removes what a terminal would interpret, except palette colours.
 *
 * @param inActions also removes commands of GitHub Actions
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
