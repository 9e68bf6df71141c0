/**
 * How a fake engine pulls from and pushes to registries: over HTTP, in BuildKit's order (blobs, manifests of platforms,
 * index), with its words where something goes wrong. What a registry refuses once by accident is tried again, as
 * BuildKit does, but without waiting.
 */
import { Agent, request } from 'node:http';
import { stateOf } from './fake-config.ts';
import {
  type FakeBlob,
  type FakeLayer,
  type FakePlatformImage,
  type FakeState,
  INDEX_TYPE,
  MANIFEST_TYPE,
} from './fake-image.ts';

/** What is pushed: one platform's manifest, or an index over several. */
export interface FakeResult {
  readonly top: FakeBlob;
  readonly images: readonly FakePlatformImage[];
}

/** An image as it was pulled. */
export interface PulledImage {
  readonly state: FakeState;
  readonly platform: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** BuildKit tries more often, with growing pauses (util/resolver/retryhandler). */
const ATTEMPTS = 3;
const ACCEPT = `${INDEX_TYPE}, ${MANIFEST_TYPE}, */*`;

/** The connections of one build. Close it at its end. */
export class FakeTransfer {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  readonly #closing = new AbortController();
  readonly #signal = this.#closing.signal;

  /** @param signal ends it, too */
  constructor(signal: AbortSignal) {
    const close = () => this.#closing.abort();
    if (signal.aborted) close();
    signal.addEventListener('abort', close, { once: true });
  }

  /** Ends what is under way: where one blob failed, others may still be on their way. */
  close(): void {
    this.#closing.abort();
    this.#agent.destroy();
  }

