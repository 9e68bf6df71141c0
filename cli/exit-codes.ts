/** Exit codes of the process. They are part of the interface (docs/cli.md): a number never changes its meaning. */
import type { ProblemArea, ProblemCode, RunSummary } from '../lib/model/mod.ts';

/** Exit codes by name. A run stopped by a signal exits with 128 plus the signal's number. */
export const EXIT = {
  ok: 0,
  buildFailed: 1,
  usage: 2,
  invalid: 3,
  internal: 4,
  engine: 5,
  registry: 6,
} as const;

/** Any exit code of bake-ts. */
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

/** Problem codes whose exit code differs from their area's. */
const BY_CODE: Readonly<Partial<Record<ProblemCode, ExitCode>>> = {
  // The argument of push is not a valid layout.
  'registry/bad-layout': EXIT.invalid,
  // There is an engine, but it lacks the requested image.
  'engine/no-such-image': EXIT.buildFailed,
  'state/unknown-run': EXIT.usage,
  'state/unknown-build': EXIT.usage,
  'build/bad-tag': EXIT.invalid,
  // A file of --parents-from.
  'run/metadata-unusable': EXIT.usage,
  'build/base-unreachable': EXIT.registry,
};

/** The first matching code is used: for example, an invalid file explains all other problems. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.usage,
  EXIT.invalid,
  EXIT.engine,
  EXIT.buildFailed,
  EXIT.registry,
];

/** Numbers of signal(7), and of Ctrl-Break as Node has it on Windows. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15, SIGBREAK: 21 };

/** The exit code for problems; warnings are ignored. */
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

/** The exit code for a run; `signal` is the one that stopped it, if any. */
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

/** 128 plus the signal's number, as in shells. */
export function exitCodeOfSignal(signal: string): ExitCode {
  return 128 + (SIGNAL_NUMBERS[signal] ?? 15);
}
