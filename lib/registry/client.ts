/**
 * The distribution API as bake-ts needs it. One client serves one run: it remembers what it asked, so that the same
 * question is sent once, and forgets what it (or buildctl, see `forget`) has changed.
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
import {
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  isDigest,
  ok,
  type Problem,
  problem,
  type RegistrySettings,
  type Result,
  withDefaultTag,
} from '../model/mod.ts';
import { putBlob } from './blobs.ts';
import { type Copied, type CopyOptions, copyImage } from './copy.ts';
import { createCredentialSource } from './credentials.ts';
import { Exchange, pingOf, type RetryLimits, type RetrySeen } from './exchange.ts';
import { type ImageDescription, inspectImage } from './inspect.ts';
import type { Layout } from './layout.ts';
import {
  baseType,
  type Descriptor,
  digestOf,
  MANIFEST_TYPES,
  type Manifest,
  manifestFrom,
} from './manifest.ts';
import { badDigest, parseSpecErrors, strangeAnswer } from './problems.ts';
import type { Environment } from './proxy.ts';
import { type PushOptions, pushLayout } from './push-layout.ts';
import { readBlob } from './read-blob.ts';
import { listReferrers } from './referrers.ts';
import { pullScope, pushScope } from './scope.ts';
import type { Presence } from './store.ts';
import { type RequestSeen, type TimeLimits, Wire } from './wire.ts';

/** What a client is made of. */
export interface RegistryClientOptions {
  /** By host as references write it; from `registries:` in builds.yaml. */
  readonly registries?: ReadonlyMap<string, RegistrySettings>;
  /** DOCKER_CONFIG, DOCKER_AUTH_CONFIG, HOME, PATH (for credential helpers), proxies, SSL_CERT_FILE. */
  readonly env: Environment;
  readonly userAgent?: string;
  /** Stops everything under way. */
  readonly signal?: AbortSignal;
  /** Called for each HTTP request, redirects and token requests included. */
  readonly onRequest?: (seen: RequestSeen) => void;
  readonly onRetry?: (seen: RetrySeen) => void;
  readonly timeouts?: Partial<TimeLimits>;
  readonly retries?: Partial<RetryLimits>;
  /** Milliseconds since 1970, chance from 0 to 1, and waiting: handed in by tests. */
  readonly now?: () => number;
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** How to read. */
export interface ReadOptions {
  /** Ask the mirrors of the registry first. For base images; never for what this run pushes, where mirrors lag behind. */
  readonly mirrors?: boolean;
}

const TIMEOUTS: TimeLimits = {
  connectMs: 10_000,
  headersMs: 30_000,
  idleMs: 30_000,
  requestMs: 90_000,
  uploadMs: 300_000,
};
const RETRIES: RetryLimits = { attempts: 4, longestWaitMs: 30_000, restMs: 5_000 };
/** Registries must take manifests of this size and mostly take no larger ones (spec, "Pushing Manifests"). */
const MANIFEST_LIMIT = 4 * 1024 * 1024;
/** Bytes of manifests kept for asking again. */
const MEMORY_LIMIT = 64 * 1024 * 1024;
const ACCEPT = MANIFEST_TYPES.join(', ');

/** Makes a client; nothing is sent and nothing heavy is loaded before its first request. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  return new RegistryClient(options);
}

/** Talks to registries. Close it at the end. */
export class RegistryClient {
  readonly #wire: Wire;
  readonly #exchange: Exchange;
  readonly #registries: ReadonlyMap<string, RegistrySettings>;
  readonly #presences = new Map<string, Promise<Presence>>();
  readonly #reading = new Map<string, Promise<Result<Manifest>>>();
  readonly #manifests = new Map<Digest, Manifest>();
  #manifestBytes = 0;

