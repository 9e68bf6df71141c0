/**
 * An engine without root. rootlesskit starts containerd as root of a user, a mount and a process namespace of its own, and buildkitd
 * joins it there. With the last process of a process namespace's first one everything in it ends, and with everything in it its mounts:
 * so the kernel sees to it that a killed engine leaves neither processes, also not of other users, nor mounts.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Environment, fail, ok, type Problem, type Result } from '../model/mod.ts';
import { findProgram, ownUid, runProgram, thisSystem } from '../system/mod.ts';
import type { Installation } from './installation.ts';
import type { EnginePaths } from './paths.ts';
import { childrenOf } from './process-identity.ts';
import { noNsenter } from './rootless-needs.ts';
import { type EnginePart, REQUIRED_PARTS } from './versions.ts';

/** What starts a daemon where it lives in namespaces: it stays, with the daemon below it, and ends with it. */
export interface Launcher {
  /** Absolute path. */
  readonly file: string;
  /** What comes before the daemon's own program and arguments. */
  readonly args: readonly string[];
}

/** The programs that make and enter namespaces. Absolute paths. */
export interface NamespaceTools {
  readonly rootlesskit: string;
  /** util-linux's. */
  readonly nsenter: string;
}

/** Whether an engine of this user is one without root. */
export function isRootless(): boolean {
  return thisSystem() === 'linux' && ownUid() > 0;
}

/** What an engine of this user cannot do without. */
export function neededParts(): readonly EnginePart[] {
  return isRootless() ? [...REQUIRED_PARTS, 'rootlesskit'] : REQUIRED_PARTS;
}

/** Where the namespaces' maker keeps what it has to remember. */
export function namespaceDir(paths: EnginePaths): string {
  return path.join(paths.runtimeDir, 'rootlesskit');
}

/** The tools of an installation. Problem: `engine/no-nsenter`. */
export async function findNamespaceTools(
  installation: Installation,
  env: Environment,
): Promise<Result<NamespaceTools, Problem>> {
  const nsenter = await findProgram('nsenter', env);
  if (nsenter === undefined) return fail(noNsenter());
  return ok({ rootlesskit: path.join(installation.binDir, 'rootlesskit'), nsenter });
}

/** Starts a daemon as the first one of new namespaces. */
export function namespaceMaker(tools: NamespaceTools, paths: EnginePaths): Launcher {
  return {
    file: tools.rootlesskit,
    args: [
      `--state-dir=${namespaceDir(paths)}`,
      // RUN shares the machine's network, as it does with root.
      '--net=host',
      '--pidns',
      // Shims keep sockets in /run/containerd, wherever containerd has its state.
      '--copy-up=/run',
      // What is mounted on the machine later is seen inside; never the other way round.
      '--propagation=rslave',
    ],
  };
}

/** Starts a daemon in the namespaces of a process. */
export function namespaceEntry(tools: NamespaceTools, pid: number): Launcher {
  return {
    file: tools.nsenter,
    args: ['--target', String(pid), '--user', '--preserve-credentials', '--mount', '--pid'],
  };
}

/** What runs a program once, as root of namespaces of its own that end with it. Comes before the program and its arguments. */
export function onceInNamespace(rootlesskit: string): readonly string[] {
  return [rootlesskit, '--net=host'];
}

/**
 * Takes the machine's /run/containerd out of containerd's view of /run: a link to a folder of root's in which no shim could write. A
 * folder of containerd's own takes its place.
 */
export async function hideForeignContainerd(
  tools: NamespaceTools,
  containerdPid: number,
  env: Environment,
): Promise<void> {
  const rm = await findProgram('rm', env);
  if (rm === undefined) return;
  const { file, args } = namespaceEntry(tools, containerdPid);
  // Where it is a folder already, it is our own, and rm leaves it alone. Nothing there is as good.
  await runProgram({ program: file, argv: [...args, rm, '/run/containerd'], env, timeoutMs: 10_000 });
}

/** Steps from a launcher to its daemon: rootlesskit runs itself once more, and nsenter forks. */
const MOST_STEPS = 3;

/**
 * The process of a program below its launcher; undefined: not there (yet). It is known by its arguments: the program may be a script
 * that runs another one, and what a launcher runs besides it has others.
 *
 * @param file the program, as the launcher was told it
 */
export async function findBelow(pid: number, file: string): Promise<number | undefined> {
  const launcher = (await argsOf(pid)).join('\0');
  const at = launcher.indexOf(`\0${file}`);
  if (at < 0) return undefined;
  const wanted = launcher.slice(at + file.length + 1);
  let level: readonly number[] = [pid];
  for (let step = 0; step < MOST_STEPS && level.length > 0; step += 1) {
    level = (await Promise.all(level.map(childrenOf))).flat();
    for (const child of level) {
      const args = (await argsOf(child)).join('\0');
      // Until it becomes the program, a child has its launcher's own.
      if (args !== launcher && args !== '' && `\0${args}`.endsWith(wanted)) return child;
    }
  }
  return undefined;
}

/** What a process was started with, without its program; empty where it is gone. */
async function argsOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replace(/\0$/, '').split('\0').slice(1);
}
