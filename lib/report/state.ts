/**
 * The state of a run at one moment, made only from its events. Painters read it and never see events.
 *
 * `applyEvent` changes the state in place: a run of thousands of builds sends hundreds of thousands of events, and
 * copying would make the reporter the slowest part. It uses no clock or other input, so equal events result in equal
 * states (tests replay recorded streams).
 */
import type { BakeEvent, DecisionKind, Outcome, Phase, PlannedNode, ProblemJson } from '../model/mod.ts';
import { LineJoiner, type LogLine } from './lines.ts';
import { isStopped } from './step-names.ts';
import { plainText } from './text.ts';
import { warningIdentity } from './unwritten.ts';

/**
 * The status of a build. `waiting`: for dependencies. `queued`: for a free slot, the engine or the like. `retrying`:
 * between a failed attempt and the next one.
 */
export type NodeStatus = 'waiting' | Phase | 'retrying' | 'finished';

/** A transfer in progress. */
export interface TransferView {
  readonly id: string;
  readonly current: number;
  readonly total?: number;
}

/** A build without progress. */
export interface StalledView {
  readonly sinceMs: number;
  readonly waitsFor: string;
  /** When the call is stopped if there is no progress until then. */
  readonly endsAtMs?: number;
}

/** A wait for something unavailable. */
export interface WaitView {
  readonly sinceMs: number;
  /** When it is tried again (a registry) or given up (an engine). */
  readonly untilMs: number;
  /** What is unavailable, and why. */
  readonly what: string;
  readonly why: string;
  /** For a registry: when each waiting request is sent again. */
  readonly untils?: readonly number[];
}

/** A build when it was stopped. */
export interface StoppedView {
  readonly atMs: number;
  readonly node: NodeView;
}

/** One build of a run. */
export interface NodeView {
  readonly build: string;
  readonly status: NodeStatus;
  readonly role?: PlannedNode['role'];
  /** Dependencies that it waits for before it starts. */
  readonly needs: readonly string[];
  /** Duration of its last build, if known. */
  readonly usualMs?: number;
  /** The last decision. */
  readonly decision?: DecisionKind;
  /** It started early, while these are still being pushed. */
  readonly earlyFor?: readonly string[];
  /** Steps of the Dockerfile that BuildKit has announced so far (never decreasing), without those that only resolve an image. */
  readonly steps: { readonly total: number; readonly done: number; readonly cached: number };
  /** Names of the running steps by digest, in the order of their start. */
  readonly running: ReadonlyMap<string, string>;
  /** Running transfers, by vertex and id. */
  readonly transfers: ReadonlyMap<string, TransferView>;
  /** The step that failed, as BuildKit prints it. */
  readonly failedStep?: string;
  /** Its state when it was stopped; absent: it was not stopped or not active. */
  readonly stopped?: StoppedView;
  readonly retry?: { readonly untilMs: number; readonly attempt: number; readonly why: string };
  /** Set while there is no progress. */
  readonly stalled?: StalledView;
  /** Its slot. */
  readonly slot?: number;
  /** When it first became active. */
  readonly startedAtMs?: number;
  /** How long it was active, until `activeAtMs`. */
  readonly activeMs: number;
  readonly activeAtMs?: number;
  readonly finishedAtMs?: number;
  /** Its last log lines, oldest first, safe to print. */
  readonly tail: readonly LogLine[];
  readonly outcome?: Outcome;
}

/** The state of a run, for painters. */
export interface RunState {
  readonly phase: 'starting' | 'running' | 'finished';
  readonly startedAtMs: number;
  /** In the order of the plan. */
  readonly nodes: ReadonlyMap<string, NodeView>;
  readonly concurrency: number;
  /** What happens to the engine until it is ready. */
  readonly engineText?: string;
  /** Set while the engine is away. */
  readonly engineWait?: WaitView;
  /** Past losses of the engine. */
  readonly engineLosses: readonly EngineLoss[];
  /** Unavailable registries, by host. */
  readonly registryWaits: ReadonlyMap<string, WaitView>;
  readonly warnings: readonly ProblemJson[];
  /** Identities of warnings; equal warnings have one. */
  readonly warningKinds: ReadonlySet<string>;
  readonly interruptedBy?: string;
}

