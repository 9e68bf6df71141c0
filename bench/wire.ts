/**
 * What the wire of the tests (`.ci/wire`) does to a TCP connection: the time of a round trip, and how fast 8 MiB go through, in both directions.
 * Figures in docs/pool-figures.md. Environment: BAKE_TS_TEST_WIRE, as for the tests. Needs root on Linux, and iproute2.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { type Machine, makeNetwork, namespacesSkip } from '../test/rig/namespaces.ts';
import type { Cleanup } from '../test/rig/temp.ts';
import { type WireQuality, wireSkip } from '../test/rig/wire.ts';

const BYTES = 8 * 1024 ** 2;
const PORT = 4000;
const ROUNDS = 9;
/** A transfer that takes longer is ended. */
const LONGEST_MS = 60_000;

/** Gives back each byte that it gets at one port; at the next one it sends as much as it has been asked for. */
const SERVER = `
const { createServer } = require('node:net');
createServer((socket) => socket.on('error', () => {}).setNoDelay().pipe(socket)).listen(${PORT});
createServer((socket) => socket.on('error', () => {}).end(Buffer.alloc(${BYTES}, 7))).listen(${PORT + 1}, () => console.log('ready'));
`;

const cleanups: (() => void | Promise<void>)[] = [];
const cleanup: Cleanup = { after: (fn) => cleanups.unshift(fn) };
const skip = namespacesSkip === false ? wireSkip : namespacesSkip;

try {
  if (skip === false) await measureAll();
  else say(`No wire: ${skip}`);
} finally {
  for (const clean of cleanups) await clean();
}

async function measureAll(): Promise<void> {
  const { machines } = await makeNetwork(cleanup, 1);
  const [machine] = machines;
  if (machine === undefined) throw new Error('there is no machine');
  const server = machine.start([process.execPath, '-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (server.stdout === null) throw new Error('it has no output');
  await once(server.stdout, 'data');
  await measure('no wire', machine, undefined);
  for (const delayMs of [0, 50, 200]) await measure(`delay ${delayMs} ms`, machine, { delayMs });
  await measure('delay 200 ms, jitter 50 ms', machine, { delayMs: 200, jitterMs: 50 });
  for (const lossPercent of [1, 5]) await measure(`loss ${lossPercent} %`, machine, { lossPercent });
  await measure('delay 50 ms, loss 1 %', machine, { delayMs: 50, lossPercent: 1 });
}

async function measure(what: string, machine: Machine, quality: WireQuality | undefined): Promise<void> {
  const before = quality === undefined ? undefined : await machine.wire(quality);
  const trips = await roundTrips(machine.host);
  const from = await receive(machine.host);
  const to = await send(machine.host);
  const after = quality === undefined ? undefined : await machine.wire(quality);
  const lost =
    before === undefined || after === undefined
      ? ''
      : `, ${after.lost - before.lost} of ${after.lost - before.lost + after.forwarded - before.forwarded} frames lost`;
  const [least = 0] = trips;
  const median = trips[Math.floor(trips.length / 2)] ?? 0;
  say(
    `${what}: round trip ${median.toFixed(1)} ms (${least.toFixed(1)} to ${(trips.at(-1) ?? 0).toFixed(1)}), ` +
      `from it ${from}, there and back ${to}${lost}`,
  );
}

async function open(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Milliseconds, shortest first. */
async function roundTrips(host: string): Promise<readonly number[]> {
  const socket = await open(host, PORT);
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    socket.write('.');
    await once(socket, 'data');
    took.push(performance.now() - begun);
  }
  socket.destroy();
  return took.sort((one, other) => one - other);
}

async function receive(host: string): Promise<string> {
  const begun = performance.now();
  const socket = await open(host, PORT + 1);
  let bytes = 0;
  const timer = setTimeout(() => socket.destroy(), LONGEST_MS);
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  await once(socket, 'close');
  clearTimeout(timer);
  return rate(bytes, performance.now() - begun);
}

/** What comes back says that it is there. */
async function send(host: string): Promise<string> {
  const begun = performance.now();
  const socket = await open(host, PORT);
  let bytes = 0;
  const timer = setTimeout(() => socket.destroy(), LONGEST_MS);
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    if (bytes >= BYTES) socket.destroy();
  });
  socket.end(Buffer.alloc(BYTES, 7));
  await once(socket, 'close');
  clearTimeout(timer);
  return rate(bytes, performance.now() - begun);
}

function rate(bytes: number, ms: number): string {
  const whole = bytes < BYTES ? `only ${(bytes / 1024 ** 2).toFixed(1)} MiB: ` : '';
  return `${whole}${(bytes / 1024 ** 2 / (ms / 1_000)).toFixed(1)} MiB/s`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
