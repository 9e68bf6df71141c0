/** Reads the parts of a join: each part's image as an index entry, and its attestations. */
import {
  type Digest,
  fail,
  formatImageRef,
  formatPlatform,
  type ImageRef,
  ok,
  type Platform,
  type Problem,
  parsePlatform,
  problem,
  type Result,
} from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import type { RegistryClient } from './client.ts';
import { type IndexEntry, type IndexPlatform, readIndexPlatform } from './index-document.ts';
import {
  CONFIG_LIMIT,
  configOf,
  type Descriptor,
  isAttestation,
  isIndex,
  layersDigest,
  type Manifest,
  readDescriptors,
} from './manifest.ts';
import { isRecord } from './problems.ts';
import { byDigest } from './store.ts';

/** Family of media types: OCI, or Docker's older ones. */
export type Family = 'oci' | 'docker';

/** The image of one platform in any repository. Several parts may refer to one multi-platform image. */
export interface PlatformPart {
  /** `os/arch[/variant]` */
  readonly platform: string;
  /** Digest of a manifest, or of an index with attestations or several platforms. */
  readonly digest: Digest;
  /** Its repository; tag and digest are ignored. */
  readonly repository: ImageRef;
}

/** The methods of a registry client that a join uses. */
export type JoiningClient = Pick<
  RegistryClient,
  'head' | 'getManifest' | 'getBlob' | 'copyImage' | 'putManifest'
>;

/** The image of one platform as it was read. */
export interface PartImage {
  readonly part: PlatformPart;
  /** Normalised. */
  readonly platform: string;
  /** The repository that has it. */
  readonly source: ImageRef;
  /** The manifest or index that the part refers to. */
  readonly top: Manifest;
  readonly isOfIndex: boolean;
  readonly entry: IndexEntry;
  /** Digest over the layers of its manifest. */
  readonly layers: Digest | undefined;
  /** Its attestations, in the order of its index. */
  readonly attestations: readonly IndexEntry[];
  /** Annotations of its index. */
  readonly indexAnnotations: ReadonlyMap<string, string>;
}

/** The family of a media type; undefined: neither. */
export function familyOf(mediaType: string): Family | undefined {
  if (mediaType.startsWith('application/vnd.oci.image.')) return 'oci';
  return mediaType.startsWith('application/vnd.docker.distribution.') ? 'docker' : undefined;
}

/** Reads the image of one or more parts that refer to the same one. */
export async function readPart(
  client: JoiningClient,
  parts: readonly PlatformPart[],
): Promise<Result<readonly PartImage[]>> {
  const [first] = parts;
  if (first === undefined) return ok([]);
  const top = await client.getManifest(byDigest(first.repository, first.digest));
  if (!top.ok) return top;
  return isIndex(top.value) ? readIndex(client, parts, top.value) : readAlone(client, parts, top.value);
}

/** Reads a manifest without index; its platform is in its config. */
async function readAlone(
  client: JoiningClient,
  parts: readonly PlatformPart[],
  top: Manifest,
): Promise<Result<readonly PartImage[]>> {
  const [part] = parts;
  const config = configOf(top);
  if (part === undefined || config === undefined)
    return fail([notAnImage(part, 'its manifest names no config')]);
  const blob = await client.getBlob(part.repository, config.digest, CONFIG_LIMIT);
  if (!blob.ok) return blob;
  const platform = readIndexPlatform(parseJson(blob.value));
  if (platform === undefined) return fail([notAnImage(part, 'its config names no platform')]);
  const lacking = parts.filter((one) => !fits(platform, one.platform));
  if (lacking.length > 0) return fail(lacking.map((one) => platformMissing(one, [textOf(platform)])));
  const entry: IndexEntry = {
    mediaType: top.mediaType,
    digest: top.digest,
    sizeBytes: top.bytes.length,
    annotations: new Map(),
    platform: asBuilt(part.platform, platform),
  };
  return ok([imageOf(part, top, { entry, layers: layersDigest(top), attestations: [], isOfIndex: false })]);
}

async function readIndex(
  client: JoiningClient,
  parts: readonly PlatformPart[],
  top: Manifest,
): Promise<Result<readonly PartImage[]>> {
  const listed = readEntries(top);
  if (listed === undefined) return fail([notAnImage(parts[0], 'its index has an entry without a platform')]);
  const { images, attestations } = listed;
  const problems: Problem[] = [];
  const taken = new Map<string, PlatformPart>();
  for (const part of parts) {
    const found = images.find(({ platform }) => isSame(platform, part.platform));
    if (found === undefined)
      problems.push(
        platformMissing(
          part,
          images.map(({ platform }) => textOf(platform)),
        ),
      );
    else taken.set(found.digest, part);
  }
  const extra = images.filter(({ digest }) => !taken.has(digest));
  if (problems.length === 0 && extra.length > 0) problems.push(platformExtra(parts[0], extra));
  if (problems.length > 0) return fail(problems);
  const found: PartImage[] = [];
  for (const entry of images) {
    const part = taken.get(entry.digest);
    if (part === undefined) continue;
    const manifest = await client.getManifest(byDigest(part.repository, entry.digest));
    if (!manifest.ok) return manifest;
    const of = attestations.filter(
      (one) => one.annotations.get('vnd.docker.reference.digest') === entry.digest,
    );
    found.push(
      imageOf(part, top, { entry, layers: layersDigest(manifest.value), attestations: of, isOfIndex: true }),
    );
  }
  return ok(found);
}

