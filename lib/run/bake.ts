/**
 * A run: from a plan to results. Builds run as soon as what they need is done; everything that happens is an event.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWorker } from '../buildctl/mod.ts';
import { type Engine, findEngine, resolveLocalImages } from '../engine/mod.ts';
import { ContextHasher, SentLedger } from '../fingerprint/mod.ts';
import {
  type Digest,
  type EventSink,
  type Outcome,
  ok,
  type Plan,
  type PlanNode,
  type Problem,
  problemToJson,
  type Result,
  type RunSummary,
} from '../model/mod.ts';
import { createRegistryClient } from '../registry/mod.ts';
import { StateStore, stateDirectory } from '../state/mod.ts';
import type { ReadyEngine, RunContext } from './context.ts';
import type { DockerfileLibrary } from './dockerfiles.ts';
import { createEmitter } from './emitter.ts';
import { ImageDirectory } from './images.ts';
import { type NodeResult, runNode } from './node.ts';
import { checkPlan } from './preflight.ts';
import { heights, runGraph, Semaphore } from './scheduler.ts';

/** How to run a plan. */
export interface BakeOptions {
  readonly plan: Plan;
  /** The library that the plan was made with. */
  readonly dockerfiles: DockerfileLibrary;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--addr`: an engine that is to be used and no other. */
  readonly address?: string;
  /** Builds at a time; default 4. */
  readonly jobs?: number;
  /** Build even what is unchanged. */
  readonly force?: boolean;
  /** Decide and say why, but run nothing and write nothing. */
  readonly dryRun?: boolean;
  /** Stop everything at the first failure; else what does not depend on it goes on. */
  readonly failFast?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: EventSink;
  /** Said in `run-started`: bake-ts's version, and the runtime's name and version. */
  readonly version?: string;
  readonly runtime?: string;
  /** Processor architecture of this machine in Go's words; default: what the runtime says it is. */
  readonly hostArchitecture?: string;
}

const DEFAULT_JOBS = 4;
/** Node's names of processor architectures where Go has others. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/**
 * Runs a plan.
 *
 * @returns what became of every build. Resolves also where builds failed or the run was cancelled; rejects only for a
 * bug of ours.
 */
export async function bake(options: BakeOptions): Promise<RunSummary> {
  const clock = Date.now;
  const startedAt = clock();
  const { plan, env } = options;
  const emit = createEmitter(options.onEvent, clock);
  const stopper = new AbortController();
  const cancel = () => stopper.abort(options.signal?.reason);
  if (options.signal?.aborted === true) cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });

  const requests = { reads: 0, writes: 0 };
  const registry = createRegistryClient({
    registries: plan.set.registries,
    env,
    signal: stopper.signal,
    onRequest: (seen) => {
      if (seen.method === 'GET' || seen.method === 'HEAD') requests.reads++;
      else if (seen.purpose === 'registry') requests.writes++;
    },
  });
  const state = new StateStore(stateDirectory(env), plan.set.root);
  const workDir = await mkdtemp(path.join(tmpdir(), 'bake-ts-'));
  let buildctlCalls = 0;
  const outcomes = new Map<string, Outcome>();
  const problems: Problem[] = [];
  emit({
    type: 'run-started',
    runId: path.basename(workDir).slice('bake-ts-'.length),
    version: options.version ?? '',
    runtime: options.runtime ?? '',
    files: plan.set.files,
    concurrency: options.jobs ?? DEFAULT_JOBS,
  });
  emit({ type: 'planned', nodes: [...plan.nodes.values()].map(announce) });
  try {
    problems.push(...(await checkPlan(plan, options.dockerfiles, env)));
    for (const warning of problems.filter((one) => one.severity === 'warning')) {
      emit({
        type: 'warning',
        problem: problemToJson(warning),
        ...(warning.build === undefined ? {} : { build: warning.build }),
      });
    }
    const fatal = problems.filter((one) => one.severity === 'error');
    problems.splice(0, problems.length, ...fatal);
    if (fatal.length === 0) {
      const context = createContext(options, {
        emit,
        clock,
        stopper,
        registry,
        state,
        workDir,
        countBuild: () => buildctlCalls++,
      });
      try {
        await runAll(options, context, stopper, outcomes, emit);
        await context.hasher.save();
      } finally {
        await context.hasher.close();
      }
    }
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    await registry.close();
    await rm(workDir, { recursive: true, force: true });
  }
  const all = [...plan.nodes.keys()].flatMap((name) => outcomes.get(name) ?? []);
  const bad = all.some((one) => one.kind === 'failed' || one.kind === 'blocked' || one.kind === 'cancelled');
  const summary: RunSummary = {
    ok: problems.length === 0 && !bad,
    cancelled: options.signal?.aborted === true,
    outcomes: all,
    problems: problems.map(problemToJson),
    durationMs: clock() - startedAt,
    buildctlCalls,
    registryRequests: requests,
  };
  emit({ type: 'run-finished', summary });
  return summary;
}

function announce(node: PlanNode) {
  return {
    build: node.build.name,
    role: node.role,
    level: node.level,
    needs: [...new Set(node.edges.map((edge) => edge.to))],
    tags: node.build.tags.map((tag) => tag.text),
    pushes: node.pushes,
  };
}

async function runAll(
  options: BakeOptions,
  context: RunContext & { readonly results: Map<string, NodeResult> },
  stopper: AbortController,
  outcomes: Map<string, Outcome>,
  emit: RunContext['emit'],
): Promise<void> {
  const { plan } = options;
  await runGraph({
    needs: needsOf(plan),
    run: async (name) => {
      const node = plan.nodes.get(name);
      if (node === undefined) return 'failed';
      const result = await runNode(context, node);
      context.results.set(name, result);
      outcomes.set(name, result.outcome);
      const { kind } = result.outcome;
      if (kind === 'failed' && options.failFast === true) stopper.abort('fail-fast');
      return kind === 'failed' || kind === 'cancelled' ? kind : 'done';
    },
    block: (name, by) => {
      const cancelled = outcomes.get(by)?.kind === 'cancelled';
      const outcome: Outcome = cancelled
        ? { build: name, kind: 'cancelled', tags: [], durationMs: 0 }
        : { build: name, kind: 'blocked', blockedBy: by, tags: [], durationMs: 0 };
      outcomes.set(name, outcome);
      emit({ type: 'node-finished', build: name, outcome });
    },
  });
  // A node that was left alone and then built after all is told as built.
  for (const [name, result] of context.results) outcomes.set(name, result.outcome);
}

function needsOf(plan: Plan): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map([...plan.nodes].map(([name, node]) => [name, new Set(node.edges.map((edge) => edge.to))]));
}

interface Shared {
  readonly emit: RunContext['emit'];
  readonly clock: () => number;
  readonly stopper: AbortController;
  readonly registry: RunContext['registry'];
  readonly state: StateStore;
  readonly workDir: string;
  readonly countBuild: () => void;
}

function createContext(
  options: BakeOptions,
  shared: Shared,
): RunContext & { readonly results: Map<string, NodeResult> } {
  const { plan, env } = options;
  const results = new Map<string, NodeResult>();
  const rebuilt = new Map<string, Promise<NodeResult>>();
  const priorities = heights(needsOf(plan));
  const images = new ImageDirectory(shared.registry, shared.state);
  let found: Promise<Result<Engine>> | undefined;
  let ready: Promise<Result<ReadyEngine>> | undefined;
  let stored: Promise<ReadonlyMap<string, Digest> | undefined> | undefined;
  let ids = 0;
  let worker: 'containerd' | 'oci' = 'containerd';
  const needsStore = [...plan.nodes.values()].some((node) => !node.pushes);
  const find = () => {
    found ??= findEngine({
      env,
      autoStart: true,
      notify: (notice) => shared.emit({ type: 'engine-starting', text: notice.text }),
      ...(options.address === undefined ? {} : { flagAddress: options.address }),
      ...(plan.set.engineAddress === undefined ? {} : { fileAddress: plan.set.engineAddress }),
    });
    return found;
  };
  const prepare = async (): Promise<Result<ReadyEngine>> => {
    const engine = await find();
    if (!engine.ok) return engine;
    const buildctl = { program: engine.value.buildctl, address: engine.value.address, env };
    shared.emit({
      type: 'engine-ready',
      address: engine.value.address,
      source: engine.value.source,
      buildctl: buildctl.program,
    });
    // Only results that are not pushed depend on how the worker keeps images.
    if (needsStore && engine.value.containerd === undefined)
      worker = (await describeWorker(buildctl))?.executor ?? 'containerd';
    return ok({ buildctl, sent: new SentLedger(shared.state.sentDir, engine.value.address) });
  };
  const context: RunContext & { readonly results: Map<string, NodeResult> } = {
    results,
    root: plan.set.root,
    emit: shared.emit,
    signal: shared.stopper.signal,
    clock: shared.clock,
    sleep: (ms) => delay(ms, undefined, { signal: shared.stopper.signal }).catch(() => undefined),
    force: options.force === true,
    dryRun: options.dryRun === true,
    workDir: shared.workDir,
    nextId: () => ids++,
    dockerfiles: options.dockerfiles,
    hasher: new ContextHasher({ stateDirectory: shared.state.statDir }),
    images,
    registry: shared.registry,
    state: shared.state,
    permits: new Semaphore(options.jobs ?? DEFAULT_JOBS),
    priorityOf: (build) => priorities.get(build) ?? 0,
    countBuild: shared.countBuild,
    engine: () => {
      ready ??= prepare();
      return ready;
    },
    get worker() {
      return worker;
    },
    enginePlatform: `linux/${options.hostArchitecture ?? GO_ARCHITECTURES[arch()] ?? arch()}`,
    storedImages: () => {
      stored ??= find().then(async (engine) => {
        if (!engine.ok) return undefined;
        const local = await resolveLocalImages(engine.value, { env });
        return local.ok ? local.value : undefined;
      });
      return stored;
    },
    isInsecure: (registry) => {
      const settings = plan.set.registries.get(registry);
      return settings?.http === true || settings?.insecure === true;
    },
    resultOf: (build) => results.get(build),
    rebuild: (build) => {
      const running = rebuilt.get(build) ?? rebuild(build);
      rebuilt.set(build, running);
      return running;
    },
    pinsOf: async (node) => {
      const pins = new Map<string, Digest>();
      for (const image of node.externalImages) {
        const lookup = await images.lookUp(image.written);
        if (lookup.kind === 'known') pins.set(image.written, lookup.digest);
      }
      return pins;
    },
  };
  async function rebuild(build: string): Promise<NodeResult> {
    const node = plan.nodes.get(build);
    if (node === undefined) throw new Error(`\`${build}\` is not in the plan`);
    const result = await runNode(context, node, {
      code: 'parent-lost',
      text: 'a build that needs it runs, and its image is gone',
    });
    results.set(build, result);
    return result;
  }
  return context;
}
