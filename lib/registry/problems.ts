/**
 * The problems of this package, with codes `registry/…` (docs/failures/). Nothing here may show a credential: user, query and
 * fragment of URLs are removed, and bodies of token servers are never quoted.
 */
import { formatImageRef, type ImageRef, type Problem, type ProblemCode, problem } from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import { missingPermissions, permissionProblem } from '../util/permission.ts';
import { parseProxy, permissionFor, type proxyFor } from './proxy.ts';
import { howToSignIn, noCredentials, refusedCredentials, type Sought } from './sign-in-words.ts';

/** An entry of the error body of the distribution spec ("Error Codes"). */
export interface SpecError {
  /** Upper-case, e.g. `MANIFEST_UNKNOWN`. */
  readonly code: string;
  readonly message: string;
}

/** Method and URL of a request, for messages. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
}

/** Answers of Go's servers, nginx and Apache to plain http on an https port. */
const PLAIN_AT_TLS =
  /HTTP request to an HTTPS server|HTTP request was sent to HTTPS port|HTTP to an SSL-enabled server/;

/** Codes of errors before any connection was made. */
const NOT_CONNECTED =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/;

/** How many errors of an answer are read; registries usually send one. */
const MOST_ERRORS = 10;

/** A URL without user, query and fragment, all of which may hold secrets (signed blob URLs, upload states). */
export function redactUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

/**
 * Reads the spec's error body; empty if the body is something else.
 *
 * @param hide removes credentials from a text; called before it is cut, since parts of them are not recognised
 */
export function parseSpecErrors(
  body: Uint8Array,
  hide: (text: string) => string = asItIs,
): readonly SpecError[] {
  // An HTML page or an empty body has no spec errors.
  const json = parseJson(body);
  const list = isRecord(json) ? json['errors'] : undefined;
  if (!Array.isArray(list)) return [];
  return list.slice(0, MOST_ERRORS).flatMap((entry: unknown) => {
    if (!isRecord(entry) || typeof entry['code'] !== 'string') return [];
    const message = typeof entry['message'] === 'string' ? entry['message'] : '';
    return [{ code: oneLine(hide(entry['code']).toUpperCase(), 64), message: oneLine(hide(message), 300) }];
  });
}

function asItIs(text: string): string {
  return text;
}

/** An unexpected answer. */
export interface BadAnswer extends Asked {
  readonly status: number;
  readonly contentType: string | undefined;
  /** At most the limit for error bodies; empty for HEAD. */
  readonly body: Uint8Array;
  /** Whether credentials were sent. */
  readonly signedIn: boolean;
  /** Where credentials were looked for. */
  readonly sought?: Sought | undefined;
  /** Whether a host other than the registry answered; it gets no credentials. */
  readonly elsewhere: boolean;
  /** The host as references write it. */
  readonly host: string;
  readonly retryAfterMs?: number | undefined;
  /** How many attempts were made. */
  readonly attempts: number;
  /** Removes credentials from a text. */
  readonly hide?: (text: string) => string;
}

