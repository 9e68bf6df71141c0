/**
 * Repositories that work, on top of the server whose answers a test makes up: what it needs of blobs, uploads, manifests
 * and referrers, in text. A test can answer any request in its own way instead.
 */
import { type FaultAnswer, type FaultRequest, sha256, specError } from './fault-registry.ts';

/** What a scripted registry has, and how it behaves. */
export interface ScriptedState {
  /** `REPOSITORY DIGEST` → content. */
  readonly blobs: Map<string, string>;
  /** `REPOSITORY TAG-OR-DIGEST` → manifest. */
  readonly manifests: Map<string, { readonly text: string; readonly mediaType: string }>;
  /** Takes blobs over from other repositories. Default: it begins an upload instead. */
  mounts: boolean;
  /** Has the referrers API. */
  hasReferrers: boolean;
}

/** One with nothing in it. */
export function emptyState(): ScriptedState {
  return { blobs: new Map(), manifests: new Map(), mounts: false, hasReferrers: false };
}

/** Answers as a registry does; `own` first, where it answers at all. */
export function answerFrom(
  state: ScriptedState,
  own: (request: FaultRequest) => FaultAnswer | undefined = () => undefined,
): (request: FaultRequest) => FaultAnswer {
  return (request) => own(request) ?? answer(state, request);
}

/** Puts a manifest under a tag and its digest, without a request. */
export function putText(
  state: ScriptedState,
  repository: string,
  tag: string | undefined,
  manifest: object,
  mediaType = 'application/vnd.oci.image.manifest.v1+json',
): `sha256:${string}` {
  const text = JSON.stringify(manifest);
  const digest = sha256(text);
  for (const name of tag === undefined ? [digest] : [tag, digest])
    state.manifests.set(`${repository} ${name}`, { text, mediaType });
  return digest;
}

function answer(state: ScriptedState, request: FaultRequest): FaultAnswer {
  const [, repository = '', kind, rest = ''] =
    /^\/v2\/(.+?)\/(manifests|blobs|referrers)\/(.*)$/.exec(request.path) ?? [];
  if (kind === 'manifests') return answerManifest(state, request, repository, rest);
  if (kind === 'blobs') return answerBlob(state, request, repository, rest);
  if (kind === 'referrers' && state.hasReferrers) return answerReferrers(state, repository, rest);
  return request.path === '/v2/' ? { status: 200 } : specError(404, 'NAME_UNKNOWN');
}

function answerManifest(
  state: ScriptedState,
  { method, body, headers }: FaultRequest,
  repository: string,
  name: string,
): FaultAnswer {
  if (method === 'PUT') {
    const mediaType = headers['content-type'] ?? '';
    for (const each of [name, sha256(body)])
      state.manifests.set(`${repository} ${each}`, { text: body, mediaType });
    return { status: 201, headers: { 'docker-content-digest': sha256(body) } };
  }
  const found = state.manifests.get(`${repository} ${name}`);
  if (found === undefined) return specError(404, 'MANIFEST_UNKNOWN');
  const head = {
    'content-type': found.mediaType,
    'content-length': String(Buffer.byteLength(found.text)),
    'docker-content-digest': sha256(found.text),
    'docker-distribution-api-version': 'registry/2.0',
  };
  return { status: 200, headers: head, ...(method === 'HEAD' ? {} : { body: found.text }) };
}

function answerBlob(
  state: ScriptedState,
  { method, body, query }: FaultRequest,
  repository: string,
  name: string,
): FaultAnswer {
  if (method === 'POST') {
    const [mount, from] = [query.get('mount'), query.get('from')];
    const content = state.mounts ? state.blobs.get(`${from} ${mount}`) : undefined;
    if (content !== undefined && mount !== null) {
      state.blobs.set(`${repository} ${mount}`, content);
      return { status: 201 };
    }
    return { status: 202, headers: { location: `/v2/${repository}/blobs/uploads/one?state=a%2Fb` } };
  }
  if (method === 'PUT') {
    if (sha256(body) !== query.get('digest')) return specError(400, 'DIGEST_INVALID');
    state.blobs.set(`${repository} ${query.get('digest')}`, body);
    return { status: 201 };
  }
  if (method === 'DELETE') return { status: 204 };
  const found = state.blobs.get(`${repository} ${name}`);
  if (found === undefined) return method === 'HEAD' ? { status: 404 } : specError(404, 'BLOB_UNKNOWN');
  return method === 'HEAD' ? { status: 200 } : { status: 200, body: found };
}

function answerReferrers(state: ScriptedState, repository: string, subject: string): FaultAnswer {
  const manifests = [...state.manifests].flatMap(([key, { text, mediaType }]) => {
    const [where, name = ''] = key.split(' ');
    const json = JSON.parse(text) as { subject?: { digest?: string } };
    if (where !== repository || !name.startsWith('sha256:') || json.subject?.digest !== subject) return [];
    return [{ mediaType, digest: name, size: text.length }];
  });
  return {
    status: 200,
    headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
    body: JSON.stringify({ schemaVersion: 2, manifests }),
  };
}
