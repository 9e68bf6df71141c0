/**
 * What runs of one process that follow one another know of an engine, so that each need not find it out again: a question to
 * it is a program that is started. Of what the store has only that is kept whose loss a build notices and mends.
 */
import { stat } from 'node:fs/promises';
import type { Worker } from '../buildctl/mod.ts';
import type { ContainerdAccess } from '../engine/mod.ts';
import { type Digest, type DigestRef, formatImageRef } from '../model/mod.ts';
import { thisSystem } from '../system/mod.ts';
import { isLocalEngine } from '../util/loopback.ts';

/** Something that is so while the sockets are the same ones. */
interface Fact<T> {
  readonly value: T;
  readonly sockets: readonly string[];
  /** Of each socket. */
  readonly stamps: string;
}

/** A layers-only image, and what it is one of. */
interface KnownLayers {
  readonly of: Digest;
  readonly image: DigestRef;
}

/** The engines that a process has used. */
export class KnownEngines {
  readonly #workers = new Map<string, Fact<Worker>>();
  readonly #stores = new Map<string, Fact<ContainerdAccess>>();
  readonly #layers = new Map<string, KnownLayers>();

  /** What the engine says of its worker; asked again where its socket is another one. */
  async worker(address: string, ask: () => Promise<Worker | undefined>): Promise<Worker | undefined> {
    return lasting(this.#workers, address, ask, () => []);
  }

  /** The containerd of the engine; looked for again where one of the two sockets is another one. */
  async containerd(
    address: string,
    find: () => Promise<ContainerdAccess | undefined>,
  ): Promise<ContainerdAccess | undefined> {
    return lasting(this.#stores, address, find, ({ socket }) => [socket]);
  }

  /** Looks for the containerd again the next time; false: nothing was known of it. */
  forgetContainerd(address: string): boolean {
    return this.#stores.delete(address);
  }

  /** The layers-only image that was made of an image in the engine's store. It may be gone: then the build that reads it fails over it. */
  layersOf(address: string, image: DigestRef): DigestRef | undefined {
    const known = this.#layers.get(keyOf(address, image));
    return known?.of === image.digest ? known.image : undefined;
  }

  /** An older image of the same name has none any more: the name leads to this one. */
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
  // What listens elsewhere may be another one each time.
  const isHere = isLocalEngine(address, thisSystem()) && address.startsWith('unix://');
  const own = isHere ? address.slice('unix://'.length) : undefined;
  // Taken before the query: a file that comes meanwhile is another one.
  const before = own === undefined ? undefined : await stampsOf([own]);
  const value = await ask();
  if (value === undefined || own === undefined || before === undefined) return value;
  const sockets = [own, ...socketsOf(value)];
  const stamps = await stampsOf(sockets);
  if (stamps?.startsWith(before) === true) facts.set(address, { value, sockets, stamps });
  return value;
}

/** Which files they are; a daemon that starts makes its socket again. Undefined: one is not there. */
async function stampsOf(sockets: readonly string[]): Promise<string | undefined> {
  try {
    const found = await Promise.all(sockets.map((socket) => stat(socket)));
    return found.map(({ dev, ino, ctimeMs }) => `${dev} ${ino} ${ctimeMs};`).join('');
  } catch {
    return undefined;
  }
}
