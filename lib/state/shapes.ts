/**
 * The content of files in the state directory, and its validation. The files may be from an earlier or later version,
 * from a full disk, or edited by hand. Validated by hand-written code, because every run reads many of them.
 */
import {
  type BuildKey,
  type BuildRecord,
  type Digest,
  type FilePart,
  isDigest,
  KEY_VERSION,
  type KeyParts,
  type PlatformManifest,
} from '../model/mod.ts';

/** The parts of an image's config that affect how a Dockerfile on top of it is read. */
export interface ImageConfigFacts {
  readonly env: readonly string[];
  readonly onbuild: readonly string[];
  /** Platforms that it certainly exists for; undefined or empty: unknown. */
  readonly platforms?: readonly string[];
}

/** A result as another build read it. */
export interface ParentResult {
  /** `HOST/REPOSITORY@DIGEST` */
  readonly ref: string;
  readonly platforms: readonly PlatformManifest[];
}

/** A build's latest key with all its parts. */
export interface LastInputs {
  readonly key: BuildKey;
  readonly parts: KeyParts;
  /** Context name → the result it was read from, for results in a registry. */
  readonly parents?: Readonly<Record<string, ParentResult>>;
}

/** The last image of a build, whether or not its inputs are known; for `push`. */
export interface LastResult {
  readonly digest: Digest;
  /** ISO 8601. */
  readonly finishedAt: string;
  /** Tags of the build at that time; without those that contain a sensitive value. */
  readonly tags: readonly string[];
  /** It was pushed to a registry; the engine's store has an earlier image or none. */
  readonly pushed?: true;
  /** It was built on another machine, and only registries confirm it. */
  readonly vouched?: true;
  /** It was found to be wrong. */
  readonly wrong?: true;
}

/** Version of the files in `last`, `results`, `documents` and `images`, and of the sealing key; records have `KEY_VERSION`. */
export const STATE_VERSION = 1;

type Unknown = Readonly<Record<string, unknown>>;
/** Also used as a file name. */
const KEY = /^[0-9a-z]+$/;
/** As `toISOString` writes it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const KINDS: ReadonlySet<unknown> = new Set<FilePart['kind']>(['file', 'dir', 'symlink', 'other']);

/** A valid record of this version. */
export function isRecord(value: unknown): value is BuildRecord {
  if (!isObject(value) || value['version'] !== KEY_VERSION) return false;
  const { key, build, digest, mediaType, sizeBytes, platforms, refs, finishedAt, durationMs, steps, local } =
    value;
  const { vouchedBy, sharedWith } = value;
  return (
    isKey(key) &&
    isText(build) &&
    isDigestText(digest) &&
    isText(mediaType) &&
    (sizeBytes === undefined || isCount(sizeBytes)) &&
    isListOf(platforms, isPlatform) &&
    isListOf(refs, isText) &&
    isText(finishedAt) &&
    TIME.test(finishedAt) &&
    isCount(durationMs) &&
    isObject(steps) &&
    isCount(steps['total']) &&
    isCount(steps['cached']) &&
    (local === undefined || local === true) &&
    [vouchedBy, sharedWith].every((places) => places === undefined || isListOf(places, isText))
  );
}

/** The latest inputs of a build. */
export function isLastInputs(value: unknown): value is LastInputs {
  if (!isVersioned(value)) return false;
  const { key, parts, parents } = value;
  return isKey(key) && isKeyParts(parts) && (parents === undefined || isMapOf(parents, isParent));
}

/** The last result of a build. */
export function isLastResult(value: unknown): value is LastResult {
  if (!isVersioned(value)) return false;
  const { digest, finishedAt, tags, pushed, vouched, wrong } = value;
  return (
    isDigestText(digest) &&
    isText(finishedAt) &&
    TIME.test(finishedAt) &&
    isListOf(tags, isText) &&
    [pushed, vouched, wrong].every((flag) => flag === undefined || flag === true)
  );
}

/** Facts about an image's config. */
export function isImageFacts(value: unknown): value is ImageConfigFacts {
  if (!isVersioned(value)) return false;
  const { env, onbuild, platforms } = value;
  return (
    isListOf(env, isText) &&
    isListOf(onbuild, isText) &&
    (platforms === undefined || isListOf(platforms, isText))
  );
}

/** Figures of the last build. */
export interface LastFigures {
  readonly durationMs: number;
  /** Undefined: unknown, or no image. */
  readonly sizeBytes?: number;
  /** Duration of the last build in which most steps ran (milliseconds); undefined: unknown. */
  readonly coldMs?: number;
  /** Duration of the last build in which most steps came from the cache (milliseconds); undefined: unknown. */
  readonly warmMs?: number;
  /** Engines of pools that built it, most recent first; undefined: none. */
  readonly builtOn?: readonly string[];
}

/** Figures of builds. */
export function isFigures(
  value: unknown,
): value is { readonly root?: string; readonly builds: Readonly<Record<string, LastFigures>> } {
  if (!isVersioned(value)) return false;
  const { root, builds } = value;
  return (root === undefined || isText(root)) && isMapOf(builds, isLastFigures);
}

function isLastFigures(value: unknown): value is LastFigures {
  if (!isObject(value)) return false;
  const { durationMs, ...others } = value;
  const { sizeBytes, coldMs, warmMs, builtOn } = others;
  return (
    isCount(durationMs) &&
    [sizeBytes, coldMs, warmMs].every((one) => one === undefined || isCount(one)) &&
    (builtOn === undefined || isListOf(builtOn, isText))
  );
}

/** Manifests and configs, as text. */
export function isImageTexts(value: unknown): value is { readonly texts: readonly string[] } {
  return isVersioned(value) && isListOf(value['texts'], isText);
}

/** The sealing key. */
export function isSealKey(value: unknown): value is { readonly key: string } {
  return isVersioned(value) && isKey(value['key']);
}

function isKeyParts(value: unknown): value is KeyParts {
  if (!isObject(value)) return false;
  const { version, dockerfile, target, platforms, args, files, images, parents, options, sealed } = value;
  return (
    isCount(version) &&
    isText(dockerfile) &&
    isText(target) &&
    isListOf(platforms, isText) &&
    [args, images, parents, options].every((map) => isMapOf(map, isText)) &&
    isMapOf(files, (list): list is readonly FilePart[] => isListOf(list, isFilePart)) &&
    (sealed === undefined || sealed === true)
  );
}

function isFilePart(value: unknown): value is FilePart {
  if (!isObject(value)) return false;
  const { path, kind, mode, content } = value;
  return isText(path) && KINDS.has(kind) && isCount(mode) && isText(content);
}

function isParent(value: unknown): value is ParentResult {
  return isObject(value) && isText(value['ref']) && isListOf(value['platforms'], isPlatform);
}

function isPlatform(value: unknown): value is PlatformManifest {
  if (!isObject(value)) return false;
  const { platform, digest, layers } = value;
  return isText(platform) && isDigestText(digest) && (layers === undefined || isDigestText(layers));
}

function isVersioned(value: unknown): value is Unknown {
  return isObject(value) && value['version'] === STATE_VERSION;
}

function isKey(value: unknown): value is BuildKey {
  return isText(value) && KEY.test(value);
}

function isObject(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isDigestText(value: unknown): boolean {
  return isText(value) && isDigest(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isListOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isOne);
}

function isMapOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is Readonly<Record<string, T>> {
  return isObject(value) && Object.values(value).every(isOne);
}
