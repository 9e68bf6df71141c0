/**
 * An engine without root. rootlesskit starts containerd as root of its own user, mount and process namespace, and buildkitd joins
 * it there. When the first process of a process namespace ends, the kernel ends all others in it, and then their mounts
 * disappear. So a killed engine leaves neither processes (of any user) nor mounts.
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

/** Starts a daemon in namespaces. The launcher keeps running as the daemon's parent and ends with it. */
export interface Launcher {
  /** Absolute path. */
  readonly file: string;
  /** Arguments before the daemon's program and arguments. */
  readonly args: readonly string[];
}

/** Absolute paths of the programs that create and enter namespaces. */
export interface NamespaceTools {
  readonly rootlesskit: string;
  /** From util-linux. */
  readonly nsenter: string;
}

/** Whether this user's engine runs without root. */
export function isRootless(): boolean {
  return thisSystem() === 'linux' && ownUid() > 0;
}

/** The parts that this user's engine requires. */
export function neededParts(): readonly EnginePart[] {
  return isRootless() ? [...REQUIRED_PARTS, 'rootlesskit'] : REQUIRED_PARTS;
}

/** The state directory of rootlesskit. */
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

/** The launcher that starts a daemon as the first process of new namespaces. */
export function namespaceMaker(tools: NamespaceTools, paths: EnginePaths): Launcher {
  return {
    file: tools.rootlesskit,
    args: [
      `--state-dir=${namespaceDir(paths)}`,
      // RUN shares the machine's network, as it does with root.
      '--net=host',
      '--pidns',
      // Shims always keep sockets in /run/containerd.
      '--copy-up=/run',
      // Later mounts of the machine are visible inside, but not the other way round.
      '--propagation=rslave',
    ],
  };
}

/** The launcher that starts a daemon in the namespaces of a process. */
export function namespaceEntry(tools: NamespaceTools, pid: number): Launcher {
  return {
    file: tools.nsenter,
    args: ['--target', String(pid), '--user', '--preserve-credentials', '--mount', '--pid'],
  };
}

/** The command prefix that runs a program as root of its own namespaces, which end with it. */
export function onceInNamespace(rootlesskit: string): readonly string[] {
  return [rootlesskit, '--net=host'];
}

/**
 * Removes the machine's /run/containerd from containerd's view of /run: it is a link to a directory of root, where shims cannot
 * write. containerd then creates its own directory.
 */
export async function hideForeignContainerd(
  tools: NamespaceTools,
  containerdPid: number,
  env: Environment,
): Promise<void> {
  const rm = await findProgram('rm', env);
  if (rm === undefined) return;
  const { file, args } = namespaceEntry(tools, containerdPid);
  // If it is a directory already, it is ours, and rm does not remove it. It may also not exist.
  await runProgram({ program: file, argv: [...args, rm, '/run/containerd'], env, timeoutMs: 10_000 });
}

/** Process levels from a launcher to its daemon: rootlesskit runs itself again, and nsenter forks. */
const MOST_STEPS = 3;

/**
 * Finds the process of a program below its launcher; undefined: not there (yet). It is identified by its arguments, since the
 * program may be a script that runs another one, and the launcher's other children have different ones.
 *
 * @param file the program, as passed to the launcher
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
      // Before it runs the program, a child has its launcher's arguments.
      if (args !== launcher && args !== '' && `\0${args}`.endsWith(wanted)) return child;
    }
  }
  return undefined;
}

/** The arguments of a process without its program; empty if it is gone. */
async function argsOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replace(/\0$/, '').split('\0').slice(1);
}
