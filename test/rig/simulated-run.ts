/** Runs that are made up: events as a run of a given plan with given times would send them. */
import type { BakeEvent, EventBody, Outcome } from '../../lib/model/mod.ts';
import { RUN_STARTED_MS } from './recorded-runs.ts';

/** A build and its times in milliseconds. */
export interface SimulatedBuild {
  readonly build: string;
  readonly needs: readonly string[];
  readonly checkMs: number;
  /** 0: it is unchanged and needs no slot. */
  readonly slotMs: number;
  readonly afterMs: number;
}

/** What was simulated. */
export interface SimulatedRun {
  readonly events: readonly BakeEvent[];
  readonly durationMs: number;
}

/**
 * Goes through a run millisecond by millisecond. Builds wait for what they need, check, wait for a slot in the order of the
 * list, and push or tag afterwards.
 *
 * @param without this one takes no time
 */
export function simulateRun(
  builds: readonly SimulatedBuild[],
  concurrency: number,
  without?: string,
): SimulatedRun {
  const events: BakeEvent[] = [];
  const send = (nowMs: number, body: EventBody) =>
    events.push({ ...body, seq: events.length + 1, atMs: RUN_STARTED_MS + nowMs });
  send(0, {
    type: 'run-started',
    runId: 'simulated',
    version: '0.1.0',
    runtime: 'node 20.19.0',
    files: ['builds.yaml'],
    concurrency,
  });
  send(0, { type: 'planned', nodes: builds.map(plannedOf) });
  const states = builds.map((one) => ({
    ...(one.build === without ? { ...one, checkMs: 0, slotMs: 0, afterMs: 0 } : one),
    stage: 'waiting' as 'waiting' | 'checking' | 'queued' | 'slot' | 'after' | 'done',
    untilMs: 0,
    beganMs: 0,
    slot: -1,
  }));
  const taken = new Set<number>();
  const phase = (nowMs: number, build: string, body: Pick<PhaseBody, 'phase' | 'slot'>) =>
    send(nowMs, { type: 'node-phase', build, ...body });
  const done = new Set<string>();
  for (let nowMs = 0; ; nowMs++) {
    for (let moved = true; moved; ) {
      moved = false;
      for (const one of states) {
        const due = one.untilMs <= nowMs;
        if (one.stage === 'waiting') {
          if (!one.needs.every((need) => done.has(need))) continue;
          one.stage = 'checking';
          one.beganMs = nowMs;
          one.untilMs = nowMs + one.checkMs;
          phase(nowMs, one.build, { phase: 'checking' });
        } else if (one.stage === 'checking' && due) {
          one.stage = one.slotMs === 0 ? 'after' : 'queued';
          one.untilMs = nowMs + one.afterMs;
          phase(nowMs, one.build, { phase: one.slotMs === 0 ? 'tagging' : 'queued' });
        } else if (one.stage === 'slot' && due) {
          taken.delete(one.slot);
          one.stage = 'after';
          one.untilMs = nowMs + one.afterMs;
          phase(nowMs, one.build, { phase: 'tagging' });
        } else if (one.stage === 'after' && due) {
          one.stage = 'done';
          done.add(one.build);
          send(nowMs, {
            type: 'node-finished',
            build: one.build,
            outcome: outcomeOf(one, nowMs - one.beganMs),
          });
        } else continue;
        moved = true;
      }
    }
    for (const one of states) {
      if (one.stage !== 'queued' || taken.size >= concurrency) continue;
      one.slot = Array.from({ length: concurrency }, (_, slot) => slot).find((slot) => !taken.has(slot)) ?? 0;
      taken.add(one.slot);
      one.stage = 'slot';
      one.untilMs = nowMs + one.slotMs;
      phase(nowMs, one.build, { phase: 'building', slot: one.slot });
    }
    if (done.size < states.length) continue;
    send(nowMs, {
      type: 'run-finished',
      summary: {
        ok: true,
        cancelled: false,
        outcomes: [],
        problems: [],
        durationMs: nowMs,
        buildctlCalls: 0,
        registryRequests: { reads: 0, writes: 0 },
      },
    });
    return { events, durationMs: nowMs };
  }
}

type PhaseBody = Extract<EventBody, { readonly type: 'node-phase' }>;

function plannedOf({ build, needs }: SimulatedBuild) {
  return { build, role: 'asked' as const, level: 0, needs, tags: [], pushes: true };
}

function outcomeOf({ build, slotMs }: SimulatedBuild, durationMs: number): Outcome {
  return { build, kind: slotMs === 0 ? 'unchanged' : 'built', tags: [], durationMs };
}
