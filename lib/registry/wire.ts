/**
 * One HTTP request and its answer: connections, TLS, proxies, time limits, size limits and redirects, without authentication or
 * retries. Redirects are followed here and not by the HTTP client, so that credentials are never sent to another host.
 */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import {
  type Environment,
  fail,
  ok,
  type Problem,
  problem,
  type RegistrySettings,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { isLoopback } from '../util/loopback.ts';
import { hostnameOf, readTlsMaterial } from './endpoint.ts';
import { type Asked, closed, connectionProblem, redactUrl, tooLarge } from './problems.ts';
import { parseProxy, proxyFor } from './proxy.ts';

/** Methods of the distribution API. */
export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

/** A request that was sent, for counting and for `--debug`. */
export interface RequestSeen {
  readonly method: Method;
  /** Target host and port (`registry-1.docker.io`, a token server, a blob store). */
  readonly host: string;
  /** Without query. */
  readonly path: string;
  /** Undefined if there was no answer. */
  readonly status?: number;
  /** `token`: to a token server. `registry`: everything else. */
  readonly purpose: 'registry' | 'token';
}

/** Time limits in milliseconds. */
export interface TimeLimits {
  readonly connectMs: number;
  /** From the request's end to the answer's headers. */
  readonly headersMs: number;
  /** Between two pieces of a body. */
  readonly idleMs: number;
  /** For a whole request without a streamed body, redirects included. */
  readonly requestMs: number;
  /** As `headersMs`, for the end of an upload, since the registry may move the blob before it answers. */
  readonly uploadMs: number;
}

/** What to send. */
export interface WireRequest extends Asked {
  readonly method: Method;
  /** As references write it; for messages. */
  readonly host: string;
  readonly url: URL;
  readonly settings: RegistrySettings;
  readonly headers: Readonly<Record<string, string>>;
  readonly authorization?: string | undefined;
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array> | undefined;
  /** Limit for a successful answer's body. */
  readonly limitBytes: number;
  /** Return the body of a successful answer as a stream; the caller must enforce the limit and read or destroy it. */
  readonly stream?: boolean | undefined;
  readonly upload?: boolean | undefined;
  readonly purpose: 'registry' | 'token';
  /** Which attempt this is, for messages. */
  readonly attempt: number;
}

/** An answer, whatever its status. */
export interface Reply {
  readonly status: number;
  header(name: string): string | undefined;
  /** The whole body, at most 64 KiB of an error; empty if streamed. */
  readonly body: Uint8Array;
  readonly stream?: AsyncIterable<Uint8Array>;
  /** The final URL after redirects. */
  readonly url: URL;
  /** Whether that is another host or port than requested: its challenges and headers are not the registry's. */
  readonly elsewhere: boolean;
  /** Which attempt it answers. */
  readonly attempt: number;
}

/** Options of a wire. */
export interface WireOptions {
  readonly registries: ReadonlyMap<string, RegistrySettings>;
  readonly env: Environment;
  readonly userAgent: string;
  readonly signal?: AbortSignal | undefined;
  readonly timeouts: TimeLimits;
  readonly onRequest?: ((seen: RequestSeen) => void) | undefined;
}

interface Redirect {
  readonly from: URL;
  readonly to: URL;
  readonly status: number;
  /** How many redirects were followed before. */
  readonly hop: number;
}

const ERROR_BODY_LIMIT = 64 * 1024;
const REDIRECT_LIMIT = 5;
const EMPTY = new Uint8Array();

/** The connections of a client. */
export class Wire {
  readonly #options: WireOptions;
  readonly #dispatchers = new Map<string, Promise<Result<Dispatcher>>>();
  #isClosed = false;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** Sends one request and follows its redirects. A failure means that there was no usable answer. */
  async send(request: WireRequest): Promise<Result<Reply>> {
    const deadline = new AbortController();
    const outer = this.#options.signal;
    const abort = (): void => deadline.abort();
    if (outer?.aborted === true) return fail([wasCancelled()]);
    outer?.addEventListener('abort', abort);
    const streamed =
      request.stream === true ||
      (request.body !== undefined &&
        typeof request.body === 'object' &&
        Symbol.asyncIterator in request.body);
    const timer = streamed
      ? undefined
      : setTimeout(
          () => deadline.abort(Object.assign(new Error('time is up'), { name: 'TimeoutError' })),
          this.#options.timeouts.requestMs,
        );
    try {
      return await this.#follow(request, deadline.signal);
    } finally {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
    }
  }

  /** Closes all connections for good; current and later requests fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    for (const made of all) {
      const dispatcher = await made;
      if (dispatcher.ok) await dispatcher.value.destroy();
    }
  }

  async #follow(request: WireRequest, signal: AbortSignal): Promise<Result<Reply>> {
    let { url, authorization, settings } = request;
    for (let hop = 0; ; hop += 1) {
      const elsewhere = url.origin !== request.url.origin;
      const asked = { ...request, url, authorization, settings };
      const reply = await this.#once(asked, signal, elsewhere);
      if (!reply.ok) return reply;
      const location = reply.value.header('location');
      const { status } = reply.value;
      if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return reply;
      const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      const refused =
        target === undefined
          ? 'a redirect without a usable address'
          : this.#whyNotFollowed(request, { from: url, to: target, status, hop });
      if (target === undefined || refused !== undefined) {
        return fail([unsafeRedirect(request.host, asked, refused ?? '')]);
      }
      if (target.origin !== url.origin) {
        // Dropped credentials are not used again, even if the next hop leads back to the registry.
        authorization = undefined;
        settings = this.#options.registries.get(target.host) ?? {};
      }
      // A fragment or user in a redirect is not sent.
      target.hash = target.username = target.password = '';
      url = target;
    }
  }

  /** Why a redirect is not followed, as text; undefined if it is followed. */
  #whyNotFollowed(request: WireRequest, { from, to, status, hop }: Redirect): string | undefined {
    if (hop >= REDIRECT_LIMIT) return `more than ${REDIRECT_LIMIT} redirects`;
    if (to.protocol !== 'https:' && to.protocol !== 'http:') return `a redirect to ${to.protocol}`;
    const reading = request.method === 'GET' || request.method === 'HEAD';
    const repeatable =
      request.body === undefined || typeof request.body === 'string' || request.body instanceof Uint8Array;
    if (!reading && !((status === 307 || status === 308) && repeatable))
      return `a ${status} redirect that a ${request.method} cannot follow`;
    // The body of such a request is a credential.
    if (request.purpose === 'token' && !reading && to.origin !== from.origin)
      return `a redirect of credentials to another host (${redactUrl(to)})`;
    if (
      from.protocol === 'https:' &&
      to.protocol === 'http:' &&
      this.#options.registries.get(to.host)?.http !== true
    )
      return `a redirect from https to plain http (${redactUrl(to)})`;
    return undefined;
  }

  async #once(request: WireRequest, signal: AbortSignal, elsewhere: boolean): Promise<Result<Reply>> {
    const { timeouts, userAgent } = this.#options;
    const seen = (status?: number): void =>
      this.#options.onRequest?.({
        method: request.method,
        host: request.url.host,
        path: request.url.pathname,
        ...(status === undefined ? {} : { status }),
        purpose: request.purpose,
      });
    if (this.#isClosed) return fail([closed(request.host)]);
    const made = await this.#dispatcherFor(request);
    if (!made.ok) return made;
    let answered = false;
    try {
      const answer = await made.value.request({
        origin: request.url.origin,
        path: `${request.url.pathname}${request.url.search}`,
        method: request.method,
        headers: {
          'user-agent': userAgent,
          ...request.headers,
          authorization: request.authorization,
        },
        body: (request.body ?? null) as Dispatcher.RequestOptions['body'] & object,
        headersTimeout: request.upload === true ? timeouts.uploadMs : timeouts.headersMs,
        bodyTimeout: timeouts.idleMs,
        // Otherwise undici closes the connection after each HEAD, and every tag would cost a handshake.
        reset: false,
        signal,
      });
      answered = true;
      seen(answer.statusCode);
      const header = (name: string): string | undefined => {
        const value = answer.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
      };
      const { url, attempt } = request;
      const reply = { status: answer.statusCode, header, url, elsewhere, attempt, body: EMPTY };
      if (request.method === 'HEAD') {
        await answer.body.dump();
        return ok(reply);
      }
      const good = answer.statusCode >= 200 && answer.statusCode < 300;
      if (good && request.stream === true) return ok({ ...reply, stream: answer.body });
      const limit = good ? request.limitBytes : ERROR_BODY_LIMIT;
      const announced = Number(header('content-length') ?? 0);
      if (good && announced > limit) {
        // Destroying a partly read body emits a stream error that nothing else handles.
        answer.body.on('error', () => undefined).destroy();
        return fail([tooLarge(request.host, request, limit)]);
      }
      const body = await readUpTo(answer.body, limit);
      if (body.cut && good) return fail([tooLarge(request.host, request, limit)]);
      return ok({ ...reply, body: body.bytes });
    } catch (error) {
      if (!answered) seen();
      if (this.#options.signal?.aborted === true) return fail([wasCancelled()]);
      if (this.#isClosed) return fail([closed(request.host)]);
      const cause = signal.aborted ? signal.reason : error;
      const named = proxyFor(request.url, this.#options.env);
      return fail([connectionProblem(request.host, request, cause, request.attempt, named)]);
    }
  }

  #dispatcherFor(request: WireRequest): Promise<Result<Dispatcher>> {
    const { ca, cert, key, insecure } = request.settings;
    const id = JSON.stringify([request.url.origin, ca, cert, key, insecure]);
    let made = this.#dispatchers.get(id);
    if (made === undefined) {
      made = this.#connect(request);
      this.#dispatchers.set(id, made);
    }
    return made;
  }

  async #connect(request: WireRequest): Promise<Result<Dispatcher>> {
    const { env, timeouts } = this.#options;
    const secure = request.url.protocol === 'https:';
    const tls = secure ? await readTlsMaterial(request.host, request.settings, env) : ok({});
    if (!tls.ok) return tls;
    const { Agent, ProxyAgent } = await import('undici');
    const { ca, ...others } = { ca: undefined, ...tls.value };
    const connect = {
      timeout: timeouts.connectMs,
      ...others,
      ...(ca === undefined ? {} : { ca: [...ca] }),
    };
    const common = { pipelining: 1, keepAliveTimeout: 30_000 };
    const named = proxyFor(request.url, env);
    if (named === undefined) return ok(new Agent({ ...common, connect }));
    const way = parseProxy(named.proxy);
    if (way === undefined) {
      return fail([
        problem('registry/bad-settings', `${named.variable} is not the URL of a proxy for ${request.host}`, {
          hint: `Set ${named.variable} to http://HOST:PORT (or https://…), or unset it`,
        }),
      ]);
    }
    // For an https proxy, this machine's authorities apply, not the registry's TLS settings.
    const proxyTls = way.url.protocol === 'https:' ? await readTlsMaterial(way.url.host, {}, env) : ok({});
    if (!proxyTls.ok) return proxyTls;
    const { ca: proxyCa } = { ca: undefined, ...proxyTls.value };
    return ok(
      new ProxyAgent({
        ...common,
        uri: way.url.href,
        ...(way.authorization === undefined ? {} : { token: way.authorization }),
        requestTls: connect,
        proxyTls: { timeout: timeouts.connectMs, ...(proxyCa === undefined ? {} : { ca: [...proxyCa] }) },
        // As in other tools: CONNECT for https, plain forwarding for http.
        proxyTunnel: secure,
      }),
    );
  }
}

