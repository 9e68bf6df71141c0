/** Images to compare: in a registry, in an OCI layout on this machine, or in the engine's store. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Buildctl, readContent } from '../buildctl/mod.ts';
import {
  type ConfigChange,
  compareImages,
  counts,
  type DifferenceRules,
  type FileChange,
  type ImageComparison,
  type ImageSource,
  type LayerComparison,
  type Verdict,
} from '../compare/mod.ts';
import { type Digest, formatPlatform, type ImageRef, parsePlatform } from '../model/mod.ts';
import {
  CONFIG_LIMIT,
  configOf,
  type Descriptor,
  type Manifest,
  manifestBlobs,
  parseManifest,
  platformManifests,
  type RegistryClient,
} from '../registry/mod.ts';
import { parseJson } from '../util/json.ts';

/** A store of manifests and blobs. Its functions throw an error with a readable message if something cannot be read. */
export interface BlobStore {
  readonly readManifest: (digest: Digest) => Promise<Manifest>;
  readonly readSmall: (digest: Digest) => Promise<Uint8Array>;
  readonly open: (blob: Descriptor) => AsyncIterable<Uint8Array>;
}

/** A repository of a registry. */
export function registryStore(registry: RegistryClient, repository: ImageRef): BlobStore {
  const bare = { registry: repository.registry, repository: repository.repository };
  return {
    readManifest: async (digest) => {
      const read = await registry.getManifest({ ...bare, digest });
      if (read.ok) return read.value;
      throw new Error(read.error[0]?.message ?? `the manifest ${digest} cannot be read`);
    },
    readSmall: async (digest) => {
      const read = await registry.getBlob(bare, digest, CONFIG_LIMIT);
      if (read.ok) return read.value;
      throw new Error(read.error[0]?.message ?? `the blob ${digest} cannot be read`);
    },
    open: (blob) => registry.streamBlob(bare, blob),
  };
}

/** An OCI layout in a directory (image-spec, image-layout.md). */
export function layoutStore(dir: string): BlobStore {
  const fileOf = (digest: Digest) => path.join(dir, 'blobs', ...digest.split(':'));
  return {
    readManifest: async (digest) => manifestOf(await readFile(fileOf(digest)), digest),
    readSmall: (digest) => readFile(fileOf(digest)),
    open: (blob) => createReadStream(fileOf(blob.digest)),
  };
}

/** The content store of the engine, which returns blobs only as a whole. */
export function engineStore(buildctl: Buildctl): BlobStore {
  const read = async (digest: Digest): Promise<Uint8Array> => {
    const bytes = await readContent(buildctl, digest);
    if (bytes === undefined) throw new Error(`the engine no longer has ${digest}`);
    return bytes;
  };
  return {
    readManifest: async (digest) => manifestOf(await read(digest), digest),
    readSmall: read,
    open: async function* (blob) {
      yield await read(blob.digest);
    },
  };
}

function manifestOf(bytes: Uint8Array, digest: Digest): Manifest {
  const manifest = parseManifest(bytes, digest);
  if (manifest === undefined) throw new Error(`${digest} is not an image manifest`);
  return manifest;
}

/** Platform → manifest for the manifest or index with this digest, without attestations. */
export async function platformsOf(store: BlobStore, digest: Digest): Promise<ReadonlyMap<string, Digest>> {
  const manifest = await store.readManifest(digest);
  const children = platformManifests(manifest);
  if (children.length > 0) return new Map(children.map((one) => [one.platform, one.digest]));
  const { config } = await readImage(store, digest);
  const { os, architecture, variant } = config;
  const parsed = parsePlatform(
    [os, architecture, variant].filter((part) => typeof part === 'string').join('/'),
  );
  return new Map([[parsed === undefined ? 'unknown' : formatPlatform(parsed), digest]]);
}

