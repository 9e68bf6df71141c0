/** Images of the fake registry and records of this machine, changed behind the back of bake-ts. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../../lib/model/mod.ts';
import type { FakeRegistryStore } from '../rig/fake-registry-store.ts';

type Json = Record<string, unknown>;

/** Puts a changed image under a tag: other bytes of its layers, another config or manifest. */
export function changeImage(
  store: FakeRegistryStore,
  repository: string,
  change: {
    readonly layer?: (bytes: Buffer) => Buffer;
    readonly config?: (config: Json) => Json;
    readonly manifest?: (manifest: Json) => Json;
  },
): Digest {
  const old = store.manifest(repository, 'dev');
  assert(old !== undefined);
  const json = JSON.parse(old.bytes.toString()) as {
    readonly config: { readonly digest: string };
    readonly layers: readonly { readonly digest: string }[];
  };
  const put = (bytes: Buffer) => ({ digest: store.putBlob(repository, bytes), size: bytes.length });
  const layers = json.layers.map((one) => {
    const bytes = store.blob(repository, one.digest);
    assert(bytes !== undefined);
    return { ...one, ...put(change.layer?.(bytes) ?? bytes) };
  });
  const config = JSON.parse(store.blob(repository, json.config.digest)?.toString() ?? '') as Json;
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const other = change.config?.({ ...config, rootfs }) ?? { ...config, rootfs };
  const manifest = {
    ...json,
    config: { ...json.config, ...put(Buffer.from(JSON.stringify(other))) },
    layers,
  };
  const bytes = Buffer.from(JSON.stringify(change.manifest?.(manifest) ?? manifest));
  return store.putManifest(repository, 'dev', { mediaType: old.mediaType, bytes }).digest;
}

/** A layer of a fake image whose every entry has another time. */
export function retimed(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 0; at + 512 <= copy.length && copy[at] !== 0; ) {
    const header = copy.subarray(at, at + 512);
    header.write('00000000123', 136);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    at += 512 + Math.ceil(Number.parseInt(header.toString('latin1', 124, 135), 8) / 512) * 512;
  }
  return copy;
}

/** Writes another text wherever one stands in the records of a machine. */
export async function replaceInRecords(home: string, from: string, to: string): Promise<void> {
  const dir = path.join(home, 'state/records');
  for (const name of await readdir(dir, { recursive: true })) {
    if (!name.endsWith('.json')) continue;
    const file = path.join(dir, name);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(from, to));
  }
}
