/**
 * Joins separately built single-platform images into an index, byte for byte as one BuildKit would have written it: the images in
 * the order of the build's platforms, then the attestations of each (buildkit exporter/containerimage/writer.go, `Commit`).
 */
import {
  type Digest,
  type DigestRef,
  fail,
  formatImageRef,
  type ImageRef,
  isAnnotationOf,
  isSamePlatform,
  ok,
  type PlatformManifest,
  type Problem,
  parseAnnotationKey,
  problem,
  type Result,
} from '../model/mod.ts';
import type { CopyOptions } from './copy.ts';
import { mapLimited } from './gate.ts';
import { formatIndex, type IndexEntry } from './index-document.ts';
import {
  type Family,
  familyOf,
  type JoiningClient,
  type PartImage,
  type PlatformPart,
  readPart,
} from './join-parts.ts';
import { digestOf, type Manifest, manifestFrom } from './manifest.ts';
import { forEachUntilRefused } from './refusal.ts';
import { byDigest } from './store.ts';

/** What to join. */
export interface JoinPlatforms {
  /** In the order of the build's platforms, which is that of the index. */
  readonly parts: readonly PlatformPart[];
  /** Annotations of the build, as in builds.yaml. They take precedence over index annotations of the parts, which are kept. */
  readonly annotations?: ReadonlyMap<string, string>;
  /** Media types of the index; default: those of the parts. */
  readonly mediaTypes?: Family;
}

/** A joined image. */
export interface JoinedImage {
  /** Digest of the index, or of the manifest if there is one platform without attestations. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly manifest: Manifest;
  /** In the order of the parts. */
  readonly platforms: readonly PlatformManifest[];
}

/** A joined image that is not in a registry yet. */
export interface PlannedJoin extends JoinedImage {
  /** The images that it refers to, with their repositories. */
  readonly below: readonly DigestRef[];
}

const MANIFESTS_AT_ONCE = 4;
const INDEX_TYPES: Readonly<Record<Family, string>> = {
  oci: 'application/vnd.oci.image.index.v1+json',
  docker: 'application/vnd.docker.distribution.manifest.list.v2+json',
};

/**
 * Joins images of platforms and puts the result by digest; no tag is changed.
 *
 * @param where all target repositories; parts that are elsewhere are copied there first
 * @returns problems, of all parts: `registry/platform-twice`, `registry/platform-missing`, `registry/platform-extra`,
 *   `registry/not-an-image`, `registry/media-types-apart`, `registry/annotations-misplaced`, and those of registries. With one of
 *   the former, nothing was put
 */
export async function joinPlatforms(
  client: JoiningClient,
  options: JoinPlatforms & { readonly repositories: readonly ImageRef[] },
): Promise<Result<JoinedImage>> {
  const planned = await planJoin(client, options);
  if (!planned.ok) return planned;
  const put = await putJoined(client, planned.value, options.repositories);
  if (!put.ok) return put;
  const { below: _, ...joined } = planned.value;
  return ok(joined);
}

/** Reads the parts and creates their index; writes nothing. Problems: see {@link joinPlatforms}. */
export async function planJoin(
  client: JoiningClient,
  { parts, annotations = new Map(), mediaTypes }: JoinPlatforms,
): Promise<Result<PlannedJoin>> {
  if (parts.length === 0)
    return fail([problem('registry/platform-missing', 'there is no image to join: no platform was built')]);
  const twice = findTwice(parts);
  if (twice.length > 0) return fail(twice);
  const read = await readImages(client, parts);
  if (!read.ok) return read;
  const images = read.value;
  const apart = whyApart(images, mediaTypes);
  if (apart !== undefined) return fail([apart]);
  const family = mediaTypes ?? familyOf(images[0]?.entry.mediaType ?? '') ?? 'oci';
  const [only] = images;
  const misplaced = findMisplaced(annotations, only !== undefined && isAlone(images), family);
  if (misplaced !== undefined) return fail([misplaced]);
  const platforms = images.map(({ platform, entry, layers }): PlatformManifest => {
    const digest = entry.digest;
    return layers === undefined ? { platform, digest } : { platform, digest, layers };
  });
  if (only !== undefined && isAlone(images)) {
    const { digest, mediaType } = only.top;
    const below = [byDigest(only.source, digest)];
    return ok({ digest, mediaType, manifest: only.top, platforms, below });
  }
  const manifest = makeIndex(images, annotations, INDEX_TYPES[family]);
  const { digest, mediaType } = manifest;
  const below = entriesOf(images).map(({ source, entry }) => byDigest(source, entry.digest));
  return ok({ digest, mediaType, manifest, platforms, below });
}

