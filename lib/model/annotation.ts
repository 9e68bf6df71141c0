/**
 * Annotations of images: where each belongs, and which of them one platform's own build can be given. Levels and what they mean:
 * buildkit docs/annotations.md; exporter/containerimage/annotations.go.
 */
import type { Build } from './build.ts';
import { isSamePlatform } from './platform.ts';

/** Where an annotation stands: in the manifest or the index itself, or in what points at one of them. */
export type AnnotationLevel = 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';

/** A key of `annotations`, in parts. */
export interface AnnotationKey {
  /** `manifest` where none is written. */
  readonly level: AnnotationLevel;
  /** As written: `linux/arm64`; undefined: of all platforms. */
  readonly platform?: string;
  /** `org.opencontainers.image.title` */
  readonly name: string;
}

const WITH_LEVEL = /^(manifest|index|manifest-descriptor|index-descriptor)(?:\[([^\]]+)\])?:(.*)$/s;

/** Reads a key of `annotations`: `[LEVEL[\[PLATFORM\]]:]NAME`. */
export function parseAnnotationKey(key: string): AnnotationKey {
  const [, level, platform, name] = WITH_LEVEL.exec(key) ?? [];
  if (level === undefined || name === undefined) return { level: 'manifest', name: key };
  return { level: level as AnnotationLevel, name, ...(platform === undefined ? {} : { platform }) };
}

/** Whether an annotation is for a platform: for all, or for this one. */
export function isAnnotationOf({ platform }: AnnotationKey, wanted: string): boolean {
  return platform === undefined || isSamePlatform(platform, wanted);
}

/**
 * A build for some of its platforms, as a part of the whole. BuildKit refuses annotations of platforms that it does not build, and
 * those of an index where it writes none: they have their place where the parts are joined. Of an image for one platform it passes over
 * annotations that name the platform (exporter/containerimage/writer.go), so there they are given as those of all.
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
  return { ...rest, platforms, annotations: new Map(annotations.map(({ key, text }) => [key, text])) };
}

type Written = AnnotationKey & { readonly key: string; readonly text: string };

/** What names the platform goes before what is for all. */
function annotationsOfOne(written: readonly Written[], platform: string): readonly Written[] {
  const own = written.filter((one) => one.platform !== undefined && isAnnotationOf(one, platform));
  const isOwn = ({ level, name }: Written) => own.some((one) => one.level === level && one.name === name);
  return [
    ...written.filter((one) => one.platform === undefined && !isOwn(one)),
    ...own.map((one) => ({ ...one, key: `${one.level}:${one.name}` })),
  ];
}
