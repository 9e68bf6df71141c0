/** Manifests and indexes, and what they refer to. OCI image-spec (manifest.md, image-index.md) and Docker's two older forms. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import {
  type Digest,
  formatPlatform,
  isDigest,
  type PlatformLayers,
  type PlatformManifest,
  parsePlatform,
} from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import { isRecord } from './problems.ts';

/** Media types that results and base images may have, for the `Accept` header. */
export const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

const INDEX_TYPES = new Set([MANIFEST_TYPES[0], MANIFEST_TYPES[2]]);

/** A manifest or index with its exact bytes. */
export interface Manifest {
  /** Digest of `bytes`. */
  readonly digest: Digest;
  /** Media type of an image manifest or an index, from the manifest itself or else the registry's answer. */
  readonly mediaType: string;
  /** Exactly as received. */
  readonly bytes: Uint8Array;
  /** The parsed bytes. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A descriptor (OCI image-spec, descriptor.md). */
export interface Descriptor {
  /** Media type of the content. */
  readonly mediaType: string;
  /** Digest of the content. */
  readonly digest: Digest;
  /** Size of the content (bytes). */
  readonly sizeBytes: number;
  /** Normalised: `linux/amd64`; absent: not specified. */
  readonly platform?: string;
  /** Kind of an artifact: `application/vnd.dev.cosign.artifact.sig.v1+json`; absent: not specified. */
  readonly artifactType?: string;
  /** By name; may be empty. */
  readonly annotations: ReadonlyMap<string, string>;
  /** The bytes are elsewhere by design (foreign layers). */
  readonly foreign: boolean;
}

/** The sha256 digest of some bytes. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Parses a manifest from a store; undefined if the bytes are not a valid manifest or do not match the digest. */
export function parseManifest(bytes: Uint8Array, digest: Digest): Manifest | undefined {
  const manifest = manifestFrom(bytes, undefined);
  return manifest?.digest === digest ? manifest : undefined;
}

/** Parses a manifest from an answer; undefined if its media type is not that of a manifest. */
export function manifestFrom(bytes: Uint8Array, contentType: string | undefined): Manifest | undefined {
  const json = parseJson(bytes);
  if (!isRecord(json)) return undefined;
  // The manifest's own media type takes precedence: its digest covers it, unlike the header.
  const own = typeof json['mediaType'] === 'string' ? json['mediaType'] : undefined;
  const mediaType = own ?? baseType(contentType) ?? guessType(json);
  if (!MANIFEST_TYPES.includes(mediaType)) return undefined;
  return { digest: digestOf(bytes), mediaType, bytes, json };
}

/** Guesses the type from the fields, since OCI manifests may omit it (image-spec, manifest.md). */
function guessType(json: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(json['manifests'])) return 'application/vnd.oci.image.index.v1+json';
  return Array.isArray(json['layers']) ? 'application/vnd.oci.image.manifest.v1+json' : '';
}

/** A content type without its parameters, in lowercase. */
export function baseType(contentType: string | undefined): string | undefined {
  const base = contentType?.split(';')[0]?.trim().toLowerCase();
  return base === undefined || base === '' ? undefined : base;
}

/** True for an index or manifest list. */
export function isIndex(manifest: Pick<Manifest, 'mediaType'>): boolean {
  return INDEX_TYPES.has(manifest.mediaType);
}

/** How many layers or manifests a manifest or index refers to. */
export function countEntries({ json }: Manifest): number {
  return Math.max(listOf(json['manifests']).length, listOf(json['layers']).length);
}

/** The manifests of an index; empty for a manifest. */
export function childManifests(manifest: Manifest): readonly Descriptor[] {
  return isIndex(manifest) ? readDescriptors(manifest.json['manifests']) : [];
}

/** Config and layers of a manifest; empty for an index. */
export function manifestBlobs(manifest: Manifest): readonly Descriptor[] {
  if (isIndex(manifest)) return [];
  return readDescriptors([manifest.json['config'], ...listOf(manifest.json['layers'])]);
}

/** A digest over the ordered layers of a manifest; undefined for an index. */
export function layersDigest(manifest: Manifest): Digest | undefined {
  if (isIndex(manifest)) return undefined;
  const layers = readDescriptors(manifest.json['layers']).map((layer) => layer.digest);
  return digestOf(new TextEncoder().encode(layers.join('\n')));
}

/** The config of a manifest; undefined for an index. */
export function configOf(manifest: Manifest): Descriptor | undefined {
  return isIndex(manifest) ? undefined : readDescriptors([manifest.json['config']])[0];
}

