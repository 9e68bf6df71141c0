/**
 * The distribution API as bake-ts needs it. One client serves one run: it remembers answers, so that the same request is sent
 * once, and forgets what it (or buildctl, see `forget`) has changed. Spec:
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Digest,
  type Environment,
  fail,
  formatImageRef,
  type ImageRef,
  isUnnamed,
  ok,
  type Problem,
  problem,
  type RegistrySettings,
  type Result,
  sensitiveOfProxies,
} from '../model/mod.ts';
import { checkArgument, checkOptions } from '../util/check-options.ts';
import { followSignal } from '../util/follow-signal.ts';
import { BroughtBlobs } from './blob-transfer.ts';
import { beginUpload, uploadBlob } from './blobs.ts';
import { checkReading, checkReference } from './check-arguments.ts';
import { type Copied, type CopyOptions, copyImage } from './copy.ts';
import { type CredentialSource, createCredentialSource, type SignIn, withSignIn } from './credentials.ts';
import { Exchange, pingOf, type RetryLimits, type RetrySeen } from './exchange.ts';
import { type ImageDescription, inspectImage } from './inspect.ts';
import type { Layout } from './layout.ts';
import { type Descriptor, digestOf, type Manifest, manifestFrom } from './manifest.ts';
import { badDigest, noTag } from './problems.ts';
import { type PushLayoutOptions, pushLayout } from './push-layout.ts';
import { readBlob } from './read-blob.ts';
import { Reader, type RegistryReadOptions } from './reader.ts';
import { listReferrers } from './referrers.ts';
import { pullScope, pushScope } from './scope.ts';
import { noCredentials, refusedCredentials } from './sign-in-words.ts';
import type { Presence } from './store.ts';
import { listTags } from './tags.ts';
import { UsedCredentials } from './used-credentials.ts';
import { type RequestSeen, type TimeLimits, Wire } from './wire.ts';

/** How a client works. */
export interface RegistryClientOptions {
  /** By host as references write it; from `registries:` in builds.yaml. */
  readonly registries?: ReadonlyMap<string, RegistrySettings>;
  /** DOCKER_CONFIG, DOCKER_AUTH_CONFIG, HOME, PATH (for credential helpers), proxies, SSL_CERT_FILE. */
  readonly env: Environment;
  readonly userAgent?: string;
  /** Used for its registry instead of the Docker config; never sent to another one. */
  readonly signIn?: SignIn;
  /** Sends nothing: every request returns `registry/not-asked` with this text. */
  readonly offline?: string;
  /** Stops everything in progress. */
  readonly signal?: AbortSignal;
  /** Called for each HTTP request, redirects and token requests included. */
  readonly onRequest?: (seen: RequestSeen) => void;
  readonly onRetry?: (seen: RetrySeen) => void;
  readonly timeouts?: Partial<TimeLimits>;
  readonly retries?: Partial<RetryLimits>;
  /** Clock (Unix time in milliseconds), random numbers from 0 to 1, and waiting; replaced in tests. */
  readonly now?: () => number;
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

const TIMEOUTS: TimeLimits = {
  connectMs: 10_000,
  headersMs: 30_000,
  idleMs: 30_000,
  requestMs: 90_000,
  uploadMs: 300_000,
};
const RETRIES: RetryLimits = { attempts: 4, longestWaitMs: 30_000, restMs: 5_000 };
/** Creates a client. Nothing is sent and nothing heavy is loaded before its first request. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  return new RegistryClient(options);
}

/**
 * Accesses registries with the credentials of the Docker config. Create it with {@link createRegistryClient} and close it at the
 * end.
 *
 * Failures are values: `registry/unauthorized`, `registry/denied`, `registry/not-found`, `registry/unreachable`, …
 * (docs/failures/). Requests that may succeed a moment later are repeated first. Messages contain no credentials. A reference
 * without tag and digest is read as the tag `latest`.
 *
 * @throws TypeError, in each call, for invalid references and unknown options
 */
export class RegistryClient {
  readonly #wire: Wire;
  readonly #credentials: CredentialSource;
  readonly #exchange: Exchange;
  readonly #reader: Reader;
  readonly #release: () => void;
  readonly #brought = new BroughtBlobs();
  readonly #used = new UsedCredentials();

