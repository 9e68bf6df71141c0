/** Describes an image from its manifests and configs. */
import { type Digest, formatImageRef, type ImageRef, ok, type Result } from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import {
  CONFIG_LIMIT,
  childManifests,
  configOf,
  type Descriptor,
  isAttestation,
  isIndex,
  type Manifest,
  manifestBlobs,
  readPlatform,
  sumSizes,
} from './manifest.ts';
import { isRecord } from './problems.ts';
import { byDigest, type ManifestStore } from './store.ts';

/** One platform's image. */
export interface PlatformDescription {
  /** Normalised `os/arch[/variant]`; undefined if the config has no platform. */
  readonly platform: string | undefined;
  /** Of its manifest. */
  readonly digest: Digest;
  /** Config and layers, compressed. */
  readonly sizeBytes: number;
  /** How many layers it has. */
  readonly layers: number;
  /** RFC 3339, as the config has it. */
  readonly created: string | undefined;
  /** Labels of the config. */
  readonly labels: ReadonlyMap<string, string>;
}

/** Attestations of one platform's image (provenance, SBOM). */
export interface AttestationDescription {
  /** Of its manifest. */
  readonly digest: Digest;
  /** Digest of the platform manifest that it describes; undefined if it has none. */
  readonly of: string | undefined;
  /** Kinds of statements, e.g. `https://slsa.dev/provenance/v1`. */
  readonly predicates: readonly string[];
}

/** An image, all platforms. */
export interface ImageDescription {
  /** The full reference. */
  readonly ref: string;
  /** Digest of the manifest or index that the reference points at. */
  readonly digest: Digest;
  /** Media type of that manifest or index. */
  readonly mediaType: string;
  /** Size of all blobs of all platforms, each counted once. */
  readonly sizeBytes: number;
  /** In the order of the index; a single one for an image without index. */
  readonly platforms: readonly PlatformDescription[];
  /** The attestation manifests of the index (buildkit docs/attestations/attestation-storage.md). */
  readonly attestations: readonly AttestationDescription[];
}

/** Reads the description of an image. */
export async function inspectImage(store: ManifestStore, ref: ImageRef): Promise<Result<ImageDescription>> {
  const top = await store.getManifest(ref);
  if (!top.ok) return top;
  const images = await imagesOf(store, ref, top.value);
  if (!images.ok) return images;
  const platforms: PlatformDescription[] = [];
  for (const image of images.value) {
    const config = await readConfig(store, ref, configOf(image));
    if (!config.ok) return config;
    const inner = isRecord(config.value['config']) ? config.value['config'] : {};
    const labels = isRecord(inner['Labels']) ? Object.entries(inner['Labels']) : [];
    const created = config.value['created'];
    const blobs = manifestBlobs(image);
    platforms.push({
      platform: readPlatform(config.value),
      digest: image.digest,
      sizeBytes: sumSizes(blobs),
      layers: blobs.length - 1,
      created: typeof created === 'string' ? created : undefined,
      labels: new Map(
        labels.flatMap(([key, text]) => (typeof text === 'string' ? [[key, text] as const] : [])),
      ),
    });
  }
  const attestations = await readAttestations(store, ref, top.value);
  if (!attestations.ok) return attestations;
  return ok({
    ref: formatImageRef(ref),
    digest: top.value.digest,
    mediaType: top.value.mediaType,
    sizeBytes: sumSizes(images.value.flatMap(manifestBlobs)),
    platforms,
    attestations: attestations.value,
  });
}

async function readAttestations(
  store: ManifestStore,
  ref: ImageRef,
  top: Manifest,
): Promise<Result<readonly AttestationDescription[]>> {
  const attestations: AttestationDescription[] = [];
  for (const child of childManifests(top).filter(isAttestation)) {
    const manifest = await store.getManifest(byDigest(ref, child.digest));
    if (!manifest.ok) return manifest;
    const predicates = manifestBlobs(manifest.value).flatMap(
      (blob) => blob.annotations.get('in-toto.io/predicate-type') ?? [],
    );
    attestations.push({
      digest: child.digest,
      of: child.annotations.get('vnd.docker.reference.digest'),
      predicates: [...new Set(predicates)].sort(),
    });
  }
  return ok(attestations);
}

/** The manifests with layers below an index, or the manifest itself. */
async function imagesOf(
  store: ManifestStore,
  ref: ImageRef,
  top: Manifest,
): Promise<Result<readonly Manifest[]>> {
  if (!isIndex(top)) return ok([top]);
  const wanted = childManifests(top).filter((child) => !isAttestation(child));
  const read = await Promise.all(wanted.map((child) => store.getManifest(byDigest(ref, child.digest))));
  const found: Manifest[] = [];
  for (const one of read) {
    if (!one.ok) return one;
    found.push(one.value);
  }
  return ok(found);
}

async function readConfig(
  store: ManifestStore,
  ref: ImageRef,
  config: Descriptor | undefined,
): Promise<Result<Readonly<Record<string, unknown>>>> {
  if (config === undefined) return ok({});
  const blob = await store.getBlob(ref, config.digest, CONFIG_LIMIT);
  if (!blob.ok) return blob;
  // An artifact's config may be anything.
  const json = parseJson(blob.value);
  return ok(isRecord(json) ? json : {});
}