/** Turns a refused request into a problem by status and spec code. */
export function answerProblem(answer: BadAnswer): Problem {
  const errors = parseSpecErrors(answer.body, answer.hide);
  const tail = errors.map((error) => `${error.code}: ${error.message}`).join('; ');
  const excerpt = tail !== '' ? tail : bodyExcerpt(answer);
  const detail = excerpt === '' ? {} : { detail: excerpt };
  const asked = `${answer.method} ${redactUrl(answer.url)}`;
  const tries = answer.attempts > 1 ? ` (${answer.attempts} attempts)` : '';
  const codes = new Set(errors.map((error) => error.code));
  const make = (code: ProblemCode, message: string, hint: string, rest: Partial<Problem> = {}): Problem =>
    problem(code, message, { hint, ...detail, ...rest });

  if (answer.elsewhere && (answer.status === 401 || answer.status === 403)) {
    return make(
      'registry/denied',
      `${answer.url.host}, to which ${answer.host} redirects, refused ${asked} (${answer.status})`,
      `Try again if the redirect may have expired, or ask whoever runs it. Credentials are sent only to ${answer.host} itself`,
    );
  }
  if (answer.status === 401 || codes.has('UNAUTHORIZED')) {
    return make(
      'registry/unauthorized',
      `${answer.host} requires a sign-in for ${asked} (${answer.status})`,
      answer.signedIn
        ? refusedCredentials(
            answer.host,
            answer.sought,
            'are wrong, have expired, or lack access to this repository',
          )
        : noCredentials(answer.host, answer.sought),
    );
  }
  if (answer.method === 'PUT' && (codes.has('BLOB_UNKNOWN') || codes.has('MANIFEST_BLOB_UNKNOWN'))) {
    return make(
      'registry/blob-missing',
      `${answer.host} does not have everything that the manifest names: ${asked} (${answer.status})`,
      'Push or copy the whole image: a layer, config or child manifest is not in this repository',
    );
  }
  // Some registries send TOOMANYREQUESTS in a 403.
  if (answer.status === 429 || codes.has('TOOMANYREQUESTS')) {
    const wait = answer.retryAfterMs;
    const when = wait === undefined ? '' : `; it asks to wait ${formatSeconds(wait)}`;
    return make(
      'registry/too-many-requests',
      `${answer.host} rejected ${asked}: too many requests${tries}${when}`,
      answer.signedIn
        ? `Wait, lower \`registries: ${answer.host}: {concurrency: …}\`, or read through a mirror`
        : `Wait, read through a mirror, or sign in for a higher limit: ${howToSignIn(answer.host)}`,
      { temporary: true },
    );
  }
  if (answer.status === 403 || codes.has('DENIED')) {
    return make(
      'registry/denied',
      `${answer.host} denied ${asked} (${answer.status})`,
      answer.signedIn
        ? 'Ask for access to the repository, or use another account'
        : noCredentials(answer.host, answer.sought),
    );
  }
  if (answer.status === 404) {
    return make(
      'registry/not-found',
      `${answer.host} has nothing at ${asked} (404)`,
      'Check the name, the tag and that it was pushed; some registries answer this when access is missing',
    );
  }
  if (answer.status >= 500) {
    return make(
      'registry/unavailable',
      `${answer.host} failed on ${asked} (${answer.status})${tries}`,
      'Try again, or check the log of the registry and of any proxy in front of it',
      { temporary: true },
    );
  }
  if (answer.status === 400 && PLAIN_AT_TLS.test(excerpt)) {
    return make(
      'registry/tls',
      `${answer.host} uses https, but the request was plain http`,
      `Set \`registries: ${answer.host}: {http: false}\` in builds.yaml (and \`ca:\` for a private authority)`,
    );
  }
  if (errors.length > 0 || answer.status === 413) {
    return make(
      'registry/rejected',
      `${answer.host} did not accept ${asked} (${answer.status})`,
      answer.status === 413
        ? 'Raise the limit for the size of requests of the proxy in front of it (nginx: client_max_body_size)'
        : 'See the reason above; the log of the registry may say more',
    );
  }
  return make(
    'registry/unexpected-answer',
    `${answer.host} answered ${answer.status} to ${asked}, unlike a registry`,
    `Check that ${answer.host} is a registry and that no proxy or login page is in front of it`,
  );
}

/** A 404 or a 200 that did not come from a registry. */
export function strangeAnswer(host: string, asked: Asked, what: string): Problem {
  return problem(
    'registry/unexpected-answer',
    `${host} answered ${asked.method} ${redactUrl(asked.url)} with ${what}`,
    { hint: `Check that ${host} is a registry and that no proxy or login page is in front of it` },
  );
}

