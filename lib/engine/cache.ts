/** Lists and prunes the cache of an engine. */
import { fail, ok, type Result } from '../model/mod.ts';
import { askBuildctl, type EngineTool } from './ask-buildctl.ts';
import type { EngineOptions } from './notice.ts';

/** One record of an engine's cache. */
export interface CacheRecord {
  /** BuildKit's id of the record. */
  readonly id: string;
  /** BuildKit's description of what created it: `[build 2/5] COPY src/ src/`. */
  readonly description: string;
  /** BuildKit's record type: `regular`, `source.local`, `exec.cachemount`, `frontend`, `internal`, … Empty for pruned records. */
  readonly kind: string;
  /** Bytes on disk that this record adds. */
  readonly sizeBytes: number;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601; absent: never. */
  readonly lastUsedAt?: string;
  /** A running build uses it, so it cannot be pruned. */
  readonly inUse: boolean;
  /** Images in the store share its bytes, so it is pruned only with `all`. */
  readonly shared: boolean;
  /** Ids of the records that it is based on. */
  readonly parents: readonly string[];
}

/** What to keep of a cache. A record is kept if any of the limits keeps it. */
export interface PruneLimits {
  /**
   * Stop pruning when the cache is no larger than this (bytes). Default: 0. Least recently used records are deleted
   * first.
   */
  readonly keepBytes?: number;
  /** Keep records that were used within this time (milliseconds), up to a hundred years. Default: 0. */
  readonly keepMs?: number;
  /** Also delete BuildKit's internal records, such as frontends, and records that images of the store share. */
  readonly all?: boolean;
  /** Delete only these records, by `id`. An empty list deletes none. Default: all. */
  readonly only?: readonly string[];
}

/** The maximum of {@link PruneLimits}: Go's durations end at 292 years. */
export const LONGEST_KEPT_MS: number = 100 * 365 * 86_400_000;
/** How many filters fit the arguments of a call on every system. */
const FILTERS_OF_A_CALL = 500;

/** Lists the cache of an engine. Problems: `engine/unreachable`, `engine/disk-full`, `run/cancelled`. */
export async function listCache(
  engine: EngineTool,
  options: EngineOptions,
): Promise<Result<readonly CacheRecord[]>> {
  return ask(engine, ['du', '--format', '{{json .}}'], options);
}

/**
 * Deletes cache records that no running build uses; images in the store are kept. Problems as of {@link listCache}.
 *
 * @returns the deleted records
 * @throws TypeError for an invalid limit, which would keep nothing
 */
export async function pruneCache(
  engine: EngineTool,
  { keepBytes, keepMs, all, only }: PruneLimits,
  options: EngineOptions,
): Promise<Result<readonly CacheRecord[]>> {
  checkLimit('keepBytes', keepBytes, Number.MAX_SAFE_INTEGER);
  checkLimit('keepMs', keepMs, LONGEST_KEPT_MS);
  const argv = [
    'prune',
    '--format',
    '{{json .}}',
    ...(all === true ? ['--all'] : []),
    // In megabytes, of a million bytes each (buildkit cmd/buildctl/prune.go).
    ...(keepBytes === undefined ? [] : ['--keep-storage', String(Math.ceil(keepBytes) / 1e6)]),
    ...(keepMs === undefined ? [] : ['--keep-duration', `${Math.ceil(keepMs)}ms`]),
  ];
  if (only === undefined) return ask(engine, argv, options);
  const gone: CacheRecord[] = [];
  for (let at = 0; at < only.length; at += FILTERS_OF_A_CALL) {
    // A record needs to match only one of several filters (containerd filters/parser.go, `ParseAll`).
    const filters = only
      .slice(at, at + FILTERS_OF_A_CALL)
      .flatMap((id) => ['--filter', `id==${quoteId(id)}`]);
    const pruned = await ask(engine, [...argv, ...filters], options);
    if (!pruned.ok) return pruned;
    gone.push(...pruned.value);
  }
  return ok(gone);
}

function checkLimit(name: string, value: number | undefined, most: number): void {
  if (value === undefined || (value >= 0 && value <= most)) return;
  throw new TypeError(`"${name}" must be a number from 0 to ${most}, not ${value}`);
}

function quoteId(id: string): string {
  if (/^[0-9A-Za-z_-]+$/.test(id)) return id;
  throw new TypeError(`"${id}" is not a valid id of a cache record`);
}

async function ask(
  engine: EngineTool,
  argv: readonly string[],
  options: EngineOptions,
): Promise<Result<readonly CacheRecord[]>> {
  const unanswered = `does not answer \`buildctl ${argv[0]}\``;
  const asked = await askBuildctl(engine, { argv, unanswered }, options);
  return asked.ok ? ok(parseRecords(asked.value)) : fail([asked.error]);
}

/** Parses buildctl's output (buildkit client/diskusage.go, `UsageInfo`): `du` prints one list, `prune` one record per line. */
function parseRecords(text: string): readonly CacheRecord[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    const parsed: unknown = JSON.parse(line);
    // Go prints an empty list as null.
    if (parsed === null) return [];
    return (Array.isArray(parsed) ? parsed : [parsed]).map(toRecord);
  });
}

function toRecord(raw: Readonly<Record<string, unknown>>): CacheRecord {
  const { id, description, recordType, size, createdAt, lastUsedAt, inUse, shared, parents } = raw;
  return {
    id: String(id),
    description: String(description ?? ''),
    kind: String(recordType ?? ''),
    sizeBytes: Number(size),
    createdAt: String(createdAt),
    ...(typeof lastUsedAt === 'string' ? { lastUsedAt } : {}),
    inUse: inUse === true,
    shared: shared === true,
    parents: Array.isArray(parents) ? parents.map(String) : [],
  };
}
