/**
 * Machines of a small network: network namespaces with an address each, joined by a bridge that this machine has an address on, too. What goes
 * to and from each can be delayed and lost, on a wire. Needs root on Linux, and iproute2.
 */
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import process from 'node:process';
import { promisify } from 'node:util';
import type { Cleanup } from './temp.ts';
import { layWire, type Wire, type WireCount, type WireQuality } from './wire.ts';

const run = promisify(execFile);

/** A machine: what runs in it has its address, and reaches the bridge and the other machines. */
export interface Machine {
  /** Also of its control group: what is named so in the tree of control groups is removed in the end. */
  readonly name: string;
  readonly host: string;
  /** Starts a program in it. */
  start(argv: readonly string[], options: Parameters<typeof spawn>[2]): ChildProcess;
  /** Process ids of all that runs in it, the steps of its builds among it. */
  pids(): readonly number[];
  /** Kills all that runs in it, as a machine that loses power. */
  killAll(): void;
  /**
   * Hangs it on a wire with this delay and loss, or changes those of its wire; without any the wire is a good one. The first time
   * takes its cable out for a moment. See `wireSkip`.
   */
  wire(quality?: WireQuality): Promise<WireCount>;
  /** Packets vanish in both directions, as a firewall drops them: nobody is told, and no connection is closed. */
  cutOff(): Promise<void>;
  /** Lets them through again. */
  reconnect(): Promise<void>;
  /** Takes its cable out, or puts it back. */
  link(state: 'up' | 'down'): Promise<void>;
}

/** A network of its own. */
export interface Network {
  /** The address that this machine has in it. */
  readonly gateway: string;
  readonly machines: readonly Machine[];
}

/** Why there can be no machines here; false: there can. In CI (`BAKE_TS_TEST_NAMESPACES`) tests fail where they cannot be made. */
export const namespacesSkip: string | false = findObstacle();

function findObstacle(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'network namespaces take root on Linux';
  if ((process.env['BAKE_TS_TEST_NAMESPACES'] ?? '') !== '') return false;
  if (spawnSync('ip', ['-V'], { stdio: 'ignore' }).status !== 0) return 'there is no ip: install iproute2';
  const name = `bkt${process.pid}-try`;
  const isMade = spawnSync('ip', ['netns', 'add', name], { stdio: 'ignore' }).status === 0;
  spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
  return isMade ? false : 'this machine makes no network namespaces';
}

let networks = 0;

/**
 * Makes a network. After the test all that runs in it is killed, and nothing of it is left; a process that could not clean up is
 * cleaned up after by the next one.
 */
export async function makeNetwork(t: Cleanup, size: number): Promise<Network> {
  clearDead();
  networks += 1;
  const mark = `bkt${process.pid}${String.fromCharCode(96 + (networks % 26))}`;
  const net = freeNet();
  const gateway = `${net}.1`;
  const bridge = `${mark}-b`;
  t.after(() => clear(mark));
  await run('ip', ['link', 'add', bridge, 'type', 'bridge']);
  await run('ip', ['address', 'add', `${gateway}/24`, 'dev', bridge]);
  await run('ip', ['link', 'set', bridge, 'up']);
  const machines: Machine[] = [];
  for (let at = 0; at < size; at++)
    machines.push(await makeMachine(`${mark}-${at}`, bridge, `${net}.${at + 10}`, gateway));
  return { gateway, machines };
}

