/**
 * Reads from registries, each thing once: a reader remembers presences and manifests until `forget` is called. Spec:
 * "Pulling manifests", "Checking if content exists".
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
import type { Exchange } from './exchange.ts';
import { baseType, countEntries, digestOf, MANIFEST_TYPES, type Manifest, manifestFrom } from './manifest.ts';
import { badDigest, oneLine, parseSpecErrors, strangeAnswer, tooMany } from './problems.ts';
import { pullScope } from './scope.ts';
import type { Presence } from './store.ts';

/** How to read. */
export interface RegistryReadOptions {
  /** Use the registry's mirrors first. For base images only: mirrors lag behind what this run pushes. */
  readonly mirrors?: boolean;
}

/** Registries must accept manifests of this size and mostly accept no larger ones (spec, "Pushing Manifests"). */
const MANIFEST_LIMIT = 4 * 1024 * 1024;
/** Real images have some dozens of platforms, attestations or layers; each may cost a request. */
const MOST_ENTRIES = 2_000;
/** Limit of remembered manifests, in bytes. */
const MEMORY_LIMIT = 64 * 1024 * 1024;
const ACCEPT = MANIFEST_TYPES.join(', ');

/** Reads manifests and small blobs, from mirrors if allowed. */
export class Reader {
  readonly #exchange: Exchange;
  readonly #registries: ReadonlyMap<string, RegistrySettings>;
  readonly #presences = new Map<string, Promise<Presence>>();
  readonly #reading = new Map<string, Promise<Result<Manifest>>>();
  readonly #manifests = new Map<Digest, Manifest>();
  #manifestBytes = 0;

  constructor(exchange: Exchange, registries: ReadonlyMap<string, RegistrySettings>) {
    this.#exchange = exchange;
    this.#registries = registries;
  }

  /** Forgets what is known about a reference, or about its repository if it has neither tag nor digest. */
  forget(ref: ImageRef): void {
    const bare = ref.tag === undefined && ref.digest === undefined;
    const name = formatImageRef(ref);
    for (const known of this.#presences.keys()) {
      if (known === name || (bare && /^[:@]/.test(known.slice(name.length)) && known.startsWith(name)))
        this.#presences.delete(known);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#presences.clear();
    this.#manifests.clear();
    this.#manifestBytes = 0;
  }

  /**
   * Looks up what a tag or digest points at. The answer is remembered, unless it is `unknown`. Sends HEAD first, and GET if the
   * answer to HEAD is incomplete or contradicts itself.
   */
  async head(ref: ImageRef, read: RegistryReadOptions = {}): Promise<Presence> {
    const wanted = withDefaultTag(ref);
    for (const mirror of this.#mirrorsOf(wanted, read)) {
      const presence = await this.#remember(mirror, wanted.registry);
      if (presence.kind === 'present') return presence;
    }
    return await this.#remember(wanted);
  }

  /** Returns the digest that a reference points at; a problem if it is absent or not known. */
  async resolveDigest(ref: ImageRef, read: RegistryReadOptions = {}): Promise<Result<Digest>> {
    const presence = await this.head(ref, read);
    if (presence.kind === 'present') return ok(presence.digest);
    return fail([presence.kind === 'unknown' ? presence.problem : notThere(ref)]);
  }

  /** Reads a manifest and checks its bytes against the requested and the announced digest. */
  async getManifest(ref: ImageRef, read: RegistryReadOptions = {}): Promise<Result<Manifest>> {
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
   * Reads a small blob, such as an image config, of at most `limitBytes`, and checks its digest. Registries usually redirect to
   * another host; credentials are not sent there.
   */
  async getBlob(
    repository: ImageRef,
    digest: Digest,
    limitBytes: number,
    read: RegistryReadOptions = {},
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

  /** Remembers what a reference points at after a PUT. */
  note(ref: ImageRef, presence: Presence): void {
    this.#presences.set(formatImageRef(ref), Promise.resolve(presence));
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
    // 400: plain http on an https port is recognised only by the body.
    const reply = await this.#exchange.call({ ...call, accept: [200, 400, 404, 405, 501] });
    if (!reply.ok) return { kind: 'unknown', problem: firstOf(reply.error) };
    const { status, header } = reply.value;
    const type = baseType(header('content-type'));
    if (status === 404) {
      // A real registry answers in JSON and identifies itself. Anything else may be a proxy, a login page or a wrong address:
      // then only the body of a GET can show "absent".
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

  async #getThroughMirrors(ref: ImageRef, read: RegistryReadOptions): Promise<Result<Manifest>> {
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
      const codes = parseSpecErrors(body, (text) => this.#exchange.hide(text)).map((error) => error.code);
      if (!elsewhere && codes.length > 0 && codes.every((code) => ABSENT_CODES.has(code)))
        return { kind: 'absent' };
      const what =
        codes.length > 0 ? `a 404 and ${codes.join(', ')}` : 'a 404 that did not come from a registry';
      return failed(strangeAnswer(ref.registry, asked, what));
    }
    const manifest = manifestFrom(body, header('content-type'));
    if (manifest === undefined) {
      const said = this.#exchange.hide(header('content-type') ?? '');
      const type = oneLine(baseType(said) ?? 'no content type', 100);
      return failed(strangeAnswer(ref.registry, asked, `something that is not an image manifest (${type})`));
    }
    const expected = ref.digest ?? header('docker-content-digest');
    if (expected !== undefined && expected !== manifest.digest && isDigest(expected)) {
      return failed(badDigest(ref.registry, asked, expected, manifest.digest));
    }
    const entries = countEntries(manifest);
    if (entries > MOST_ENTRIES) return failed(tooMany(ref.registry, asked, entries, MOST_ENTRIES));
    this.keep(manifest);
    return { kind: 'found', manifest };
  }

  /** Remembers a manifest. */
  keep(manifest: Manifest): void {
    if (this.#manifests.has(manifest.digest)) return;
    this.#manifests.set(manifest.digest, manifest);
    this.#manifestBytes += manifest.bytes.length;
    for (const [digest, oldest] of this.#manifests) {
      if (this.#manifestBytes <= MEMORY_LIMIT) return;
      this.#manifests.delete(digest);
      this.#manifestBytes -= oldest.bytes.length;
    }
  }

  #mirrorsOf(ref: ImageRef, read: RegistryReadOptions): readonly ImageRef[] {
    const mirrors = read.mirrors === true ? this.#registries.get(ref.registry)?.mirrors : undefined;
    return (mirrors ?? []).map((registry) => ({ ...ref, registry }));
  }
}

/** Error codes that mean only "does not exist". `NOT_FOUND` is Harbor's. */
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

/** Mirrors of several registries need to know which one is requested (containerd, docs/hosts.md). */
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
