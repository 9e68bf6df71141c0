/** What the machine offers an engine: rights, control groups, overlay mounts, disk space, users of ports. Linux only. */
import { mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { type Environment, type Problem, problem } from '../model/mod.ts';
import { findProgram, ownUid, runProgram, type System, thisSystem, whyFailed } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { unsupportedSystem } from './elsewhere.ts';

const CAP_SYS_ADMIN = 21n;

/** With less free space no engine is started, since a full disk may damage containerd's databases. */
export const MINIMUM_FREE_BYTES: number = 512 * 1024 * 1024;

/** The user of this process and its rights. */
export interface HostRights {
  readonly uid: number;
  /** Whether it has CAP_SYS_ADMIN, which mounting requires. */
  readonly mayMount: boolean;
}

/** Reads the rights of this process. */
export async function readRights(): Promise<HostRights> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const hex = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return { uid: ownUid(), mayMount: ((BigInt(`0x${hex}`) >> CAP_SYS_ADMIN) & 1n) === 1n };
}

/** The version of the mounted control groups (`v1` if both are mounted); undefined if none is. */
export async function readCgroups(): Promise<'v1' | 'v2' | undefined> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  const types = new Set(mounts.split('\n').map((line) => line.split(' ')[2]));
  if (types.has('cgroup')) return 'v1';
  return types.has('cgroup2') ? 'v2' : undefined;
}

/** Free bytes for this user on the disk of a directory, or of its nearest parent that exists. */
export async function readFreeBytes(dir: string): Promise<number | undefined> {
  for (let at = path.resolve(dir); ; at = path.dirname(at)) {
    const found = await statfs(at).catch(() => undefined);
    if (found !== undefined) return found.bavail * found.bsize;
    if (path.dirname(at) === at) return undefined;
  }
}

/**
 * Mounts an overlay below the directory and unmounts it again. Undefined if it works, else the reason. Only trying shows it: the
 * kernel may lack overlays, and not every file system supports them (another overlay, for example).
 *
 * @param inside command prefix that runs a program in its own mount namespace; empty: not needed
 */
export async function tryOverlay(
  dir: string,
  env: Environment,
  inside: readonly string[] = [],
): Promise<string | undefined> {
  const [mount, umount] = [await findProgram('mount', env), await findProgram('umount', env)];
  if (mount === undefined || umount === undefined) return 'mount or umount is not on PATH';
  const [program = mount, ...before] = [...inside, mount];
  let scratch: string | undefined;
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    scratch = await mkdtemp(path.join(dir, 'overlay-'));
    for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(path.join(scratch, name));
    const options = 'lowerdir=lower,upperdir=upper,workdir=work';
    const mounted = await runProgram({
      program,
      argv: [...before, '-t', 'overlay', 'overlay', '-o', options, 'merged'],
      env,
      cwd: scratch,
      timeoutMs: 10_000,
    });
    if (mounted.exitCode !== 0) {
      const lines = mounted.stderr.split('\n').filter((line) => !line.startsWith('[rootlesskit'));
      return lines.join('\n').trim() || `mount failed: ${whyFailed(mounted)}`;
    }
    // A namespace's mounts end with it.
    if (inside.length === 0)
      await runProgram({ program: umount, argv: [path.join(scratch, 'merged')], env, timeoutMs: 10_000 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true }).catch(() => {});
  }
}

/** A mount point and its flags (`nosuid`, `noexec`, `ro`, …). */
interface MountPoint {
  readonly point: string;
  readonly flags: readonly string[];
}

async function readMounts(): Promise<readonly MountPoint[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return table
    .split('\n')
    .map((line) => line.split(' '))
    .map(([, , , , point = '', flags = '']) => ({
      // The kernel escapes blanks and the like as octal numbers.
      point: point.replace(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 8)),
      ),
      flags: flags.split(','),
    }));
}

/** Mount points below a directory, deepest first. */
export async function mountsBelow(dir: string): Promise<readonly string[]> {
  const points = (await readMounts())
    .map(({ point }) => point)
    .filter((point) => point.startsWith(`${dir}/`));
  return points.sort((one, other) => other.length - one.length);
}

/** The mount flags for an absolute path or its nearest existing parent. */
export async function mountFlagsOf(file: string): Promise<readonly string[]> {
  let real = path.resolve(file);
  for (let at = real; ; at = path.dirname(at)) {
    const found = await realpath(at).catch(() => undefined);
    if (found !== undefined) {
      real = found;
      break;
    }
    if (path.dirname(at) === at) break;
  }
  let best: MountPoint | undefined;
  for (const mount of await readMounts()) {
    const covers = mount.point === '/' || real === mount.point || real.startsWith(`${mount.point}/`);
    // Of two mounts at the same point the later one is on top.
    if (mount.point !== '' && covers && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best?.flags ?? [];
}

/** The process that listens on a local TCP port, as `name (process N)`; undefined if not known. */
export async function findListener(port: number): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8').catch(() => '')).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const LISTEN = '0A';
      if (fields[3] !== LISTEN || Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) !== port) continue;
      inodes.add(`socket:[${fields[9]}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      if (!inodes.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))) continue;
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      return `${name} (process ${pid})`;
    }
  }
  return undefined;
}

/** The problem for a full disk. */
export function diskFull(dir: string): Problem {
  return problem('engine/disk-full', `no space left on the disk of ${dir}`, {
    hint: 'free space, or set BAKE_TS_HOME to a directory on another disk',
  });
}

/** Turns a failed file operation into a problem. Any other error is a bug and is rethrown. */
export function fileProblem(dir: string, error: unknown): Problem {
  if (!(error instanceof Error) || typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return diskFull(dir);
  return problem('engine/cannot-write', `${dir} cannot be written`, {
    hint: 'set BAKE_TS_HOME to a directory that this user can write to',
    detail: error.message,
  });
}

/** Reasons why no engine can be started here. */
export async function findObstacles(system: System = thisSystem()): Promise<Problem[]> {
  if (system !== 'linux') return [unsupportedSystem(system)];
  const problems: Problem[] = [];
  const rights = await readRights();
  if (rights.uid === 0 && !rights.mayMount) {
    problems.push(
      problem('engine/no-privileges', 'root may not mount file systems here (CAP_SYS_ADMIN is missing)', {
        hint: `in a container: start it privileged, or use a buildkitd outside of it with ${option('--addr')}`,
      }),
    );
  }
  // Without root no control groups are created, but runc requires them to be mounted.
  if ((await readCgroups()) === undefined) {
    problems.push(
      problem('engine/no-cgroups', 'no control groups are mounted: no container can be started', {
        hint: `mount them (mount -t cgroup2 none /sys/fs/cgroup), or use another machine with ${option('--addr')}`,
      }),
    );
  }
  return problems;
}