/** Settings for a token server: its own, or (same machine, other port) the registry's TLS settings. */
export function realmSettings(
  realm: URL,
  host: string,
  settings: RegistrySettings,
  registries: ReadonlyMap<string, RegistrySettings>,
): RegistrySettings {
  const own = registries.get(realm.host);
  if (own !== undefined) return own;
  return hostnameOf(realm.host) === hostnameOf(host) ? settings : {};
}

/** Whether credentials may be sent to a URL: https, or plain http that is configured or stays on this machine. */
export function mayCarryCredentials(
  url: URL,
  fromPlainHttp: boolean,
  registries: ReadonlyMap<string, RegistrySettings>,
): boolean {
  if (url.protocol === 'https:') return true;
  if (url.protocol !== 'http:') return false;
  return fromPlainHttp || isLoopback(url.hostname) || registries.get(url.host)?.http === true;
}

/** Frees the connection of a partly read stream. */
export async function freeConnection(stream: AsyncIterable<Uint8Array>): Promise<void> {
  // Somebody may be waiting for the next piece, which may not come for long: only destroying the stream ends that.
  if (stream instanceof Readable) {
    stream.on('error', () => undefined).destroy();
    return;
  }
  try {
    for await (const _ of stream) break;
  } catch {
    // It was already cut or destroyed, as intended.
  }
}

async function readUpTo(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<{ readonly bytes: Uint8Array; readonly cut: boolean }> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early closes the connection, so the rest is never received.
  for await (const piece of body) {
    pieces.push(piece);
    length += piece.length;
    if (length > limit) return { bytes: Buffer.concat(pieces).subarray(0, limit), cut: true };
  }
  return { bytes: Buffer.concat(pieces), cut: false };
}

function unsafeRedirect(host: string, asked: Asked, why: string): Problem {
  return problem(
    'registry/unsafe-redirect',
    `${host} answered ${asked.method} ${redactUrl(asked.url)} with ${why}`,
    {
      hint: `Ask whoever runs ${host}; to allow plain http for a host, set \`registries: HOST: {http: true}\``,
    },
  );
}