function imageOf(
  part: PlatformPart,
  top: Manifest,
  rest: Pick<PartImage, 'entry' | 'layers' | 'attestations' | 'isOfIndex'>,
): PartImage {
  const { registry, repository } = part.repository;
  const annotations = rest.isOfIndex && isRecord(top.json['annotations']) ? top.json['annotations'] : {};
  return {
    part,
    platform: textOf(rest.entry.platform),
    source: { registry, repository },
    top,
    ...rest,
    indexAnnotations: new Map(
      Object.entries(annotations).flatMap(([name, text]) =>
        typeof text === 'string' ? [[name, text] as const] : [],
      ),
    ),
  };
}

/** The entries of an index; undefined if one is neither an image nor an attestation. */
function readEntries(
  top: Manifest,
): { readonly images: readonly IndexEntry[]; readonly attestations: readonly IndexEntry[] } | undefined {
  const images: IndexEntry[] = [];
  const attestations: IndexEntry[] = [];
  const entries: readonly unknown[] = Array.isArray(top.json['manifests']) ? top.json['manifests'] : [];
  for (const written of entries) {
    const [descriptor] = readDescriptors([written]);
    if (descriptor === undefined || !isRecord(written)) return undefined;
    if (isAttestation(descriptor)) {
      attestations.push(entryOf(descriptor, { architecture: 'unknown', os: 'unknown' }));
      continue;
    }
    const platform = readIndexPlatform(written['platform']);
    if (platform === undefined) return undefined;
    images.push(entryOf(descriptor, platform));
  }
  return images.length === 0 ? undefined : { images, attestations };
}

function entryOf(descriptor: Descriptor, platform: IndexPlatform): IndexEntry {
  const { mediaType, digest, sizeBytes, annotations, artifactType } = descriptor;
  const entry = { mediaType, digest, sizeBytes, annotations, platform };
  return artifactType === undefined ? entry : { ...entry, artifactType };
}

/** The requested platform, with what BuildKit adds from a Windows image: OS version and features. */
function asBuilt(wanted: string, { osVersion, osFeatures }: IndexPlatform): IndexPlatform {
  const { os = '', arch = '', variant } = parsePlatform(wanted) ?? ({} as Partial<Platform>);
  const platform = { architecture: arch, os, ...(variant === undefined ? {} : { variant }) };
  if (os !== 'windows') return platform;
  return {
    ...platform,
    ...(osVersion === undefined ? {} : { osVersion }),
    ...(osFeatures === undefined ? {} : { osFeatures }),
  };
}

function isSame(platform: IndexPlatform, wanted: string): boolean {
  const parsed = parsePlatform(wanted);
  return parsed !== undefined && formatPlatform(parsed) === textOf(platform);
}

/** Compares platforms; many image configs have no variant. */
function fits(platform: IndexPlatform, wanted: string): boolean {
  const parsed = parsePlatform(wanted);
  if (platform.variant !== undefined || parsed === undefined) return isSame(platform, wanted);
  return platform.os === parsed.os && platform.architecture === parsed.arch;
}

/** Normalised. */
function textOf({ os, architecture, variant }: IndexPlatform): string {
  const text = [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
  const parsed = parsePlatform(text);
  return parsed === undefined ? text : formatPlatform(parsed);
}

function nameOf(part: PlatformPart | undefined): string {
  return part === undefined ? 'an image' : formatImageRef(byDigest(part.repository, part.digest));
}

function notAnImage(part: PlatformPart | undefined, why: string): Problem {
  return problem('registry/not-an-image', `${nameOf(part)} is not the image of a platform: ${why}`, {
    hint: 'Use the digest of a built image or of its index.',
  });
}

function platformMissing(part: PlatformPart, has: readonly string[]): Problem {
  return problem(
    'registry/platform-missing',
    `${nameOf(part)} should be the image for ${part.platform}, but is for ${has.join(', ')}`,
    { hint: 'Check that each job builds its own platform and that its result is the right one.' },
  );
}

function platformExtra(part: PlatformPart | undefined, extra: readonly IndexEntry[]): Problem {
  const platforms = extra.map(({ platform }) => textOf(platform)).join(', ');
  return problem(
    'registry/platform-extra',
    `${nameOf(part)} also has ${platforms}, which was not requested`,
    {
      hint: 'Build only the platforms of the build, or add this one to its `platforms`.',
    },
  );
}