  /** Pushes to `HOST/PATH`, and names the result there with `tag` or only by its digest. */
  async push(result: FakeResult, repository: string, tag: string | undefined): Promise<void> {
    try {
      const blobs = new Map<string, FakeLayer>();
      for (const { config, layers } of result.images) {
        for (const layer of layers) blobs.set(layer.digest, layer);
        const { digest, bytes } = config;
        blobs.set(digest, { digest, size: bytes.length, read: async () => bytes });
      }
      await Promise.all([...blobs.values()].map((blob) => this.#pushBlob(repository, blob)));
      for (const { manifest } of result.images)
        if (manifest.digest !== result.top.digest)
          await this.#pushManifest(repository, manifest, manifest.digest);
      await this.#pushManifest(repository, result.top, tag ?? result.top.digest);
    } catch (error) {
      const words = wordsOf(error);
      const failed = `failed to push ${repository}${tag === undefined ? '' : `:${tag}`}: ${words}`;
      // What may pass is tried four times by the engine, which says so.
      const log = /: 4\d\d /.test(words)
        ? []
        : [1, 2, 4].flatMap((seconds) => [`error: ${words}`, `retrying in ${seconds}s`]);
      throw Object.assign(new Error(failed), { log });
    }
  }

  /**
   * Pulls an image.
   *
   * @param name `HOST/PATH[:TAG][@DIGEST]`
   * @param shown how the Dockerfile's reader knows it, for messages
   */
  async pull(name: string, shown: string, platform: string): Promise<PulledImage> {
    const { repository, reference } = splitName(name);
    try {
      const top = await this.#getManifest(repository, reference);
      const json = parse(top.body);
      const children = json.manifests ?? [];
      const child = children.find((one) => platformText(one.platform) === platform);
      if (children.length > 0 && child === undefined) throw new Error(`no match for platform: not found`);
      const manifest = child === undefined ? top : await this.#getManifest(repository, child.digest);
      return await this.#stateOf(repository, parse(manifest.body));
    } catch (error) {
      throw new Error(
        `${shown}: failed to resolve source metadata for ${shown}: ${wordsOf(error).replace('404 Not Found', 'not found')}`,
      );
    }
  }

  async #stateOf(repository: string, manifest: WireManifest): Promise<PulledImage> {
    const read = async (digest: string) =>
      (await this.#send('GET', repository, `blobs/${digest}`, {}, [200])).body;
    const digest = manifest.config?.digest ?? '';
    const config = (await read(digest)).toString();
    const layers = (manifest.layers ?? []).map(({ digest, size }): FakeLayer => {
      let bytes: Promise<Buffer> | undefined;
      return {
        digest,
        size,
        source: repository,
        read: () => {
          bytes ??= read(digest);
          return bytes;
        },
      };
    });
    return stateOf(config, digest, layers);
  }

  async #getManifest(repository: string, reference: string): Promise<Answer> {
    const path = `manifests/${reference}`;
    await this.#send('HEAD', repository, path, { accept: ACCEPT }, [200]);
    return this.#send('GET', repository, path, { accept: ACCEPT }, [200]);
  }

  async #pushBlob(repository: string, blob: FakeLayer): Promise<void> {
    await this.#retrying(async () => {
      const known = await this.#send('HEAD', repository, `blobs/${blob.digest}`, {}, [200, 404]);
      if (known.status === 200) return;
      const [host = '', ...path] = (blob.source ?? '').split('/');
      const isSameHost = blob.source !== undefined && repository.startsWith(`${host}/`);
      const query = isSameHost ? `?mount=${blob.digest}&from=${encodeURIComponent(path.join('/'))}` : '';
      const begun = await this.#send('POST', repository, `blobs/uploads/${query}`, {}, [201, 202]);
      if (begun.status === 201) return;
      const location = String(begun.headers['location'] ?? '');
      const target = `${location}${location.includes('?') ? '&' : '?'}digest=${blob.digest}`;
      const bytes = await blob.read();
      await this.#send(
        'PUT',
        repository,
        target,
        { 'content-type': 'application/octet-stream' },
        [201, 204],
        bytes,
      );
    });
  }

  async #pushManifest(repository: string, manifest: FakeBlob, reference: string): Promise<void> {
    const path = `manifests/${reference}`;
    await this.#retrying(async () => {
      const known = await this.#send('HEAD', repository, path, { accept: ACCEPT }, [200, 404]);
      if (known.status === 200 && known.headers['docker-content-digest'] === manifest.digest) return;
      await this.#send(
        'PUT',
        repository,
        path,
        { 'content-type': manifest.mediaType },
        [201],
        manifest.bytes,
      );
    });
  }

  async #retrying(send: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await send();
        return;
      } catch (error) {
        const again = /: EOF$|: 5\d\d /.test(wordsOf(error)) && !this.#signal.aborted;
        if (!again || attempt >= ATTEMPTS) throw error;
      }
    }
  }

  #send(
    method: string,
    repository: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    accept: readonly number[],
    body?: Buffer,
  ): Promise<Answer> {
    const [host = '', ...rest] = repository.split('/');
    const url = new URL(path, `http://${host}/v2/${rest.join('/')}/`).href;
    const words = `${method.charAt(0)}${method.slice(1).toLowerCase()} "${url}"`;
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        const why = this.#signal.aborted ? 'context canceled' : 'EOF';
        reject(new Error(`failed to do request: ${words}: ${why}`));
      };
      const sent = request(
        url,
        {
          method,
          agent: this.#agent,
          signal: this.#signal,
          headers: { 'user-agent': 'buildkit/fake', 'content-length': body?.length ?? 0, ...headers },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', fail);
          answer.on('end', () => {
            const status = answer.statusCode ?? 0;
            if (!accept.includes(status)) {
              const text = `${status} ${answer.statusMessage ?? ''}`;
              reject(new Error(`unexpected status from ${method} request to ${url}: ${text}`));
              return;
            }
            resolve({ status, headers: answer.headers, body: Buffer.concat(chunks) });
          });
        },
      );
      sent.on('error', fail);
      // Deno 2.9 destroys the request and says nothing of it now and then.
      this.#signal.addEventListener('abort', fail, { once: true });
      sent.on('close', () => this.#signal.removeEventListener('abort', fail));
      sent.end(body);
    });
  }
}

interface WireManifest {
  readonly config?: { readonly digest: `sha256:${string}` };
  readonly layers?: readonly { readonly digest: `sha256:${string}`; readonly size: number }[];
  readonly manifests?: readonly { readonly digest: string; readonly platform?: WirePlatform }[];
}

interface WirePlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

function parse(bytes: Buffer): WireManifest {
  return JSON.parse(bytes.toString()) as WireManifest;
}

function platformText(platform: WirePlatform | undefined): string {
  if (platform === undefined) return '';
  return [platform.os, platform.architecture, platform.variant]
    .filter((part) => part !== undefined)
    .join('/');
}

/** `HOST/PATH` and what to ask for there: the digest where there is one. */
export function splitName(name: string): {
  readonly repository: string;
  readonly tag: string | undefined;
  readonly reference: string;
} {
  const [, repository = name, tag, digest] =
    /^([^@]+?)(?::([^:/@]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(name) ?? [];
  return { repository, tag, reference: digest ?? tag ?? 'latest' };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
