/**
 * Calls to registries, with everything around a single request: a concurrency limit for each host, authentication, retries, and
 * fast failure while a host is down.
 */
import { fail, ok, type Problem, type RegistrySettings, type Result, wasCancelled } from '../model/mod.ts';
import { Authenticator, type Authorization } from './auth.ts';
import type { CredentialSource } from './credentials.ts';
import { type Endpoint, endpointOf } from './endpoint.ts';
import { createGate, type Gate } from './gate.ts';
import { answerProblem, closed, notAsked } from './problems.ts';
import { backoffMs, isRetryableStatus, parseRetryAfter } from './retry.ts';
import { formatScope, type Scope, uniteScopes } from './scope.ts';
import type { UsedCredentials } from './used-credentials.ts';
import { freeConnection, type Method, type Reply, type Wire, type WireRequest } from './wire.ts';

/** A request to a registry. */
export interface Call {
  readonly method: Method;
  /** Registry as references write it. */
  readonly host: string;
  /** Path and query below the registry's origin, or a whole URL (to continue an upload). */
  readonly target: string | URL;
  readonly repository: string;
  readonly scopes: readonly Scope[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly limitBytes?: number;
  readonly stream?: boolean;
  readonly upload?: boolean;
  /** The expected statuses; every other one becomes a problem. */
  readonly accept: readonly number[];
}

/** A retry before its delay. */
export interface RetrySeen {
  readonly host: string;
  readonly attempt: number;
  readonly delayMs: number;
  readonly why: string;
}

interface RetryHooks {
  /** The host limits requests: others wait, too. */
  readonly onPause?: (delayMs: number) => void;
  /** Whether a failure stays for longer than retries take: the host is known to be down. */
  readonly isFinal?: (failure: Problem) => boolean;
}

/** Limits of retries. */
export interface RetryLimits {
  /** Total attempts. */
  readonly attempts: number;
  /** A longer `Retry-After` is an immediate failure. */
  readonly longestWaitMs: number;
  /** How long an unreachable host is not contacted again. */
  readonly restMs: number;
}

/** Options of an exchange. */
export interface ExchangeOptions {
  readonly wire: Pick<Wire, 'send'>;
  readonly registries: ReadonlyMap<string, RegistrySettings>;
  readonly credentials: CredentialSource;
  /** Collects tokens, and removes all credentials from messages of servers. */
  readonly used: UsedCredentials;
  readonly retries: RetryLimits;
  /** Why nothing is sent; undefined: requests are sent. */
  readonly offline?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: ((seen: RetrySeen) => void) | undefined;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

interface HostState {
  readonly endpoint: Endpoint;
  readonly gate: Gate;
  readonly auth: Authenticator;
  /** Whether an answer has shown what the registry demands. */
  known: boolean;
  /** The first request, which finds out the demands while the others wait. */
  leading: Promise<void> | undefined;
  pausedUntilMs: number;
  down: { readonly untilMs: number; readonly problem: Problem } | undefined;
}

const DEFAULT_CONCURRENCY = 8;
const DEFAULT_LIMIT = 4 * 1024 * 1024;

/** Calls to any number of registries. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #hosts = new Map<string, HostState>();
  #isClosed = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** Announces the scopes of a run, so that one token serves many repositories. */
  expect(host: string, scope: Scope): void {
    this.#host(host).auth.expect(formatScope(scope));
  }

  /** Removes known credentials from a server's message. */
  hide(text: string): string {
    return this.#options.used.hide(text);
  }

  /** Makes all later calls fail. */
  close(): void {
    this.#isClosed = true;
  }

