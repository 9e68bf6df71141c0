/** Makes the timeline of a run from its events. */
import type { BakeEvent, PlannedNode, RunSummary } from '../model/mod.ts';
import { BuildMaker, type BuildPart, type NodeEvent } from './build-maker.ts';
import { replayCosts } from './cost.ts';
import { findCriticalPath } from './critical-path.ts';
import type { RunTimeline, Span, TimelineWarning, WaitSpan } from './timeline.ts';

/** Makes the timeline of one run. */
export interface TimelineMaker {
  /** Reads the next event, in the order in which they were sent. Types of a later version change nothing. */
  readonly take: (event: BakeEvent) => void;
  /** The run so far; open spans end with the last event. May be called repeatedly. */
  readonly timeline: () => RunTimeline;
}

/** An empty timeline before the first event. */
export function createTimeline(): TimelineMaker {
  const maker = new Maker();
  return { take: (event) => maker.take(event), timeline: () => maker.timeline() };
}

/** The timeline of a run from its events, complete or not. */
export function buildTimeline(events: Iterable<BakeEvent>): RunTimeline {
  const maker = new Maker();
  for (const event of events) maker.take(event);
  return maker.timeline();
}

type Started = Extract<BakeEvent, { readonly type: 'run-started' }>;

class Maker {
  #started: Started | undefined;
  #startedAtMs: number | undefined;
  #nowMs = 0;
  #engine: RunTimeline['engine'];
  #interrupted: Pick<RunTimeline, 'interruptedBy' | 'interruptedAtMs'> = {};
  #summary: RunSummary | undefined;
  readonly #builds = new Map<string, BuildMaker>();
  /** Slot → its last build. */
  readonly #slots = new Map<number, BuildMaker>();
  readonly #waits: WaitSpan[] = [];
  /** Engines of a pool that are paused. */
  readonly #aside = new Map<string, { readonly fromMs: number; readonly text: string }>();
  #engineWait: { readonly fromMs: number; readonly text: string } | undefined;
  readonly #warnings: TimelineWarning[] = [];

