/** Images with new configs and unchanged layers: writes manifests and indexes in BuildKit's form. */
import { type Digest, isDigest, type PlatformManifest } from '../model/mod.ts';
import { configOf, digestOf, layersDigest, type Manifest, parseManifest } from '../registry/mod.ts';
import { isObject, type JsonObject, readIndented, writeIndented } from './image-json.ts';
import type { ImageOfPlatform } from './rebase.ts';

/** An image that was computed from another; its layers are stored with the other one. */
export interface RebasedImage {
  /** Configs; push them first. */
  readonly configs: readonly Uint8Array[];
  /** Manifests of an index's platforms; push them before the index. Empty if there is no index. */
  readonly manifests: readonly Manifest[];
  /** The manifest or index that tags point at. */
  readonly top: Manifest;
  readonly platforms: readonly PlatformManifest[];
  /** By how many bytes its configs are larger. */
  readonly grownBytes: number;
}

/** One platform of an image with its new config. */
export interface NewConfig {
  readonly platform: string;
  readonly manifest: Manifest;
  readonly config: string;
}

const MANIFEST_FIELDS = ['schemaVersion', 'mediaType', 'config', 'layers', 'annotations'];
const INDEX_FIELDS = ['schemaVersion', 'mediaType', 'manifests', 'annotations'];
const CONFIG_FIELDS = ['mediaType', 'digest', 'size'];

/** The image of a manifest and its config; undefined if its layers cannot be determined. */
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
 * Writes an image with new configs.
 *
 * @param top its manifest, or the index of the given manifests
 * @returns undefined if one of them does not have BuildKit's form
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

/** The content of a manifest, if it has no other fields than these. */
function readDocument({ bytes }: Manifest, fields: readonly string[]): JsonObject | undefined {
  const json = readIndented(new TextDecoder().decode(bytes));
  return json !== undefined && Object.keys(json).every((name) => fields.includes(name)) ? json : undefined;
}

function writeDocument(json: JsonObject): Manifest | undefined {
  const bytes = new TextEncoder().encode(writeIndented(json));
  return parseManifest(bytes, digestOf(bytes));
}
