/**
 * Writes an index byte for byte as BuildKit does (exporter/containerimage/writer.go): fields in the order of the OCI types
 * (image-spec specs-go/v1), empty ones left out, maps sorted, indented by two blanks, strings encoded as by Go's encoding/json.
 */
import { Buffer } from 'node:buffer';
import type { Digest } from '../model/mod.ts';
import { escapeHtml } from '../util/go-json.ts';
import { isRecord } from './problems.ts';

/** The written fields of a descriptor's platform. */
export interface IndexPlatform {
  readonly architecture: string;
  readonly os: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
  readonly variant?: string;
}

/** An entry of an index. */
export interface IndexEntry {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly annotations: ReadonlyMap<string, string>;
  readonly platform: IndexPlatform;
  readonly artifactType?: string;
}

/** The content of an index. */
export interface IndexDocument {
  readonly mediaType: string;
  readonly manifests: readonly IndexEntry[];
  readonly annotations: ReadonlyMap<string, string>;
}

/** Objects are maps, since these keep their order even if names are numbers. */
type Value = string | number | readonly Value[] | ReadonlyMap<string, Value>;
type Fields = readonly (readonly [name: string, value: Value])[];

/** Returns the bytes of an index. */
export function formatIndex({ mediaType, manifests, annotations }: IndexDocument): Uint8Array {
  const document = new Map<string, Value>([
    ['schemaVersion', 2],
    ['mediaType', mediaType],
    ['manifests', manifests.map(entryOf)],
    ...annotationsField(annotations),
  ]);
  return new TextEncoder().encode(write(document, ''));
}

function entryOf(entry: IndexEntry): Value {
  const { mediaType, digest, sizeBytes, annotations, platform, artifactType } = entry;
  return new Map<string, Value>([
    ['mediaType', mediaType],
    ['digest', digest],
    ['size', sizeBytes],
    ...annotationsField(annotations),
    ['platform', platformOf(platform)],
    ...(artifactType === undefined ? [] : ([['artifactType', artifactType]] as const)),
  ]);
}

function platformOf({
  architecture,
  os,
  osVersion = '',
  osFeatures = [],
  variant = '',
}: IndexPlatform): Value {
  const fields: Fields = [
    ['architecture', architecture],
    ['os', os],
    ['os.version', osVersion],
    ['os.features', osFeatures],
    ['variant', variant],
  ];
  return new Map(fields.filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0)));
}

function annotationsField(annotations: ReadonlyMap<string, string>): Fields {
  if (annotations.size === 0) return [];
  // Go sorts by bytes, which differs from the order of UTF-16 beyond the basic plane.
  const sorted = [...annotations].sort(([one], [other]) =>
    Buffer.compare(Buffer.from(one), Buffer.from(other)),
  );
  return [['annotations', new Map(sorted)]];
}

function write(value: Value, indent: string): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quote(value);
  const inner = `${indent}  `;
  if (value instanceof Map) {
    const lines = [...value].map(([name, one]) => `${inner}${quote(name)}: ${write(one, inner)}`);
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  const lines = [...value].map((one) => `${inner}${write(one as Value, inner)}`);
  return `[\n${lines.join(',\n')}\n${indent}]`;
}

function quote(text: string): string {
  // Invalid UTF-16 was replaced on the way to the engine.
  return escapeHtml(JSON.stringify(Buffer.from(text).toString()));
}

/** The platform of a descriptor or image config; undefined if it is absent or `unknown`. */
export function readIndexPlatform(value: unknown): IndexPlatform | undefined {
  if (!isRecord(value)) return undefined;
  const { architecture, os, variant } = value;
  const [osVersion, osFeatures] = [value['os.version'], value['os.features']];
  if (typeof architecture !== 'string' || typeof os !== 'string') return undefined;
  if (architecture === '' || os === '' || os === 'unknown') return undefined;
  const features = Array.isArray(osFeatures) ? osFeatures.filter((one) => typeof one === 'string') : [];
  return {
    architecture,
    os,
    ...(typeof osVersion === 'string' && osVersion !== '' ? { osVersion } : {}),
    ...(features.length === 0 ? {} : { osFeatures: features }),
    ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
  };
}