/** A body whose sha256 is not the digest it was announced or requested with. */
export function badDigest(host: string, asked: Asked, expected: string, actual: string): Problem {
  return problem(
    'registry/bad-digest',
    `${host} sent wrong content for ${asked.method} ${redactUrl(asked.url)}: expected ${oneLine(expected, 100)}, got ${oneLine(actual, 100)}`,
    { hint: 'Check proxies on the way, which may change or cut answers, and the storage of the registry' },
  );
}

/** A body over its limit. */
export function tooLarge(host: string, asked: Asked, limitBytes: number): Problem {
  return problem(
    'registry/too-large',
    `${host} sent more than ${limitBytes} bytes for ${asked.method} ${redactUrl(asked.url)}`,
    { hint: 'Check that this address is a registry: no manifest or config is that large' },
  );
}

/** Nothing may be sent. */
export function notAsked(host: string, why: string): Problem {
  return problem('registry/not-asked', `${host} was not contacted: ${why}`);
}

/** The client is closed. */
export function closed(host: string): Problem {
  return problem('registry/closed', `The registry client is closed and cannot contact ${host}`, {
    hint: 'Close it after its last call, or create another one',
  });
}

/** A PUT requires an explicit tag or digest, so that `latest` is never moved by mistake. */
export function noTag(ref: ImageRef): Problem {
  return problem(
    'registry/no-tag',
    `${formatImageRef(ref)} has neither a tag nor a digest to push the image to`,
    {
      hint: 'Add the tag, even if it is `latest`',
    },
  );
}

/** An index or manifest with more entries than any real image has. */
export function tooMany(host: string, asked: Asked, entries: number, limit: number): Problem {
  return problem(
    'registry/too-large',
    `${host} sent a manifest that names ${entries} things for ${asked.method} ${redactUrl(asked.url)}; at most ${limit} are read`,
    { hint: 'Check who may push there: no image has that many platforms or layers' },
  );
}

/**
 * Explains an exception of the HTTP client (no answer) by its code, which may be in a cause or, if several addresses were tried,
 * in a list of errors.
 *
 * @param way the proxy it went through
 */
export function connectionProblem(
  host: string,
  asked: Asked,
  error: unknown,
  attempts: number,
  way?: ReturnType<typeof proxyFor>,
): Problem {
  const denied = notPermitted(asked.url, error, way);
  if (denied !== undefined) return denied;
  const all = unfold(error);
  const codes = all.map((one) => one.code).filter((code) => code !== undefined);
  const text = all.map((one) => one.message).find((message) => message !== '') ?? 'no answer';
  const joined = all.map((one) => one.message).join(' ');
  const asking = `${asked.method} ${redactUrl(asked.url)}`;
  const tries = attempts > 1 ? ` (${attempts} attempts)` : '';
  const detail = oneLine(text, 300);
  const has = (pattern: RegExp): boolean => codes.some((code) => pattern.test(code));

  // Only the proxy is connected to, and only its name is looked up here.
  if (way !== undefined && has(NOT_CONNECTED)) {
    const at = parseProxy(way.proxy)?.url;
    const proxy = at === undefined ? 'the proxy' : `the proxy ${at.protocol}//${at.host}`;
    return problem(
      has(/TIMEDOUT|TIMEOUT/) ? 'registry/timeout' : 'registry/unreachable',
      `${host} cannot be reached for ${asking}${tries}: ${proxy} of ${way.variable} does not answer`,
      {
        hint: `Check that ${way.variable} is right and that the proxy runs, or name ${asked.url.hostname} in NO_PROXY to bypass it`,
        detail: `${codes[0]}: ${detail}`,
        temporary: true,
      },
    );
  }
  if (
    has(/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|EPROTO$/) ||
    /wrong version number|InvalidContentType|record layer failure/.test(joined)
  ) {
    return problem('registry/tls', `${host} does not use https, but the request did`, {
      hint: `If it is a plain http registry, set \`registries: ${host}: {http: true}\` in builds.yaml`,
      detail,
    });
  }
  if (
    has(/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|ERR_OSSL/) ||
    /certificate|UnknownIssuer|CaUsedAsEndEntity|handshake|tls alert/i.test(joined)
  ) {
    return problem('registry/tls', `The certificate or the TLS handshake of ${host} was rejected`, {
      hint: `Set \`registries: ${host}: {ca: PATH}\` to the authority's PEM file (\`cert:\` and \`key:\` for a client certificate), or NODE_EXTRA_CA_CERTS; \`insecure: true\` turns the check off`,
      detail,
    });
  }
  if (asked.url.protocol === 'http:' && has(/^HPE_/)) {
    return problem('registry/tls', `${host} did not answer in http to a plain http request`, {
      hint: `If it uses https, set \`registries: ${host}: {http: false}\` in builds.yaml`,
      detail,
    });
  }
  if (has(/TIMEOUT|ETIMEDOUT/) || all.some((one) => one.name === 'TimeoutError')) {
    return problem('registry/timeout', `${host} did not answer ${asking} in time${tries}`, {
      hint: `Check that ${host} can be reached from here (proxy, firewall, VPN) and is not overloaded`,
      detail,
      temporary: true,
    });
  }
  return problem('registry/unreachable', `${host} cannot be reached for ${asking}${tries}`, {
    hint: unreachableHint(host, asked.url, joined, has),
    detail: codes.length === 0 ? detail : `${codes[0]}: ${detail}`,
    temporary: true,
  });
}

