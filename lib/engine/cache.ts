/** What an engine keeps of earlier builds: its cache, listed and let go of. */
import { fail, ok, type Result } from '../model/mod.ts';
import { askBuildctl, type EngineTool } from './ask-buildctl.ts';
import type { EngineOptions } from './notice.ts';

/** One record of an engine's cache. */
export interface CacheRecord {
  /** BuildKit's name of the record. */
  readonly id: string;
  /** What made it, in BuildKit's words: `[build 2/5] COPY src/ src/`. */
  readonly description: string;
  /** BuildKit's name of its kind: `regular`, `source.local`, `exec.cachemount`, `frontend`, `internal`, … Empty for what was pruned. */
  readonly kind: string;
  /** Bytes on disk that this record adds. */
  readonly sizeBytes: number;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601; absent: never. */
  readonly lastUsedAt?: string;
  /** A build uses it now: it cannot be pruned. */
  readonly inUse: boolean;
  /** Its bytes belong to others, too. */
  readonly shared: boolean;
}

/** What of a cache is kept. */
export interface PruneLimits {
  /** Stops pruning once the cache is no larger (bytes); default: 0. */
  readonly keepBytes?: number;
  /** Keeps what was used within that time (milliseconds); default: 0. */
  readonly keepMs?: number;
  /** Also what BuildKit keeps for itself, frontends among it. */
  readonly all?: boolean;
}

/** Lists the cache of an engine. Problems: `engine/unreachable`, `run/cancelled`. */
export async function listCache(
  engine: EngineTool,
  options: EngineOptions,
): Promise<Result<readonly CacheRecord[]>> {
  return ask(engine, ['du', '--format', '{{json .}}'], options);
}

/**
 * Lets go of what builds do not need now; images of the store stay. Problems as of {@link listCache}.
 *
 * @returns what is gone
 */
export async function pruneCache(
  engine: EngineTool,
  { keepBytes, keepMs, all }: PruneLimits,
  options: EngineOptions,
): Promise<Result<readonly CacheRecord[]>> {
  const argv = [
    'prune',
    '--format',
    '{{json .}}',
    ...(all === true ? ['--all'] : []),
    // In megabytes, of a million bytes each (buildkit cmd/buildctl/prune.go).
    ...(keepBytes === undefined ? [] : ['--keep-storage', String(keepBytes / 1e6)]),
    ...(keepMs === undefined ? [] : ['--keep-duration', `${Math.round(keepMs)}ms`]),
  ];
  return ask(engine, argv, options);
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

/** As buildctl prints it (buildkit client/diskusage.go, `UsageInfo`): `du` as one list, `prune` a record a line. */
function parseRecords(text: string): readonly CacheRecord[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    const parsed: unknown = JSON.parse(line);
    return (Array.isArray(parsed) ? parsed : [parsed]).map(toRecord);
  });
}

function toRecord(raw: Readonly<Record<string, unknown>>): CacheRecord {
  const { id, description, recordType, size, createdAt, lastUsedAt, inUse, shared } = raw;
  return {
    id: String(id),
    description: String(description ?? ''),
    kind: String(recordType ?? ''),
    sizeBytes: Number(size),
    createdAt: String(createdAt),
    ...(typeof lastUsedAt === 'string' ? { lastUsedAt } : {}),
    inUse: inUse === true,
    shared: shared === true,
  };
}
