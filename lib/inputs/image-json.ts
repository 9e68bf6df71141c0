/**
 * Image configs and manifests in the form that the engine writes (Go's encoding/json with its structs: buildkit
 * exporter/containerimage/writer.go), so that a document written here has the digest that the engine would give it. A
 * document is only accepted if writing it again results in the same bytes. Others (unknown fields, another order, numbers
 * that JavaScript cannot represent) are not supported.
 */

import { escapeHtml } from '../util/go-json.ts';
import { parseJson } from '../util/json.ts';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** One entry of `history`. */
export interface HistoryEntry {
  readonly created: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** The content of a config apart from layers. */
export interface ImageConfig {
  /** The top level, including `config` and `history`. */
  readonly top: JsonObject;
  /** Settings for containers. */
  readonly config: JsonObject;
  readonly history: readonly HistoryEntry[];
  /** Digests of the uncompressed layers. */
  readonly diffIds: readonly string[];
}

/** In the order of the structs (opencontainers/image-spec ImageConfig, moby/docker-image-spec). */
const CONFIG_FIELDS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
];
const TOP_FIELDS = [
  'architecture',
  'author',
  'config',
  'created',
  'history',
  'os',
  'os.features',
  'os.version',
  'rootfs',
  'variant',
];
const HEALTH_FIELDS = ['Test', 'Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'];
const HISTORY_FIELDS = ['created', 'created_by', 'author', 'comment', 'empty_layer'];
const ROOTFS_FIELDS = ['type', 'diff_ids'];
const MAPS = ['ExposedPorts', 'Volumes', 'Labels'];

/** Parses an image config; undefined if it could not be written again with the same bytes. */
export function readImageConfig(text: string): ImageConfig | undefined {
  const top = parseObject(text);
  const config = top?.['config'];
  const history = top?.['history'];
  const rootfs = top?.['rootfs'];
  if (top === undefined || !isObject(config) || !Array.isArray(history) || !isObject(rootfs))
    return undefined;
  const diffIds: unknown = rootfs['diff_ids'];
  if (!isTextList(diffIds) || !history.every(isHistoryEntry)) return undefined;
  if (!MAPS.every((name) => config[name] === undefined || isObject(config[name]))) return undefined;
  const read = { top, config, history, diffIds };
  return writeImageConfig(read) === text ? read : undefined;
}

/** Writes an image config; undefined if it has an unknown field, whose position would not be known. */
export function writeImageConfig({ top, config, history }: ImageConfig): string | undefined {
  const health = config['Healthcheck'];
  const isKnown =
    hasOnly(top, TOP_FIELDS) &&
    hasOnly(config, CONFIG_FIELDS) &&
    history.every((entry) => hasOnly({ ...entry }, HISTORY_FIELDS)) &&
    (health === undefined || (isObject(health) && hasOnly(health, HEALTH_FIELDS)));
  if (!isKnown) return undefined;
  const written = new Map<string, string>();
  for (const name of CONFIG_FIELDS) {
    const value = config[name];
    if (value === undefined) continue;
    if (isObject(value))
      written.set(name, writeObject(value, name === 'Healthcheck' ? HEALTH_FIELDS : undefined));
    else written.set(name, writeJson(value));
  }
  return joinFields(
    TOP_FIELDS.flatMap((name) => {
      const value = top[name];
      if (value === undefined) return [];
      if (name === 'config') return [[name, joinFields([...written])] as const];
      if (name === 'history')
        return [
          [name, `[${history.map((entry) => writeObject({ ...entry }, HISTORY_FIELDS)).join(',')}]`] as const,
        ];
      if (name === 'rootfs' && isObject(value)) return [[name, writeObject(value, ROOTFS_FIELDS)] as const];
      return [[name, writeJson(value)] as const];
    }),
  );
}

/** Parses a manifest or index; undefined if it does not have BuildKit's form. */
export function readIndented(text: string): JsonObject | undefined {
  const json = parseObject(text);
  return json !== undefined && writeIndented(json) === text ? json : undefined;
}

/** Writes a manifest or index with its fields in their current order. */
export function writeIndented(json: JsonObject): string {
  return escapeHtml(JSON.stringify(json, null, 2));
}

/** Whether Go would write a text the same: no lone surrogates, nothing that Go versions write differently. */
export function isPlainText(text: string): boolean {
  return !/[\b\f]|\p{Cs}/u.test(text);
}

/** Whether two JSON values are equal, including the order of fields. */
export function isSameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether a value is a JSON object, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string): JsonObject | undefined {
  const json = parseJson(new TextEncoder().encode(text));
  return isObject(json) ? json : undefined;
}

function isHistoryEntry(value: unknown): value is HistoryEntry {
  // The engine sets a time in each entry, which affects the times of later entries.
  return isObject(value) && typeof value['created'] === 'string';
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function hasOnly(value: JsonObject, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}

/** An object as Go writes a struct (`fields`) or a map (sorted by the bytes of its keys). */
function writeObject(value: JsonObject, fields?: readonly string[]): string {
  const names = fields?.filter((name) => value[name] !== undefined) ?? sortByBytes(Object.keys(value));
  return joinFields(names.map((name) => [name, writeJson(value[name])]));
}

function joinFields(fields: readonly (readonly [string, string])[]): string {
  return `{${fields.map(([name, text]) => `${writeJson(name)}:${text}`).join(',')}}`;
}

function writeJson(value: unknown): string {
  return escapeHtml(JSON.stringify(value));
}

function sortByBytes(names: readonly string[]): readonly string[] {
  const encoder = new TextEncoder();
  const bytes = new Map(names.map((name) => [name, encoder.encode(name)]));
  return [...names].sort((one, other) => compareBytes(bytes.get(one), bytes.get(other)));
}

function compareBytes(one: Uint8Array = new Uint8Array(), other: Uint8Array = new Uint8Array()): number {
  for (let at = 0; at < Math.min(one.length, other.length); at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
