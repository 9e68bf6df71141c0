/** Whether daemons serve, and which process uses the port of one that cannot. */
import { get } from 'node:http';
import { type Problem, problem } from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import type { DaemonName } from './daemon.ts';
import { findListener } from './host.ts';
import { probeSocket } from './socket.ts';

/** Whether a daemon serves: it listens, or for the registry, it answers like a registry. */
export async function isServing(name: DaemonName, address: string): Promise<boolean> {
  if (name === 'registry') return (await askRegistry(address)) === 'registry';
  return (await probeSocket({ path: address })).kind === 'accepts';
}

/** Requests `/v2/` of a host to detect a registry, another HTTP server, or neither. */
function askRegistry(host: string): Promise<'registry' | 'other' | 'nothing'> {
  return new Promise((resolve) => {
    const request = get(`http://${host}/v2/`, { agent: false, timeout: 2_000 }, (answer) => {
      answer.resume();
      answer.on('error', () => {});
      resolve(answer.headers['docker-distribution-api-version'] === 'registry/2.0' ? 'registry' : 'other');
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve('nothing'));
  });
}

/** The problem of a port in use, with its process and what to do. */
export async function portTakenProblem(port: number): Promise<Problem> {
  const who = (await findListener(port)) ?? 'another program';
  const isRegistry = (await askRegistry(`127.0.0.1:${port}`)) === 'registry';
  return problem('engine/port-taken', `port ${port} of 127.0.0.1 is in use by ${who}`, {
    hint: isRegistry
      ? `A registry listens there already: push to localhost:${port}, or start one on another port: ${option(`--registry-port ${port + 1}`)}`
      : `End that program, or choose another port: bake-ts engine up --registry-port ${port + 1}`,
  });
}

/** The port of `host:port`. */
export function portOf(address: string | undefined): number | undefined {
  const port = Number(address?.split(':').at(-1));
  return Number.isInteger(port) ? port : undefined;
}
