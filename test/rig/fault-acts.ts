/** Random faults of the engines of a pool, each at a random moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolEngine } from './pool.ts';
import type { Random } from './random.ts';
import type { WireQuality } from './wire.ts';

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

/** What happens to the wire of an engine, besides the faults. */
export interface WireFault extends WireQuality {
  readonly engine: number;
  /** Since the run said that it began; 0: it is so from before. */
  readonly atMs: number;
  /** Undefined: it lasts until the run is over. */
  readonly lastsMs: number | undefined;
}

/** Draws wires of one to all engines: far away, with loss, both, or with nothing that comes through for some seconds. */
export function drawWires(random: Random, engines: number): readonly WireFault[] {
  const places = Array.from({ length: engines }, (_, at) => at);
  return Array.from({ length: 1 + random.below(engines) }, () => {
    const [engine = 0] = places.splice(random.below(places.length), 1);
    const kind = random.pick(['far', 'lossy', 'both', 'silent'] as const);
    const delayMs = 20 + random.below(230);
    return {
      engine,
      ...(kind === 'far' || kind === 'both' ? { delayMs, jitterMs: random.below(delayMs) } : {}),
      ...(kind === 'lossy' || kind === 'both' ? { lossPercent: 1 + random.below(8) } : {}),
      ...(kind === 'silent'
        ? { lossPercent: 100, atMs: random.below(9_000), lastsMs: 1_000 + random.below(20_000) }
        : { atMs: random.below(2) * random.below(9_000), lastsMs: undefined }),
    };
  });
}

export function describeWire({ engine, delayMs, jitterMs, lossPercent, atMs, lastsMs }: WireFault): string {
  const words = [
    ...(delayMs === undefined ? [] : [`delay ${delayMs} ms, jitter ${jitterMs} ms`]),
    ...(lossPercent === undefined ? [] : [`loss ${lossPercent} %`]),
  ];
  const lasts = lastsMs === undefined ? '' : ` for ${lastsMs / 1_000} s`;
  return `wire of engine ${engine}: ${words.join(', ')}${atMs === 0 ? '' : ` at ${atMs / 1_000} s`}${lasts}`;
}

/** Lets it happen to a wire, and ends it when it is time, or with the signal. */
export async function playWire(fault: WireFault, engine: PoolEngine, signal: AbortSignal): Promise<void> {
  const wait = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
  await wait(fault.atMs);
  if (signal.aborted) return;
  await engine.machine.wire(fault);
  if (fault.lastsMs === undefined) return;
  await wait(fault.lastsMs);
  await engine.machine.wire();
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