/** A loss of the engine during a run. */
export interface EngineLoss {
  /** Milliseconds since the run started. */
  readonly atMs: number;
  readonly waitedMs: number;
  readonly back: boolean;
  /** Builds that were restarted because their buildctl calls were lost. */
  readonly builds: readonly string[];
}

/** Log lines kept for each build. */
const TAIL = 20;

/** A step of a Dockerfile (`[build 3/7] RUN …`). `FROM` is excluded, because BuildKit reports it as cached only sometimes. */
const STEP = /^\[(?:[^\]]* )?\d+\/\d+\] (?!FROM )/;

type VertexState = Extract<BakeEvent, { readonly type: 'vertex' }>['state'];

/** The same records, writable; only this file writes. */
interface Node extends NodeView {
  status: NodeStatus;
  decision?: DecisionKind;
  earlyFor?: readonly string[];
  steps: { total: number; done: number; cached: number };
  running: Map<string, string>;
  transfers: Map<string, TransferView>;
  failedStep?: string;
  retry?: { untilMs: number; attempt: number; why: string };
  stalled?: StalledView;
  slot?: number;
  startedAtMs?: number;
  activeMs: number;
  activeAtMs?: number;
  finishedAtMs?: number;
  tail: LogLine[];
  outcome?: Outcome;
  /** Last known state of each step, to count changes. */
  readonly stepStates: Map<string, VertexState>;
  failedDigest?: string;
  stopped?: StoppedView;
  readonly joiner: LineJoiner;
}

interface Run extends RunState {
  phase: RunState['phase'];
  startedAtMs: number;
  concurrency: number;
  nodes: Map<string, Node>;
  engineText?: string;
  engineWait?: WaitView;
  engineLosses: (EngineLoss & { builds: string[] })[];
  /** Builds whose calls were lost with the engine. */
  lost: Set<string>;
  registryWaits: Map<string, WaitView>;
  warnings: ProblemJson[];
  warningKinds: Set<string>;
  interruptedBy?: string;
}

/** The state before the first event. Only `applyEvent` can change it. */
export function createRunState(): RunState {
  const fresh: Run = {
    phase: 'starting',
    startedAtMs: 0,
    concurrency: 1,
    nodes: new Map(),
    engineLosses: [],
    lost: new Set(),
    registryWaits: new Map(),
    warnings: [],
    warningKinds: new Set(),
  };
  return fresh;
}

/** Applies one event to a state from `createRunState`. Unknown types (of a later version) change nothing. */
export function applyEvent(state: RunState, event: BakeEvent): void {
  // Every RunState was created above as a Run; it is readonly for others.
  const run = state as Run;
  switch (event.type) {
    case 'run-started':
      run.startedAtMs = event.atMs;
      run.concurrency = event.concurrency;
      break;
    case 'planned':
      run.phase = 'running';
      for (const planned of event.nodes) run.nodes.set(planned.build, createNode(planned.build, planned));
      break;
    case 'engine-starting':
      run.engineText = plainText(event.text);
      break;
    case 'engine-ready':
      delete run.engineText;
      delete run.engineWait;
      break;
    case 'engine-waited': {
      const { waitedMs, back, atMs } = event;
      const since = run.engineWait?.sinceMs ?? atMs - waitedMs;
      run.engineLosses.push({
        ...{ atMs: Math.max(0, since - run.startedAtMs), waitedMs, back },
        builds: [],
      });
      delete run.engineWait;
      if (event.back) delete run.engineText;
      break;
    }
    case 'engine-waiting':
      run.engineWait = {
        sinceMs: event.atMs,
        untilMs: event.atMs + event.waitMs,
        what: plainText(event.address),
        why: plainText(event.why),
      };
      break;
    case 'warning':
      run.warnings.push(event.build === undefined ? event.problem : { ...event.problem, build: event.build });
      run.warningKinds.add(warningIdentity(event.problem));
      break;
    case 'registry-waiting':
      run.registryWaits.set(event.registry, {
        sinceMs:
          (event.attempt > 1 ? run.registryWaits.get(event.registry)?.sinceMs : undefined) ?? event.atMs,
        untilMs: event.atMs + event.delayMs,
        untils: [
          ...(run.registryWaits.get(event.registry)?.untils ?? []).filter((one) => one > event.atMs),
          event.atMs + event.delayMs,
        ],
        what: plainText(event.registry),
        why: plainText(event.why).replace(/^it /, ''),
      });
      break;
    case 'engine-aside':
    case 'engine-returned':
      break;
    case 'interrupted':
      run.interruptedBy = event.signal;
      for (const node of run.nodes.values()) noteStop(node, event.atMs);
      break;
    case 'run-finished':
      run.phase = 'finished';
      break;
    default:
      applyToNode(run, event);
  }
}

