/**
 * What consecutive runs of one process remember about engines, since each query starts a program. Store content is remembered
 * only if a build would notice and repair its loss.
 */
import { stat } from 'node:fs/promises';
import type { Worker } from '../buildctl/mod.ts';
import type { ContainerdAccess } from '../engine/mod.ts';
import { type Digest, type DigestRef, formatImageRef } from '../model/mod.ts';
import { thisSystem } from '../system/mod.ts';
import { isLocalEngine } from '../util/loopback.ts';

/** A value that is valid while the sockets are unchanged. */
interface Fact<T> {
  readonly value: T;
  readonly sockets: readonly string[];
  /** Stat signatures of the sockets. */
  readonly stamps: string;
}

/** A layers-only image and its original. */
interface KnownLayers {
  readonly of: Digest;
  readonly image: DigestRef;
}

/** The engines that a process has used. */
export class KnownEngines {
  readonly #workers = new Map<string, Fact<Worker>>();
  readonly #stores = new Map<string, Fact<ContainerdAccess>>();
  readonly #layers = new Map<string, KnownLayers>();

  /** The engine's worker; queried again if its socket has changed. */
  async worker(address: string, ask: () => Promise<Worker | undefined>): Promise<Worker | undefined> {
    return lasting(this.#workers, address, ask, () => []);
  }

  /** The containerd of the engine; searched again if one of the two sockets has changed. */
  async containerd(
    address: string,
    find: () => Promise<ContainerdAccess | undefined>,
  ): Promise<ContainerdAccess | undefined> {
    return lasting(this.#stores, address, find, ({ socket }) => [socket]);
  }

  /** Forgets the containerd; false if it was not known. */
  forgetContainerd(address: string): boolean {
    return this.#stores.delete(address);
  }

  /** The layers-only image of an image in the engine's store. If it is gone, the build that reads it fails because of it. */
  layersOf(address: string, image: DigestRef): DigestRef | undefined {
    const known = this.#layers.get(keyOf(address, image));
    return known?.of === image.digest ? known.image : undefined;
  }

  /** Remembers a layers-only image. It replaces that of an older image with the same name. */
  keepLayers(address: string, image: DigestRef, layers: DigestRef): void {
    this.#layers.set(keyOf(address, image), { of: image.digest, image: layers });
  }

  forgetLayers(address: string, image: DigestRef): void {
    this.#layers.delete(keyOf(address, image));
  }
}

function keyOf(address: string, { digest: _, ...name }: DigestRef): string {
  return `${address} ${formatImageRef(name)}`;
}

async function lasting<T>(
  facts: Map<string, Fact<T>>,
  address: string,
  ask: () => Promise<T | undefined>,
  socketsOf: (value: T) => readonly string[],
): Promise<T | undefined> {
  const known = facts.get(address);
  if (known !== undefined && (await stampsOf(known.sockets)) === known.stamps) return known.value;
  facts.delete(address);
  // A remote address may lead to another engine each time.
  const isHere = isLocalEngine(address, thisSystem()) && address.startsWith('unix://');
  const own = isHere ? address.slice('unix://'.length) : undefined;
  // Read before the query, so that a socket that is replaced meanwhile is noticed.
  const before = own === undefined ? undefined : await stampsOf([own]);
  const value = await ask();
  if (value === undefined || own === undefined || before === undefined) return value;
  const sockets = [own, ...socketsOf(value)];
  const stamps = await stampsOf(sockets);
  if (stamps?.startsWith(before) === true) facts.set(address, { value, sockets, stamps });
  return value;
}

/** Stat signatures of sockets; a daemon creates its socket anew when it starts. Undefined if one does not exist. */
async function stampsOf(sockets: readonly string[]): Promise<string | undefined> {
  try {
    const found = await Promise.all(sockets.map((socket) => stat(socket)));
    return found.map(({ dev, ino, ctimeMs }) => `${dev} ${ino} ${ctimeMs};`).join('');
  } catch {
    return undefined;
  }
}