  constructor(options: RegistryClientOptions) {
    const now = options.now ?? Date.now;
    this.#registries = options.registries ?? new Map();
    this.#wire = new Wire({
      registries: this.#registries,
      env: options.env,
      userAgent: options.userAgent ?? 'bake-ts',
      timeouts: { ...TIMEOUTS, ...options.timeouts },
      onRequest: options.onRequest,
      signal: options.signal,
    });
    this.#exchange = new Exchange({
      wire: this.#wire,
      registries: this.#registries,
      credentials: createCredentialSource(options.env, now, options.signal),
      retries: { ...RETRIES, ...options.retries },
      signal: options.signal,
      onRetry: options.onRetry,
      now,
      random: options.random ?? Math.random,
      sleep: options.sleep ?? sleepFor,
    });
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#wire.close();
  }

  /**
   * Announces repositories that will be asked about, before asking: registries with Bearer tokens then give one token
   * for many of them instead of one for each.
   */
  expect(refs: readonly ImageRef[]): void {
    for (const ref of refs) this.#exchange.expect(ref.registry, pullScope(ref.repository));
  }

  /** Forgets what is known of a reference (and of its repository, where it has neither tag nor digest): buildctl pushed. */
  forget(ref: ImageRef): void {
    const bare = ref.tag === undefined && ref.digest === undefined;
    const name = formatImageRef(ref);
    for (const known of this.#presences.keys()) {
      if (known === name || (bare && /^[:@]/.test(known.slice(name.length)) && known.startsWith(name)))
        this.#presences.delete(known);
    }
  }

  /**
   * What a tag or digest points at. Asked once; `unknown` is asked again next time.
   * HEAD first; GET where the answer to HEAD does not say everything, or contradicts itself.
   */
  async head(ref: ImageRef, read: ReadOptions = {}): Promise<Presence> {
    const wanted = withDefaultTag(ref);
    for (const mirror of this.#mirrorsOf(wanted, read)) {
      const presence = await this.#remember(mirror, wanted.registry);
      if (presence.kind === 'present') return presence;
    }
    return await this.#remember(wanted);
  }

  /** The digest that a reference points at; a problem where it is absent or not known. */
  async resolveDigest(ref: ImageRef, read: ReadOptions = {}): Promise<Result<Digest>> {
    const presence = await this.head(ref, read);
    if (presence.kind === 'present') return ok(presence.digest);
    return fail([presence.kind === 'unknown' ? presence.problem : notThere(ref)]);
  }

  /** Reads a manifest; its bytes have been checked against the digest asked for and the one announced. */
  async getManifest(ref: ImageRef, read: ReadOptions = {}): Promise<Result<Manifest>> {
    const wanted = withDefaultTag(ref);
    const known = wanted.digest === undefined ? undefined : this.#manifests.get(wanted.digest);
    if (known !== undefined) return ok(known);
    const name = `${formatImageRef(wanted)} ${read.mirrors === true}`;
    let reading = this.#reading.get(name);
    if (reading === undefined) {
      reading = this.#getThroughMirrors(wanted, read).finally(() => this.#reading.delete(name));
      this.#reading.set(name, reading);
    }
    return await reading;
  }

  /**
   * Reads a small blob, such as an image config, of at most `limitBytes`; checked against its digest. Registries mostly
   * send one elsewhere for it; credentials stay behind.
   */
  async getBlob(
    repository: ImageRef,
    digest: Digest,
    limitBytes: number,
    read: ReadOptions = {},
  ): Promise<Result<Uint8Array>> {
    const problems: Problem[] = [];
    for (const from of [...this.#mirrorsOf(repository, read), repository]) {
      const reply = await this.#exchange.call({
        method: 'GET',
        host: from.registry,
        target: `/v2/${from.repository}/blobs/${digest}${mirrorQuery(from, repository)}`,
        repository: from.repository,
        scopes: [pullScope(from.repository)],
        limitBytes,
        accept: [200],
      });
      if (!reply.ok) {
        problems.push(...reply.error);
        continue;
      }
      const { body, url } = reply.value;
      const actual = digestOf(body);
      if (actual === digest) return ok(body);
      problems.push(badDigest(from.registry, { method: 'GET', url }, digest, actual));
    }
    return fail(problems.slice(-1));
  }

  /** Reads a blob of any size as it comes; throws where it cannot be read, or (at its end) where its digest is wrong. */
  streamBlob(from: ImageRef, blob: Pick<Descriptor, 'digest' | 'sizeBytes'>): AsyncIterable<Uint8Array> {
    return readBlob(this.#exchange, from, blob);
  }

  /** Uploads a small blob, unless the repository has it; @returns its digest */
  async putBlob(repository: ImageRef, bytes: Uint8Array): Promise<Result<Digest>> {
    const digest = digestOf(bytes);
    const put = await putBlob(this.#exchange, repository, bytes, digest);
    return put.ok ? ok(digest) : put;
  }

  /**
   * Puts a manifest under a tag or its digest, and checks what the registry says it took.
   * @returns its digest
   */
  async putManifest(
    ref: ImageRef,
    manifest: Pick<Manifest, 'mediaType' | 'bytes'>,
  ): Promise<Result<{ readonly digest: Digest }>> {
    const digest = digestOf(manifest.bytes);
    const wanted = withDefaultTag(ref);
    const target = `/v2/${wanted.repository}/manifests/${wanted.tag ?? wanted.digest}`;
    if (wanted.tag === undefined && wanted.digest !== digest) {
      return fail([
        problem(
          'registry/bad-digest',
          `The manifest to put as ${formatImageRef(wanted)} has the digest ${digest}`,
          {
            hint: 'This is a fault of bake-ts: please report it',
          },
        ),
      ]);
    }
    const { digest: _, ...tagged } = wanted;
    const put = wanted.tag === undefined ? wanted : tagged;
    // What was known is wrong from the moment the request leaves, whatever becomes of it.
    this.forget(put);
    const reply = await this.#exchange.call({
      method: 'PUT',
      host: wanted.registry,
      target,
      repository: wanted.repository,
      scopes: [pushScope(wanted.repository)],
      headers: { 'content-type': manifest.mediaType },
      body: manifest.bytes,
      accept: [200, 201, 202],
    });
    this.forget(put);
    if (!reply.ok) return reply;
    const said = reply.value.header('docker-content-digest');
    const asked = { method: 'PUT', url: reply.value.url };
    if (said !== undefined && said !== digest) return fail([badDigest(wanted.registry, asked, digest, said)]);
    if (said === undefined) {
      const presence = await this.head(put);
      if (presence.kind === 'unknown') return fail([presence.problem]);
      const actual = presence.kind === 'present' ? presence.digest : 'nothing';
      if (actual !== digest) return fail([badDigest(wanted.registry, asked, digest, actual)]);
    } else {
      const { mediaType, bytes } = manifest;
      const presence: Presence = { kind: 'present', digest, mediaType, sizeBytes: bytes.length };
      this.#presences.set(formatImageRef(put), Promise.resolve(presence));
    }
    return ok({ digest });
  }

  /**
   * Makes `to` point at the manifest that `from` points at, with everything below it: nothing is sent where it does so
   * already; blobs are mounted within a registry and streamed between two. `previous` is what `to` pointed at before.
   */
  async tagManifest(from: ImageRef, to: ImageRef): Promise<Result<Copied>> {
    return await this.copyImage(from, to);
  }

  /** As `tagManifest`; with `referrers: true` signatures, SBOMs and the like that refer to the image come along. */
  async copyImage(from: ImageRef, to: ImageRef, options: CopyOptions = {}): Promise<Result<Copied>> {
    return await copyImage({ store: this, exchange: this.#exchange }, from, to, options);
  }

  /** Pushes an OCI image layout (a directory or a tar archive), all platforms; problem besides the usual: `registry/bad-layout`. */
  async pushLayout(layout: Layout, to: ImageRef, options: PushOptions = {}): Promise<Result<Copied>> {
    return await pushLayout({ store: this, exchange: this.#exchange }, layout, to, options);
  }

  /** What refers to an image, by the referrers API or, where the registry has none, the fallback tag. */
  async referrers(ref: ImageRef & { readonly digest: Digest }): Promise<Result<readonly Descriptor[]>> {
    const found = await listReferrers({ store: this, exchange: this.#exchange }, ref);
    return found.ok ? ok(found.value.descriptors) : found;
  }

  /** What an image is: digest, platforms, sizes, labels. */
  async inspect(ref: ImageRef): Promise<Result<ImageDescription>> {
    return await inspectImage(this, ref);
  }

  /** Whether a registry is there and lets us in. */
  async ping(host: string): Promise<Result<void>> {
    const reply = await this.#exchange.call(pingOf(host));
    return reply.ok ? ok(undefined) : reply;
  }

  /**
   * Whether a repository may be pushed to: starts an upload and cancels it, since a token alone does not prove it
   * (some registries decide only when the upload starts).
   */
  async checkPushAccess(repository: ImageRef): Promise<Result<void>> {
    const begun = await this.#exchange.call({
      method: 'POST',
      host: repository.registry,
      target: `/v2/${repository.repository}/blobs/uploads/`,
      repository: repository.repository,
      scopes: [pushScope(repository.repository)],
      accept: [202],
    });
    if (!begun.ok) return begun;
    const location = begun.value.header('location');
    if (location !== undefined && URL.canParse(location, begun.value.url.href)) {
      // Registries clear forgotten uploads away by themselves; a failure here changes nothing.
      await this.#exchange.call({
        method: 'DELETE',
        host: repository.registry,
        target: new URL(location, begun.value.url),
        repository: repository.repository,
        scopes: [pushScope(repository.repository)],
        accept: [202, 204, 404, 405],
      });
    }
    return ok(undefined);
  }

  #remember(ref: ImageRef, mirroredHost?: string): Promise<Presence> {
    const name = formatImageRef(ref);
    const known = this.#presences.get(name);
    if (known !== undefined) return known;
    const asking = this.#ask(ref, mirroredHost).then((presence) => {
      if (presence.kind === 'unknown' && this.#presences.get(name) === asking) this.#presences.delete(name);
      return presence;
    });
    this.#presences.set(name, asking);
    return asking;
  }

  async #ask(ref: ImageRef, mirroredHost: string | undefined): Promise<Presence> {
    const call = manifestCall('HEAD', ref, mirroredHost);
    // 400: with plain http at an https port, only the body says so.
    const reply = await this.#exchange.call({ ...call, accept: [200, 400, 404, 405, 501] });
    if (!reply.ok) return { kind: 'unknown', problem: firstOf(reply.error) };
    const { status, header } = reply.value;
    const type = baseType(header('content-type'));
    if (status === 404) {
      // A registry answers so in JSON and says what it is. Anything else may be a proxy, a login page or a wrong
      // address: "absent" then has to be read in the body that only GET has.
      const plain = header('docker-distribution-api-version') !== undefined && !/html/.test(type ?? '');
      if (plain && !reply.value.elsewhere) return { kind: 'absent' };
    }
    if (status === 200) {
      const digest = header('docker-content-digest');
      const length = header('content-length');
      const sizeBytes = Number(length);
      if (
        digest !== undefined &&
        isDigest(digest) &&
        (ref.digest === undefined || digest === ref.digest) &&
        type !== undefined &&
        MANIFEST_TYPES.includes(type) &&
        length !== undefined &&
        Number.isSafeInteger(sizeBytes) &&
        sizeBytes > 0
      ) {
        return { kind: 'present', digest, mediaType: type, sizeBytes };
      }
    }
    const read = await this.#get(ref, mirroredHost);
    if (read.kind === 'failed') return { kind: 'unknown', problem: firstOf(read.problems) };
    if (read.kind === 'absent') return { kind: 'absent' };
    const { digest, mediaType, bytes } = read.manifest;
    return { kind: 'present', digest, mediaType, sizeBytes: bytes.length };
  }

  async #getThroughMirrors(ref: ImageRef, read: ReadOptions): Promise<Result<Manifest>> {
    for (const mirror of this.#mirrorsOf(ref, read)) {
      const found = await this.#get(mirror, ref.registry);
      if (found.kind === 'found') return ok(found.manifest);
    }
    const found = await this.#get(ref, undefined);
    if (found.kind === 'found') return ok(found.manifest);
    return fail(found.kind === 'absent' ? [notThere(ref)] : found.problems);
  }

  async #get(
    ref: ImageRef,
    mirroredHost: string | undefined,
  ): Promise<
    | { readonly kind: 'found'; readonly manifest: Manifest }
    | { readonly kind: 'absent' }
    | { readonly kind: 'failed'; readonly problems: readonly Problem[] }
  > {
    const call = manifestCall('GET', ref, mirroredHost);
    const reply = await this.#exchange.call({ ...call, accept: [200, 404] });
    if (!reply.ok) return { kind: 'failed', problems: reply.error };
    const { status, header, body, url, elsewhere } = reply.value;
    const asked = { method: 'GET', url };
    const failed = (found: Problem) => ({ kind: 'failed', problems: [found] }) as const;
    if (status === 404) {
      const codes = parseSpecErrors(body).map((error) => error.code);
      if (!elsewhere && codes.length > 0 && codes.every((code) => ABSENT_CODES.has(code)))
        return { kind: 'absent' };
      const what =
        codes.length > 0 ? `a 404 and ${codes.join(', ')}` : 'a 404 that did not come from a registry';
      return failed(strangeAnswer(ref.registry, asked, what));
    }
    const manifest = manifestFrom(body, header('content-type'));
    if (manifest === undefined) {
      const type = baseType(header('content-type')) ?? 'no content type';
      return failed(strangeAnswer(ref.registry, asked, `something that is no image manifest (${type})`));
    }
    const expected = ref.digest ?? header('docker-content-digest');
    if (expected !== undefined && expected !== manifest.digest && isDigest(expected)) {
      return failed(badDigest(ref.registry, asked, expected, manifest.digest));
    }
    this.#keep(manifest);
    return { kind: 'found', manifest };
  }

  #keep(manifest: Manifest): void {
    if (this.#manifests.has(manifest.digest)) return;
    this.#manifests.set(manifest.digest, manifest);
    this.#manifestBytes += manifest.bytes.length;
    for (const [digest, oldest] of this.#manifests) {
      if (this.#manifestBytes <= MEMORY_LIMIT) return;
      this.#manifests.delete(digest);
      this.#manifestBytes -= oldest.bytes.length;
    }
  }

  #mirrorsOf(ref: ImageRef, read: ReadOptions): readonly ImageRef[] {
    const mirrors = read.mirrors === true ? this.#registries.get(ref.registry)?.mirrors : undefined;
    return (mirrors ?? []).map((registry) => ({ ...ref, registry }));
  }
}