/**
 * The bytes of a blob that is embedded in its manifest (image-spec, descriptor.md, `data`); undefined if there are none or they
 * do not match digest and size.
 */
export function embeddedBlob(manifest: Manifest, { digest, sizeBytes }: Descriptor): Uint8Array | undefined {
  const entries = [manifest.json['config'], ...listOf(manifest.json['layers'])];
  for (const entry of entries) {
    if (!isRecord(entry) || entry['digest'] !== digest || typeof entry['data'] !== 'string') continue;
    const bytes = Buffer.from(entry['data'], 'base64');
    if (bytes.length === sizeBytes && digestOf(bytes) === digest) return bytes;
  }
  return undefined;
}

/** BuildKit's mark of an attestation in an index (docs/attestations/attestation-storage.md). */
export function isAttestation(child: Descriptor): boolean {
  return child.annotations.get('vnd.docker.reference.type') === 'attestation-manifest';
}

/**
 * The images of an index by normalised platform, without attestations: the digests are the same if only the attestations of a
 * build differ. Empty for a manifest, whose platform is in its config.
 */
export function platformManifests(manifest: Manifest): readonly PlatformManifest[] {
  return childManifests(manifest).flatMap((child) =>
    isAttestation(child) || child.platform === undefined
      ? []
      : [{ platform: child.platform, digest: child.digest }],
  );
}

/** Total size of distinct blobs in bytes: a layer shared by two platforms is counted once. */
export function sumSizes(blobs: readonly Descriptor[]): number {
  const sizes = new Map(blobs.map((blob) => [blob.digest, blob.sizeBytes]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** Size and layers of an image. */
export interface ImageMeasures {
  /** Size of configs and layers of all platforms, each blob once, without attestations. */
  readonly sizeBytes: number;
  readonly layers: readonly PlatformLayers[];
}

/**
 * Measures an image. `read` fetches the manifests of an index; undefined if one of them cannot be read.
 *
 * @param platform its platform if it is not an index
 */
export async function measureImage(
  top: Manifest,
  platform: string,
  read: (digest: Digest) => Promise<Manifest | undefined>,
): Promise<ImageMeasures | undefined> {
  if (!isIndex(top)) return measure([{ platform, manifest: top }]);
  const wanted = childManifests(top).filter((child) => !isAttestation(child));
  const found = await Promise.all(
    wanted.map(async ({ digest, platform: own = '' }) => ({ platform: own, manifest: await read(digest) })),
  );
  const images = found.flatMap((one) =>
    one.manifest === undefined ? [] : [{ platform: one.platform, manifest: one.manifest }],
  );
  return images.length < found.length ? undefined : measure(images);
}

function measure(
  images: readonly { readonly platform: string; readonly manifest: Manifest }[],
): ImageMeasures {
  return {
    sizeBytes: sumSizes(images.flatMap(({ manifest }) => manifestBlobs(manifest))),
    layers: images.map(({ platform, manifest }) => ({
      platform,
      sizes: readDescriptors(manifest.json['layers']).map((layer) => layer.sizeBytes),
    })),
  };
}

/** Reads a list of descriptors; invalid entries are left out. */
export function readDescriptors(value: unknown): readonly Descriptor[] {
  return listOf(value).flatMap((entry) => {
    if (!isRecord(entry)) return [];
    const { mediaType, digest, size, platform, artifactType } = entry;
    if (typeof digest !== 'string' || !isDigest(digest)) return [];
    const platformText = readPlatform(platform);
    const annotations = isRecord(entry['annotations']) ? Object.entries(entry['annotations']) : [];
    return [
      {
        digest,
        mediaType: typeof mediaType === 'string' ? mediaType : '',
        sizeBytes: typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : 0,
        ...(platformText === undefined ? {} : { platform: platformText }),
        ...(typeof artifactType === 'string' ? { artifactType } : {}),
        annotations: new Map(
          annotations.flatMap(([key, text]) => (typeof text === 'string' ? [[key, text] as const] : [])),
        ),
        foreign: listOf(entry['urls']).length > 0,
      },
    ];
  });
}

/** Normalised platform of a descriptor or an image config; undefined for `unknown/unknown` and the like. */
export function readPlatform(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const { os, architecture, variant } = value;
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === 'unknown') return undefined;
  const text = [os, architecture, ...(typeof variant === 'string' && variant !== '' ? [variant] : [])];
  const parsed = parsePlatform(text.join('/'));
  return parsed === undefined ? undefined : formatPlatform(parsed);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Largest image config that is read, in bytes. Real ones have a few KiB. */
export const CONFIG_LIMIT: number = 4 * 1024 * 1024;
