/** Queries the worker of a buildkitd. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  engineArgv,
  fail,
  ok,
  type Problem,
  parseWorkers,
  problem,
  type Result,
  type WorkerInfo,
  wasCancelled,
} from '../model/mod.ts';
import { runProgram, whyFailed, withoutTracing } from '../system/mod.ts';
import type { EngineTool } from './ask-buildctl.ts';
import type { EngineOptions } from './notice.ts';
import { explainUnanswered } from './unanswered.ts';

const QUESTION_MS = 20_000;

/**
 * Returns the first worker of a buildkitd. Problems: `engine/unreachable`, those of {@link explainUnanswered}, `run/cancelled`,
 * `system/permission`.
 */
export async function readWorker(
  engine: EngineTool,
  options: EngineOptions,
  timeoutMs: number = QUESTION_MS,
): Promise<Result<WorkerInfo, Problem>> {
  const { buildctl, address } = engine;
  const asked = await runProgram({
    program: buildctl,
    argv: [...engineArgv(engine), 'debug', 'workers', '--format', '{{json .}}'],
    env: withoutTracing(options.env),
    timeoutMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (asked.ended === 'cancelled') return fail(wasCancelled());
  if (asked.denied !== undefined) return fail(asked.denied);
  const text = asked.stdout.toString();
  const workers = asked.exitCode === 0 ? parseWorkers(text) : undefined;
  const [first] = workers ?? [];
  if (first === undefined) {
    const explained = await explainUnanswered(engine, asked.stderr, options.signal);
    if (explained !== undefined) return fail(explained);
    return fail(
      problem('engine/unreachable', `buildkitd at ${address} does not report its workers`, {
        hint: 'look for the cause: bake-ts engine doctor',
        detail:
          asked.stderr.trim().slice(-1_000) || (asked.exitCode === 0 ? text.slice(0, 500) : whyFailed(asked)),
        temporary: true,
      }),
    );
  }
  return ok(first);
}

/** No content has this digest. */
const NOWHERE = `sha256:${'0'.repeat(64)}`;
const RECONNECT_MS = 15_000;
const ASK_MS = 2_000;

/**
 * Waits until a buildkitd has reconnected to its restarted containerd: gRPC waits longer before each attempt to connect, and
 * until then every build fails at once. Waits at most 15 s; after that, builds report the failure.
 */
export async function waitForContainerd(engine: EngineTool, options: EngineOptions): Promise<void> {
  const deadline = Date.now() + RECONNECT_MS;
  while (Date.now() < deadline && options.signal?.aborted !== true) {
    const asked = await runProgram({
      program: engine.buildctl,
      argv: [...engineArgv(engine), 'debug', 'get', NOWHERE],
      env: withoutTracing(options.env),
      timeoutMs: ASK_MS,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (/not found/i.test(asked.stderr)) return;
    await sleep(100);
  }
}