/**
 * Puts a joined image by digest into repositories, after everything that it refers to. Nothing is sent to repositories that have
 * it. Problems: those of registries.
 */
export async function putJoined(
  client: JoiningClient,
  { digest, manifest, below }: PlannedJoin,
  repositories: readonly ImageRef[],
  options: Pick<CopyOptions, 'onBlob'> = {},
): Promise<Result<void>> {
  const standing = await Promise.all(repositories.map((to) => client.head(byDigest(to, digest))));
  // If presence is not known, the PUT will show.
  const lacking = repositories.filter((_, at) => standing[at]?.kind !== 'present');
  const copies = lacking.flatMap((to) => below.map((from) => ({ from, to: byDigest(to, from.digest) })));
  const missing = await forEachUntilRefused(copies, MANIFESTS_AT_ONCE, ({ from, to }) =>
    client.copyImage(from, to, options),
  );
  if (missing.length > 0) return fail(missing);
  // A single manifest is used unchanged and has been copied already.
  if (below.some((one) => one.digest === digest)) return ok(undefined);
  const failed = await forEachUntilRefused(lacking, MANIFESTS_AT_ONCE, (to) =>
    client.putManifest(byDigest(to, digest), manifest),
  );
  return failed.length > 0 ? fail(failed) : ok(undefined);
}

/** Whether there is one image, and no need for an index. */
function isAlone([only, ...others]: readonly PartImage[]): boolean {
  return only !== undefined && others.length === 0 && !only.isOfIndex;
}

function findTwice(parts: readonly PlatformPart[]): readonly Problem[] {
  return parts.flatMap((part, at) => {
    const first = parts.findIndex((one) => isSamePlatform(one.platform, part.platform));
    const other = parts[first];
    if (first === at || other === undefined) return [];
    return problem('registry/platform-twice', `there are two images for ${part.platform}`, {
      detail: [other, part].map(nameOf).join('\n'),
      hint: 'Leave one of them out.',
    });
  });
}

function nameOf({ repository, digest }: Pick<PlatformPart, 'repository' | 'digest'>): string {
  return formatImageRef(byDigest(repository, digest));
}

async function readImages(
  client: JoiningClient,
  parts: readonly PlatformPart[],
): Promise<Result<readonly PartImage[]>> {
  const tops = new Map<string, readonly PlatformPart[]>();
  for (const part of parts) tops.set(nameOf(part), [...(tops.get(nameOf(part)) ?? []), part]);
  const read = await mapLimited([...tops.values()], MANIFESTS_AT_ONCE, async (ofOne) => [
    await readPart(client, ofOne),
  ]);
  const problems = read.flat().flatMap((one) => (one.ok ? [] : one.error));
  if (problems.length > 0) return fail(problems);
  const images = read.flat().flatMap((one) => (one.ok ? one.value : []));
  return ok(parts.flatMap((part) => images.find((image) => image.part === part) ?? []));
}

