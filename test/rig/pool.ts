/**
 * Several real engines, each on a machine of its own (a network namespace) with an address, TLS, and, where wanted, a small disk; and a registry
 * that all of them and we reach. What can happen to a machine can be done to each.
 *
 * Each is a buildkitd with an OCI worker: one process in place of two, ready in a third of a second, with all of its state in one
 * directory, so that its disk can be filled; and its store keeps no images, as that of no engine in a pod does, which is the harder case.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authority, makeAuthority, type Pair } from './certificates.ts';
import { type CommandResult, runCommand } from './command.ts';
import { isAlive, type Machine, makeNetwork, namespacesSkip } from './namespaces.ts';
import { realEngine } from './real-engine.ts';
import { type RunningRegistry, startRegistry } from './registry.ts';
import type { Cleanup } from './temp.ts';

/** Why there can be no pool here; false: there can. */
export const poolSkip: string | false = realEngine.skip === false ? namespacesSkip : realEngine.skip;

/** What engines there are to be. */
export interface PoolOptions {
  /** How many; default: 3. */
  readonly engines?: number;
  /** Bytes of each engine's disk, which is memory then; default: a directory of this machine's. */
  readonly diskBytes?: number;
  /** What comes before buildkitd, such as `['taskset', '-c', '0']`. */
  readonly through?: (at: number) => readonly string[];
  /** Engines without TLS; default: all have it. */
  readonly plain?: boolean;
}

/** An engine on its machine. */
export interface PoolEngine {
  /** `tcp://10.…:1234`. */
  readonly address: string;
  /** `unix://…` of the same: where `buildctl dial-stdio` goes on its machine. */
  readonly socket: string;
  readonly machine: Machine;
  /** Its state: a disk of its own where that was wanted. */
  readonly stateDir: string;
  /** Starts it, with the state that it has, and waits until it listens. */
  start(): Promise<void>;
  /** Its machine loses power: buildkitd and all steps that run. */
  kill(): void;
  /** It stands still (SIGSTOP), and the kernel answers for it. */
  stop(): void;
  /** It goes on. */
  cont(): void;
  /** Fills its disk but for so many bytes; only with `diskBytes`. */
  fill(leftBytes?: number): Promise<void>;
  /** Takes back what `fill` took. */
  empty(): Promise<void>;
  /** What it has logged. */
  log(): Promise<string>;
  /** Calls the real buildctl, with good certificates. */
  buildctl(argv: readonly string[], timeoutMs?: number): Promise<CommandResult>;
}

/** Engines and a registry. */
export interface TestPool {
  readonly engines: readonly PoolEngine[];
  /** Plain http, at an address that engines and we reach; engines know that. */
  readonly registry: RunningRegistry;
  /** Signs what engines and clients have. */
  readonly authority: Authority;
  readonly client: Pair;
  /** `engine:` and `registries:` of a builds.yaml. */
  readonly settings: string;
}

const PORT = 1234;

/** Starts them all; after the test nothing of it is left. */
export async function startPool(t: Cleanup, options: PoolOptions = {}): Promise<TestPool> {
  const { engines: size = 3, plain = false } = options;
  clearDeadDisks();
  const [network, authority] = await Promise.all([makeNetwork(t, size), makeAuthority(t)]);
  const registry = await startRegistry(t, { address: network.gateway });
  const client = await authority.issue('client');
  const dir = await mkdtemp(path.join(tmpdir(), `bake-ts-pool-${process.pid}-`));
  // Before the network goes, which kills what holds the disks.
  t.after(async () => {
    for (const machine of network.machines) machine.killAll();
    unmountBelow(dir);
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  });
  const engines = await Promise.all(
    network.machines.map(async (machine, at) => {
      const names = [`IP:${machine.host}`, `DNS:engine-${at}.test`];
      const server = await authority.issue(`engine-${at}`, { names });
      const home = path.join(dir, String(at));
      await mkdir(home);
      const tls = plain ? undefined : { authority, server, client };
      const engine = await makeEngine(machine, home, {
        ...{ registry: registry.host, tls, through: options.through?.(at) ?? [] },
        ...(options.diskBytes === undefined ? {} : { diskBytes: options.diskBytes }),
      });
      await engine.start();
      return engine;
    }),
  );
  const addresses = engines.map(({ address }) => address).join(', ');
  const { caFile } = authority;
  const tls = plain ? '' : `\n  tls: { ca: ${caFile}, cert: ${client.certFile}, key: ${client.keyFile} }`;
  const settings = `engine:\n  pool: [${addresses}]${tls}\nregistries: { "${registry.host}": { http: true } }\n`;
  return { engines, registry, authority, client, settings };
}

