/** The engine that a run would use here, and what it reports about itself. Starts nothing. */
import { engineArgv, ok, type Problem, type Result, type WorkerInfo } from '../model/mod.ts';
import { runProgram, withoutTracing } from '../system/mod.ts';
import type { EngineTool } from './ask-buildctl.ts';
import { findContainerd } from './containerd.ts';
import { type Engine, type FindOptions, findEngine } from './find.ts';
import type { ContainerdAccess } from './images.ts';
import type { EngineOptions } from './notice.ts';
import { readWorker } from './worker.ts';

/** An engine that answers. */
export interface ServingEngine extends Pick<Engine, 'address' | 'kind' | 'source' | 'notes'> {
  /** Version of BuildKit as it reports it (`v0.13.1`); undefined if it does not. */
  readonly version?: string;
  /** Its worker. */
  readonly worker: WorkerInfo;
  /** How to read its images, if that is possible from here. */
  readonly containerd?: ContainerdAccess;
  /** Why its images cannot be read. */
  readonly unreadable?: Problem;
}

/**
 * Finds and queries the engine that a run would use. Problems: those of {@link findEngine}, `engine/not-running` if a run would
 * start the embedded engine, `engine/unreachable` if it does not answer.
 */
export async function servingEngine(options: Omit<FindOptions, 'autoStart'>): Promise<Result<ServingEngine>> {
  const found = await findEngine({ ...options, autoStart: false });
  if (!found.ok) return found;
  const { address, kind, source, notes } = found.value;
  const worker = await readWorker(found.value, options);
  if (!worker.ok) return { ok: false, error: [worker.error] };
  const [version, containerd] = await Promise.all([
    readVersion(found.value, options),
    findContainerd(found.value, options),
  ]);
  return ok({
    ...{ address, kind, source, notes, worker: worker.value },
    ...(version === undefined ? {} : { version }),
    ...(containerd.ok ? { containerd: containerd.value } : { unreadable: containerd.error }),
  });
}

/** buildkitd reports its version since 0.11. */
async function readVersion(engine: EngineTool, { env, signal }: EngineOptions): Promise<string | undefined> {
  const asked = await runProgram({
    program: engine.buildctl,
    argv: [...engineArgv(engine), 'debug', 'info'],
    env: withoutTracing(env),
    timeoutMs: 10_000,
    ...(signal === undefined ? {} : { signal }),
  });
  if (asked.exitCode !== 0) return undefined;
  return /^BuildKit:\s+\S+\s+(\S+)/m.exec(asked.stdout.toString())?.[1];
}
