/**
 * Manifests that refer to another one by `subject`. Spec: "Listing Referrers", "Referrers Tag Schema" for registries
 * without that API.
 */
import { type Digest, fail, type ImageRef, ok, type Result } from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import type { Exchange } from './exchange.ts';
import { baseType, type Descriptor, MANIFEST_TYPES, readDescriptors } from './manifest.ts';
import { isRecord, strangeAnswer, tooMany } from './problems.ts';
import { pullScope } from './scope.ts';
import type { ManifestStore } from './store.ts';

/** The referrers of a manifest. */
export interface Referrers {
  readonly descriptors: readonly Descriptor[];
  /** The raw descriptors by digest, for writing a fallback tag. */
  readonly entries: ReadonlyMap<string, unknown>;
}

type Subject = ImageRef & { readonly digest: Digest };

interface Context {
  readonly store: ManifestStore;
  readonly exchange: Exchange;
}

const INDEX_TYPE = MANIFEST_TYPES[0] ?? '';
const PAGE_LIMIT = 50;
/** Referrers are copied one by one, so their number is limited. */
const MOST_ENTRIES = 5_000;

/** Lists the referrers of a manifest. */
export async function listReferrers(context: Context, subject: Subject): Promise<Result<Referrers>> {
  const entries = new Map<string, unknown>();
  let target: string | URL = `/v2/${subject.repository}/referrers/${subject.digest}`;
  for (let page = 0; page < PAGE_LIMIT; page += 1) {
    const reply = await context.exchange.call({
      method: 'GET',
      host: subject.registry,
      target,
      repository: subject.repository,
      scopes: [pullScope(subject.repository)],
      headers: { accept: INDEX_TYPE },
      accept: [200, 400, 404, 405, 501],
    });
    if (!reply.ok) return reply;
    const { status, header, body, url } = reply.value;
    if (status !== 200 || baseType(header('content-type')) !== INDEX_TYPE) {
      if (page === 0) return await readFallback(context, subject);
      return fail([
        strangeAnswer(subject.registry, { method: 'GET', url }, `${status} in place of a page of referrers`),
      ]);
    }
    addEntries(entries, parseJson(body));
    if (entries.size > MOST_ENTRIES)
      return fail([tooMany(subject.registry, { method: 'GET', url }, entries.size, MOST_ENTRIES)]);
    const next = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(header('link') ?? '')?.[1];
    if (next === undefined || !URL.canParse(next, url.href)) break;
    const following = new URL(next, url);
    if (following.origin !== url.origin) {
      const what = `a next page of referrers at another host (${following.host})`;
      return fail([strangeAnswer(subject.registry, { method: 'GET', url }, what)]);
    }
    target = following;
  }
  return ok({ descriptors: readDescriptors([...entries.values()]), entries });
}

/**
 * Makes sure that a copied image's referrers are found at its new place. A registry with the referrers API does that by itself;
 * for others the fallback tag is written.
 */
export async function linkReferrers(
  context: Context,
  subject: Subject,
  wanted: Referrers,
): Promise<Result<void>> {
  const found = await listReferrers(context, subject);
  if (!found.ok) return found;
  const missing = [...wanted.entries].filter(([digest]) => !found.value.entries.has(digest));
  if (missing.length === 0) return ok(undefined);
  const manifests = [...found.value.entries.values(), ...missing.map(([, entry]) => entry)];
  const index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests };
  const put = await context.store.putManifest(fallbackTag(subject), {
    mediaType: INDEX_TYPE,
    bytes: new TextEncoder().encode(JSON.stringify(index)),
  });
  return put.ok ? ok(undefined) : put;
}

async function readFallback(context: Context, subject: Subject): Promise<Result<Referrers>> {
  const tag = fallbackTag(subject);
  const presence = await context.store.head(tag);
  if (presence.kind === 'unknown') return fail([presence.problem]);
  if (presence.kind === 'absent') return ok({ descriptors: [], entries: new Map() });
  const manifest = await context.store.getManifest(tag);
  if (!manifest.ok) return manifest;
  const entries = new Map<string, unknown>();
  addEntries(entries, manifest.value.json);
  return ok({ descriptors: readDescriptors([...entries.values()]), entries });
}

function fallbackTag(subject: Subject): ImageRef {
  return {
    registry: subject.registry,
    repository: subject.repository,
    tag: subject.digest.replace(':', '-'),
  };
}

function addEntries(entries: Map<string, unknown>, index: unknown): void {
  const list = isRecord(index) ? index['manifests'] : undefined;
  for (const entry of Array.isArray(list) ? list : []) {
    if (isRecord(entry) && typeof entry['digest'] === 'string') entries.set(entry['digest'], entry);
  }
}
