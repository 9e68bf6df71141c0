/**
 * Authentication at one registry: the scheme that it demands (Basic or Bearer), the tokens received so far, and how to get
 * another one. Flow: distribution spec, "Token Authentication" (GET with basic credentials or none) and "OAuth2 Token
 * Authentication" (POST with a refresh token).
 */
import { fail, ok, type Problem, problem, type RegistrySettings, type Result } from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import { parseChallenges } from './challenge.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { isRecord, parseSpecErrors, redactUrl } from './problems.ts';
import { coversScopes, uniteScopes } from './scope.ts';
import { howToSignIn, noCredentials, refusedCredentials, type Sought } from './sign-in-words.ts';
import type { UsedCredentials } from './used-credentials.ts';
import { mayCarryCredentials, type Reply, realmSettings, type WireRequest } from './wire.ts';

/** A value for the `Authorization` header, and what may be done if it is not accepted. */
export interface Authorization {
  readonly header: string;
  /** False for a token that anybody gets. */
  readonly signedIn: boolean;
  /** The token covers more than was requested; a narrower one may be accepted. */
  readonly wide: boolean;
}

/** What an authenticator needs from its client. */
export interface AuthContext {
  readonly endpoint: Endpoint;
  readonly registries: ReadonlyMap<string, RegistrySettings>;
  readonly credentials: CredentialSource;
  readonly used: UsedCredentials;
  /** Sends with retries, without the registry's own gate (a token server may be behind the same host). */
  readonly send: (request: Omit<WireRequest, 'attempt'>) => Promise<Result<Reply>>;
  readonly now: () => number;
}

type Demand =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined };

interface Token {
  readonly header: string;
  readonly source: string;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number;
  readonly wide: boolean;
  readonly signedIn: boolean;
}

interface WantedToken extends Pick<Token, 'source' | 'scopes' | 'wide'> {
  readonly demand: Demand & { readonly kind: 'bearer' };
  readonly own: Credentials | undefined;
}

/** Lifetime of tokens without `expires_in` (distribution spec). */
const DEFAULT_LIFE_SECONDS = 60;
const TOKEN_BODY_LIMIT = 512 * 1024;
/** Scopes requested at once: the token is sent in a header, which servers limit to about 8 KiB. */
const SCOPES_AT_ONCE = 20;
/** Our name at token servers. */
const CLIENT_ID = 'bake-ts';

/** Signs requests to one registry. */
export class Authenticator {
  readonly #context: AuthContext;
  #demand: Demand | undefined;
  #tokens: Token[] = [];
  readonly #underWay = new Map<string, Promise<Result<Token>>>();
  /** Announced scopes that the run will need, in order. */
  readonly #expected: string[] = [];
  /** Scopes for which a wide token was not accepted. */
  readonly #narrow = new Set<string>();

  constructor(context: AuthContext) {
    this.#context = context;
  }

