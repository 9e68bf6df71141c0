/**
 * Finds the containerd of an engine. buildkitd reports the UUID of its containerd; the containerd on this machine with the same
 * UUID is the right one, wherever its socket is. So another one's store is never used by mistake. The UUID is on the disk, and
 * machines cloned from one image share it: therefore no containerd of this machine is used for a remote engine.
 */
import path from 'node:path';
import {
  type Environment,
  fail,
  ok,
  type Problem,
  problem,
  type Result,
  type WorkerInfo,
} from '../model/mod.ts';
import { findProgram, runProgram, thisSystem, whyFailed, withoutTracing } from '../system/mod.ts';
import { isLocalEngine } from '../util/loopback.ts';
import type { Engine } from './find.ts';
import type { ContainerdAccess } from './images.ts';
import { readInstallation } from './installation.ts';
import type { EngineOptions } from './notice.ts';
import { enginePaths } from './paths.ts';
import { formatAnswer, probeSocket } from './socket.ts';
import { readWorker } from './worker.ts';

/** Sockets of containerd: its own, and those of k3s, MicroK8s and Docker. */
const WELL_KNOWN: readonly string[] = [
  '/run/containerd/containerd.sock',
  '/run/k3s/containerd/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/docker/containerd/containerd.sock',
];

const ASK_MS = 10_000;

/**
 * Finds the containerd of an engine. Problems: `engine/no-image-store` (its worker keeps no images),
 * `engine/store-unreadable` (with what was tried), `engine/unreachable`, `run/cancelled`.
 */
export async function findContainerd(
  engine: Pick<Engine, 'address' | 'tls' | 'buildctl' | 'containerd'>,
  options: EngineOptions,
  sockets: readonly string[] = candidateSockets(options.env),
): Promise<Result<ContainerdAccess, Problem>> {
  if (engine.containerd !== undefined) return ok(engine.containerd);
  const worker = await readWorker(engine, options);
  if (!worker.ok) return worker;
  const { executor, containerd } = worker.value;
  if (executor === 'oci') {
    return fail(
      problem('engine/no-image-store', 'the engine keeps no images: its worker is an OCI worker', {
        hint: 'push the images, or start buildkitd with --oci-worker=false --containerd-worker=true',
      }),
    );
  }
  if (containerd === undefined) {
    return fail(unreadable(worker.value, ['buildkitd does not report which containerd it uses']));
  }
  if (!isLocalEngine(engine.address, thisSystem())) {
    const why = `${engine.address} may be another machine, and containerds of machines cloned from one image have the same id`;
    return fail({
      ...unreadable(worker.value, [why]),
      hint: 'run bake-ts on that machine, with the address of its socket (unix://…)',
    });
  }
  const ctr = await findCtr(options.env);
  const tried: string[] = [];
  for (const socket of sockets) {
    const answer = await probeSocket({ path: socket }, undefined, options.signal);
    if (answer.kind !== 'accepts') {
      if (answer.kind !== 'absent') tried.push(`${socket} ${formatAnswer(answer)}`);
      continue;
    }
    if (ctr === undefined) {
      tried.push(`${socket} may be it, but there is no ctr to check`);
      continue;
    }
    const said = await askUuid(ctr, socket, options);
    if (said.uuid === containerd.uuid) return ok({ socket, namespace: containerd.namespace, ctr });
    tried.push(said.uuid === undefined ? `${socket}: ${said.why}` : `${socket} is another containerd`);
  }
  if (ctr === undefined) tried.push('ctr is neither installed with the engine nor on PATH');
  if (tried.length === 0) tried.push('no socket of a containerd is known here');
  return fail(unreadable(worker.value, tried, await faultOfNamed(options)));
}

/** What is wrong with `CONTAINERD_ADDRESS`, as text; undefined if it is not set or works. */
async function faultOfNamed({ env, signal }: EngineOptions): Promise<string | undefined> {
  const written = env['CONTAINERD_ADDRESS'] ?? '';
  if (written === '') return undefined;
  const named = socketOf(written);
  if (!path.isAbsolute(named))
    return `CONTAINERD_ADDRESS is set to "${written}", which is not the path of a socket`;
  const answer = await probeSocket({ path: named }, undefined, signal);
  if (answer.kind === 'accepts') return undefined;
  return `CONTAINERD_ADDRESS is set to "${written}", and this socket ${formatAnswer(answer)}`;
}

/** nerdctl also accepts a URL. */
function socketOf(written: string): string {
  return written.replace(/^unix:\/\//, '');
}

/** Possible sockets of containerd: `CONTAINERD_ADDRESS` (as for ctr and nerdctl), ours, and the well-known ones. */
function candidateSockets(env: Environment): readonly string[] {
  const named = socketOf(env['CONTAINERD_ADDRESS'] ?? '');
  const own = enginePaths(env).containerdSocket;
  return [...new Set([...(path.isAbsolute(named) ? [named] : []), own, ...WELL_KNOWN])];
}

async function findCtr(env: Environment): Promise<string | undefined> {
  const installation = await readInstallation(enginePaths(env));
  return installation?.parts.get('ctr')?.file ?? (await findProgram('ctr', env));
}

async function askUuid(
  ctr: string,
  socket: string,
  { env, signal }: EngineOptions,
): Promise<{ readonly uuid?: string; readonly why: string }> {
  const asked = await runProgram({
    program: ctr,
    // `ctr info` reports it too, but not with containerd 1.6.
    argv: ['--address', socket, 'version'],
    env: withoutTracing(env),
    timeoutMs: ASK_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  const uuid = /^\s*UUID:\s*(\S+)$/m.exec(asked.stdout.toString())?.[1];
  const why = asked.stderr.trim().split('\n').at(-1) || whyFailed(asked);
  return { why, ...(asked.exitCode === 0 && uuid !== undefined ? { uuid } : {}) };
}

function unreadable({ containerd }: WorkerInfo, tried: readonly string[], wrong?: string): Problem {
  const which = containerd === undefined ? '' : ` (namespace ${containerd.namespace} of its containerd)`;
  const noCtr = tried.some((one) => one.includes('ctr is neither'));
  const right = 'to the socket of the containerd that this buildkitd uses, as a user who may open it';
  const hint = noCtr
    ? 'put ctr, which comes with containerd, on PATH, or install it: bake-ts engine install'
    : `set ${wrong === undefined ? 'CONTAINERD_ADDRESS' : 'it'} ${right}`;
  return problem('engine/store-unreadable', `the engine's image store cannot be read from here${which}`, {
    detail: tried.join('\n'),
    hint: wrong === undefined ? hint : `${wrong}\n${hint}`,
  });
}
