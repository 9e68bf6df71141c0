/** What the machine offers an engine: rights, control groups, overlay mounts, space, who has a port. Linux. */
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, statfs } from 'node:fs/promises';
import { platform } from 'node:os';
import path from 'node:path';
import { type Environment, type Problem, problem } from '../model/mod.ts';
import { findProgram, ownUid, runProgram, whyFailed } from '../system/mod.ts';

const CAP_SYS_ADMIN = 21n;

/** Below this much free space an engine is not started: containerd's databases do not survive a full disk well. */
export const MINIMUM_FREE_BYTES: number = 512 * 1024 * 1024;

/** Who runs this and what the kernel lets them do. */
export interface HostRights {
  readonly uid: number;
  /** Whether CAP_SYS_ADMIN is there, without which nothing can be mounted. */
  readonly mayMount: boolean;
}

/** Reads the rights of this process. */
export async function readRights(): Promise<HostRights> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const hex = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return { uid: ownUid(), mayMount: ((BigInt(`0x${hex}`) >> CAP_SYS_ADMIN) & 1n) === 1n };
}

/** `v2`, `v1` (or both, as v1), or undefined where no control group is mounted. */
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
 * Mounts an overlay below the directory and unmounts it again. Undefined where it works, else why not. Only trying
 * shows it: the kernel may lack it, and it cannot lie on every file system (on another overlay, for one).
 */
export async function tryOverlay(dir: string, env: Environment): Promise<string | undefined> {
  const [mount, umount] = [await findProgram('mount', env), await findProgram('umount', env)];
  if (mount === undefined || umount === undefined) return 'mount or umount is not on PATH';
  let scratch: string | undefined;
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    scratch = await mkdtemp(path.join(dir, 'overlay-'));
    for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(path.join(scratch, name));
    const options = 'lowerdir=lower,upperdir=upper,workdir=work';
    const mounted = await runProgram({
      program: mount,
      argv: ['-t', 'overlay', 'overlay', '-o', options, 'merged'],
      env,
      cwd: scratch,
      timeoutMs: 10_000,
    });
    if (mounted.exitCode !== 0) return mounted.stderr.trim() || `mount failed: ${whyFailed(mounted)}`;
    await runProgram({ program: umount, argv: [path.join(scratch, 'merged')], env, timeoutMs: 10_000 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true }).catch(() => {});
  }
}

/** Mount points below a directory, deepest first. */
export async function mountsBelow(dir: string): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const points = table
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    // The kernel writes blanks and the like as octal.
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    )
    .filter((point) => point.startsWith(`${dir}/`));
  return points.sort((one, other) => other.length - one.length);
}

/** The process that listens on a TCP port of this machine, as `name (process N)`; undefined where it is not known. */
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
    hint: 'free some space, or set BAKE_TS_HOME to a directory on another disk',
  });
}

/** What a failed file operation means to the user. Anything that is no such failure is a bug and thrown again. */
export function fileProblem(dir: string, error: unknown): Problem {
  if (!(error instanceof Error) || typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return diskFull(dir);
  return problem('engine/cannot-write', `${dir} cannot be written`, {
    hint: 'set BAKE_TS_HOME to a directory that this user may write',
    detail: error.message,
  });
}

/** What keeps an engine from being started here; empty where nothing does. */
export async function findObstacles(): Promise<readonly Problem[]> {
  if (platform() !== 'linux') {
    return [
      problem(
        'engine/unsupported-platform',
        `the embedded engine runs on Linux only, and this is ${platform()}`,
        {
          hint: 'use a buildkitd elsewhere: bake-ts --addr tcp://host:1234, or BUILDKIT_HOST',
        },
      ),
    ];
  }
  const problems: Problem[] = [];
  const rights = await readRights();
  if (rights.uid !== 0) {
    problems.push(
      problem(
        'engine/not-root',
        'the embedded engine needs root: containerd mounts file systems and makes cgroups',
        {
          hint:
            'run it as root (sudo -E bake-ts engine up), or use a rootless buildkitd, which bake-ts finds by itself at\n' +
            '$XDG_RUNTIME_DIR/buildkit/buildkitd.sock (see rootlesskit and containerd-rootless-setuptool.sh install-buildkit)',
        },
      ),
    );
  } else if (!rights.mayMount) {
    problems.push(
      problem('engine/no-privileges', 'this root may not mount file systems (CAP_SYS_ADMIN is missing)', {
        hint: 'in a container: start it privileged, or use a buildkitd outside of it with --addr',
      }),
    );
  }
  if ((await readCgroups()) === undefined) {
    problems.push(
      problem('engine/no-cgroups', 'no control groups are mounted: no container can be started', {
        hint: 'mount them (mount -t cgroup2 none /sys/fs/cgroup), or use another machine with --addr',
      }),
    );
  }
  return problems;
}