/** Spec codes that say "there is no such thing", and nothing else. `NOT_FOUND` is Harbor's. */
const ABSENT_CODES = new Set(['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'NOT_FOUND', 'REPOSITORY_NOT_FOUND']);

function manifestCall(method: 'HEAD' | 'GET', ref: ImageRef, mirroredHost: string | undefined) {
  const at = ref.digest ?? ref.tag ?? 'latest';
  const query = mirroredHost === undefined ? '' : `?ns=${encodeURIComponent(mirroredHost)}`;
  return {
    method,
    host: ref.registry,
    target: `/v2/${ref.repository}/manifests/${at}${query}`,
    repository: ref.repository,
    scopes: [pullScope(ref.repository)],
    headers: { accept: ACCEPT },
    limitBytes: MANIFEST_LIMIT,
  };
}

/** Mirrors that serve several registries want to know which one is meant (containerd, docs/hosts.md). */
function mirrorQuery(from: ImageRef, original: ImageRef): string {
  return from.registry === original.registry ? '' : `?ns=${encodeURIComponent(original.registry)}`;
}

function notThere(ref: ImageRef): Problem {
  return problem('registry/not-found', `${formatImageRef(ref)} is not in its registry`, {
    hint: 'Check the name and the tag, and that it was pushed',
  });
}

function firstOf(problems: readonly Problem[]): Problem {
  return problems[0] ?? problem('registry/unexpected-answer', 'A request failed without a reason');
}

function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
