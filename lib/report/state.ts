/**
 * What a run looks like at one moment, made from its events and nothing else. Painters read it; they never see events.
 *
 * `applyEvent` changes the state in place: a run of thousands of builds sends hundreds of thousands of events, and a
 * copy for each would make the reporter the slowest part of a run. It reads no clock and nothing else, so that the same
 * events always give the same state (tests replay recorded streams).
 */
import type { BakeEvent, DecisionKind, Outcome, Phase, PlannedNode, ProblemJson } from '../model/mod.ts';
import { LineJoiner, type LogLine } from './lines.ts';
import { isStopped } from './step-names.ts';
import { plainText } from './text.ts';
import { warningIdentity } from './unwritten.ts';

/**
 * Where a build is. `waiting`: what it needs is not there yet. `queued`: nothing is done for it till a slot is free, the
 * engine is there, or the like. `retrying`: an attempt failed, and the next one has not begun.
 */
export type NodeStatus = 'waiting' | Phase | 'retrying' | 'finished';

/** Bytes on their way. */
export interface TransferView {
  readonly id: string;
  readonly current: number;
  readonly total?: number;
}

/** Nothing moves in a build. */
export interface StalledView {
  readonly sinceMs: number;
  readonly waitsFor: string;
  /** When the call is ended if nothing moves till then. */
  readonly endsAtMs?: number;
}

/** A wait for something that went away. */
export interface WaitView {
  readonly sinceMs: number;
  /** When it is tried again (a registry), or given up (an engine). */
  readonly untilMs: number;
  /** What is waited for, and why. */
  readonly what: string;
  readonly why: string;
  /** Of a registry: when each request that waits is sent again. */
  readonly untils?: readonly number[];
}

/** A build at the time at which it was stopped. */
export interface StoppedView {
  readonly atMs: number;
  readonly node: NodeView;
}

/** One build of a run. */
export interface NodeView {
  readonly build: string;
  readonly status: NodeStatus;
  readonly role?: PlannedNode['role'];
  /** Builds it waits for before anything is done for it. */
  readonly needs: readonly string[];
  /** How long its last build took, where that is known. */
  readonly usualMs?: number;
  /** The last one counts. */
  readonly decision?: DecisionKind;
  /** It is begun while these are still pushed. */
  readonly earlyFor?: readonly string[];
  /** Steps of the Dockerfile that BuildKit announced (never fewer than it did), without those that only resolve an image. */
  readonly steps: { readonly total: number; readonly done: number; readonly cached: number };
  /** Names of the steps that run now, by digest, in the order they started. */
  readonly running: ReadonlyMap<string, string>;
  /** Transfers that run now, by vertex and id. */
  readonly transfers: ReadonlyMap<string, TransferView>;
  /** The step that failed, as BuildKit prints it. */
  readonly failedStep?: string;
  /** What it was when it was stopped; absent: nothing was done for it, or it was not stopped. */
  readonly stopped?: StoppedView;
  readonly retry?: { readonly untilMs: number; readonly attempt: number; readonly why: string };
  /** Nothing moves in it. */
  readonly stalled?: StalledView;
  /** The slot it has. */
  readonly slot?: number;
  /** When something was done for it first. */
  readonly startedAtMs?: number;
  /** How long something was done for it, without what happens since `activeAtMs`. */
  readonly activeMs: number;
  readonly activeAtMs?: number;
  readonly finishedAtMs?: number;
  /** Its last log lines, oldest first, safe to print. */
  readonly tail: readonly LogLine[];
  readonly outcome?: Outcome;
}

/** A run, for painters. */
export interface RunState {
  readonly phase: 'starting' | 'running' | 'finished';
  readonly startedAtMs: number;
  /** In the order of the plan. */
  readonly nodes: ReadonlyMap<string, NodeView>;
  readonly concurrency: number;
  /** What is being done about the engine, while it is not ready. */
  readonly engineText?: string;
  /** The engine went away. */
  readonly engineWait?: WaitView;
  /** Each time that it went away and its wait is over. */
  readonly engineLosses: readonly EngineLoss[];
  /** Registries that do not answer as they should, by host. */
  readonly registryWaits: ReadonlyMap<string, WaitView>;
  readonly warnings: readonly ProblemJson[];
  /** One for those that say the same. */
  readonly warningKinds: ReadonlySet<string>;
  readonly interruptedBy?: string;
}

/** An engine that went away in the middle of a run. */
export interface EngineLoss {
  /** Milliseconds since the run started. */
  readonly atMs: number;
  readonly waitedMs: number;
  readonly back: boolean;
  /** Builds that were begun again, since it took their calls of buildctl with it. */
  readonly builds: readonly string[];
}

/** Log lines kept for each build. */
const TAIL = 20;

/** A step of a Dockerfile (`[build 3/7] RUN …`); `FROM` is left out, because BuildKit flags it as cached only sometimes. */
const STEP = /^\[(?:[^\]]* )?\d+\/\d+\] (?!FROM )/;

type VertexState = Extract<BakeEvent, { readonly type: 'vertex' }>['state'];

/** The same records with their handles for writing; only this file writes. */
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
  /** Last known state of each step, to count transitions. */
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
  /** Builds whose calls the engine took with it. */
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

/** Takes one event into a state that `createRunState` made. Unknown types (of a later version) change nothing. */
export function applyEvent(state: RunState, event: BakeEvent): void {
  // Every RunState was made above, as a Run; the readonly face is for everybody else.
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

/** How long something was done for a build, without its waits: `durationMs` of its outcome, as far as it goes. */
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
      // It waits for its next attempt then, and not for a slot.
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
      // A second attempt announces its steps again; what the first one had done is cached by then.
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

/** In these buildctl runs for a build. */
const IN_CALL: ReadonlySet<NodeStatus> = new Set(['building', 'exporting', 'pushing']);

/** In these nothing is done for a build. */
const IDLE: ReadonlySet<NodeStatus> = new Set(['waiting', 'queued', 'retrying', 'finished']);

/** From now on something else is done for a build, or nothing. */
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
 * Counts by transition: BuildKit reports one digest several times, and "completed" is not final (a push follows an
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
  // By name: a step that builds share comes under two digests.
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

/** Remembers what is done for a build before all of it is ended. */
function noteStop(node: Node, atMs: number): void {
  if (node.status === 'waiting' || node.status === 'queued' || node.status === 'finished') return;
  const { running, transfers } = node;
  node.stopped ??= { atMs, node: { ...node, running: new Map(running), transfers: new Map(transfers) } };
}

/** What other steps wrote says nothing of why a build failed. */
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
