/** The program buildctl: its path, environment and calls. */
import { type EngineTarget, engineArgv } from '../model/mod.ts';
import {
  type ProgramCall,
  type ProgramEnd,
  type RunProgram,
  runProgram,
  variableName,
  withoutTracing,
} from '../system/mod.ts';

/** The program and the engine it talks to. */
export interface Buildctl extends EngineTarget {
  /** Path or name of buildctl. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Runs it instead of a real process, for tests. */
  readonly run?: RunProgram;
  /** Ends every call that has no own signal. */
  readonly signal?: AbortSignal;
  /** Called for each `buildctl build` that was started. */
  readonly onBuild?: () => void;
}

/**
 * How long buildctl and secret commands may take to end after TERM. The engine also stops work for a killed buildctl, and nobody
 * who pressed Ctrl-C should wait for a hanging one.
 */
export const GRACE_MS = 700;

/** Time limit for requests that the engine answers from memory. */
const QUESTION_MS = 20_000;

/** Sends the engine a short request with a time limit (milliseconds; default: 20 s). Never rejects. */
export function askBuildctl(
  tool: Buildctl,
  argv: readonly string[],
  timeoutMs: number = QUESTION_MS,
): Promise<ProgramEnd> {
  return call(tool, { argv: [...engineArgv(tool), ...argv], timeoutMs });
}

/** One call of buildctl. */
export interface BuildctlCall extends Pick<ProgramCall, 'argv' | 'signal' | 'onErrorLine' | 'timeoutMs'> {
  /** Added to the environment: values that must not be in the arguments. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Runs `buildctl build` to its end. Never rejects. */
export async function callBuildctl(tool: Buildctl, build: BuildctlCall): Promise<ProgramEnd> {
  // Then nothing is started.
  const isLate = (build.signal ?? tool.signal)?.aborted === true;
  const end = await call(tool, build);
  if (!isLate && end.ended !== 'never-started') tool.onBuild?.();
  return end;
}

function call(tool: Buildctl, { values, ...rest }: BuildctlCall): Promise<ProgramEnd> {
  const run = tool.run ?? runProgram;
  return run({
    ...(tool.signal === undefined ? {} : { signal: tool.signal }),
    ...rest,
    program: tool.program,
    env: childEnvironment(tool.env, values),
    graceMs: GRACE_MS,
  });
}

/**
 * The environment for buildctl: ours without variables that would change the image unnoticed by the key, and without a trace
 * context. SOURCE_DATE_EPOCH and BUILDKIT_HOST are passed as arguments.
 */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(withoutTracing(env))) {
    if (value === undefined || DROPPED.test(variableName(name))) continue;
    kept[name] = value;
  }
  return { ...kept, ...extra };
}

const DROPPED = /^(?:SOURCE_DATE_EPOCH|BUILDKIT_HOST|BUILDKIT_PROGRESS)$/;
