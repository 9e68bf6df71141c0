/** The files of a layer, and the differences between two trees of files. */
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { readTar, type Settle, type TarEntry } from './tar.ts';

/** Path → entry, of one layer or of several stacked ones. */
export type Tree = ReadonlyMap<string, TarEntry>;

/** The difference at one path. */
export interface FileChange {
  /** Path in the image, without a leading `/`: `usr/bin/env`. */
  readonly path: string;
  /** `added`: only the second image has it. `removed`: only the first has it. */
  readonly change: 'added' | 'removed' | 'changed';
  /** With `changed`, each difference as text: `content`, `mode 0644 → 0755`. */
  readonly what: readonly string[];
  /** The name of the known noise, if that is why the difference is ignored. */
  readonly noise?: string;
  /** The user's pattern, if that is why the difference is ignored. */
  readonly ignored?: string;
}

/**
 * Reads a layer.
 *
 * @param mediaType determines the compression (OCI image-spec, layer.md; Docker's types have the same suffixes)
 * @param settlerOf selects files that are also hashed without their varying parts; default: none
 * @throws if the bytes are not a valid layer, or this runtime does not support the compression (zstd needs Node 22.15)
 */
export async function readLayer(
  chunks: AsyncIterable<Uint8Array>,
  mediaType: string,
  settlerOf?: (path: string, sizeBytes: number) => Settle | undefined,
): Promise<Tree> {
  const tree = new Map<string, TarEntry>();
  const collect = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const entry of readTar(bytes, settlerOf)) tree.set(entry.path, entry);
  };
  const decompressor = openDecompressor(mediaType);
  if (decompressor === undefined) await collect(chunks);
  else await pipeline(chunks, decompressor, collect);
  return tree;
}

function openDecompressor(mediaType: string): Duplex | undefined {
  if (/[+.]gzip$/.test(mediaType)) return zlib.createGunzip();
  if (/[+.]zstd$/.test(mediaType)) {
    // Not available in the oldest supported Node.
    const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Duplex };
    if (createZstdDecompress === undefined)
      throw new Error('this runtime cannot read zstd; Node 22.15 and Deno can');
    return createZstdDecompress();
  }
  if (/[+.]tar$/.test(mediaType)) return undefined;
  throw new Error(`layers of type ${mediaType} are not supported`);
}

/** The files of an image: its layers stacked, whiteouts applied (OCI image-spec, layer.md). */
export function stackTrees(layers: readonly Tree[]): Tree {
  const whole = new Map<string, TarEntry>();
  const remove = (path: string, itself: boolean): void => {
    if (itself) whole.delete(path);
    const below = path === '' ? '' : `${path}/`;
    for (const known of [...whole.keys()]) if (known.startsWith(below) && known !== path) whole.delete(known);
  };
  for (const layer of layers) {
    for (const path of layer.keys()) {
      const [, dir = '', name = ''] = /^(?:(.*)\/)?([^/]*)$/.exec(path) ?? [];
      if (name === '.wh..wh..opq') remove(dir, false);
      else if (name.startsWith('.wh.')) remove(dir === '' ? name.slice(4) : `${dir}/${name.slice(4)}`, true);
    }
    for (const [path, entry] of layer) {
      if (/(?:^|\/)\.wh\.[^/]*$/.test(path)) continue;
      if (entry.kind !== 'dir' && whole.get(path)?.kind === 'dir') remove(path, true);
      whole.set(path, entry);
    }
  }
  return whole;
}

/** The differences between two trees, sorted by path: types, mode bits, owners, links, contents, attributes; not times. */
export function compareTrees(before: Tree, after: Tree): readonly FileChange[] {
  const changes: FileChange[] = [];
  for (const [path, one] of before) {
    const other = after.get(path);
    if (other === undefined) changes.push({ path, change: 'removed', what: [] });
    else {
      const what = compareEntries(one, other);
      if (what.length > 0) changes.push({ path, change: 'changed', what });
    }
  }
  for (const path of after.keys()) if (!before.has(path)) changes.push({ path, change: 'added', what: [] });
  return changes.sort((one, other) => (one.path < other.path ? -1 : 1));
}

function compareEntries(one: TarEntry, other: TarEntry): readonly string[] {
  if (one.kind !== other.kind) return [`${one.kind} → ${other.kind}`];
  const what: string[] = [];
  if (one.content !== other.content || one.sizeBytes !== other.sizeBytes) {
    what.push(
      one.sizeBytes === other.sizeBytes ? 'content' : `content (${one.sizeBytes} → ${other.sizeBytes} bytes)`,
    );
  }
  if (one.mode !== other.mode) what.push(`mode ${formatMode(one.mode)} → ${formatMode(other.mode)}`);
  if (one.owner !== other.owner) what.push(`owner ${one.owner} → ${other.owner}`);
  if (one.link !== other.link) what.push(`link ${one.link} → ${other.link}`);
  if (one.device !== other.device) what.push(`device ${one.device} → ${other.device}`);
  const names = new Set([...one.attributes.keys(), ...other.attributes.keys()]);
  for (const name of names) {
    if (one.attributes.get(name) !== other.attributes.get(name)) what.push(`attribute ${name}`);
  }
  return what;
}

function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