  take(event: BakeEvent): void {
    this.#startedAtMs ??= event.atMs;
    // If the clock is set back, spans must not be reversed.
    this.#nowMs = Math.max(this.#nowMs, event.atMs - this.#startedAtMs);
    const nowMs = this.#nowMs;
    switch (event.type) {
      case 'run-started':
        this.#started = event;
        break;
      case 'planned':
        for (const node of event.nodes) this.#plan(node);
        break;
      case 'engine-starting':
        break;
      case 'engine-ready': {
        const { address, source, buildctl, version } = event;
        const others = this.#engine === undefined ? [] : [this.#engine.address];
        // A pool has several engines.
        const all = [...new Set([...others, address])].join(', ');
        this.#engine = { address: all, source, buildctl, ...(version === undefined ? {} : { version }) };
        break;
      }
      case 'engine-aside':
        this.#aside.set(event.address, { fromMs: nowMs, text: `the engine ${event.address}: ${event.why}` });
        break;
      case 'engine-returned': {
        const aside = this.#aside.get(event.address);
        if (aside !== undefined) this.#waits.push({ kind: 'engine', ...aside, toMs: nowMs });
        this.#aside.delete(event.address);
        break;
      }
      case 'engine-waiting':
        this.#engineWait ??= { fromMs: nowMs, text: `the engine ${event.address}: ${event.why}` };
        break;
      case 'engine-waited':
        if (this.#engineWait !== undefined)
          this.#waits.push({ kind: 'engine', ...this.#engineWait, toMs: nowMs });
        this.#engineWait = undefined;
        for (const build of this.#builds.values()) build.endEngineWait(nowMs);
        break;
      case 'registry-waiting': {
        const text = `the registry ${event.registry}: ${event.why}`;
        this.#waits.push({ kind: 'registry', text, fromMs: nowMs, toMs: nowMs + event.delayMs });
        break;
      }
      case 'warning': {
        const build = event.build ?? event.problem.build;
        this.#warnings.push({
          atMs: nowMs,
          problem: event.problem,
          ...(build === undefined ? {} : { build }),
        });
        break;
      }
      case 'interrupted':
        if (this.#interrupted.interruptedBy === undefined)
          this.#interrupted = { interruptedBy: event.signal, interruptedAtMs: nowMs };
        break;
      case 'run-finished':
        this.#summary = event.summary;
        break;
      default:
        this.#takeOfBuild(event, nowMs);
    }
  }

  timeline(): RunTimeline {
    // The duration that the run reports, so that all outputs agree. Events are timed by another clock.
    const durationMs = this.#summary?.durationMs ?? this.#nowMs;
    const parts = [...this.#builds.values()].map((one) => endBy(durationMs, one.part(this.#nowMs)));
    const concurrency = this.#started?.concurrency ?? 1;
    const criticalPath = findCriticalPath(parts);
    const critical = new Set(criticalPath.map(({ build }) => build));
    const costs = replayCosts(parts, concurrency, critical);
    const { outcomes: _, ...summary } = this.#summary ?? { outcomes: [] };
    return {
      runId: this.#started?.runId ?? '',
      version: this.#started?.version ?? '',
      runtime: this.#started?.runtime ?? '',
      ...(this.#started?.root === undefined ? {} : { root: this.#started.root }),
      ...(this.#started?.command === undefined ? {} : { command: this.#started.command }),
      ...(this.#started?.changed === undefined ? {} : { changed: this.#started.changed }),
      files: this.#started?.files ?? [],
      concurrency,
      dryRun: this.#started?.dryRun === true,
      startedAtMs: this.#startedAtMs ?? 0,
      durationMs,
      finished: this.#summary !== undefined,
      ...this.#interrupted,
      ...(this.#engine === undefined ? {} : { engine: this.#engine }),
      builds: parts.map(({ turnFrom: _, ...part }) => ({
        ...part,
        critical: critical.has(part.build),
        costMs: costs.get(part.build) ?? 0,
      })),
      criticalPath,
      waits: [...this.#waits, ...this.#openWaits()].map((wait) => cutAt(durationMs, wait)),
      warnings: [...this.#warnings],
      ...('ok' in summary ? { summary } : {}),
    };
  }

  #openWaits(): readonly WaitSpan[] {
    const open = [...this.#aside.values(), ...(this.#engineWait === undefined ? [] : [this.#engineWait])];
    return open.map((one) => ({ kind: 'engine', ...one, toMs: this.#nowMs }));
  }

  #plan(node: PlannedNode): void {
    const known = this.#builds.get(node.build);
    if (known === undefined) this.#builds.set(node.build, new BuildMaker(node));
    else known.plan(node);
  }

  #takeOfBuild(event: NodeEvent, nowMs: number): void {
    // An event of a later version.
    if (typeof event.build !== 'string') return;
    let build = this.#builds.get(event.build);
    if (build === undefined) {
      build = new BuildMaker(unplanned(event.build));
      this.#builds.set(event.build, build);
    }
    if (event.type === 'node-phase' && event.slot !== undefined) {
      const holder = this.#slots.get(event.slot);
      if (holder !== build && holder?.slot === event.slot) holder.loseSlot(nowMs);
      this.#slots.set(event.slot, build);
    }
    build.take(event, nowMs);
    // At the start of a run an engine may need time, which is not a fault.
    if (event.type === 'node-phase' && event.waitsFor === 'engine' && this.#engineWait !== undefined)
      build.beginEngineWait(this.#engineWait.text, nowMs);
  }
}

/** Cuts the spans of a build at the end of the run. */
function endBy(durationMs: number, part: BuildPart): BuildPart {
  const cut = <T extends Span>(span: T) => cutAt(durationMs, span);
  const { time } = part;
  return {
    ...part,
    phases: part.phases.map(cut),
    steps: part.steps.map(cut),
    waits: part.waits.map(cut),
    ...(time === undefined ? {} : { time: cut(time) }),
  };
}

function cutAt<T extends Span>(endMs: number, span: T): T {
  return span.toMs <= endMs ? span : { ...span, fromMs: Math.min(span.fromMs, endMs), toMs: endMs };
}

function unplanned(build: string): PlannedNode {
  return { build, role: 'asked', level: 0, needs: [], tags: [], pushes: false };
}
