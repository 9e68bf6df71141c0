/**
 * The process that owns a file or directory on disk, and whether it is certainly gone, so that others may clean up. A pid is
 * unique only within one namespace, boot and machine.
 */
import { readlink } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { isProcessIdentity, type ProcessIdentity } from '../model/mod.ts';
import { thisSystem } from '../system/mod.ts';
import { identifyProcess, isAlive, ownPid } from './process-identity.ts';

/** Identifies a process across machines and containers. */
export interface Owner extends ProcessIdentity {
  readonly host: string;
  /** Target of `/proc/self/ns/pid`, or the system's name where that does not exist. */
  readonly namespace: string;
}

/** This process; undefined if it cannot be distinguished from others. */
export async function ownerNow(): Promise<Owner | undefined> {
  const me = await identifyProcess(ownPid());
  const namespace = await ownNamespace();
  return me === undefined || namespace === undefined ? undefined : { ...me, host: hostname(), namespace };
}

async function ownNamespace(): Promise<string | undefined> {
  const system = thisSystem();
  return system === 'linux' ? readlink('/proc/self/ns/pid').catch(() => undefined) : system;
}

/** Reads a stored owner; undefined if it is invalid. Other fields are ignored. */
export function readOwner(value: unknown): Owner | undefined {
  if (!isProcessIdentity(value)) return undefined;
  const { pid, startTicks, bootId } = value;
  const { host, namespace } = value as Partial<Record<keyof Owner, unknown>>;
  if (typeof host !== 'string' || typeof namespace !== 'string') return undefined;
  return { pid, startTicks, bootId, host, namespace };
}

/**
 * Whether an owner is alive; undefined if that cannot be determined from here.
 *
 * @param lastSeenMs its last sign of life (Unix time in milliseconds)
 */
export async function livesOwner(owner: Owner, me: Owner, lastSeenMs: number): Promise<boolean | undefined> {
  if (owner.host !== me.host) return undefined;
  if (owner.bootId === me.bootId) return owner.namespace === me.namespace ? isAlive(owner) : undefined;
  // From another boot: of this machine, if last seen before the current boot; otherwise maybe of a machine with the same name
  // that shares the directory.
  return lastSeenMs < Date.now() - uptime() * 1000 ? false : undefined;
}