interface Parts {
  readonly registry: string;
  readonly tls: { readonly authority: Authority; readonly server: Pair; readonly client: Pair } | undefined;
  readonly through: readonly string[];
  readonly diskBytes?: number;
}

async function makeEngine(machine: Machine, home: string, parts: Parts): Promise<PoolEngine> {
  const { registry, tls, through, diskBytes } = parts;
  const [stateDir, configFile, logFile] = ['engine-state', 'buildkitd.toml', 'log'].map((name) =>
    path.join(home, name),
  ) as [string, string, string];
  await mkdir(stateDir);
  if (diskBytes !== undefined)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', stateDir]);
  await writeFile(
    configFile,
    `[registry."${registry}"]\n  http = true\n[worker.oci]\n  defaultCgroupParent = "${machine.name}"\n`,
  );
  const address = `tcp://${machine.host}:${PORT}`;
  const socket = `unix://${path.join(home, 'buildkitd.sock')}`;
  const argv = [
    ...[...through, path.join(realEngine.binDir, 'buildkitd'), '--config', configFile, '--root', stateDir],
    ...['--addr', address, '--addr', socket, '--oci-worker=true', '--containerd-worker=false'],
    ...(tls === undefined
      ? []
      : [
          ...['--tlscacert', tls.authority.caFile],
          ...['--tlscert', tls.server.certFile, '--tlskey', tls.server.keyFile],
        ]),
  ];
  const signalAll = (signal: 'SIGSTOP' | 'SIGCONT'): void => {
    for (const pid of machine.pids()) process.kill(pid, signal);
  };
  const filler = path.join(stateDir, 'filler');
  return {
    address,
    socket,
    machine,
    stateDir,
    async start() {
      const log = openSync(logFile, 'a');
      const child = machine.start(argv, {
        stdio: ['ignore', log, log],
        env: { PATH: `${realEngine.binDir}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: home },
      });
      closeSync(log);
      child.on('error', () => {});
      const begun = Date.now();
      while (!(await listens(machine.host))) {
        if (child.exitCode !== null || Date.now() - begun > 30_000)
          throw new Error(`buildkitd does not start:\n${await readFile(logFile, 'utf8')}`);
        await sleep(50);
      }
      child.unref();
    },
    kill: () => machine.killAll(),
    stop: () => signalAll('SIGSTOP'),
    cont: () => signalAll('SIGCONT'),
    async fill(leftBytes = 0) {
      if (diskBytes === undefined) throw new Error('it has no disk of its own');
      const { bavail, bsize } = await statfs(stateDir);
      // What the engine writes meanwhile has its room no more.
      await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes))).catch((error) => {
        if (error.code !== 'ENOSPC') throw error;
      });
    },
    empty: () => rm(filler, { force: true }),
    log: () => readFile(logFile, 'utf8'),
    buildctl: (words, timeoutMs) => {
      const files =
        tls === undefined
          ? []
          : [
              ...['--tlscacert', tls.authority.caFile],
              ...['--tlscert', tls.client.certFile, '--tlskey', tls.client.keyFile],
            ];
      const program = path.join(realEngine.binDir, 'buildctl');
      return runCommand([program, '--addr', address, ...files, ...words], {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
    },
  };
}

function listens(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: PORT, timeout: 1_000 });
    const finish = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => finish(true));
    socket.once('timeout', () => finish(false));
    socket.once('error', () => finish(false));
  });
}

/** Innermost first. */
function unmountBelow(dir: string): void {
  const mounts = execFileSync('cat', ['/proc/self/mounts'], { encoding: 'utf8' });
  const below = mounts
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(`${dir}/`));
  for (const place of below.reverse()) spawnSync('umount', ['-l', place], { stdio: 'ignore' });
}

/** Disks of processes that were killed; what held them went with their network. */
function clearDeadDisks(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^bake-ts-pool-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const dir = path.join(tmpdir(), name);
    unmountBelow(dir);
    spawnSync('rm', ['-rf', '--one-file-system', dir], { stdio: 'ignore' });
  }
}
