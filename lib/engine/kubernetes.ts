/** Engines in pods: kubectl lists them, and buildctl connects to each through kubectl. */
import {
  fail,
  type KubernetesPods,
  ok,
  type Problem,
  problem,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { findProgram, type RunProgram, runProgram, whyFailed, withoutTracing } from '../system/mod.ts';
import { explainKubectl } from './kubectl-words.ts';
import type { EngineOptions } from './notice.ts';

/** A pod in which buildkitd runs. */
export interface EnginePod {
  readonly namespace: string;
  readonly name: string;
  /** Address of the engine, in the form that buildctl uses. */
  readonly address: string;
}

/** A pod in the API (Kubernetes API reference, core/v1 `Pod`). */
interface RawPod {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: { readonly containers?: readonly { readonly name?: string }[] };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
  };
}

/** Time limit for the cluster (milliseconds). kubectl's own limit is a little shorter, so that it prints the error. */
const ANSWER_MS = 20_000;
const REQUEST_TIMEOUT = '15s';

/**
 * Finds the pods that are ready and not terminating. Problems: `engine/kubectl`, `engine/no-pods`, `run/cancelled`.
 *
 * @param run replaces running kubectl
 */
export async function listPods(
  pods: KubernetesPods,
  options: EngineOptions,
  run: RunProgram = runProgram,
): Promise<Result<readonly EnginePod[], Problem>> {
  const { env, signal } = options;
  const what = inWords(pods);
  const kubectl = await findProgram('kubectl', env);
  if (kubectl === undefined) {
    return fail(
      explainKubectl(what, 'exec: "kubectl"') ?? problem('engine/kubectl', `${what}: kubectl is missing`),
    );
  }
  const asked = await run({
    program: kubectl,
    argv: [
      ...(pods.context === undefined ? [] : [`--context=${pods.context}`]),
      ...(pods.namespace === undefined ? [] : [`--namespace=${pods.namespace}`]),
      ...[
        'get',
        'pods',
        `--selector=${pods.selector}`,
        '--output=json',
        `--request-timeout=${REQUEST_TIMEOUT}`,
      ],
    ],
    env: withoutTracing(env),
    timeoutMs: ANSWER_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  if (asked.ended === 'cancelled') return fail(wasCancelled());
  if (asked.denied !== undefined) return fail(asked.denied);
  const found = asked.exitCode === 0 ? parsePods(asked.stdout.toString()) : undefined;
  if (found !== undefined) return chooseReady(found, pods);
  const detail = asked.stderr.trim().slice(-1_000) || whyFailed(asked);
  return fail({
    ...(explainKubectl(what, asked.stderr) ??
      problem('engine/kubectl', `${what}: kubectl does not list them`, {
        hint: `check the output of kubectl get pods --selector='${pods.selector}'`,
        temporary: true,
      })),
    detail,
  });
}

function inWords({ selector, namespace, context }: KubernetesPods): string {
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  return `pods with ${selector}${where}${context === undefined ? '' : ` of context ${context}`}`;
}

function parsePods(text: string): readonly RawPod[] | undefined {
  try {
    const { items } = JSON.parse(text) as { readonly items?: readonly RawPod[] };
    return Array.isArray(items) ? items : undefined;
  } catch {
    return undefined;
  }
}

function chooseReady(found: readonly RawPod[], pods: KubernetesPods): Result<readonly EnginePod[], Problem> {
  const what = inWords(pods);
  if (found.length === 0) {
    return fail(
      problem('engine/no-pods', `there are no ${what}`, {
        hint: `check other namespaces: kubectl get pods --all-namespaces --selector='${pods.selector}'`,
        temporary: true,
      }),
    );
  }
  const lacking =
    pods.container === undefined ? [] : found.filter((pod) => !hasContainer(pod, pods.container ?? ''));
  if (lacking.length === found.length && pods.container !== undefined) {
    const names = [
      ...new Set(found.flatMap(({ spec }) => (spec?.containers ?? []).map(({ name = '' }) => name))),
    ];
    return fail(
      problem('engine/no-pods', `${what} have no container ${pods.container}`, {
        hint: `their containers: ${names.join(', ')}`,
      }),
    );
  }
  const ready = found.filter((pod) => isReady(pod) && !lacking.includes(pod));
  if (ready.length > 0) return ok(ready.map((pod) => toEnginePod(pod, pods)).sort(byName));
  return fail(
    problem('engine/no-pods', `none of the ${found.length} ${what} is ready`, {
      hint: 'find the cause with kubectl describe pod',
      detail: found.map((pod) => `${pod.metadata?.name}: ${stateOf(pod)}`).join('\n'),
      temporary: true,
    }),
  );
}

function hasContainer({ spec }: RawPod, container: string): boolean {
  return (spec?.containers ?? []).some(({ name }) => name === container);
}

function isReady({ metadata, status }: RawPod): boolean {
  if (metadata?.deletionTimestamp !== undefined || status?.phase !== 'Running') return false;
  return (status.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
}

function stateOf({ metadata, status }: RawPod): string {
  if (metadata?.deletionTimestamp !== undefined) return 'it is terminating';
  return status?.phase === 'Running' ? 'it runs but is not ready' : (status?.phase ?? 'unknown');
}

function toEnginePod({ metadata }: RawPod, { context, container }: KubernetesPods): EnginePod {
  const { name = '', namespace = '' } = metadata ?? {};
  // Parsed by buildkit client/connhelper/kubepod.
  const query = new URLSearchParams({
    ...(context === undefined ? {} : { context }),
    namespace,
    ...(container === undefined ? {} : { container }),
  });
  return { namespace, name, address: `kube-pod://${name}?${query.toString()}` };
}

function byName(one: EnginePod, other: EnginePod): number {
  return `${one.namespace}/${one.name}` < `${other.namespace}/${other.name}` ? -1 : 1;
}
