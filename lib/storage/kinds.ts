/** The records of an engine's cache, by what they are. */
import type { CacheRecord } from '../engine/mod.ts';

/** Kind of a cache record. `other`: a kind that this version does not know. */
export type CacheKind =
  | 'layers'
  | 'cache-mounts'
  | 'local-sources'
  | 'fetched-sources'
  | 'frontends'
  | 'internal'
  | 'other';

/** The records of one kind, in bytes. */
export interface KindUsage {
  /** What they are. */
  readonly kind: CacheKind;
  /** How many there are. */
  readonly records: number;
  /** Total size. */
  readonly sizeBytes: number;
  /** Used by builds that are running now. */
  readonly inUseBytes: number;
  /** Shared with images of the store. */
  readonly sharedBytes: number;
  /** What pruning without limits would delete. */
  readonly reclaimableBytes: number;
}

const ORDER: readonly CacheKind[] = [
  'layers',
  'cache-mounts',
  'local-sources',
  'fetched-sources',
  'frontends',
  'internal',
  'other',
];

/** The kinds are BuildKit's (client/diskusage.go). HTTP downloads and git repositories are regular records there. */
export function kindOf({ kind, description }: CacheRecord): CacheKind {
  switch (kind) {
    case 'regular':
      return /^(?:http url|shared git repo for|git bundle checkout for) /.test(description)
        ? 'fetched-sources'
        : 'layers';
    case 'exec.cachemount':
      return 'cache-mounts';
    case 'source.local':
      return 'local-sources';
    case 'source.git.checkout':
      return 'fetched-sources';
    case 'frontend':
      return 'frontends';
    case 'internal':
      return 'internal';
    default:
      return 'other';
  }
}

/** Whether pruning without limits deletes a record in its current state. Pruning continues with records that become free by that. */
export function isReclaimable({ inUse, shared, kind }: CacheRecord): boolean {
  return !inUse && !shared && kind !== 'internal' && kind !== 'frontend';
}

/** The sums of each kind, most important first, without empty ones. */
export function sumKinds(records: readonly CacheRecord[]): readonly KindUsage[] {
  const byKind = new Map<CacheKind, CacheRecord[]>();
  for (const record of records) {
    const kind = kindOf(record);
    const known = byKind.get(kind);
    if (known === undefined) byKind.set(kind, [record]);
    else known.push(record);
  }
  return ORDER.flatMap((kind) => {
    const all = byKind.get(kind);
    if (all === undefined) return [];
    const sum = (isMeant: (record: CacheRecord) => boolean) => sumBytes(all.filter(isMeant));
    return {
      kind,
      records: all.length,
      sizeBytes: sumBytes(all),
      inUseBytes: sum(({ inUse }) => inUse),
      sharedBytes: sum(({ shared }) => shared),
      reclaimableBytes: sum(isReclaimable),
    };
  });
}

/** Bytes of records, together. */
export function sumBytes(records: readonly { readonly sizeBytes: number }[]): number {
  return records.reduce((sum, one) => sum + one.sizeBytes, 0);
}
