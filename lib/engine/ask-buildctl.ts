/** Short requests to an engine through its buildctl. */
import {
  type EngineTarget,
  engineArgv,
  fail,
  ok,
  type Problem,
  problem,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { runProgram, whyFailed, withoutTracing } from '../system/mod.ts';
import { fullDiskOf } from './disk-space.ts';
import type { EngineOptions } from './notice.ts';

/** What is needed to query an engine. */
export interface EngineTool extends EngineTarget {
  /** Path of buildctl. */
  readonly buildctl: string;
}

/** A request. */
interface Question {
  readonly argv: readonly string[];
  /** Milliseconds; default: as long as it takes. */
  readonly timeoutMs?: number;
  /** Text for the message if there is no answer: `does not show its history`. */
  readonly unanswered: string;
}

/** Returns buildctl's output. Problems: `engine/unreachable`, `engine/disk-full`, `run/cancelled`, `system/permission`. */
export async function askBuildctl(
  engine: EngineTool,
  { argv, timeoutMs, unanswered }: Question,
  { env, signal }: EngineOptions,
): Promise<Result<string, Problem>> {
  const { buildctl, address } = engine;
  const asked = await runProgram({
    program: buildctl,
    argv: [...engineArgv(engine), ...argv],
    env: withoutTracing(env),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (asked.ended === 'cancelled') return fail(wasCancelled());
  if (asked.denied !== undefined) return fail(asked.denied);
  if (asked.exitCode === 0) return ok(asked.stdout.toString());
  const full = fullDiskOf(asked.stderr, `buildkitd at ${address}`);
  if (full !== undefined) return fail({ ...full, detail: asked.stderr.trim().slice(-1_000) });
  return fail(
    problem('engine/unreachable', `buildkitd at ${address} ${unanswered}`, {
      hint: 'look for the cause: bake-ts engine doctor',
      detail: asked.stderr.trim().slice(-1_000) || whyFailed(asked),
      temporary: true,
    }),
  );
}