/** The connection goes to the proxy, if there is one. */
function notPermitted(url: URL, error: unknown, way?: ReturnType<typeof proxyFor>): Problem | undefined {
  const missing = missingPermissions(error);
  if (missing === undefined) return undefined;
  const to = permissionFor(url, way);
  return permissionProblem(missing.map((one) => (one.kind === 'net' ? to : one)));
}

function unreachableHint(host: string, url: URL, text: string, has: (code: RegExp) => boolean): string {
  // undici's message for any answer to CONNECT except 200.
  const proxyStatus = /Proxy response \((\d+)\)/.exec(text)?.[1];
  if (proxyStatus !== undefined) {
    return proxyStatus === '407'
      ? 'Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT: the proxy requires credentials'
      : `The proxy of HTTPS_PROXY answered ${proxyStatus}: check that it allows ${host}, or add ${host} to NO_PROXY`;
  }
  if (has(/ENOTFOUND|EAI_/)) {
    return `Check the spelling of ${host}, DNS and HTTPS_PROXY: the name cannot be resolved`;
  }
  if (has(/ECONNREFUSED/)) return 'Check that the registry runs, and its port: nothing listens there';
  const check = 'Check the network, the registry and any proxy between';
  return url.protocol === 'https:' && /other side closed|socket hang up|ECONNRESET/.test(text)
    ? `${check}; if it requires a client certificate, set \`registries: ${host}: {cert: PATH, key: PATH}\``
    : check;
}

interface Unfolded {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
}

function unfold(error: unknown, depth = 0): readonly Unfolded[] {
  if (!(error instanceof Error) || depth > 4) {
    return error === undefined || error instanceof Error
      ? []
      : [{ name: '', code: undefined, message: String(error) }];
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const inner = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [
    { name: error.name, code, message: error.message },
    ...unfold(error.cause, depth + 1),
    ...inner.flatMap((one: unknown) => unfold(one, depth + 1)),
  ];
}

function bodyExcerpt(answer: BadAnswer): string {
  const { hide = asItIs } = answer;
  const text = hide(new TextDecoder().decode(answer.body)).slice(0, 4096);
  const plain = /html/i.test(answer.contentType ?? '')
    ? text.replace(/<(script|style)\b.*?<\/\1>/gis, ' ').replace(/<[^>]*>/g, ' ')
    : text;
  return oneLine(hide(plain), 200);
}

/** One line without control characters, at most `limit` characters. */
export function oneLine(text: string, limit: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: text from outside must not steer the terminal.
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}

function formatSeconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

/** True for a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