  /** Announces scopes, so that one token can cover many repositories. */
  expect(scope: string): void {
    if (!this.#expected.includes(scope)) this.#expected.push(scope);
  }

  /** Whether there are credentials for the registry, and so it is worth finding out what it demands. */
  async hasCredentials(repository: string): Promise<boolean> {
    const found = await this.#context.credentials.find(this.#context.endpoint.host, repository);
    return found.ok && found.value !== undefined;
  }

  /** Reads the challenge of an answer. Returns the scopes in it; undefined if it has none that we support. */
  learn(reply: Reply): readonly string[] | undefined {
    const header = reply.header('www-authenticate');
    // Only the registry itself decides where credentials are sent, not a host that it redirected to.
    if (header === undefined || reply.url.origin !== this.#context.endpoint.origin) return undefined;
    const challenges = parseChallenges(header);
    for (const { scheme, parameters } of challenges) {
      const realm = parameters.get('realm');
      if (scheme !== 'bearer' || realm === undefined || !URL.canParse(realm)) continue;
      this.#demand = { kind: 'bearer', realm: new URL(realm), service: parameters.get('service') };
      return (parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
    this.#demand = { kind: 'basic' };
    return [];
  }

  /** Drops a token that was not accepted. */
  reject(used: Authorization): void {
    this.#tokens = this.#tokens.filter((token) => token.header !== used.header);
  }

  /** Keeps a wide token from being used for these scopes again. */
  narrow(scopes: readonly string[]): void {
    for (const scope of scopes) this.#narrow.add(scope);
  }

  /**
   * Returns the authorization for a request; undefined if none is demanded or there are no credentials.
   * @param renew run credential helpers again, since their credentials were not accepted
   */
  async authorize(
    repository: string,
    scopes: readonly string[],
    renew = false,
  ): Promise<Result<Authorization | undefined>> {
    const demand = this.#demand;
    if (demand === undefined) return ok(undefined);
    const { endpoint, credentials } = this.#context;
    const found = await credentials.find(endpoint.host, repository, renew);
    if (!found.ok) return found;
    const own = found.value;
    if (own?.kind === 'registry') {
      return ok({ header: `Bearer ${own.token}`, signedIn: true, wide: false });
    }
    if (demand.kind === 'basic') {
      if (own?.kind !== 'basic') return ok(undefined);
      return ok({ header: basicHeader(own), signedIn: true, wide: false });
    }
    const token = await this.#token(demand, own, scopes);
    if (token.ok) return token;
    // A helper's password may have expired. Retry only if the helper has another one now.
    if (renew || own === undefined) return token;
    const again = await credentials.find(endpoint.host, repository, true);
    if (!again.ok || again.value === undefined || identify(again.value) === identify(own)) return token;
    return await this.#token(demand, again.value, scopes);
  }

  async #token(
    demand: Demand & { readonly kind: 'bearer' },
    own: Credentials | undefined,
    scopes: readonly string[],
  ): Promise<Result<Token>> {
    const source = `${demand.realm.href} ${demand.service ?? ''} ${identify(own)}`;
    const alone = scopes.some((scope) => this.#narrow.has(scope));
    const fits = (token: Token): boolean =>
      token.source === source &&
      token.expiresAtMs > this.#context.now() &&
      !(alone && token.wide) &&
      coversScopes(token.scopes, scopes);
    const known = this.#tokens.find(fits);
    if (known !== undefined) return ok(known);
    const wanted = alone ? uniteScopes(scopes) : uniteScopes(scopes, this.#neighbours(scopes));
    const wide = !coversScopes(scopes, wanted);
    const token = await this.#share({ demand, own, source, scopes: wanted, wide });
    if (token.ok || !wide) return token;
    // Some servers refuse the whole list because of one repository.
    this.narrow(scopes);
    return await this.#share({ demand, own, source, scopes: uniteScopes(scopes), wide: false });
  }

  /** Requests a token once, even if several requests wait for it. */
  async #share(wanted: WantedToken): Promise<Result<Token>> {
    const key = `${wanted.source} ${wanted.scopes.join(' ')}`;
    let asking = this.#underWay.get(key);
    if (asking === undefined) {
      asking = this.#fetch(wanted).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, asking);
    }
    const token = await asking;
    if (token.ok && !this.#tokens.includes(token.value)) this.#tokens.push(token.value);
    return token;
  }

  /** The slice of the announced scopes that contains these. */
  #neighbours(scopes: readonly string[]): readonly string[] {
    const first = this.#expected.findIndex((scope) => scopes.includes(scope));
    if (first === -1) return [];
    const start = Math.floor(first / SCOPES_AT_ONCE) * SCOPES_AT_ONCE;
    return this.#expected.slice(start, start + SCOPES_AT_ONCE).filter((scope) => !this.#narrow.has(scope));
  }

  async #fetch({ demand, own, source, scopes, wide }: WantedToken): Promise<Result<Token>> {
    const { endpoint, registries, used, send, now } = this.#context;
    const { realm, service } = demand;
    const { host } = endpoint;
    if (!mayCarryCredentials(realm, endpoint.origin.startsWith('http:'), registries)) {
      return fail([
        problem(
          'registry/unsafe-realm',
          `${host} asks for credentials at ${redactUrl(realm)}, which is not https`,
          {
            hint: `Ask whoever runs ${host}; for a network you trust, set \`registries: ${realm.host}: {http: true}\``,
          },
        ),
      ]);
    }
    const url = new URL(realm);
    url.username = url.password = url.hash = '';
    const form = new URLSearchParams();
    if (own?.kind === 'identity') {
      form.set('grant_type', 'refresh_token');
      form.set('refresh_token', own.token);
      form.set('client_id', CLIENT_ID);
      if (service !== undefined) form.set('service', service);
      form.set('scope', scopes.join(' '));
    } else {
      if (service !== undefined) url.searchParams.set('service', service);
      for (const scope of scopes) url.searchParams.append('scope', scope);
      url.searchParams.set('client_id', CLIENT_ID);
      if (own?.kind === 'basic') url.searchParams.set('account', own.username);
    }
    const posting = own?.kind === 'identity';
    const asked = { method: posting ? 'POST' : 'GET', url } as const;
    const reply = await send({
      ...asked,
      host: realm.host,
      settings: realmSettings(realm, host, endpoint.settings, registries),
      headers: {
        accept: 'application/json',
        ...(posting ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(own?.kind === 'basic' ? { authorization: basicHeader(own) } : {}),
      ...(posting ? { body: form.toString() } : {}),
      limitBytes: TOKEN_BODY_LIMIT,
      purpose: 'token',
    });
    if (!reply.ok) return reply;
    if (reply.value.status !== 200) {
      const refusal = {
        host,
        realm,
        signedIn: own !== undefined,
        sought: this.#context.credentials.sought?.(host),
        hide: (text: string) => used.hide(text),
      };
      return fail([tokenRefused(refusal, reply.value)]);
    }
    const answer = readTokenAnswer(reply.value.body);
    if (answer === undefined) {
      return fail([
        problem(
          'registry/unexpected-answer',
          `The token server ${redactUrl(realm)} of ${host} gave no token`,
          {
            hint: 'Check that no proxy or login page is in front of it',
          },
        ),
      ]);
    }
    used.addTexts([answer.token]);
    // Used for nine tenths of its lifetime, so that it does not expire in transit.
    const lifeMs = answer.lifeSeconds * 1000;
    return ok({
      header: `Bearer ${answer.token}`,
      source,
      scopes,
      wide,
      signedIn: own !== undefined,
      expiresAtMs: now() + Math.max(lifeMs * 0.9, lifeMs - 30_000),
    });
  }
}

function readTokenAnswer(
  body: Uint8Array,
): { readonly token: string; readonly lifeSeconds: number } | undefined {
  const json = parseJson(body);
  if (!isRecord(json)) return undefined;
  // The older spec calls it `token`, OAuth2 `access_token`.
  const token = [json['token'], json['access_token']].find((one) => typeof one === 'string' && one !== '');
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return undefined;
  const life = json['expires_in'];
  const lifeSeconds = typeof life === 'number' && life > 0 ? life : DEFAULT_LIFE_SECONDS;
  return { token, lifeSeconds };
}

interface Refusal {
  readonly host: string;
  readonly realm: URL;
  readonly signedIn: boolean;
  /** Where credentials were looked for. */
  readonly sought: Sought | undefined;
  /** Removes credentials from a text. */
  readonly hide: (text: string) => string;
}

function tokenRefused({ host, realm, signedIn, sought, hide }: Refusal, reply: Reply): Problem {
  const said = parseSpecErrors(reply.body, hide)
    .map((error) => `${error.code}: ${error.message}`)
    .join('; ');
  const detail = said === '' ? {} : { detail: said };
  const server = `The token server of ${host} (${redactUrl(realm)})`;
  if (reply.status === 429) {
    return problem('registry/too-many-requests', `${server} rejected the request: too many requests`, {
      hint: signedIn ? 'Wait a while' : `Wait, or sign in: ${howToSignIn(host)}`,
      temporary: true,
      ...detail,
    });
  }
  if (reply.status >= 500) {
    return problem('registry/unavailable', `${server} failed (${reply.status})`, {
      hint: 'Try again later, or check its log',
      temporary: true,
      ...detail,
    });
  }
  if (reply.status === 400 || reply.status === 401 || reply.status === 403) {
    return problem('registry/unauthorized', `${server} gave no token (${reply.status})`, {
      hint: signedIn
        ? refusedCredentials(host, sought, 'are wrong or have expired')
        : noCredentials(host, sought),
      ...detail,
    });
  }
  return problem('registry/unexpected-answer', `${server} answered ${reply.status}`, {
    hint: 'Check that no proxy or login page is in front of it',
    ...detail,
  });
}

function basicHeader(own: Credentials & { readonly kind: 'basic' }): string {
  return `Basic ${Buffer.from(`${own.username}:${own.password}`).toString('base64')}`;
}

/** Identifies credentials in memory; never shown. */
function identify(own: Credentials | undefined): string {
  if (own === undefined) return 'anonymous';
  return own.kind === 'basic' ? `basic ${own.username}:${own.password}` : `${own.kind} ${own.token}`;
}
