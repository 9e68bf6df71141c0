/** Ending a program with all that it started. */
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { missingPermissions } from '../util/permission.ts';
import { type System, thisSystem } from './platform.ts';

/** The first of a group of processes. */
export type Leader = Pick<ChildProcess, 'pid' | 'kill'>;

/**
 * How a program is started so that it and what it starts can be ended together, and Ctrl-C at the terminal reaches us only, who end
 * our programs in order: in a group of its own; on Windows, which has no such groups, with a hidden console of its own (detached, each
 * program that it starts would open a window).
 */
export function groupOptions(system: System = thisSystem()): {
  readonly detached: boolean;
  readonly windowsHide: boolean;
} {
  return { detached: system !== 'win32', windowsHide: true };
}

/** How long Windows may take to end a tree of processes. */
const TREE_MS = 5_000;

/** The call that ends a process of Windows with its children; its place is fixed, so that nothing on PATH can take it. */
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
 * Signals a whole group; a group that is gone already is fine. Deno lets only programs do so that may run any other one, and
 * `child.kill` works only once there. Windows knows no signals: whatever is sent, the program ends at once, with its children.
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
    // ESRCH: it ended in the meantime.
    if (missingPermissions(error) !== undefined) child.kill(signal);
  }
}

/** At once: it is called when our own process ends, too. */
function killTree(child: Leader, { program, argv }: ReturnType<typeof treeKill>): void {
  try {
    const { spawnSync } = process.getBuiltinModule('node:child_process');
    spawnSync(program, [...argv], { stdio: 'ignore', windowsHide: true, timeout: TREE_MS });
  } catch {
    // Not permitted: the program itself can be ended all the same.
  }
  child.kill('SIGKILL');
}
