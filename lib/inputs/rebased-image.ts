/** Images with other configs and the layers that they have: manifests and indexes written anew, as BuildKit writes them. */
import { type Digest, isDigest, type PlatformManifest } from '../model/mod.ts';
import { configOf, digestOf, layersDigest, type Manifest, parseManifest } from '../registry/mod.ts';
import { isObject, type JsonObject, readIndented, writeIndented } from './image-json.ts';
import type { ImageOfPlatform } from './rebase.ts';

/** An image that was made from another one; its layers are where those of the other one are. */
export interface RebasedImage {
  /** Configs, to be put first. */
  readonly configs: readonly Uint8Array[];
  /** The manifests of platforms that an index names, to be put before it; empty where there is no index. */
  readonly manifests: readonly Manifest[];
  /** What tags point at. */
  readonly top: Manifest;
  readonly platforms: readonly PlatformManifest[];
  /** How many bytes its configs have more than those of the other one. */
  readonly grownBytes: number;
}

/** One platform of an image with the config that it is to have. */
export interface NewConfig {
  readonly platform: string;
  readonly manifest: Manifest;
  readonly config: string;
}

const MANIFEST_FIELDS = ['schemaVersion', 'mediaType', 'config', 'layers', 'annotations'];
const INDEX_FIELDS = ['schemaVersion', 'mediaType', 'manifests', 'annotations'];
const CONFIG_FIELDS = ['mediaType', 'digest', 'size'];

/** The image of a manifest and its config; undefined where its layers cannot be told. */
export function imageOf({ json }: Manifest, config: string): ImageOfPlatform | undefined {
  const layers: unknown = json['layers'];
  if (!Array.isArray(layers)) return undefined;
  const read = layers.flatMap((layer: unknown) => {
    const digest = isObject(layer) ? layer['digest'] : undefined;
    return typeof digest === 'string' && isDigest(digest) ? [{ digest, text: JSON.stringify(layer) }] : [];
  });
  return read.length === layers.length ? { config, layers: read } : undefined;
}

/**
 * Writes an image with other configs.
 *
 * @param top its manifest, or the index of the manifests given
 * @returns undefined where one of them is not written as BuildKit does
 */
export function withConfigs(top: Manifest, images: readonly NewConfig[]): RebasedImage | undefined {
  const changed = new Map<Digest, Manifest>();
  const platforms: PlatformManifest[] = [];
  let grownBytes = 0;
  for (const { platform, manifest, config } of images) {
    const made = withConfig(manifest, config);
    if (made === undefined) return undefined;
    changed.set(manifest.digest, made);
    const layers = layersDigest(made);
    platforms.push({ platform, digest: made.digest, ...(layers === undefined ? {} : { layers }) });
    grownBytes += (configOf(made)?.sizeBytes ?? 0) - (configOf(manifest)?.sizeBytes ?? 0);
  }
  const configs = images.map(({ config }) => new TextEncoder().encode(config));
  const single = changed.get(top.digest);
  if (single !== undefined) return { configs, manifests: [], top: single, platforms, grownBytes };
  const index = withManifests(top, changed);
  return index === undefined
    ? undefined
    : { configs, manifests: [...changed.values()], top: index, platforms, grownBytes };
}

function withConfig(manifest: Manifest, config: string): Manifest | undefined {
  const json = readDocument(manifest, MANIFEST_FIELDS);
  const descriptor = json?.['config'];
  if (json === undefined || !isObject(descriptor)) return undefined;
  if (Object.keys(descriptor).join() !== CONFIG_FIELDS.join()) return undefined;
  const bytes = new TextEncoder().encode(config);
  return writeDocument({
    ...json,
    config: { ...descriptor, digest: digestOf(bytes), size: bytes.length },
  });
}

function withManifests(index: Manifest, changed: ReadonlyMap<string, Manifest>): Manifest | undefined {
  const json = readDocument(index, INDEX_FIELDS);
  const children: unknown = json?.['manifests'];
  if (json === undefined || !Array.isArray(children)) return undefined;
  const manifests = children.flatMap((child: unknown) => {
    const made = isObject(child) ? changed.get(String(child['digest'])) : undefined;
    if (made === undefined || !isObject(child)) return [];
    return [{ ...child, digest: made.digest, size: made.bytes.length }];
  });
  if (manifests.length !== children.length) return undefined;
  return writeDocument({ ...json, manifests });
}

/** What a manifest says, if it has no other fields than these. */
function readDocument({ bytes }: Manifest, fields: readonly string[]): JsonObject | undefined {
  const json = readIndented(new TextDecoder().decode(bytes));
  return json !== undefined && Object.keys(json).every((name) => fields.includes(name)) ? json : undefined;
}

function writeDocument(json: JsonObject): Manifest | undefined {
  const bytes = new TextEncoder().encode(writeIndented(json));
  return parseManifest(bytes, digestOf(bytes));
}
