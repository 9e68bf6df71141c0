/** What the events of any run must say of phases, slots and times: they have to agree with one another. */
import assert from 'node:assert/strict';
import type { BakeEvent, Phase } from '../../lib/model/mod.ts';

/** A phase of a build, by the times of its events. */
export interface SeenPhase {
  readonly build: string;
  readonly phase: Phase;
  readonly slot?: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Times of events and of outcomes are read one after the other, and the system may stop a process in between. That they are those
 * of the phases to the millisecond is tested with a clock of its own (test/run/phases.test.ts).
 */
const APART_MS = 40;

/** The phases that events tell of, in the order in which they began. */
export function readPhases(events: readonly BakeEvent[]): readonly SeenPhase[] {
  const done: SeenPhase[] = [];
  const open = new Map<string, number>();
  const close = (build: string, atMs: number) => {
    const at = open.get(build);
    const phase = at === undefined ? undefined : done[at];
    if (at !== undefined && phase !== undefined) done[at] = { ...phase, toMs: atMs };
    open.delete(build);
  };
  for (const event of events) {
    const { atMs } = event;
    if (event.type === 'node-finished' || event.type === 'early-finished') close(event.build, atMs);
    if (event.type !== 'node-phase') continue;
    const { build, phase, slot } = event;
    close(build, atMs);
    open.set(build, done.length);
    done.push({ build, phase, fromMs: atMs, toMs: atMs, ...(slot === undefined ? {} : { slot }) });
  }
  assert.deepEqual([...open.keys()], [], 'phases have no end');
  return done;
}

/** Phases of one build, as words: `checking queued building@0`. */
export function phasesText(events: readonly BakeEvent[], build: string): string {
  return readPhases(events)
    .filter((one) => one.build === build)
    .map(({ phase, slot }) => (slot === undefined ? phase : `${phase}@${slot}`))
    .join(' ');
}

/** Fails where phases, slots and the times of outcomes do not agree. */
export function assertPhases(events: readonly BakeEvent[]): void {
  assertSlots(events);
  const seen = readPhases(events);
  const ends = new Map(
    events.flatMap((event) =>
      event.type === 'node-finished' ? [[event.build, event.outcome] as const] : [],
    ),
  );
  for (const [build, { kind, durationMs, queuedMs }] of ends) {
    const own = seen.filter((one) => one.build === build);
    const sum = (wanted: boolean) =>
      own
        .filter(({ phase }) => (phase === 'queued') === wanted)
        .reduce((ms, { fromMs, toMs }) => ms + toMs - fromMs, 0);
    const slack = APART_MS * (own.length + 1);
    const off = `${build} (${kind}): ${JSON.stringify([durationMs, queuedMs, own])}`;
    assert(Math.abs(sum(false) - durationMs) <= slack, off);
    assert(Math.abs(sum(true) - (queuedMs ?? 0)) <= slack, off);
    assert.equal(
      queuedMs !== undefined,
      own.some(({ phase }) => phase === 'queued'),
      off,
    );
    if (own.length === 0) assert.deepEqual([durationMs, queuedMs], [0, undefined], off);
  }
}

/** Fails where two builds have one slot at a time, or there are more slots than said. */
function assertSlots(events: readonly BakeEvent[]): void {
  let limit = Number.POSITIVE_INFINITY;
  const holders = new Map<number, string>();
  const finished = new Set<string>();
  const free = (build: string) => {
    for (const [slot, holder] of holders) if (holder === build) holders.delete(slot);
  };
  for (const event of events) {
    if (event.type === 'run-started') limit = event.concurrency;
    if (event.type === 'early-finished') free(event.build);
    if (event.type === 'node-finished') {
      free(event.build);
      finished.add(event.build);
    }
    if (event.type !== 'node-phase') continue;
    const { build, phase, slot } = event;
    free(build);
    // One that was up to date begins again where its image is needed and gone.
    if (phase === 'checking') finished.delete(build);
    assert(!finished.has(build), `${build} has a phase after its end`);
    if (phase === 'building') assert(slot !== undefined, `${build} is built without a slot`);
    if (slot === undefined) continue;
    assert(slot < limit, `slot ${slot} of ${limit}`);
    assert.equal(holders.get(slot), undefined, `slot ${slot} of ${build} is taken`);
    holders.set(slot, build);
  }
}
