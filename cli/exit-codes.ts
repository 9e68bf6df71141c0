/**
 * What the process says to the shell. Part of the interface (docs/cli.md): numbers never change their meaning.
 */
import type { ProblemArea, ProblemCode, RunSummary } from '../lib/model/mod.ts';

/** Exit codes by name; a run stopped by a signal ends with 128 and the signal's number. */
export const EXIT = {
  ok: 0,
  buildFailed: 1,
  usage: 2,
  invalid: 3,
  internal: 4,
  engine: 5,
  registry: 6,
} as const;

/** Any exit code of ours. */
export type ExitCode = number;

const BY_AREA: Readonly<Record<ProblemArea, ExitCode>> = {
  cli: EXIT.usage,
  config: EXIT.invalid,
  dockerfile: EXIT.invalid,
  plan: EXIT.invalid,
  context: EXIT.invalid,
  import: EXIT.invalid,
  bake: EXIT.invalid,
  engine: EXIT.engine,
  registry: EXIT.registry,
  build: EXIT.buildFailed,
  lint: EXIT.buildFailed,
  state: EXIT.buildFailed,
  run: EXIT.buildFailed,
  // The runtime was started with too few permissions.
  system: EXIT.usage,
};

/** Codes that say something else to the shell than the rest of their area. */
const BY_CODE: Readonly<Partial<Record<ProblemCode, ExitCode>>> = {
  // What was given to push is no layout.
  'registry/bad-layout': EXIT.invalid,
  // There is an engine, and it does not have what was asked for.
  'engine/no-such-image': EXIT.buildFailed,
  'state/unknown-run': EXIT.usage,
  'state/unknown-build': EXIT.usage,
  'build/bad-tag': EXIT.invalid,
  // What was given to --parents-from.
  'run/metadata-unusable': EXIT.usage,
  'build/base-unreachable': EXIT.registry,
};

/** The earlier in this list, the more it explains: with an invalid file nothing else is worth reporting. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.usage,
  EXIT.invalid,
  EXIT.engine,
  EXIT.buildFailed,
  EXIT.registry,
];

/** Those of signal(7), and of Ctrl-Break as Node has it on Windows. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15, SIGBREAK: 21 };

/** The code for problems; warnings count for nothing. */
export function exitCodeOfProblems(
  problems: readonly { readonly code: ProblemCode; readonly severity: 'error' | 'warning' }[],
): ExitCode {
  const codes = problems
    .filter((one) => one.severity === 'error')
    .map((one) => BY_CODE[one.code] ?? BY_AREA[areaOf(one.code)] ?? EXIT.buildFailed);
  return PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.ok;
}

function areaOf(code: ProblemCode): ProblemArea {
  return code.slice(0, code.indexOf('/')) as ProblemArea;
}

/** The code for a run; `signal` is what stopped it, where something did. */
export function exitCodeOfRun(summary: RunSummary, signal?: string): ExitCode {
  if (summary.cancelled) return exitCodeOfSignal(signal ?? 'SIGINT');
  if (summary.ok) return EXIT.ok;
  const problems = [
    ...summary.problems,
    ...summary.outcomes.flatMap((one) => (one.problem === undefined ? [] : [one.problem])),
  ];
  const code = exitCodeOfProblems(problems);
  return code === EXIT.ok ? EXIT.buildFailed : code;
}

/** 128 and the number of the signal, as shells have it. */
export function exitCodeOfSignal(signal: string): ExitCode {
  return 128 + (SIGNAL_NUMBERS[signal] ?? 15);
}