async function makeMachine(name: string, bridge: string, host: string, gateway: string): Promise<Machine> {
  // Not `ip netns exec`, which hides the control groups. Mounts that are made there go with the processes.
  const enter = [`--net=/run/netns/${name}`, 'unshare', '--mount', '--propagation', 'slave'];
  await run('ip', ['netns', 'add', name]);
  await run('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  await run('ip', ['link', 'set', name, 'master', bridge, 'up']);
  for (const words of [
    ['link', 'set', 'lo', 'up'],
    ['address', 'add', `${host}/24`, 'dev', 'eth0'],
    ['link', 'set', 'eth0', 'up'],
    ['route', 'add', 'default', 'via', gateway],
  ])
    await run('ip', ['-n', name, ...words]);
  let port: '0' | '3' = '3';
  const setPort = async (state: '0' | '3'): Promise<void> => {
    port = state;
    await run('bridge', ['link', 'set', 'dev', name, 'state', state]);
  };
  let wire: Promise<Wire> | undefined;
  return {
    name,
    host,
    start: (argv, options) => spawn('nsenter', [...enter, ...argv], options),
    pids: () => pidsOf(name),
    killAll: () => killAll(name),
    wire: async (quality = {}) => {
      if (wire === undefined) {
        wire = layWire(name, bridge, Number(host.split('.').at(-1)));
        await wire;
        // That of the new port.
        await setPort(port);
      }
      return (await wire).set(quality);
    },
    // The port of the bridge forwards nothing and takes nothing.
    cutOff: () => setPort('0'),
    reconnect: () => setPort('3'),
    link: async (state) => {
      await run('ip', ['link', 'set', name, state]);
    },
  };
}

function pidsOf(namespace: string): readonly number[] {
  const { stdout, status } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  return status === 0
    ? stdout
        .split('\n')
        .filter((line) => line !== '')
        .map(Number)
    : [];
}

/** Again and again, since what runs may start something meanwhile. */
function killAll(namespace: string): void {
  for (let round = 0; round < 100; round++) {
    const pids = pidsOf(namespace);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended.
      }
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
}

function listNames(): { readonly namespaces: readonly string[]; readonly links: readonly string[] } {
  let namespaces: readonly string[] = [];
  try {
    namespaces = readdirSync('/run/netns');
  } catch {
    // There are none.
  }
  return { namespaces, links: readdirSync('/sys/class/net') };
}

/** Removes all that has a name with this mark. */
function clear(mark: string): void {
  const isOurs = (name: string) => name.startsWith(`${mark}-`);
  const { namespaces, links } = listNames();
  for (const namespace of namespaces.filter(isOurs)) {
    killAll(namespace);
    spawnSync('ip', ['netns', 'delete', namespace], { stdio: 'ignore' });
  }
  for (const link of links.filter(isOurs)) spawnSync('ip', ['link', 'delete', link], { stdio: 'ignore' });
  // Version 2 is one tree, version 1 is one below for each controller.
  const root = '/sys/fs/cgroup';
  for (const tree of [root, ...directoriesIn(root).map((name) => `${root}/${name}`)])
    for (const group of directoriesIn(tree).filter(isOurs)) removeGroup(`${tree}/${group}`);
}

function directoriesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));
  } catch {
    return [];
  }
}

/** Innermost first; files in it are the kernel's. */
function removeGroup(dir: string): void {
  for (const name of directoriesIn(dir)) removeGroup(`${dir}/${name}`);
  spawnSync('rmdir', [dir], { stdio: 'ignore' });
}

/** What processes left that were killed: names begin with the number of their process. */
function clearDead(): void {
  const { namespaces, links } = listNames();
  const marks = new Set(
    [...namespaces, ...links].flatMap((name) => /^(bkt(\d+)[a-z])-/.exec(name)?.slice(1, 3).join(' ') ?? []),
  );
  for (const one of marks) {
    const [mark = '', pid = ''] = one.split(' ');
    if (!isAlive(Number(pid))) clear(mark);
  }
}

/** Whether a process runs. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Three numbers that no network of this machine begins with. */
function freeNet(): string {
  const taken = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map(({ address }) => address),
  );
  const routes = execFileSync('ip', ['route', 'show'], { encoding: 'utf8' });
  for (let tries = 0; tries < 1_000; tries++) {
    const net = `10.${200 + Math.floor(Math.random() * 50)}.${Math.floor(Math.random() * 256)}`;
    if (!taken.some((address) => address.startsWith(`${net}.`)) && !routes.includes(`${net}.`)) return net;
  }
  throw new Error('no network is free');
}