  /** Made by {@link createRegistryClient}. */
  constructor(options: RegistryClientOptions) {
    const now = options.now ?? Date.now;
    const { signal, release } = followSignal(options.signal);
    this.#release = release;
    const registries = options.registries ?? new Map<string, RegistrySettings>();
    const source = createCredentialSource(options.env, {
      now,
      signal,
      onRead: (own) => this.#used.add(own),
    });
    if (options.signIn !== undefined) this.#used.add({ kind: 'basic', ...options.signIn });
    this.#used.addTexts(sensitiveOfProxies(proxiesOf(options.env)));
    this.#credentials = withSignIn(source, options.signIn);
    this.#wire = new Wire({
      registries,
      env: options.env,
      userAgent: options.userAgent ?? 'bake-ts',
      timeouts: { ...TIMEOUTS, ...options.timeouts },
      onRequest: options.onRequest,
      signal,
    });
    this.#exchange = new Exchange({
      wire: this.#wire,
      registries,
      credentials: this.#credentials,
      used: this.#used,
      retries: { ...RETRIES, ...options.retries },
      signal,
      offline: options.offline,
      onRetry: options.onRetry,
      now,
      random: options.random ?? Math.random,
      sleep: options.sleep ?? sleepFor,
    });
    this.#reader = new Reader(this.#exchange, registries);
  }

  /** Closes all connections and stops what is in progress. Later calls return `registry/closed`. You may call it twice. */
  async close(): Promise<void> {
    this.#release();
    this.#exchange.close();
    this.#reader.clear();
    await this.#wire.close();
  }

  /**
   * Removes the credentials that this client knows so far from a text or a JSON document: those of the Docker config once it has
   * been read, those of helpers, and tokens. Its own problems never contain them; use this for output of other programs.
   *
   * @param kept keys below which nothing is removed
   */
  hideCredentials<T>(document: T, kept?: ReadonlySet<string>): T {
    return this.#used.hide(document, kept);
  }

  /** Removes these credentials from a problem that contains output of another program. */
  hideInProblem(found: Problem): Problem {
    return this.#used.hideIn(found);
  }

  #shown<T>(result: Result<T>): Result<T> {
    return result.ok ? result : fail(result.error.map((one) => this.hideInProblem(one)));
  }

  /**
   * Announces repositories before requests to them, so that registries with Bearer tokens issue one token
   * for many of them instead of one for each.
   */
  expect(refs: readonly ImageRef[]): void {
    for (const ref of refs) checkReference('expect', ref);
    for (const ref of refs) this.#exchange.expect(ref.registry, pullScope(ref.repository));
  }

  /**
   * Forgets what is known about a reference, for example because buildctl pushed it; without tag and digest, about its whole
   * repository.
   */
  forget(ref: ImageRef): void {
    checkReference('forget', ref);
    this.#reader.forget(ref);
  }

  /**
   * Looks up what a tag or digest points at. The answer is remembered, unless it is `unknown`. Sends HEAD first, and GET if the
   * answer to HEAD is incomplete or contradicts itself.
   *
   * @returns never a failure; if the answer is not certain, `unknown` with the problem
   */
  async head(ref: ImageRef, read?: RegistryReadOptions): Promise<Presence> {
    checkReading('head', ref, read);
    const presence = await this.#reader.head(ref, read);
    if (presence.kind !== 'unknown') return presence;
    return { kind: 'unknown', problem: this.hideInProblem(presence.problem) };
  }

  /** Returns the digest at which a reference points; a problem if it is absent (`registry/not-found`) or not known. */
  async resolveDigest(ref: ImageRef, read?: RegistryReadOptions): Promise<Result<Digest>> {
    checkReading('resolveDigest', ref, read);
    return this.#shown(await this.#reader.resolveDigest(ref, read));
  }

  /** Reads a manifest. Its bytes are checked against the requested digest and the one that the registry announced. */
  async getManifest(ref: ImageRef, read?: RegistryReadOptions): Promise<Result<Manifest>> {
    checkReading('getManifest', ref, read);
    return this.#shown(await this.#reader.getManifest(ref, read));
  }

  /**
   * Reads a small blob, such as an image config, of at most `limitBytes`, and checks it against its digest. Registries usually
   * redirect to another host; credentials are not sent there.
   */
  async getBlob(
    repository: ImageRef,
    digest: Digest,
    limitBytes: number,
    read?: RegistryReadOptions,
  ): Promise<Result<Uint8Array>> {
    checkReading('getBlob', repository, read);
    return this.#shown(await this.#reader.getBlob(repository, digest, limitBytes, read));
  }

  /** Reads a blob of any size as a stream. Throws if it cannot be read, or at its end if its digest is wrong. */
  streamBlob(from: ImageRef, blob: Pick<Descriptor, 'digest' | 'sizeBytes'>): AsyncIterable<Uint8Array> {
    checkReference('streamBlob', from);
    return readBlob(this.#exchange, from, blob);
  }

  /**
   * Uploads a small blob, even if the repository has it already.
   *
   * @param repository its tag and digest are ignored
   * @returns its digest
   */
  async putBlob(repository: ImageRef, bytes: Uint8Array): Promise<Result<Digest>> {
    checkReference('putBlob', repository);
    const digest = digestOf(bytes);
    const uploaded = await uploadBlob(this.#exchange, {
      to: repository,
      blob: { digest, sizeBytes: bytes.length },
      source: bytes,
    });
    return uploaded.ok ? ok(digest) : this.#shown(uploaded);
  }

  /**
   * Deletes a manifest with all of its tags (OCI distribution-spec, "Content Management"). Succeeds if it does not exist. Many
   * registries do not support this: problem `registry/unsupported`, or the usual ones.
   */
  async deleteManifest(ref: ImageRef & { readonly digest: Digest }): Promise<Result<void>> {
    checkReference('deleteManifest', ref);
    const reply = await this.#exchange.call({
      method: 'DELETE',
      host: ref.registry,
      target: `/v2/${ref.repository}/manifests/${ref.digest}`,
      repository: ref.repository,
      scopes: [{ repository: ref.repository, actions: ['pull', 'push', 'delete'] }],
      accept: [200, 202, 204, 404, 405],
    });
    this.forget(ref);
    if (!reply.ok) return this.#shown(reply);
    if (reply.value.status !== 405) return ok(undefined);
    return fail([
      problem('registry/unsupported', `${ref.registry} does not delete manifests`, {
        hint: 'Allow the deletion of manifests in the settings of the registry.',
      }),
    ]);
  }

  /**
   * Puts a manifest under a tag or its digest, and checks the digest that the registry reports. Everything that the manifest
   * refers to must be there already: {@link RegistryClient.putBlob}.
   *
   * @returns its digest; additional problem: `registry/no-tag` if `ref` has neither tag nor digest
   */
  async putManifest(
    ref: ImageRef,
    manifest: Pick<Manifest, 'mediaType' | 'bytes'>,
  ): Promise<Result<{ readonly digest: Digest }>> {
    checkReference('putManifest', ref);
    if (isUnnamed(ref)) return fail([noTag(ref)]);
    const digest = digestOf(manifest.bytes);
    const target = `/v2/${ref.repository}/manifests/${ref.tag ?? ref.digest}`;
    if (ref.tag === undefined && ref.digest !== digest) {
      return fail([
        problem(
          'registry/bad-digest',
          `The manifest to put as ${formatImageRef(ref)} has the digest ${digest}`,
          {
            hint: 'This is a bug in bake-ts: please report it',
          },
        ),
      ]);
    }
    const { digest: _, ...tagged } = ref;
    const put = ref.tag === undefined ? ref : tagged;
    // Remembered answers are invalid from the moment the request is sent, even if it fails.
    this.forget(put);
    const reply = await this.#exchange.call({
      method: 'PUT',
      host: ref.registry,
      target,
      repository: ref.repository,
      scopes: [pushScope(ref.repository)],
      headers: { 'content-type': manifest.mediaType },
      body: manifest.bytes,
      accept: [200, 201, 202],
    });
    this.forget(put);
    if (!reply.ok) return this.#shown(reply);
    const said = reply.value.header('docker-content-digest');
    const asked = { method: 'PUT', url: reply.value.url };
    if (said !== undefined && said !== digest)
      return fail([badDigest(ref.registry, asked, digest, this.hideCredentials(said))]);
    if (said === undefined) {
      const presence = await this.head(put);
      if (presence.kind === 'unknown') return fail([presence.problem]);
      const actual = presence.kind === 'present' ? presence.digest : 'nothing';
      if (actual !== digest) return fail([badDigest(ref.registry, asked, digest, actual)]);
    } else {
      const { mediaType, bytes } = manifest;
      const presence: Presence = { kind: 'present', digest, mediaType, sizeBytes: bytes.length };
      this.#reader.note(put, presence);
    }
    // Kept, so that it is not read back: registries may fail to deliver a manifest while it is being put.
    const known = manifestFrom(manifest.bytes, manifest.mediaType);
    if (known !== undefined) this.#reader.keep(known);
    return ok({ digest });
  }

  /**
   * Makes `to` point at the manifest at which `from` points, and copies everything below it. If it already does, nothing is
   * sent. Blobs are mounted within a registry and streamed between two. `previous` is what `to` pointed at before.
   *
   * @param to without tag and digest it gets those of `from`, never `latest`
   *
   * @example
   * ```ts
   * const registry = createRegistryClient();
   * const from = unwrap(readImageRef('ghcr.io/acme/api:1.2'));
   * const { action, digest } = unwrap(await registry.tagManifest(from, { ...from, tag: 'latest' }));
   * console.log(action, digest);
   * await registry.close();
   * ```
   */
  async tagManifest(from: ImageRef, to: ImageRef): Promise<Result<Copied>> {
    for (const one of [from, to]) checkReference('tagManifest', one);
    return await this.copyImage(from, to);
  }

  /**
   * As {@link RegistryClient.tagManifest}. With `referrers: true` it also copies signatures, SBOMs and similar manifests that refer to the image.
   *
   * @param to a repository in the same or another registry; without tag and digest it gets those of `from`, never `latest`
   * @example
   * ```ts
   * const registry = createRegistryClient();
   * const from = unwrap(readImageRef('ghcr.io/acme/api:1.2'));
   * const to = unwrap(readImageRef('registry.example.com/live/api:1.2'));
   * const { copiedBytes } = unwrap(await registry.copyImage(from, to, { referrers: true }));
   * console.log(`${copiedBytes} bytes sent`);
   * await registry.close();
   * ```
   */
  async copyImage(from: ImageRef, to: ImageRef, options: CopyOptions = {}): Promise<Result<Copied>> {
    for (const one of [from, to]) checkReference('copyImage', one);
    checkOptions('copyImage', options, { referrers: 'flag', onBlob: 'function' });
    const context = { store: this, exchange: this.#exchange, brought: this.#brought };
    return this.#shown(await copyImage(context, from, to, options));
  }

  /**
   * Pushes an image of a layout with all platforms: blobs first, then manifests, then the name. If the layout has several images,
   * the one with the name or tag of `to` is pushed. Additional problems: `registry/bad-layout`; `registry/no-tag` if
   * `to` has neither tag nor digest.
   */
  async pushLayout(layout: Layout, to: ImageRef, options: PushLayoutOptions = {}): Promise<Result<Copied>> {
    checkReference('pushLayout', to);
    checkOptions('pushLayout', options, { onBlob: 'function' });
    const context = { store: this, exchange: this.#exchange, brought: this.#brought };
    return this.#shown(await pushLayout(context, layout, to, options));
  }

  /**
   * Lists the tags of a repository, in the order of the registry.
   *
   * @param repository its tag and digest are ignored
   * @returns all tags; problems: `registry/not-found` if there is no such repository, `registry/too-large` for more than 100,000
   * @example
   * ```ts
   * const registry = createRegistryClient();
   * const tags = unwrap(await registry.listTags(unwrap(readImageRef('ghcr.io/acme/api'))));
   * console.log(tags.join(' '));
   * await registry.close();
   * ```
   */
  async listTags(repository: ImageRef): Promise<Result<readonly string[]>> {
    checkReference('listTags', repository);
    return this.#shown(await listTags(this.#exchange, repository));
  }

  /**
   * Lists what refers to an image (signatures, SBOMs, …), with the referrers API or, if the registry has none, the fallback tag.
   *
   * @param ref with the digest of the manifest or index
   */
  async referrers(ref: ImageRef & { readonly digest: Digest }): Promise<Result<readonly Descriptor[]>> {
    checkReference('referrers', ref);
    const found = await listReferrers({ store: this, exchange: this.#exchange }, ref);
    return found.ok ? ok(found.value.descriptors) : this.#shown(found);
  }

  /**
   * Describes an image: digest, platforms, sizes, labels.
   *
   * @example
   * ```ts
   * const registry = createRegistryClient();
   * const image = unwrap(await registry.inspect(unwrap(readImageRef('ghcr.io/acme/api:1.2'))));
   * for (const { platform, sizeBytes } of image.platforms) console.log(platform, sizeBytes);
   * await registry.close();
   * ```
   */
  async inspect(ref: ImageRef): Promise<Result<ImageDescription>> {
    checkReference('inspect', ref);
    return this.#shown(await inspectImage(this, ref));
  }

  /**
   * A hint for when a registry refused another program because it was not signed in: whether the Docker config has credentials
   * for a repository, where they were looked for, and how to add them.
   */
  async signInHint({ registry, repository }: ImageRef): Promise<string> {
    const own = await this.#credentials.find(registry, repository);
    const sought = this.#credentials.sought?.(registry);
    return own.ok && own.value === undefined
      ? noCredentials(registry, sought)
      : refusedCredentials(registry, sought, 'are wrong, have expired, or lack access to this repository');
  }

  /**
   * Checks whether a registry answers and accepts the credentials.
   *
   * @param host as references write it: `ghcr.io`, `localhost:5000`
   */
  async ping(host: string): Promise<Result<void>> {
    checkArgument('ping', 'text', host);
    const reply = await this.#exchange.call(pingOf(host));
    return reply.ok ? ok(undefined) : this.#shown(reply);
  }

  /**
   * Checks whether you may push to a repository: starts an upload and cancels it, since a token alone does not prove it
   * (some registries decide only when the upload starts).
   */
  async checkPushAccess(repository: ImageRef): Promise<Result<void>> {
    checkReference('checkPushAccess', repository);
    const begun = await beginUpload(this.#exchange, repository);
    if (!begun.ok) return this.#shown(begun);
    const location = begun.value.header('location');
    if (location !== undefined && URL.canParse(location, begun.value.url.href)) {
      // The answer is ignored, since registries clean up abandoned uploads themselves.
      await this.#exchange.call({
        method: 'DELETE',
        host: repository.registry,
        target: new URL(location, begun.value.url),
        repository: repository.repository,
        scopes: [pushScope(repository.repository)],
        accept: [],
      });
    }
    return ok(undefined);
  }
}

/** Proxy URLs may contain credentials. */
function proxiesOf(env: Environment): ReadonlyMap<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];
  return new Map(names.flatMap((name) => (env[name] ? [[name, env[name]] as const] : [])));
}

/** Ends early and without an error if the signal is aborted. */
async function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
