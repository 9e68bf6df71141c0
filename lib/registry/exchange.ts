/**
 * Calls to registries with everything around a single request: one gate for each host, sign-in, retries, and a host
 * that is down is not asked by everybody in turn.
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
  /** Path and query below the registry's origin, or a whole URL (where an upload continues). */
  readonly target: string | URL;
  readonly repository: string;
  readonly scopes: readonly Scope[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly limitBytes?: number;
  readonly stream?: boolean;
  readonly upload?: boolean;
  /** The statuses that are answers; every other one becomes a problem. */
  readonly accept: readonly number[];
}

/** A retry that is about to be waited for. */
export interface RetrySeen {
  readonly host: string;
  readonly attempt: number;
  readonly delayMs: number;
  readonly why: string;
}

/** How often and how long to try. */
export interface RetryLimits {
  /** Attempts in all. */
  readonly attempts: number;
  /** A `Retry-After` beyond this is a failure at once. */
  readonly longestWaitMs: number;
  /** How long a host that could not be reached is not asked again. */
  readonly restMs: number;
}

/** Options of an exchange. */
export interface ExchangeOptions {
  readonly wire: Pick<Wire, 'send'>;
  readonly registries: ReadonlyMap<string, RegistrySettings>;
  readonly credentials: CredentialSource;
  /** Gets the tokens of token servers, and keeps all credentials out of what servers say. */
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
  /** True once an answer has shown what the registry demands. */
  known: boolean;
  /** The first request, which finds that out while the others wait. */
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

  /** Announces what a run will ask for, so that one token serves many repositories. */
  expect(host: string, scope: Scope): void {
    this.#host(host).auth.expect(formatScope(scope));
  }

  /** What a server said, without the credentials that are known. */
  hide(text: string): string {
    return this.#options.used.hide(text);
  }

  /** Makes no call any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Makes a call. A reply has one of the accepted statuses. */
  async call(call: Call): Promise<Result<Reply>> {
    const { offline } = this.#options;
    if (this.#isClosed) return fail([closed(call.host)]);
    if (offline !== undefined) return fail([notAsked(call.host, offline)]);
    const state = this.#host(call.host);
    if (!isAtHome(state.endpoint, call)) return await this.#away(state, call);
    const release = await this.#lead(state);
    try {
      if (release !== undefined && (await state.auth.hasCredentials(call.repository))) {
        // With credentials at hand, find out first whether they are wanted: a registry may hide from strangers what it
        // has (404) instead of asking who is there (401).
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
   * While nothing is known of a registry, one request goes ahead and the others wait for what it learns: otherwise each
   * of them would be sent twice. Returns how to let them go, to the one that leads.
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
    // True once `used` was made for this very call: if it is narrow too, nothing better can be had.
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
   * Makes a call to where the registry sent us, at another host or port: without credentials, and whatever is demanded
   * there is ignored. Else whoever an upload goes to could have them sent to a token server of its choice.
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

  /** Sends, again where that may help; through the gate of the host. */
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
        // What continues at another host or port gets no credentials.
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
          // The connection is free in the next turn only: whoever went now would open one more.
          setImmediate(leave);
        }
      },
      (delayMs) => {
        state.pausedUntilMs = Math.max(state.pausedUntilMs, this.#options.now() + delayMs);
      },
    );
    const failure = sent.ok ? undefined : sent.error[0];
    if (
      failure !== undefined &&
      call.upload !== true &&
      isConnectionFailure(failure) &&
      // One that answers other questions is there, however long it takes over this one.
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
    onPause: (delayMs: number) => void,
  ): Promise<Result<Reply>> {
    const { wire, retries, signal, onRetry, now, random, sleep } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const result = await through(() => wire.send({ ...request, attempt }));
      if (isAborted(signal)) return fail([wasCancelled()]);
      const failure = result.ok ? undefined : result.error[0];
      const again = result.ok ? isRetryableStatus(result.value.status) : failure?.temporary === true;
      if (!again || !replayable || attempt >= retries.attempts) return result;
      // A time limit was waited for in full already; one more try has to do.
      if (failure?.code === 'registry/timeout' && attempt >= 2) return result;
      const asked = result.ok ? parseRetryAfter(result.value.header('retry-after'), now()) : undefined;
      if (asked !== undefined && asked > retries.longestWaitMs) return result;
      const delayMs = Math.max(asked ?? 0, backoffMs(attempt, random()));
      if (result.ok && result.value.status === 429) onPause(delayMs);
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
          send: (request) =>
            this.#retrying(
              request,
              true,
              (send) => send(),
              () => undefined,
            ),
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

/** The base of the API, which answers whoever may come in (distribution spec, "Determining Support"). */
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

/** Whether a call goes to the registry itself: nothing else gets its credentials. */
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

// A function, because the compiler takes a flag that was false once to stay false.
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