/** How long a build was active so far, without waits; becomes `durationMs` of its outcome. */
export function elapsedMs(node: NodeView, nowMs: number): number {
  if (node.outcome !== undefined) return node.outcome.durationMs;
  return Math.max(0, node.activeMs + (node.activeAtMs === undefined ? 0 : nowMs - node.activeAtMs));
}

type NodeEvent = Extract<BakeEvent, { readonly build: string }>;

function applyToNode(run: Run, event: NodeEvent): void {
  const node = nodeOf(run, event.build);
  switch (event.type) {
    case 'node-phase':
      if (event.waitsFor === 'engine' && run.engineWait !== undefined && IN_CALL.has(node.status))
        run.lost.add(event.build);
      if (event.slot === undefined) delete node.slot;
      else node.slot = event.slot;
      // It waits for its next attempt, not for a slot.
      if (event.phase === 'queued' && node.retry !== undefined) break;
      enter(node, event.phase, event.atMs);
      delete node.retry;
      break;
    case 'node-keyed':
      if (node.status === 'waiting') enter(node, 'checking', event.atMs);
      break;
    case 'node-decided':
      node.decision = event.decision;
      break;
    case 'early-started':
      node.earlyFor = event.waitsFor;
      break;
    case 'early-finished':
      enter(node, 'waiting', event.atMs);
      delete node.earlyFor;
      node.running.clear();
      node.transfers.clear();
      break;
    case 'node-started':
      enter(node, 'building', event.atMs);
      delete node.retry;
      delete node.stalled;
      delete node.failedStep;
      delete node.stopped;
      delete node.failedDigest;
      if (event.beside === true) break;
      // Another attempt announces its steps again; finished steps are then cached.
      node.steps = { total: 0, done: 0, cached: 0 };
      node.stepStates.clear();
      node.running.clear();
      node.transfers.clear();
      break;
    case 'vertex':
      if (isStopped(event)) noteStop(node, event.atMs);
      applyVertex(node, event);
      break;
    case 'transfer': {
      const key = `${event.vertex} ${event.id}`;
      if (event.done) node.transfers.delete(key);
      else {
        const { id, current, total } = event;
        node.transfers.set(key, total === undefined ? { id, current } : { id, current, total });
      }
      break;
    }
    case 'log':
      pushLines(node, node.joiner.take(event));
      break;
    case 'retry':
      if (run.lost.delete(event.build)) run.engineLosses.at(-1)?.builds.push(event.build);
      enter(node, 'retrying', event.atMs);
      delete node.stalled;
      delete node.slot;
      node.retry = {
        untilMs: event.atMs + event.delayMs,
        attempt: event.attempt,
        why: plainText(event.why),
      };
      node.running.clear();
      node.transfers.clear();
      break;
    case 'stalled':
      node.stalled = {
        sinceMs: event.atMs - event.quietMs,
        waitsFor: plainText(event.waitsFor),
        ...(event.endsInMs === undefined ? {} : { endsAtMs: event.atMs + event.endsInMs }),
      };
      break;
    case 'resumed':
      delete node.stalled;
      break;
    case 'node-finished':
      run.lost.delete(event.build);
      if (event.outcome.kind === 'cancelled') noteStop(node, event.atMs);
      else delete node.stopped;
      enter(node, 'finished', event.atMs);
      node.finishedAtMs = event.atMs;
      delete node.stalled;
      delete node.retry;
      delete node.slot;
      pushLines(node, node.joiner.flush());
      node.outcome = event.outcome;
      keepOutputOfFailure(node);
      node.running.clear();
      node.transfers.clear();
      break;
  }
}