function whyApart(images: readonly PartImage[], wanted: Family | undefined): Problem | undefined {
  const types = new Set(images.map(({ entry }) => entry.mediaType));
  const families = new Set([...types].map(familyOf));
  if (families.size === 1 && (wanted === undefined || families.has(wanted))) return undefined;
  return problem(
    'registry/media-types-apart',
    wanted === undefined || families.size > 1
      ? 'some of the images have Docker media types, others OCI ones'
      : `the images do not have the requested media types (${wanted})`,
    {
      detail: images.map(({ platform, entry }) => `${platform}: ${entry.mediaType}`).join('\n'),
      hint: 'Build all platforms with one version: engines before and after BuildKit 0.32 made them.',
    },
  );
}

/** Finds annotations for a missing index or platform, which BuildKit rejects, too. */
function findMisplaced(
  annotations: ReadonlyMap<string, string>,
  alone: boolean,
  family: Family,
): Problem | undefined {
  const keys = [...annotations.keys()].filter((key) => {
    const { level } = parseAnnotationKey(key);
    return alone ? level.startsWith('index') : family === 'docker' && level !== 'manifest';
  });
  const [first, ...others] = keys;
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return problem(
    'registry/annotations-misplaced',
    alone
      ? `the image has no index (only one platform), and so no place for the annotation \`${first}\`${more}`
      : `Docker manifest lists have no place for the annotation \`${first}\`${more}`,
    {
      hint: alone
        ? 'Remove it, or make it an annotation of the manifest.'
        : 'Remove it, or build with BuildKit 0.32 or later.',
    },
  );
}

interface PlacedEntry {
  readonly source: ImageRef;
  readonly entry: IndexEntry;
}

/** All entries of the index, in order. */
function entriesOf(images: readonly PartImage[]): readonly PlacedEntry[] {
  return [
    ...images.map(({ source, entry }) => ({ source, entry })),
    ...images.flatMap(({ source, attestations }) => attestations.map((entry) => ({ source, entry }))),
  ];
}

function makeIndex(
  images: readonly PartImage[],
  annotations: ReadonlyMap<string, string>,
  mediaType: string,
): Manifest {
  const named = images.map((image) => {
    const own = annotationsFor(annotations, image);
    return {
      ...image,
      entry: { ...image.entry, annotations: new Map([...image.entry.annotations, ...own]) },
    };
  });
  const ofIndex = [...annotations].flatMap(([key, text]) => {
    const { level, name } = parseAnnotationKey(key);
    return level === 'index' ? [[lowered(name), text] as const] : [];
  });
  const bytes = formatIndex({
    mediaType,
    manifests: entriesOf(named).map(({ entry }) => entry),
    annotations: new Map([...images.flatMap((image) => [...image.indexAnnotations]), ...ofIndex]),
  });
  const manifest = manifestFrom(bytes, mediaType);
  if (manifest === undefined) throw new Error(`no index came of joining: ${digestOf(bytes)}`);
  return manifest;
}

/** Annotations for the index entry of one image: first those of all platforms, then its own. */
function annotationsFor(
  annotations: ReadonlyMap<string, string>,
  { platform, entry }: PartImage,
): readonly (readonly [string, string])[] {
  const found = [...annotations].flatMap(([key, text]) => {
    const parsed = parseAnnotationKey(key);
    return parsed.level === 'manifest-descriptor'
      ? [{ parsed, entry: [lowered(parsed.name), text] as const }]
      : [];
  });
  // BuildKit looks them up by the whole platform, and keys cannot have an OS version.
  const isNamed = entry.platform.osVersion === undefined && entry.platform.osFeatures === undefined;
  return [
    ...found.filter(({ parsed }) => parsed.platform === undefined),
    ...found.filter(
      ({ parsed }) => isNamed && parsed.platform !== undefined && isAnnotationOf(parsed, platform),
    ),
  ].map((one) => one.entry);
}

/** buildctl lower-cases every key of `--output` (cmd/buildctl/build/output.go). */
function lowered(name: string): string {
  return name.toLowerCase();
}
