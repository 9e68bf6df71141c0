/** A part of a build whose platforms are built separately, by several engines of a pool or several jobs of a CI system. */
import { type AnnotationKey, isAnnotationOf, parseAnnotationKey } from './annotation.ts';
import type { Build, TypedAttributes } from './build.ts';
import { formatImageRef, parseImageRef } from './image-ref.ts';

/**
 * A build for some of its platforms. BuildKit rejects annotations for platforms that it does not build, and index
 * annotations if it writes no index: those are added when the parts are joined. In an image for one platform it ignores
 * annotations that name the platform (exporter/containerimage/writer.go), so there they are written without it.
 *
 * Each part has its own cache: parts that write to the same place would overwrite each other.
 */
export function partOfBuild(build: Build, platforms: readonly string[] = build.platforms): Build {
  const { platformsWritten: _, ...rest } = build;
  const parsed = [...build.annotations].map(([key, text]) => ({ key, text, ...parseAnnotationKey(key) }));
  const ofImages = parsed.filter(({ level }) => !level.startsWith('index'));
  const [only, ...others] = platforms;
  const annotations =
    only === undefined || others.length > 0
      ? ofImages.filter(
          (one) => platforms.length === 0 || platforms.some((platform) => isAnnotationOf(one, platform)),
        )
      : annotationsOfOne(ofImages, only);
  return {
    ...rest,
    platforms,
    annotations: new Map(annotations.map(({ key, text }) => [key, text])),
    ...cachesOfPart(build, platforms),
  };
}

type Written = AnnotationKey & { readonly key: string; readonly text: string };

/** Annotations that name the platform take precedence over those for all platforms. */
function annotationsOfOne(written: readonly Written[], platform: string): readonly Written[] {
  const own = written.filter((one) => one.platform !== undefined && isAnnotationOf(one, platform));
  const isOwn = ({ level, name }: Written) => own.some((one) => one.level === level && one.name === name);
  return [
    ...written.filter((one) => one.platform === undefined && !isOwn(one)),
    ...own.map((one) => ({ ...one, key: `${one.level}:${one.name}` })),
  ];
}

/**
 * The attribute that names a cache within its location, and its default (buildkit README, "Export cache"; client/solve.go
 * for local caches). An inline cache is in the image itself.
 */
const CACHE_NAMES: ReadonlyMap<string, { readonly attribute: string; readonly fallback: string }> = new Map([
  ['local', { attribute: 'tag', fallback: 'latest' }],
  ['gha', { attribute: 'scope', fallback: 'buildkit' }],
  ['s3', { attribute: 'name', fallback: 'buildkit' }],
  ['azblob', { attribute: 'name', fallback: 'buildkit' }],
]);

/** Where a cache is stored; equal for reading and writing under one name. */
function placeOf({ type, attributes }: TypedAttributes): string {
  if (type === 'registry') return `${type} ${attributes.get('ref') ?? ''}`;
  const named = CACHE_NAMES.get(type);
  const name = named === undefined ? '' : (attributes.get(named.attribute) ?? named.fallback);
  return [type, attributes.get('dest') ?? attributes.get('src'), attributes.get('bucket'), name].join(' ');
}

/**
 * Caches are written under their name with the platforms appended, and read from there first, then from the build's own
 * sources.
 */
function cachesOfPart(
  { cacheFrom, cacheTo }: Build,
  platforms: readonly string[],
): Pick<Build, 'cacheFrom' | 'cacheTo'> {
  if (platforms.length === 0) return { cacheFrom, cacheTo };
  const suffix = platforms.map((platform) => `-${platform.replaceAll('/', '-')}`).join('');
  const written = new Set(cacheTo.map(placeOf));
  return {
    cacheFrom: cacheFrom.flatMap((cache) =>
      written.has(placeOf(cache)) ? [renamed(cache, suffix), cache] : [cache],
    ),
    cacheTo: cacheTo.map((cache) => renamed(cache, suffix)),
  };
}

function renamed(cache: TypedAttributes, suffix: string): TypedAttributes {
  const { type, attributes } = cache;
  const change = (attribute: string, value: string): TypedAttributes => ({
    ...cache,
    attributes: new Map([...attributes, [attribute, value]]),
  });
  if (type === 'registry') {
    const ref = parseImageRef(attributes.get('ref') ?? '');
    if (ref === undefined || ref.digest !== undefined) return cache;
    return change('ref', formatImageRef({ ...ref, tag: `${ref.tag ?? 'latest'}${suffix}` }));
  }
  const named = CACHE_NAMES.get(type);
  if (named === undefined) return cache;
  // Several names of one cache are separated by `;`.
  const names = (attributes.get(named.attribute) ?? named.fallback).split(';');
  return change(named.attribute, names.map((name) => `${name}${suffix}`).join(';'));
}