  /** Makes a call. The reply has one of the accepted statuses. */
  async call(call: Call): Promise<Result<Reply>> {
    const { offline } = this.#options;
    if (this.#isClosed) return fail([closed(call.host)]);
    if (offline !== undefined) return fail([notAsked(call.host, offline)]);
    const state = this.#host(call.host);
    if (!isAtHome(state.endpoint, call)) return await this.#away(state, call);
    const release = await this.#lead(state);
    try {
      if (release !== undefined && (await state.auth.hasCredentials(call.repository))) {
        // With credentials, first find out whether they are demanded: a registry may answer anonymous requests with 404 instead
        // of 401.
        const ping = await this.#attempts(state, pingOf(call.host), undefined);
        if (!ping.ok) return ping;
        state.auth.learn(ping.value);
        state.known = true;
        release();
      }
      return await this.#authorized(state, call, () => release?.());
    } finally {
      release?.();
    }
  }

  /**
   * While the demands of a registry are not known, one request goes first and the others wait: otherwise each would be sent
   * twice. Returns the function that releases the others to the first request, and undefined to the others.
   */
  async #lead(state: HostState): Promise<(() => void) | undefined> {
    while (!state.known) {
      if (state.leading === undefined) {
        let letGo = (): void => undefined;
        state.leading = new Promise((resolve) => {
          letGo = resolve;
        });
        return () => {
          state.leading = undefined;
          letGo();
        };
      }
      await state.leading;
    }
    return undefined;
  }

  async #authorized(state: HostState, call: Call, onAnswer: () => void): Promise<Result<Reply>> {
    const { auth } = state;
    let scopes = uniteScopes(call.scopes.map(formatScope));
    const first = await auth.authorize(call.repository, scopes);
    if (!first.ok) return first;
    let used = first.value;
    // Whether `used` was obtained for this call: if it is also narrow, there is no better authorization.
    let fresh = false;
    for (;;) {
      const reply = await this.#attempts(state, call, used);
      if (!reply.ok) return reply;
      const { status } = reply.value;
      const demanded = status === 401 ? auth.learn(reply.value) : undefined;
      if (!reply.value.elsewhere) {
        state.known = true;
        onAnswer();
      }
      const refused = demanded !== undefined || (status === 403 && used?.wide === true);
      const spent = fresh && used?.wide !== true;
      if (refused && !spent && isReplayable(call)) {
        if (used !== undefined) auth.reject(used);
        if (used?.wide === true && (fresh || status === 403)) auth.narrow(scopes);
        scopes = uniteScopes(scopes, demanded ?? []);
        const next = await auth.authorize(call.repository, scopes, used !== undefined);
        if (!next.ok) return next;
        if (next.value !== undefined && next.value.header !== used?.header) {
          used = next.value;
          fresh = true;
          continue;
        }
      }
      return await this.#conclude(call, reply.value, used?.signedIn === true);
    }
  }

