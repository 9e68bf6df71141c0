/** Makes the timeline of one build from its events. */
import type { BakeEvent, Outcome, PlannedNode } from '../model/mod.ts';
import { StepsMaker } from './steps-maker.ts';
import type { BuildTimeline, PhaseSpan, WaitSpan } from './timeline.ts';

/** An event of a build. */
export type NodeEvent = Extract<BakeEvent, { readonly build: string }>;

/** The timeline of a build before the whole run is known. */
export type BuildPart = Omit<BuildTimeline, 'critical' | 'costMs'> & {
  /** Spans of `phases` from this index on belong to its turn; those before are early work. */
  readonly turnFrom: number;
};

interface Open<T> {
  readonly fromMs: number;
  readonly what: T;
}

/** Events outside of a build's own turn; a blocked build has no others. */
const NOT_ITS_TURN: ReadonlySet<NodeEvent['type']> = new Set<NodeEvent['type']>([
  'early-started',
  'early-finished',
  'node-finished',
]);

/** Reads the events of one build; times are milliseconds since the run started. */
export class BuildMaker {
  #planned: PlannedNode;
  readonly #phases: PhaseSpan[] = [];
  readonly #steps = new StepsMaker();
  readonly #waits: WaitSpan[] = [];
  readonly #engines: string[][] = [];
  #phase: Open<Pick<PhaseSpan, 'phase' | 'slot'>> | undefined;
  #stalled: Open<string> | undefined;
  #retry: (Open<string> & { readonly untilMs: number }) | undefined;
  #engineWait: Open<string> | undefined;
  #decision: BuildTimeline['decision'];
  #inputs: BuildTimeline['inputs'];
  #outcome: Outcome | undefined;
  #isEarly = false;
  #turnFrom = 0;
  #beganMs: number | undefined;
  #endedMs: number | undefined;

  constructor(planned: PlannedNode) {
    this.#planned = planned;
  }

  /** Sets the plan, which may come after an event of the build. */
  plan(planned: PlannedNode): void {
    this.#planned = planned;
  }

  /** The current slot, if any. */
  get slot(): number | undefined {
    return this.#phase?.what.slot;
  }

  /** Ends its slot, because another build has it now. */
  loseSlot(nowMs: number): void {
    const phase = this.#phase?.what.phase;
    this.#endPhase(nowMs);
    if (phase !== undefined) this.#phase = { fromMs: nowMs, what: { phase } };
  }

  /** The engine is away and the build waits for it. */
  beginEngineWait(text: string, nowMs: number): void {
    // If its own call failed, it was lost as well.
    this.#steps.endCall(nowMs);
    this.#engineWait ??= { fromMs: nowMs, what: text };
  }

  endEngineWait(nowMs: number): void {
    this.#waits.push(...waitOf('engine', this.#engineWait, nowMs));
    this.#engineWait = undefined;
  }

