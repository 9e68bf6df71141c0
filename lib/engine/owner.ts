/**
 * Whose a file or directory is that a process left on a disk: whether that process is surely gone, so that somebody else may
 * clear up. Numbers of processes count in one namespace of one boot of one machine.
 */
import { readlink } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { isProcessIdentity, type ProcessIdentity } from '../model/mod.ts';
import { thisSystem } from '../system/mod.ts';
import { identifyProcess, isAlive, ownPid } from './process-identity.ts';

/** A process, distinguished from all others, on whatever machine or in whatever container. */
export interface Owner extends ProcessIdentity {
  readonly host: string;
  /** What `/proc/self/ns/pid` leads to; the system's name where there is no such thing. */
  readonly namespace: string;
}

/** This process; undefined where it cannot be distinguished from others. */
export async function ownerNow(): Promise<Owner | undefined> {
  const me = await identifyProcess(ownPid());
  const namespace = await ownNamespace();
  return me === undefined || namespace === undefined ? undefined : { ...me, host: hostname(), namespace };
}

async function ownNamespace(): Promise<string | undefined> {
  const system = thisSystem();
  return system === 'linux' ? readlink('/proc/self/ns/pid').catch(() => undefined) : system;
}

/** An owner as it was written down; undefined: it is none. There may be more in the value. */
export function readOwner(value: unknown): Owner | undefined {
  if (!isProcessIdentity(value)) return undefined;
  const { pid, startTicks, bootId } = value;
  const { host, namespace } = value as Partial<Record<keyof Owner, unknown>>;
  if (typeof host !== 'string' || typeof namespace !== 'string') return undefined;
  return { pid, startTicks, bootId, host, namespace };
}

/**
 * Whether an owner lives, as far as that can be seen from here; undefined: it cannot.
 *
 * @param lastSeenMs when it last gave a sign (milliseconds since 1970)
 */
export async function livesOwner(owner: Owner, me: Owner, lastSeenMs: number): Promise<boolean | undefined> {
  if (owner.host !== me.host) return undefined;
  if (owner.bootId === me.bootId) return owner.namespace === me.namespace ? isAlive(owner) : undefined;
  // Of an earlier boot of this machine; a machine of the same name that shares the directory runs now.
  return lastSeenMs < Date.now() - uptime() * 1000 ? false : undefined;
}
