/**
 * Annotations of images: where each belongs, and how its key is written. Levels and what they mean:
 * buildkit docs/annotations.md; exporter/containerimage/annotations.go.
 */
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