/** The image of one platform. */
export async function readImage(store: BlobStore, digest: Digest): Promise<ImageSource> {
  const manifest = await store.readManifest(digest);
  const descriptor = configOf(manifest);
  if (descriptor === undefined) throw new Error(`${digest} is not an image of one platform`);
  const config = parseJson(await store.readSmall(descriptor.digest));
  const [, ...layers] = manifestBlobs(manifest);
  return {
    configDigest: descriptor.digest,
    config: isRecord(config) ? config : {},
    annotations: isRecord(manifest.json['annotations']) ? manifest.json['annotations'] : {},
    layers: layers.map((layer) => ({
      digest: layer.digest,
      mediaType: layer.mediaType,
      open: () => store.open(layer),
    })),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The comparison of one platform of two images. `comparison` is absent if only one of them has the platform. */
export interface PlatformComparison {
  /** Normalised: `linux/amd64`. */
  readonly platform: string;
  /** The verdict for this platform. */
  readonly verdict: Verdict;
  /** `first`: only the first image has this platform. */
  readonly only?: 'first' | 'second';
  /** Each difference; absent if only one of the images has the platform. */
  readonly comparison?: ImageComparison;
}

/** Compares two images platform by platform. Throws an error with a readable message if something cannot be read. */
export async function comparePlatforms(
  first: { readonly store: BlobStore; readonly platforms: ReadonlyMap<string, Digest> },
  second: { readonly store: BlobStore; readonly platforms: ReadonlyMap<string, Digest> },
  rules?: DifferenceRules,
): Promise<readonly PlatformComparison[]> {
  const results: PlatformComparison[] = [];
  for (const platform of new Set([...first.platforms.keys(), ...second.platforms.keys()])) {
    const [one, other] = [first.platforms.get(platform), second.platforms.get(platform)];
    if (one === undefined || other === undefined) {
      results.push({ platform, verdict: 'different', only: other === undefined ? 'first' : 'second' });
    } else if (one === other) {
      results.push({
        platform,
        verdict: 'same-bytes',
        comparison: { verdict: 'same-bytes', config: [], layers: [] },
      });
    } else {
      const comparison = await compareImages(
        await readImage(first.store, one),
        await readImage(second.store, other),
        rules,
      );
      results.push({ platform, verdict: comparison.verdict, comparison });
    }
  }
  return results;
}

/** The verdict over all platforms: the worst of them. */
export function worstOf(platforms: readonly PlatformComparison[]): Verdict {
  for (const verdict of ['different', 'same-but-noise', 'same-files'] as const)
    if (platforms.some((one) => one.verdict === verdict)) return verdict;
  return 'same-bytes';
}

/** The differences that count, one line each; `names` are the names of the two images. */
export function describeDifferences(
  platforms: readonly PlatformComparison[],
  names: readonly [string, string],
): readonly string[] {
  return platforms.flatMap(({ platform, only, comparison }) => {
    if (only !== undefined) return [`${platform}: ${describeOnly(only, names)}`];
    const lines = (comparison?.config ?? []).map((change) => `${platform} ${describeConfigChange(change)}`);
    for (const layer of comparison?.layers ?? []) {
      const which = describeLayer(layer);
      const files = layer.files.filter(counts);
      if (layer.layer === 0 && files.length === 0) lines.push(`${platform} ${which}: ${CUT_OTHERWISE}`);
      if (layer.kind !== 'different') continue;
      for (const change of files) lines.push(`${platform} ${which}: ${describeChange(change)}`);
    }
    return lines;
  });
}

/** The layers differ, but result in the same files. */
export const CUT_OTHERWISE = 'the same files, in different layers';

/** A platform that only one of the images has. */
export function describeOnly(only: 'first' | 'second', names: readonly [string, string]): string {
  return `only in ${names[only === 'first' ? 0 : 1]}`;
}

/** What differs in the config. */
export function describeConfigChange({ name, before, after }: ConfigChange): string {
  if (before === undefined) return `${name}: added ${after}`;
  return after === undefined ? `${name}: removed ${before}` : `${name}: ${before} → ${after}`;
}

/** Which layer it is, with the step that made it. */
export function describeLayer({ layer, step }: LayerComparison): string {
  if (layer === 0) return 'other layers';
  return `layer ${layer}${step === undefined ? '' : ` (${shorten(step)})`}`;
}

/** What differs in a file. */
export function describeChange({ path: file, change, what }: FileChange): string {
  return `${change} ${file}${what.length === 0 ? '' : ` (${what.join(', ')})`}`;
}

function shorten(step: string): string {
  const line = step.replace(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
