/** Records that lie in a fake registry, for looking at them and for forging them. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { FakeRegistryStore } from './fake-registry-store.ts';

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const RECORDS_TYPE = 'application/vnd.bake-ts.records.v2+json+gzip';

/** A record as it is shared, whatever it says. */
export type AnyRecord = Readonly<Record<string, unknown>>;

/** The records in a repository. */
export function sharedIn(store: FakeRegistryStore, repository: string): readonly AnyRecord[] {
  const found = store.manifest(repository, 'bake-records');
  assert(found !== undefined, `there are no records in ${repository}`);
  const { config } = JSON.parse(found.bytes.toString()) as { readonly config: { readonly digest: string } };
  const text = gunzipSync(store.blob(repository, config.digest) ?? '').toString();
  return (JSON.parse(text) as { readonly records: readonly AnyRecord[] }).records;
}

/** Puts records in the place of those of a repository, as whoever may push there can. */
export function putShared(store: FakeRegistryStore, repository: string, records: readonly AnyRecord[]): void {
  putDocument(store, repository, gzipSync(JSON.stringify({ version: 1, records })));
}

/** Puts any bytes where the records lie; `more` is said of them in the manifest. */
export function putDocument(
  store: FakeRegistryStore,
  repository: string,
  document: Uint8Array,
  more: AnyRecord = {},
): void {
  const digest = store.putBlob(repository, Buffer.from(document));
  const config = { mediaType: RECORDS_TYPE, digest, size: document.length, ...more };
  store.putManifest(repository, 'bake-records', {
    mediaType: MANIFEST_TYPE,
    bytes: Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers: [config] }),
    ),
  });
}
