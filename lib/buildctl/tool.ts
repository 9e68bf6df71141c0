/** The program buildctl: where it is, what environment it gets, how it is called. */
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
  /** What runs it; where absent, it is really run. */
  readonly run?: RunProgram;
  /** Ends every call that has no signal of its own. */
  readonly signal?: AbortSignal;
  /** Called for each `buildctl build` that was really started. */
  readonly onBuild?: () => void;
}

/**
 * How long buildctl, and a command that gives a secret, may take to end after TERM. The engine stops what it does for a
 * buildctl that is killed as well; nobody who pressed Ctrl-C is to wait for one that hangs.
 */
export const GRACE_MS = 700;

/** How long a question to the engine may take that it answers from memory. */
const QUESTION_MS = 20_000;

/** Asks the engine something short; ended after a time limit (milliseconds; default: 20 s). Never rejects. */
export function askBuildctl(
  tool: Buildctl,
  argv: readonly string[],
  timeoutMs: number = QUESTION_MS,
): Promise<ProgramEnd> {
  return call(tool, { argv: [...engineArgv(tool), ...argv], timeoutMs });
}

/** One call of buildctl. */
export interface BuildctlCall extends Pick<ProgramCall, 'argv' | 'signal' | 'onErrorLine' | 'timeoutMs'> {
  /** Added to the environment: values that must not stand in the arguments. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Runs `buildctl build` to its end. Never rejects. */
export async function callBuildctl(tool: Buildctl, build: BuildctlCall): Promise<ProgramEnd> {
  // Nothing is started then.
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
 * The environment for buildctl: ours, less what would change the image behind the key's back, and without a trace to join.
 * SOURCE_DATE_EPOCH and BUILDKIT_HOST go in as arguments.
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