  /**
   * Calls another host or port that the registry named, without credentials, and ignores its challenges. Otherwise the target of
   * an upload could have credentials sent to a token server of its choice.
   */
  async #away(state: HostState, call: Call): Promise<Result<Reply>> {
    const reply = await this.#attempts(state, call, undefined);
    if (!reply.ok) return reply;
    return await this.#conclude(call, { ...reply.value, elsewhere: true }, false);
  }

  async #conclude(call: Call, reply: Reply, signedIn: boolean): Promise<Result<Reply>> {
    if (call.accept.includes(reply.status)) return ok(reply);
    if (reply.stream !== undefined) await freeConnection(reply.stream);
    return fail([
      answerProblem({
        method: call.method,
        url: reply.url,
        status: reply.status,
        contentType: reply.header('content-type'),
        body: reply.body,
        signedIn,
        sought: this.#options.credentials.sought?.(call.host),
        elsewhere: reply.elsewhere,
        hide: (text) => this.hide(text),
        host: call.host,
        retryAfterMs: parseRetryAfter(reply.header('retry-after'), this.#options.now()),
        attempts: reply.attempt,
      }),
    ]);
  }

  /** Sends a request within the host's concurrency limit, with retries. */
  async #attempts(state: HostState, call: Call, used: Authorization | undefined): Promise<Result<Reply>> {
    const url = new URL(call.target, state.endpoint.origin);
    const home = isAtHome(state.endpoint, call);
    const resting = (): Problem | undefined =>
      state.down !== undefined && state.down.untilMs > this.#options.now() ? state.down.problem : undefined;
    const sent = await this.#retrying(
      {
        method: call.method,
        host: call.host,
        url,
        settings: home ? state.endpoint.settings : (this.#options.registries.get(url.host) ?? {}),
        headers: call.headers ?? {},
        // Another host or port gets no credentials.
        authorization: home ? used?.header : undefined,
        body: call.body,
        limitBytes: call.limitBytes ?? DEFAULT_LIMIT,
        stream: call.stream,
        upload: call.upload,
        purpose: 'registry',
      },
      isReplayable(call),
      async (send) => {
        const pauseMs = state.pausedUntilMs - this.#options.now();
        if (pauseMs > 0) await this.#options.sleep(pauseMs, this.#options.signal);
        const leave = await state.gate.enter();
        try {
          const problem = resting();
          return problem === undefined ? await send() : fail([problem]);
        } finally {
          // The connection is free only in the next turn: a request that starts now would open another one.
          setImmediate(leave);
        }
      },
      {
        onPause: (delayMs) => {
          state.pausedUntilMs = Math.max(state.pausedUntilMs, this.#options.now() + delayMs);
        },
        isFinal: (failure) => failure === state.down?.problem,
      },
    );
    const failure = sent.ok ? undefined : sent.error[0];
    if (
      failure !== undefined &&
      call.upload !== true &&
      isConnectionFailure(failure) &&
      // A host that answers other requests is not down, even if this one timed out.
      (failure.code !== 'registry/timeout' || !state.known) &&
      resting() === undefined
    ) {
      state.down = { untilMs: this.#options.now() + this.#options.retries.restMs, problem: failure };
    }
    return sent;
  }

  async #retrying(
    request: Omit<WireRequest, 'attempt'>,
    replayable: boolean,
    through: (send: () => Promise<Result<Reply>>) => Promise<Result<Reply>>,
    { onPause, isFinal }: RetryHooks = {},
  ): Promise<Result<Reply>> {
    const { wire, retries, signal, onRetry, now, random, sleep } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const result = await through(() => wire.send({ ...request, attempt }));
      if (isAborted(signal)) return fail([wasCancelled()]);
      const failure = result.ok ? undefined : result.error[0];
      const again = result.ok ? isRetryableStatus(result.value.status) : failure?.temporary === true;
      if (!again || !replayable || attempt >= retries.attempts) return result;
      if (failure !== undefined && isFinal?.(failure) === true) return result;
      // After a timeout, which has taken its full time, one more attempt is enough.
      if (failure?.code === 'registry/timeout' && attempt >= 2) return result;
      const asked = result.ok ? parseRetryAfter(result.value.header('retry-after'), now()) : undefined;
      if (asked !== undefined && asked > retries.longestWaitMs) return result;
      const delayMs = Math.max(asked ?? 0, backoffMs(attempt, random()));
      if (result.ok && result.value.status === 429) onPause?.(delayMs);
      const why = this.hide(result.ok ? `answered ${result.value.status}` : (failure?.message ?? 'failed'));
      onRetry?.({ host: request.host, attempt, delayMs, why });
      await sleep(delayMs, signal);
      if (isAborted(signal)) return fail([wasCancelled()]);
    }
  }

  #host(host: string): HostState {
    let state = this.#hosts.get(host);
    if (state === undefined) {
      const { registries, credentials, used, now } = this.#options;
      const endpoint = endpointOf(host, registries);
      state = {
        endpoint,
        gate: createGate(endpoint.settings.concurrency ?? DEFAULT_CONCURRENCY),
        auth: new Authenticator({
          endpoint,
          registries,
          credentials,
          used,
          now,
          send: (request) => this.#retrying(request, true, (send) => send()),
        }),
        known: false,
        leading: undefined,
        pausedUntilMs: 0,
        down: undefined,
      };
      this.#hosts.set(host, state);
    }
    return state;
  }
}

/** A request to the base of the API, which succeeds with valid credentials (distribution spec, "Determining Support"). */
export function pingOf(host: string): Call {
  return {
    method: 'GET',
    host,
    target: '/v2/',
    repository: '',
    scopes: [],
    accept: [200],
    limitBytes: 64 * 1024,
  };
}

/** Whether a call goes to the registry itself; only it gets the credentials. */
function isAtHome({ origin }: Endpoint, { target }: Call): boolean {
  return new URL(target, origin).origin === origin;
}

function isReplayable(call: Call): boolean {
  return call.body === undefined || call.body instanceof Uint8Array;
}

function isConnectionFailure(failure: Problem): boolean {
  return (
    failure.code === 'registry/unreachable' ||
    failure.code === 'registry/timeout' ||
    failure.code === 'registry/tls'
  );
}

// A function, since otherwise the compiler assumes that the flag is still false.
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
