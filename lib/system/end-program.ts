/** Ends a program with all its descendants. */
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { missingPermissions } from '../util/permission.ts';
import { type System, thisSystem } from './platform.ts';

/** The first process of a group. */
export type Leader = Pick<ChildProcess, 'pid' | 'kill'>;

/**
 * Options to start a program so that it can be ended with its descendants, and Ctrl-C at the terminal reaches only
 * bake-ts, which ends its programs in order. This takes a process group; on Windows, which has none, a hidden console
 * (if detached, each descendant would open a window).
 */
export function groupOptions(system: System = thisSystem()): {
  readonly detached: boolean;
  readonly windowsHide: boolean;
} {
  return { detached: system !== 'win32', windowsHide: true };
}

/** How long Windows may take to end a process tree. */
const TREE_MS = 5_000;

/** The command that ends a Windows process with its children; with a fixed path, so that nothing on PATH replaces it. */
export function treeKill(
  pid: number,
  env: Readonly<Record<string, string | undefined>>,
): { readonly program: string; readonly argv: readonly string[] } {
  const root = Object.entries(env).find(([name]) => name.toUpperCase() === 'SYSTEMROOT')?.[1];
  return {
    program: path.win32.join(root ?? 'C:\\Windows', 'System32', 'taskkill.exe'),
    argv: ['/pid', String(pid), '/t', '/f'],
  };
}

/**
 * Signals a whole process group; a group that is gone is fine. In Deno this needs the permission to run any program,
 * and `child.kill` works only once. Windows has no signals: the program ends at once with its children.
 */
export function signalGroup(
  child: Leader,
  signal: NodeJS.Signals,
  env: Readonly<Record<string, string | undefined>>,
): void {
  if (child.pid === undefined) return;
  if (thisSystem() === 'win32') {
    killTree(child, treeKill(child.pid, env));
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: it has ended already.
    if (missingPermissions(error) !== undefined) child.kill(signal);
  }
}

/** Synchronous, because it is also called when this process exits. */
function killTree(child: Leader, { program, argv }: ReturnType<typeof treeKill>): void {
  try {
    const { spawnSync } = process.getBuiltinModule('node:child_process');
    spawnSync(program, [...argv], { stdio: 'ignore', windowsHide: true, timeout: TREE_MS });
  } catch {
    // Not permitted; the program itself can still be ended.
  }
  child.kill('SIGKILL');
}
