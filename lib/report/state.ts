/**
 * What a run looks like at one moment, made from its events and nothing else. Painters read it; they never see events.
 *
 * `applyEvent` changes the state in place: a run of thousands of builds sends hundreds of thousands of events, and a
 * copy for each would make the reporter the slowest part of a run. It reads no clock and nothing else, so that the same
 * events always give the same state (tests replay recorded streams).
 */
import type { BakeEvent, Outcome, ProblemJson } from '../model/mod.ts';
import { LineJoiner, type LogLine } from './lines.ts';
import { plainText } from './text.ts';
import { formatDuration } from './units.ts';

/** Where a build is. `checking`: its inputs are known, the registry is being asked. */
export type NodeStatus = 'waiting' | 'checking' | 'decided' | 'running' | 'retrying' | 'finished';

/** Bytes on their way. */
export interface TransferView {
  readonly id: string;
  readonly current: number;
  readonly total?: number;
}

/** One build of a run. */
export interface NodeView {
  readonly build: string;
  readonly status: NodeStatus;
  /** Steps of the Dockerfile that BuildKit announced (never fewer than it did), without those that only resolve an image. */
  readonly steps: { readonly total: number; readonly done: number; readonly cached: number };
  /** Names of the steps that run now, by digest, in the order they started. */
  readonly running: ReadonlyMap<string, string>;
  /** Transfers that run now, by vertex and id. */
  readonly transfers: ReadonlyMap<string, TransferView>;
  readonly retry?: { readonly untilMs: number; readonly why: string };
  /** Nothing moves in it. */
  readonly stalled?: { readonly sinceMs: number; readonly waitsFor: string };
  readonly startedAtMs?: number;
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
  /** What is being done about the engine, while it is not ready. */
  readonly engineText?: string;
  readonly warnings: readonly ProblemJson[];
  readonly interruptedBy?: string;
}

/** Log lines kept for each build. */
const TAIL = 20;

/** A step of a Dockerfile (`[build 3/7] RUN …`); `FROM` is left out, because BuildKit flags it as cached only sometimes. */
const STEP = /^\[(?:[^\]]* )?\d+\/\d+\] (?!FROM )/;

type VertexState = Extract<BakeEvent, { readonly type: 'vertex' }>['state'];

/** The same records with their handles for writing; only this file writes. */
interface Node extends NodeView {
  status: NodeStatus;
  steps: { total: number; done: number; cached: number };
  running: Map<string, string>;
  transfers: Map<string, TransferView>;
  retry?: { untilMs: number; why: string };
  stalled?: { sinceMs: number; waitsFor: string };
  startedAtMs?: number;
  tail: LogLine[];
  outcome?: Outcome;
  /** Last known state of each step, to count transitions. */
  readonly stepStates: Map<string, VertexState>;
  readonly joiner: LineJoiner;
}

interface Run extends RunState {
  phase: RunState['phase'];
  startedAtMs: number;
  nodes: Map<string, Node>;
  engineText?: string;
  warnings: ProblemJson[];
  interruptedBy?: string;
}

/** The state before the first event. Only `applyEvent` can change it. */
export function createRunState(): RunState {
  const fresh: Run = { phase: 'starting', startedAtMs: 0, nodes: new Map(), warnings: [] };
  return fresh;
}

/** Takes one event into a state that `createRunState` made. Unknown types (of a later version) change nothing. */
export function applyEvent(state: RunState, event: BakeEvent): void {
  // Every RunState was made above, as a Run; the readonly face is for everybody else.
  const run = state as Run;
  switch (event.type) {
    case 'run-started':
      run.startedAtMs = event.atMs;
      break;
    case 'planned':
      run.phase = 'running';
      for (const planned of event.nodes) run.nodes.set(planned.build, createNode(planned.build));
      break;
    case 'engine-starting':
      run.engineText = plainText(event.text);
      break;
    case 'engine-ready':
    case 'engine-waited':
      delete run.engineText;
      break;
    case 'engine-waiting':
      run.engineText = plainText(waitingText(event));
      break;
    case 'warning':
      run.warnings.push(event.problem);
      break;
    case 'registry-waiting':
      break;
    case 'interrupted':
      run.interruptedBy = event.signal;
      break;
    case 'run-finished':
      run.phase = 'finished';
      break;
    default:
      applyToNode(run, event);
  }
}

/** What is waited for where nothing moves. */
export function stalledText(event: Extract<BakeEvent, { readonly type: 'stalled' }>): string {
  return `no progress for ${formatDuration(event.quietMs)}, waiting for ${event.waitsFor}`;
}

/** What is waited for where the engine went away. */
export function waitingText(event: Extract<BakeEvent, { readonly type: 'engine-waiting' }>): string {
  return `waiting for the engine ${event.address}, up to ${formatDuration(event.waitMs)}: ${event.why}`;
}

type NodeEvent = Extract<BakeEvent, { readonly build: string }>;

function applyToNode(run: Run, event: NodeEvent): void {
  const node = nodeOf(run, event.build);
  switch (event.type) {
    case 'node-phase':
      break;
    case 'node-keyed':
      node.status = 'checking';
      break;
    case 'node-decided':
      node.status = 'decided';
      break;
    case 'early-started':
      break;
    case 'early-finished':
      node.status = 'waiting';
      node.running.clear();
      node.transfers.clear();
      break;
    case 'node-started':
      node.status = 'running';
      node.startedAtMs ??= event.atMs;
      delete node.retry;
      delete node.stalled;
      // A second attempt announces its steps again; what the first one had done is cached by then.
      node.steps = { total: 0, done: 0, cached: 0 };
      node.stepStates.clear();
      node.running.clear();
      node.transfers.clear();
      break;
    case 'vertex':
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
      node.status = 'retrying';
      node.retry = { untilMs: event.atMs + event.delayMs, why: plainText(event.why) };
      node.running.clear();
      node.transfers.clear();
      break;
    case 'stalled':
      node.stalled = { sinceMs: event.atMs - event.quietMs, waitsFor: plainText(event.waitsFor) };
      break;
    case 'resumed':
      delete node.stalled;
      break;
    case 'node-finished':
      node.status = 'finished';
      pushLines(node, node.joiner.flush());
      node.outcome = event.outcome;
      node.running.clear();
      node.transfers.clear();
      break;
  }
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
  if (!STEP.test(event.name)) return;
  const before = node.stepStates.get(event.digest);
  node.stepStates.set(event.digest, event.state);
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

function createNode(build: string): Node {
  return {
    build,
    status: 'waiting',
    steps: { total: 0, done: 0, cached: 0 },
    running: new Map(),
    transfers: new Map(),
    tail: [],
    stepStates: new Map(),
    joiner: new LineJoiner(),
  };
}

function pushLines(node: Node, lines: readonly LogLine[]): void {
  node.tail.push(...lines);
  if (node.tail.length > TAIL) node.tail.splice(0, node.tail.length - TAIL);
}