/** While in these states, buildctl runs for the build. */
const IN_CALL: ReadonlySet<NodeStatus> = new Set(['building', 'exporting', 'pushing']);

/** While in these states, the build is not active. */
const IDLE: ReadonlySet<NodeStatus> = new Set(['waiting', 'queued', 'retrying', 'finished']);

/** Changes the status of a build. */
function enter(node: Node, status: NodeStatus, atMs: number): void {
  if (node.activeAtMs !== undefined) node.activeMs += atMs - node.activeAtMs;
  if (IDLE.has(status)) delete node.activeAtMs;
  else {
    node.activeAtMs = atMs;
    node.startedAtMs ??= atMs;
  }
  node.status = status;
}

/**
 * Counts changes of state: BuildKit reports a digest several times, and "completed" is not final (a push follows an
 * export under the same digest).
 */
function applyVertex(node: Node, event: Extract<BakeEvent, { readonly type: 'vertex' }>): void {
  if (event.state === 'running') {
    if (!node.running.has(event.digest)) node.running.set(event.digest, plainText(event.name));
  } else {
    node.running.delete(event.digest);
  }
  if (event.state === 'failed' && !isStopped(event)) {
    node.failedStep = event.name;
    node.failedDigest = event.digest;
  }
  if (!STEP.test(event.name)) return;
  // By name, because a shared step has two digests.
  const before = node.stepStates.get(event.name);
  node.stepStates.set(event.name, event.state);
  const { steps } = node;
  if (before === undefined) steps.total += 1;
  else if (before === 'cached') steps.cached -= 1;
  if (before === 'done' || before === 'cached') steps.done -= 1;
  if (event.state === 'cached') steps.cached += 1;
  if (event.state === 'done' || event.state === 'cached') steps.done += 1;
}

function nodeOf(run: Run, build: string): Node {
  let node = run.nodes.get(build);
  if (node === undefined) {
    node = createNode(build);
    run.nodes.set(build, node);
  }
  return node;
}

function createNode(build: string, planned?: PlannedNode): Node {
  return {
    build,
    status: 'waiting',
    needs: planned?.needs ?? [],
    ...(planned === undefined ? {} : { role: planned.role }),
    ...(planned?.usualMs === undefined ? {} : { usualMs: planned.usualMs }),
    activeMs: 0,
    steps: { total: 0, done: 0, cached: 0 },
    running: new Map(),
    transfers: new Map(),
    tail: [],
    stepStates: new Map(),
    joiner: new LineJoiner(),
  };
}

/** Remembers what a build is doing before it is stopped. */
function noteStop(node: Node, atMs: number): void {
  if (node.status === 'waiting' || node.status === 'queued' || node.status === 'finished') return;
  const { running, transfers } = node;
  node.stopped ??= { atMs, node: { ...node, running: new Map(running), transfers: new Map(transfers) } };
}

/** Output of other steps does not explain why a build failed. */
function keepOutputOfFailure(node: Node): void {
  const { outcome, failedDigest } = node;
  if (outcome?.kind !== 'failed') return;
  const isOfStep = outcome.problem === undefined || outcome.problem.code.startsWith('build/');
  if (failedDigest !== undefined || !isOfStep)
    node.tail = node.tail.filter(({ vertex }) => vertex === failedDigest);
}

function pushLines(node: Node, lines: readonly LogLine[]): void {
  node.tail.push(...lines);
  if (node.tail.length > TAIL) node.tail.splice(0, node.tail.length - TAIL);
}
