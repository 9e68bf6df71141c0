/** Asking a buildkitd what it works with. */
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { runProgram, whyFailed } from '../system/mod.ts';
import { aborted } from './lock.ts';
import type { EngineOptions } from './notice.ts';

/** A worker as buildkitd describes it. */
export interface WorkerInfo {
  readonly executor: 'containerd' | 'oci' | 'unknown';
  readonly snapshotter: string;
  /** `host`: RUN shares the machine's network, which is what BuildKit does where no CNI plugins are set up. */
  readonly network: string;
  readonly platforms: readonly string[];
  /** The containerd it works with, by the number that this one has given itself, and the namespace in it. */
  readonly containerd?: { readonly uuid: string; readonly namespace: string };
}

/** Asks a buildkitd for its first worker. Problems: `engine/unreachable`, `engine/aborted`. */
export async function readWorker(
  buildctl: string,
  address: string,
  options: EngineOptions,
): Promise<Result<WorkerInfo, Problem>> {
  const asked = await runProgram({
    program: buildctl,
    argv: ['--addr', address, 'debug', 'workers', '--format', '{{json .}}'],
    env: daemonFreeEnv(options),
    timeoutMs: 20_000,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (asked.ended === 'cancelled') return fail(aborted());
  const text = asked.stdout.toString();
  const workers = asked.exitCode === 0 ? parseWorkers(text) : undefined;
  const [first] = workers ?? [];
  if (first === undefined) {
    return fail(
      problem('engine/unreachable', `buildkitd at ${address} does not report its workers`, {
        hint: 'bake-ts engine doctor looks for the cause',
        detail:
          asked.stderr.trim().slice(-1_000) || (asked.exitCode === 0 ? text.slice(0, 500) : whyFailed(asked)),
        temporary: true,
      }),
    );
  }
  return ok(first);
}

function daemonFreeEnv(options: EngineOptions): EngineOptions['env'] {
  return { ...options.env, TRACEPARENT: undefined, TRACESTATE: undefined };
}

/** A worker as buildctl prints it (buildkit client/workers.go, with OCI platforms). */
interface RawWorker {
  readonly labels?: Readonly<Record<string, string>>;
  readonly platforms?: readonly {
    readonly os?: string;
    readonly architecture?: string;
    readonly variant?: string;
  }[];
}

/** Reads the output of `buildctl debug workers --format '{{json .}}'`; undefined where it is none. */
export function parseWorkers(text: string): readonly WorkerInfo[] | undefined {
  try {
    const workers: unknown = JSON.parse(text);
    if (!Array.isArray(workers)) return undefined;
    return (workers as readonly RawWorker[]).map(({ labels, platforms }) => {
      const label = (name: string): string =>
        labels?.[`org.mobyproject.buildkit.worker.${name}`] ?? 'unknown';
      const executor = label('executor');
      const [uuid, namespace] = [label('containerd.uuid'), label('containerd.namespace')];
      const isKnown = uuid !== 'unknown' && uuid !== '' && namespace !== 'unknown' && namespace !== '';
      return {
        executor: executor === 'containerd' || executor === 'oci' ? executor : 'unknown',
        snapshotter: label('snapshotter'),
        network: label('network'),
        platforms: (platforms ?? []).map((one) =>
          [one.os, one.architecture, one.variant]
            .filter((word) => word !== undefined && word !== '')
            .join('/'),
        ),
        ...(isKnown ? { containerd: { uuid, namespace } } : {}),
      };
    });
  } catch {
    return undefined;
  }
}
