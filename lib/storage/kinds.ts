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

/** Kinds of BuildKit's (client/diskusage.go). What is fetched by http and the repositories of git are regular there. */
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

/** Whether pruning without limits lets go of a record, as things stand; it goes on with what that sets free. */
export function isReclaimable({ inUse, shared, kind }: CacheRecord): boolean {
  return !inUse && !shared && kind !== 'internal' && kind !== 'frontend';
}

/** What there is of each kind, in the order of importance; kinds of which there is nothing are left out. */
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
