/** Output of runs: problems with code frames, the live view, plain lines, JSON, and the table at the end. */
export { failureIdentity, isOfRegistry } from './failures.ts';
export type { GroupFrame } from './grouped.ts';
export { LineJoiner, type LogLine } from './lines.ts';
export { LiveScreen } from './live-screen.ts';
export { explainOutcome, finishedNote, itemsOf, outcomeWord } from './outcome.ts';
export { createPalette, type Paint, type Palette } from './palette.ts';
export {
  type AnyProblem,
  foldBuilds,
  formatProblem,
  formatProblems,
  type ProblemStyle,
  sortProblems,
  toProblemJson,
} from './problem.ts';
export { createReporter } from './reporter.ts';
export type { ProgressMode, Reporter, ReporterOptions } from './reporting.ts';
export { Screen } from './screen.ts';
export {
  applyEvent,
  createRunState,
  type NodeView,
  type RunState,
} from './state.ts';
export { isExport, stepLabel } from './step-names.ts';
export type { SummaryStyle } from './summary.ts';
export type { TakenTerminal, TakeTerminal, TerminalUser } from './terminal.ts';
export { padEnd, padStart, plainText, truncate, widthOf, wrap } from './text.ts';
export { formatBytes, formatBytesOf, formatDuration, plural, shortDigest } from './units.ts';
export { DEFAULT_COLUMNS, guardWriter, type Writer, withoutCommands } from './writer.ts';