  take(event: NodeEvent, nowMs: number): void {
    if (!this.#isEarly && !NOT_ITS_TURN.has(event.type)) this.#beganMs ??= nowMs;
    switch (event.type) {
      case 'node-phase':
        this.#beginPhase(event, nowMs);
        break;
      case 'node-keyed': {
        const { files, bytes, untracked } = event;
        this.#inputs = { files, bytes, untracked };
        break;
      }
      case 'node-decided':
        this.#decision = { kind: event.decision, reason: event.reason };
        break;
      case 'early-started':
        this.#isEarly = true;
        this.#steps.beginCall(0, nowMs);
        break;
      case 'early-finished':
        this.#endCall(nowMs);
        this.#endEarly(nowMs);
        break;
      case 'node-started':
        this.#endWaits(nowMs);
        if (event.beside !== true) this.#steps.beginCall(this.#isEarly ? 0 : event.attempt, nowMs);
        if (event.engine !== undefined) this.#noteEngine(event.engine, event.beside === true);
        break;
      case 'vertex':
        this.#steps.take(event, nowMs);
        break;
      case 'retry':
        this.#endCall(nowMs);
        this.#retry = { fromMs: nowMs, untilMs: nowMs + event.delayMs, what: event.why };
        break;
      case 'stalled': {
        const fromMs = this.#stalled?.fromMs ?? Math.max(this.#steps.beganMs, nowMs - event.quietMs);
        this.#stalled = { fromMs, what: event.waitsFor };
        break;
      }
      case 'resumed':
        this.#endStall(nowMs);
        break;
      case 'node-finished':
        this.#endCall(nowMs);
        this.#endPhase(nowMs);
        this.#isEarly = false;
        this.#outcome = event.outcome;
        // An audit reports the end again, long after its dependents continued.
        this.#endedMs ??= nowMs;
        break;
      default: // Output, transfers and tags take no time of their own.
    }
  }

  /** The timeline so far; open spans end now. May be called repeatedly. */
  part(nowMs: number): BuildPart {
    const phases = [...this.#phases, ...spanOf(this.#phase, nowMs)];
    const time =
      this.#beganMs === undefined
        ? {}
        : { time: { fromMs: this.#beganMs, toMs: Math.max(this.#beganMs, this.#endedMs ?? nowMs) } };
    const waits = [
      ...this.#waits,
      ...retryOf(this.#retry, nowMs),
      ...waitOf('stalled', this.#stalled, nowMs),
      ...waitOf('engine', this.#engineWait, nowMs),
    ];
    return {
      ...this.#planned,
      phases,
      steps: this.#steps.spans(nowMs),
      waits: waits.sort((a, b) => a.fromMs - b.fromMs),
      ...(this.#engines.length === 0 ? {} : { engines: this.#engines.map((together) => [...together]) }),
      ...(this.#decision === undefined ? {} : { decision: this.#decision }),
      ...(this.#inputs === undefined ? {} : { inputs: this.#inputs }),
      ...(this.#outcome === undefined ? {} : { outcome: this.#outcome }),
      turnFrom: Math.min(this.#turnFrom, phases.length),
      ...time,
    };
  }

  #noteEngine(engine: string, isBeside: boolean): void {
    const last = this.#engines.at(-1);
    if (last === undefined || !isBeside) this.#engines.push([engine]);
    else if (!last.includes(engine)) last.push(engine);
  }

  #beginPhase({ phase, slot }: Extract<NodeEvent, { readonly type: 'node-phase' }>, nowMs: number): void {
    const held = slot ?? (phase === 'exporting' || phase === 'pushing' ? this.slot : undefined);
    this.#endPhase(nowMs);
    this.#phase = { fromMs: nowMs, what: { phase, ...(held === undefined ? {} : { slot: held }) } };
  }

  #endPhase(nowMs: number): void {
    this.#phases.push(...spanOf(this.#phase, nowMs));
    this.#phase = undefined;
  }

  #endEarly(nowMs: number): void {
    this.#endPhase(nowMs);
    this.#isEarly = false;
    this.#turnFrom = this.#phases.length;
  }

  #endCall(nowMs: number): void {
    this.#steps.endCall(nowMs);
    this.#endWaits(nowMs);
  }

  #endWaits(nowMs: number): void {
    this.#waits.push(...retryOf(this.#retry, nowMs));
    this.#retry = undefined;
    this.#endStall(nowMs);
    this.endEngineWait(nowMs);
  }

  #endStall(nowMs: number): void {
    this.#waits.push(...waitOf('stalled', this.#stalled, nowMs));
    this.#stalled = undefined;
  }
}

function spanOf(
  open: Open<Pick<PhaseSpan, 'phase' | 'slot'>> | undefined,
  nowMs: number,
): readonly PhaseSpan[] {
  return open === undefined ? [] : [{ fromMs: open.fromMs, toMs: nowMs, ...open.what }];
}

function waitOf(kind: WaitSpan['kind'], open: Open<string> | undefined, nowMs: number): readonly WaitSpan[] {
  return open === undefined ? [] : [{ fromMs: open.fromMs, toMs: nowMs, kind, text: open.what }];
}

function retryOf(
  open: (Open<string> & { readonly untilMs: number }) | undefined,
  nowMs: number,
): readonly WaitSpan[] {
  if (open === undefined) return [];
  return [{ fromMs: open.fromMs, toMs: Math.min(open.untilMs, nowMs), kind: 'retry', text: open.what }];
}
