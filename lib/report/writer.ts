/** Where output goes. `process.stdout` and `process.stderr` are such writers; so is an array in a test. */
export interface Writer {
  write(text: string): unknown;
  /** Columns and rows of the terminal, where it is one. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly isTTY?: boolean | undefined;
}

/** Columns assumed where the output is not a terminal: CI logs wrap or scroll, and about this much is visible. */
export const DEFAULT_COLUMNS = 120;
