/**
 * Annotations of images: the level that each belongs to, and the syntax of its key. Levels and their meaning: buildkit
 * docs/annotations.md; exporter/containerimage/annotations.go.
 */
import { isSamePlatform } from './platform.ts';

/** Where an annotation is stored: in the manifest or index itself, or in the descriptor that points at it. */
export type AnnotationLevel = 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';

/** A key of `annotations`, parsed. */
export interface AnnotationKey {
  /** Default: `manifest`. */
  readonly level: AnnotationLevel;
  /** As written: `linux/arm64`; undefined: all platforms. */
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

/** Whether an annotation applies to a platform. */
export function isAnnotationOf({ platform }: AnnotationKey, wanted: string): boolean {
  return platform === undefined || isSamePlatform(platform, wanted);
}
