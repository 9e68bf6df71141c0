/** Random faults of the engines of a pool, each at a random moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolEngine } from './pool.ts';
import type { Random } from './random.ts';

/** What can happen to an engine: its machine loses power, stands still, is cut off; its disk is full. */
export const FAULTS = ['kill', 'stop', 'cutOff', 'fill'] as const;

/** Something that happens to an engine. */
export interface Fault {
  readonly kind: (typeof FAULTS)[number];
  /** Place of the engine in the pool. */
  readonly engine: number;
  /** Since the run said that it began. */
  readonly atMs: number;
  /** Undefined: it lasts until the run is over. */
  readonly lastsMs: number | undefined;
}

/** Draws faults of one to all engines, one each. */
export function drawFaults(random: Random, engines: number): readonly Fault[] {
  const places = Array.from({ length: engines }, (_, at) => at);
  const count = 1 + random.below(engines);
  return Array.from({ length: count }, () => {
    const [engine = 0] = places.splice(random.below(places.length), 1);
    return {
      kind: random.pick(FAULTS),
      engine,
      atMs: random.below(9_000),
      lastsMs: random.below(3) === 0 ? undefined : 500 + random.below(12_000),
    };
  }).sort((one, other) => one.atMs - other.atMs);
}

export function describeFault({ kind, engine, atMs, lastsMs }: Fault): string {
  const lasts = lastsMs === undefined ? '' : ` for ${lastsMs / 1_000} s`;
  return `${kind} engine ${engine} at ${atMs / 1_000} s${lasts}`;
}

/** Lets it happen, and ends it when it is time, or with the signal. */
export async function playFault(fault: Fault, engine: PoolEngine, signal: AbortSignal): Promise<void> {
  const wait = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
  await wait(fault.atMs);
  if (signal.aborted) return;
  await begin(fault, engine);
  if (fault.lastsMs === undefined) return;
  await wait(fault.lastsMs);
  await mend(engine);
}

async function begin({ kind }: Fault, engine: PoolEngine): Promise<void> {
  if (kind === 'kill') engine.kill();
  else if (kind === 'stop') engine.stop();
  else if (kind === 'cutOff') await engine.machine.cutOff();
  else await engine.fill();
}

/** Whatever happened to it, it serves again. */
export async function mend(engine: PoolEngine): Promise<void> {
  await engine.machine.reconnect();
  await engine.empty();
  engine.cont();
  if (engine.machine.pids().length === 0) await engine.start();
}
