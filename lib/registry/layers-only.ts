/**
 * Layers-only images: the layers of an image with a config that has only platform and layers. BuildKit's cache depends on the
 * digest of the base image's manifest (buildkit source/containerimage/pull.go). So steps based on a layers-only image stay cached
 * when only labels, commands and the like of the original image change.
 *
 * Everything is written as by BuildKit's exporter (exporter/containerimage/writer.go), so that such an image has the same digest
 * whether it is put into a registry or made by the engine.
 */
import { type Digest, ok, type Problem, type Result } from '../model/mod.ts';
import { escapeHtml } from '../util/go-json.ts';
import { parseJson } from '../util/json.ts';
import {
  childManifests,
  configOf,
  digestOf,
  isAttestation,
  isIndex,
  type Manifest,
  manifestFrom,
  readPlatform,
} from './manifest.ts';
import { isRecord } from './problems.ts';

/**
 * A trigger in the config. The frontend must never read this config; if an engine lets it, the build fails because of this
 * keyword, instead of creating an image that lacks the inherited config.
 */
export const LAYERS_ONLY_GUARD = 'BAKE_TS_LAYERS_ONLY';

const EPOCH = '1970-01-01T00:00:00Z';
const CONFIG_TYPES = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);
/** Config fields of the platform. */
const PLATFORM_FIELDS = ['architecture', 'os', 'os.features', 'os.version', 'variant'];

/** The layers-only image of one platform. */
export interface LayersOnlyImage {
  readonly manifest: Manifest;
  readonly config: Uint8Array;
  /** Normalised; undefined if the config has no known platform. */
  readonly platform: string | undefined;
  /** The image has triggers (`ONBUILD`), which a build based on it would run. */
  readonly hasTriggers: boolean;
}

/** The layers-only image of all platforms. */
export interface LayersOnly {
  /** An index, if the image is one, else the manifest of the only platform. */
  readonly top: Manifest;
  readonly images: readonly LayersOnlyImage[];
}

/** Functions that read an image. */
export interface ImageReads {
  readonly manifest: (digest: Digest) => Promise<Result<Manifest>>;
  readonly config: (digest: Digest) => Promise<Result<Uint8Array>>;
}

/** Returns the layers-only image of an image; undefined if there is none; problems if the image cannot be read. */
export async function layersOnly(top: Manifest, reads: ImageReads): Promise<Result<LayersOnly | undefined>> {
  const children = childManifests(top).filter((child) => !isAttestation(child));
  const manifests = isIndex(top)
    ? await Promise.all(children.map(({ digest }) => reads.manifest(digest)))
    : [ok(top)];
  const problems: Problem[] = [];
  const images = new Map<Digest, LayersOnlyImage>();
  for (const read of await Promise.all(manifests.map((manifest) => readImage(manifest, reads)))) {
    if (!read.ok) problems.push(...read.error);
    else if (read.value !== undefined) images.set(...read.value);
  }
  if (problems.length > 0) return { ok: false, error: problems };
  const made = isIndex(top) ? layersOnlyIndex(top, images) : images.get(top.digest)?.manifest;
  return ok(made === undefined ? undefined : { top: made, images: [...images.values()] });
}

async function readImage(
  manifest: Result<Manifest>,
  reads: ImageReads,
): Promise<Result<readonly [Digest, LayersOnlyImage] | undefined>> {
  if (!manifest.ok) return manifest;
  const descriptor = configOf(manifest.value);
  if (descriptor === undefined) return ok(undefined);
  const config = await reads.config(descriptor.digest);
  if (!config.ok) return config;
  const image = layersOnlyImage(manifest.value, config.value);
  return ok(image === undefined ? undefined : [manifest.value.digest, image]);
}

/** Returns the layers-only image of a manifest and its config; undefined if they are not an image with layers. */
export function layersOnlyImage(manifest: Manifest, config: Uint8Array): LayersOnlyImage | undefined {
  const read = parse(config);
  const layers = manifest.json['layers'];
  const configType = configOf(manifest)?.mediaType;
  if (read === undefined || !Array.isArray(layers) || configType === undefined) return undefined;
  const rootfs = isRecord(read['rootfs']) ? read['rootfs'] : {};
  const diffIds = rootfs['diff_ids'];
  if (!CONFIG_TYPES.has(configType) || !Array.isArray(diffIds)) return undefined;
  if (layers.length === 0 || diffIds.length !== layers.length) return undefined;
  const fields = {
    // JSON has no undefined: fields that the config lacks are left out.
    ...Object.fromEntries(PLATFORM_FIELDS.map((name) => [name, read[name]])),
    config: { OnBuild: [LAYERS_ONLY_GUARD] },
    created: EPOCH,
    history: diffIds.map(() => ({ created: EPOCH })),
    rootfs: { type: 'layers', diff_ids: diffIds },
  };
  const sorted = Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1));
  const bytes = encode(escapeHtml(JSON.stringify(Object.fromEntries(sorted))));
  const made = manifestOf({
    schemaVersion: 2,
    mediaType: manifest.mediaType,
    config: { mediaType: configType, digest: digestOf(bytes), size: bytes.length },
    layers,
  });
  if (made === undefined) return undefined;
  const inner = isRecord(read['config']) ? read['config'] : {};
  const triggers = inner['OnBuild'];
  return {
    manifest: made,
    config: bytes,
    platform: readPlatform(read),
    hasTriggers: Array.isArray(triggers) && triggers.length > 0,
  };
}

/**
 * Returns the index of the layers-only images of an index's platforms, without attestations; undefined if one is missing.
 *
 * @param images by the digest of the original manifest
 */
export function layersOnlyIndex(
  index: Manifest,
  images: ReadonlyMap<Digest, LayersOnlyImage>,
): Manifest | undefined {
  const children = childManifests(index).filter((child) => !isAttestation(child));
  const manifests: unknown[] = [];
  for (const { digest } of children) {
    const image = images.get(digest)?.manifest;
    if (image === undefined) return undefined;
    manifests.push({
      mediaType: image.mediaType,
      digest: image.digest,
      size: image.bytes.length,
      ...platformOf(index, digest),
    });
  }
  return manifests.length === 0
    ? undefined
    : manifestOf({ schemaVersion: 2, mediaType: index.mediaType, manifests });
}

/** The platform exactly as in the index. */
function platformOf(index: Manifest, digest: Digest): { readonly platform?: unknown } {
  const entries: readonly unknown[] = Array.isArray(index.json['manifests']) ? index.json['manifests'] : [];
  for (const entry of entries) {
    if (isRecord(entry) && entry['digest'] === digest && isRecord(entry['platform']))
      return { platform: entry['platform'] };
  }
  return {};
}

function manifestOf(json: object): Manifest | undefined {
  return manifestFrom(encode(escapeHtml(JSON.stringify(json, undefined, 2))), undefined);
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const json = parseJson(bytes);
  return isRecord(json) ? json : undefined;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
