/**
 * The document of shared records. Anybody who may push to the repository may have written it, so it is untrusted input: anything
 * that differs from the format written here is left out, and time and memory are limited to what a set of builds needs.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type BuildKey,
  type BuildRecord,
  type Digest,
  isDigest,
  KEY_VERSION,
  type PlatformManifest,
  parsePlatform,
} from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import { isSignedBy, signRecord } from './record-keys.ts';

/** Largest document as it is sent, in bytes. */
export const PACKED_LIMIT: number = 512 * 1024;
const DOCUMENT_LIMIT = 1024 * 1024;
const MOST_RECORDS = 2000;
/** Branches that go back and forth find their results again; beyond that the oldest go. */
const KEPT_FOR_A_BUILD = 8;
const MOST_PLATFORMS = 64;
const LONGEST_NAME = 256;
const WEEK_MS = 7 * 24 * 3_600_000;
const MOST_STEPS = 100_000;

/** A record as it lies in a registry. */
export interface SharedRecord {
  /** Without references: those are what the build itself wants, and not what somebody wrote. */
  readonly record: BuildRecord;
  /** Whether one of the keys signed it. */
  readonly isSigned: boolean;
  readonly signature?: string;
}

/** Records by key. */
export type SharedRecordMap = ReadonlyMap<BuildKey, SharedRecord>;

/**
 * Writes the document: for each build its latest results, as many as fit.
 *
 * @param first keys of those that go before all others
 * @param keys the first one signs what is to be signed: all that `isSigned`
 */
export function packRecords(
  records: SharedRecordMap,
  first: ReadonlySet<BuildKey>,
  keys: readonly string[],
): Uint8Array {
  const [signingKey] = keys;
  let kept = prune(records, first);
  for (;;) {
    const text = JSON.stringify({
      version: KEY_VERSION,
      records: kept.map((one) => writeRecord(one, signingKey)),
    });
    const packed = gzipSync(text);
    if (kept.length === 0 || (text.length <= DOCUMENT_LIMIT && packed.length <= PACKED_LIMIT)) return packed;
    kept = kept.slice(0, Math.floor(kept.length * 0.8));
  }
}

/** Reads a document; what is damaged, of another version or of another make is not known. */
export function parseRecords(packed: Uint8Array, keys: readonly string[], nowMs: number): SharedRecordMap {
  const found = new Map<BuildKey, SharedRecord>();
  for (const value of readDocument(packed)) {
    const one = readRecord(value, keys, nowMs);
    if (one === undefined) continue;
    // Of two that say something of the same key, the one that is signed, else the first.
    const known = found.get(one.record.key);
    if (known === undefined || (one.isSigned && !known.isSigned)) found.set(one.record.key, one);
  }
  return found;
}

function readDocument(packed: Uint8Array): readonly unknown[] {
  if (packed.length > PACKED_LIMIT) return [];
  try {
    const json = parseJson(gunzipSync(packed, { maxOutputLength: DOCUMENT_LIMIT }));
    if (!isObject(json) || json['version'] !== KEY_VERSION) return [];
    const { records } = json;
    return Array.isArray(records) ? records.slice(0, MOST_RECORDS) : [];
  } catch {
    return [];
  }
}

function prune(records: SharedRecordMap, first: ReadonlySet<BuildKey>): readonly SharedRecord[] {
  const rank = ({ record }: SharedRecord) => (first.has(record.key) ? 1 : 0);
  const sorted = [...records.values()].sort(
    (one, other) => rank(other) - rank(one) || (one.record.finishedAt < other.record.finishedAt ? 1 : -1),
  );
  const counts = new Map<string, number>();
  return sorted
    .filter(({ record }) => {
      const count = (counts.get(record.build) ?? 0) + 1;
      counts.set(record.build, count);
      return count <= KEPT_FOR_A_BUILD;
    })
    .slice(0, MOST_RECORDS);
}

function writeRecord({ record, isSigned, signature }: SharedRecord, signingKey: string | undefined): object {
  const { version: _, refs: _refs, vouchedBy: _vouchedBy, sharedWith: _sharedWith, ...shared } = record;
  const signed = isSigned && signingKey !== undefined ? signRecord(record, signingKey) : signature;
  return { ...shared, ...(signed === undefined ? {} : { signature: signed }) };
}

function readRecord(value: unknown, keys: readonly string[], nowMs: number): SharedRecord | undefined {
  if (!isObject(value)) return undefined;
  const { key, build, digest, mediaType, sizeBytes, durationMs } = value;
  const platforms = readPlatforms(value['platforms']);
  const finishedAt = readTime(value['finishedAt'], nowMs);
  const steps = readSteps(value['steps']);
  if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key)) return undefined;
  if (!isName(build) || !isSha256(digest) || platforms === undefined) return undefined;
  if (typeof mediaType !== 'string' || !/^[\w.+/-]{0,128}$/.test(mediaType)) return undefined;
  if (sizeBytes !== undefined && !isCount(sizeBytes, Number.MAX_SAFE_INTEGER)) return undefined;
  if (finishedAt === undefined || steps === undefined || !isCount(durationMs, WEEK_MS)) return undefined;
  const record: BuildRecord = {
    version: KEY_VERSION,
    key,
    build,
    digest,
    mediaType,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    platforms,
    refs: [],
    finishedAt,
    durationMs,
    steps,
  };
  const signature = readSignature(value['signature']);
  return {
    record,
    isSigned: isSignedBy(keys, record, signature),
    ...(signature === undefined ? {} : { signature }),
  };
}

function readPlatforms(value: unknown): readonly PlatformManifest[] | undefined {
  if (!Array.isArray(value) || value.length > MOST_PLATFORMS) return undefined;
  const platforms: PlatformManifest[] = [];
  for (const entry of value as readonly unknown[]) {
    if (!isObject(entry)) return undefined;
    const { platform, digest, layers } = entry;
    if (!isName(platform) || parsePlatform(platform) === undefined || !isSha256(digest)) return undefined;
    if (layers !== undefined && !isSha256(layers)) return undefined;
    platforms.push({ platform, digest, ...(layers === undefined ? {} : { layers }) });
  }
  return platforms;
}

function readSteps(value: unknown): BuildRecord['steps'] | undefined {
  if (!isObject(value)) return undefined;
  const { total, cached } = value;
  return isCount(total, MOST_STEPS) && isCount(cached, total) ? { total, cached } : undefined;
}

/** A time that has passed; one that has not would always be the latest. */
function readTime(value: unknown, nowMs: number): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return undefined;
  const ms = Date.parse(value);
  // Clocks of two machines may differ by some minutes.
  return Number.isNaN(ms) || ms > nowMs + 3_600_000 ? undefined : value;
}

function readSignature(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME && !/\p{C}/u.test(value);
}

function isSha256(value: unknown): value is Digest {
  return typeof value === 'string' && isDigest(value);
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
