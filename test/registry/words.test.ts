/** What each failure of a registry is called, says and advises: every kind of answer, and of no answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerProblem,
  type BadAnswer,
  badDigest,
  connectionProblem,
  isRecord,
  oneLine,
  parseSpecErrors,
  redactUrl,
  strangeAnswer,
  tooLarge,
} from '../../lib/registry/problems.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const errors = (...list: readonly unknown[]): Uint8Array => bytes(JSON.stringify({ errors: list }));

function answer(status: number, rest: Partial<BadAnswer> = {}) {
  return answerProblem({
    method: 'GET',
    url: new URL('https://user:pass@r.example/v2/a/manifests/1?sig=secret#f'),
    status,
    contentType: undefined,
    body: new Uint8Array(),
    signedIn: false,
    elsewhere: false,
    host: 'r.example',
    attempts: 1,
    ...rest,
  });
}

const ASKED = 'GET https://r.example/v2/a/manifests/1?…';

/** Answer, code, message, what the hint says, whether another attempt may mend it. */
const ANSWERS: readonly (readonly [number, Partial<BadAnswer>, string, string, RegExp, true?])[] = [
  [
    401,
    {},
    'unauthorized',
    `r.example requires a sign-in for ${ASKED} (401)`,
    /^No credentials were found .*`docker login r\.example`; without Docker .*from-buildctl/,
  ],
  [
    401,
    { signedIn: true },
    'unauthorized',
    `r.example requires a sign-in for ${ASKED} (401)`,
    /^The credentials for r\.example were rejected/,
  ],
  ...([401, 403] as const).map(
    (status) =>
      [
        status,
        { elsewhere: true, url: new URL('https://store.example/x?sig=secret') },
        'denied',
        `store.example, to which r.example redirects, refused GET https://store.example/x?… (${status})`,
        /Credentials are sent only to r\.example itself$/,
      ] as const,
  ),
  [
    401,
    { sought: { kind: 'config', read: ['DOCKER_AUTH_CONFIG'], absent: '/h/.docker/config.json' } },
    'unauthorized',
    `r.example requires a sign-in for ${ASKED} (401)`,
    /in the Docker config \(DOCKER_AUTH_CONFIG, \/h\/\.docker\/config\.json does not exist\): sign in/,
  ],
  [
    401,
    { signedIn: true, sought: { kind: 'config', read: ['/h/.docker/config.json'] } },
    'unauthorized',
    `r.example requires a sign-in for ${ASKED} (401)`,
    /^The credentials for r\.example \(\/h\/\.docker\/config\.json\) were rejected/,
  ],
  [
    401,
    { signedIn: true, sought: { kind: 'given', username: 'me' } },
    'unauthorized',
    `r.example requires a sign-in for ${ASKED} (401)`,
    /^r\.example rejected the password of me: (?!.*docker)/,
  ],
  [
    403,
    { body: errors({ code: 'unauthorized' }) },
    'unauthorized',
    `r.example requires a sign-in for ${ASKED} (403)`,
    /docker login/,
  ],
  [
    400,
    { method: 'PUT', body: errors({ code: 'BLOB_UNKNOWN' }) },
    'blob-missing',
    'r.example does not have everything that the manifest names: PUT https://r.example/v2/a/manifests/1?… (400)',
    /Push or copy the whole image/,
  ],
  [
    404,
    { method: 'PUT', body: errors({ code: 'MANIFEST_BLOB_UNKNOWN' }) },
    'blob-missing',
    'r.example does not have everything that the manifest names: PUT https://r.example/v2/a/manifests/1?… (404)',
    /./,
  ],
  [
    404,
    { body: errors({ code: 'BLOB_UNKNOWN' }) },
    'not-found',
    `r.example has nothing at ${ASKED} (404)`,
    /Check the name/,
  ],
  [
    429,
    {},
    'too-many-requests',
    `r.example rejected ${ASKED}: too many requests`,
    /or sign in for a higher limit: `docker login/,
    true,
  ],
  [
    429,
    { signedIn: true, attempts: 4, retryAfterMs: 1001 },
    'too-many-requests',
    `r.example rejected ${ASKED}: too many requests (4 attempts); it asks to wait 2 s`,
    /^Wait, lower .*concurrency/,
    true,
  ],
  [
    403,
    { body: errors({ code: 'TOOMANYREQUESTS' }) },
    'too-many-requests',
    `r.example rejected ${ASKED}: too many requests`,
    /./,
    true,
  ],
  [403, {}, 'denied', `r.example denied ${ASKED} (403)`, /^No credentials were found/],
  [403, { signedIn: true }, 'denied', `r.example denied ${ASKED} (403)`, /^Ask for access to the repository/],
  [400, { body: errors({ code: 'DENIED' }) }, 'denied', `r.example denied ${ASKED} (400)`, /./],
  [404, {}, 'not-found', `r.example has nothing at ${ASKED} (404)`, /Check the name, the tag/],
  [
    500,
    { attempts: 2 },
    'unavailable',
    `r.example failed on ${ASKED} (500) (2 attempts)`,
    /check the log of the registry/,
    true,
  ],
  [
    503,
    { body: errors({ code: 'UNAVAILABLE' }) },
    'unavailable',
    `r.example failed on ${ASKED} (503)`,
    /check the log of the registry/,
    true,
  ],
  ...[
    'Client sent an HTTP request to an HTTPS server.',
    '<html><title>400 The plain HTTP request was sent to HTTPS port</title>',
    "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
  ].map(
    (said) =>
      [
        400,
        { body: bytes(said), contentType: 'text/html' },
        'tls',
        'r.example uses https, but the request was plain http',
        /\{http: false\}/,
      ] as const,
  ),
  [
    400,
    { body: errors({ code: 'NAME_INVALID' }) },
    'rejected',
    `r.example did not accept ${ASKED} (400)`,
    /^See the reason above/,
  ],
  [413, {}, 'rejected', `r.example did not accept ${ASKED} (413)`, /client_max_body_size/],
  [
    400,
    { body: bytes('what?') },
    'unexpected-answer',
    `r.example answered 400 to ${ASKED}, unlike a registry`,
    /no proxy or login page/,
  ],
  [418, {}, 'unexpected-answer', `r.example answered 418 to ${ASKED}, unlike a registry`, /./],
  [499, {}, 'unexpected-answer', `r.example answered 499 to ${ASKED}, unlike a registry`, /./],
];

for (const [status, rest, code, message, hint, temporary] of ANSWERS) {
  test(`an answer: ${code} for ${status} ${JSON.stringify({ ...rest, body: Buffer.from(rest.body ?? []).toString() })}`, () => {
    const found = answer(status, rest);
    assert.equal(found.code, `registry/${code}`);
    assert.equal(found.message, message);
    assert.match(found.hint ?? '', hint);
    assert.equal(found.temporary, temporary);
  });
}

test('the detail is what the registry said, else the text of its page, in one line and not long', () => {
  const detail = (body: Uint8Array, contentType?: string) => answer(400, { body, contentType }).detail;
  assert.equal(detail(errors({ code: 'a_b', message: ' x \n y ' }, { code: 'C' })), 'A_B: x y; C: ');
  assert.equal(detail(bytes('some\r\n\u001b[31mtext')), 'some [31mtext');
  assert.equal(
    detail(
      bytes(
        '<html><style>a { }</style><>Bad<SCRIPT>\nx\n</SCRIPT>Gate<script></script>way<script>y</script>',
      ),
      'text/HTML; charset=x',
    ),
    'Bad Gate way',
  );
  assert.equal(detail(bytes('<h1>Bad</h1>one<p>two'), 'text/html'), 'Bad one two');
  assert.equal(detail(bytes('<h1>Bad</h1>'), 'text/plain'), '<h1>Bad</h1>');
  assert.equal(detail(bytes('x'.repeat(5000))), `${'x'.repeat(200)}…`);
  assert.equal(detail(bytes(`${' '.repeat(4096)}late`)), undefined);
  assert.ok(!('detail' in answer(400)));
  assert.ok(!('detail' in answer(400, { body: bytes(' ') })));
});

test('the error body of the spec is read, and anything else is none', () => {
  assert.deepEqual(
    parseSpecErrors(
      errors(
        { code: 'x', message: 'm' },
        { code: 'y', message: 7 },
        { message: 'z' },
        { code: 7 },
        'no',
        null,
      ),
    ),
    [
      { code: 'X', message: 'm' },
      { code: 'Y', message: '' },
    ],
  );
  assert.equal(parseSpecErrors(errors({ code: 'x', message: 'm'.repeat(400) }))[0]?.message.length, 301);
  for (const text of ['', '{', '[]', 'null', '{"errors":{}}', '{"errors":"x"}'])
    assert.deepEqual(parseSpecErrors(bytes(text)), [], text);
});

interface ErrorShape {
  readonly name?: string;
  readonly code?: string | number;
  readonly message?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

function made({ name, message = '', cause, ...rest }: ErrorShape): Error {
  const error = new Error(message, cause === undefined ? {} : { cause });
  return Object.assign(error, name === undefined ? {} : { name }, rest);
}

/** What the client threw, code, message (after the host), hint. */
const FAILURES: readonly (readonly [string, string, unknown, string, string, RegExp])[] = [
  ...['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'].map(
    (code) =>
      [
        `code ${code}`,
        'https',
        made({ code }),
        'tls',
        'does not use https, but the request did',
        /\{http: true\}/,
      ] as const,
  ),
  ...[
    'wrong version number',
    'received corrupt message of type InvalidContentType',
    'ssl3 record layer failure',
  ].map(
    (message) =>
      [
        message,
        'https',
        made({ message }),
        'tls',
        'does not use https, but the request did',
        /\{http: true\}/,
      ] as const,
  ),
  ...[
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_X',
    'ERR_SSL_X',
    'ERR_OSSL_X',
  ].map((code) => [`code ${code}`, 'https', made({ code }), 'tls', '', /ca: PATH.*insecure: true/] as const),
  ...[
    'invalid peer certificate',
    'UnknownIssuer',
    'CaUsedAsEndEntity',
    'handshake failed',
    'tls alert 40',
  ].map(
    (message) =>
      [
        message,
        'https',
        made({ message: 'fetch failed', cause: made({ message }) }),
        'tls',
        '',
        /NODE_EXTRA_CA_CERTS/,
      ] as const,
  ),
  [
    'no http',
    'http',
    made({ code: 'HPE_INVALID_CONSTANT' }),
    'tls',
    'did not answer in http to a plain http request',
    /\{http: false\}/,
  ],
  [
    'no http, behind https',
    'https',
    made({ code: 'HPE_INVALID_CONSTANT' }),
    'unreachable',
    'cannot be reached for',
    /Check the network/,
  ],
  [
    'a code inside',
    'http',
    made({ code: 'XHPE_' }),
    'unreachable',
    'cannot be reached for',
    /Check the network/,
  ],
  ...['UND_ERR_HEADERS_TIMEOUT', 'ETIMEDOUT'].map(
    (code) =>
      [
        `code ${code}`,
        'https',
        made({ code }),
        'timeout',
        'did not answer',
        /can be reached from here/,
      ] as const,
  ),
  ['a time limit', 'https', made({ name: 'TimeoutError' }), 'timeout', 'did not answer', /overloaded/],
  [
    'proxy 407',
    'https',
    made({ message: 'Proxy response (407) !== 200 when HTTP Tunneling' }),
    'unreachable',
    'cannot be reached for',
    /USER:PASSWORD@HOST:PORT/,
  ],
  [
    'proxy 403',
    'https',
    made({ message: 'Proxy response (403) !== 200' }),
    'unreachable',
    'cannot be reached for',
    /answered 403: .*r\.example to NO_PROXY/,
  ],
  ...['ENOTFOUND', 'EAI_AGAIN'].map(
    (code) =>
      [
        `code ${code}`,
        'https',
        made({ code }),
        'unreachable',
        'cannot be reached for',
        /spelling of r\.example, DNS and HTTPS_PROXY/,
      ] as const,
  ),
  [
    'refused',
    'https',
    made({ code: 'ECONNREFUSED' }),
    'unreachable',
    'cannot be reached for',
    /nothing listens there$/,
  ],
  [
    'one of several addresses',
    'https',
    made({ errors: [made({}), made({ code: 'ECONNREFUSED' })] }),
    'unreachable',
    'cannot be reached for',
    /nothing listens there$/,
  ],
  ...['other side closed', 'socket hang up', 'read ECONNRESET'].map(
    (message) =>
      [
        message,
        'https',
        made({ message }),
        'unreachable',
        'cannot be reached for',
        /client certificate, set `registries: r\.example: \{cert/,
      ] as const,
  ),
  [
    'closed, without TLS',
    'http',
    made({ message: 'other side closed' }),
    'unreachable',
    'cannot be reached for',
    /^Check the network, the registry and any proxy between$/,
  ],
  [
    'a handshake that failed, in the words of Deno',
    'https',
    made({ message: 'received fatal alert: HandshakeFailure' }),
    'tls',
    'was rejected',
    /PEM file/,
  ],
  [
    'a code that begins like another',
    'https',
    made({ code: 'EPROTONOSUPPORT' }),
    'unreachable',
    'cannot be reached for',
    /Check the network/,
  ],
  [
    'a code that is a number',
    'https',
    made({ code: 5 }),
    'unreachable',
    'cannot be reached for',
    /Check the network/,
  ],
  ['no error', 'https', 'thrown text', 'unreachable', 'cannot be reached for', /Check the network/],
  ['nothing', 'https', undefined, 'unreachable', 'cannot be reached for', /Check the network/],
];

for (const [what, scheme, error, code, message, hint] of FAILURES) {
  test(`no answer: ${code} for ${what} over ${scheme}`, () => {
    const asked = { method: 'GET', url: new URL(`${scheme}://r.example/v2/?a=b`) };
    const found = connectionProblem('r.example', asked, error, 1);
    assert.equal(found.code, `registry/${code}`);
    assert.ok(found.message.includes(`r.example ${message}`.trim()), found.message);
    assert.match(found.hint ?? '', hint);
    assert.equal(found.temporary, code === 'tls' ? undefined : true);
  });
}

test('what is said of no answer has the request, the attempts, the code and the first words there are', () => {
  const asked = { method: 'GET', url: new URL('https://r.example/v2/?a=b') };
  const of = (error: unknown, attempts = 1) => connectionProblem('r.example', asked, error, attempts);
  const refused = of(made({ cause: made({ code: 'ECONNREFUSED', message: 'connect\n refused' }) }), 3);
  assert.equal(refused.message, 'r.example cannot be reached for GET https://r.example/v2/?… (3 attempts)');
  assert.equal(refused.detail, 'ECONNREFUSED: connect refused');
  assert.equal(of(made({})).message, 'r.example cannot be reached for GET https://r.example/v2/?…');
  assert.equal(of(made({ code: 5, message: 'odd' })).detail, 'odd', 'a number is no code');
  assert.equal(of(Object.assign(new Error('odd'), { errors: 'text' })).detail, 'odd');
  assert.equal(of(made({ message: 'x'.repeat(400) })).detail, `${'x'.repeat(300)}…`);
  assert.equal(of('thrown text').detail, 'thrown text');
  assert.equal(of(undefined).detail, 'no answer');
  assert.equal(
    of(made({ name: 'TimeoutError', message: 'time is up' }), 2).message,
    'r.example did not answer GET https://r.example/v2/?… in time (2 attempts)',
  );
  // Causes of causes count, but not without end.
  const nest = (depth: number): Error =>
    depth === 0 ? made({ code: 'ENOTFOUND' }) : made({ cause: nest(depth - 1) });
  assert.match(of(nest(4)).hint ?? '', /name cannot be resolved$/);
  assert.doesNotMatch(of(nest(5)).hint ?? '', /name cannot be resolved$/);
  const nestInLists = (depth: number): Error =>
    depth === 0 ? made({ code: 'ENOTFOUND' }) : made({ errors: [nestInLists(depth - 1)] });
  assert.match(of(nestInLists(4)).hint ?? '', /name cannot be resolved$/);
  assert.doesNotMatch(of(nestInLists(5)).hint ?? '', /name cannot be resolved$/);
});

test('addresses lose what may be secret, and lines what may steer a terminal', () => {
  assert.equal(redactUrl(new URL('https://u:p@h.example:5000/a/b?x=1#f')), 'https://h.example:5000/a/b?…');
  assert.equal(redactUrl(new URL('http://h/a#f')), 'http://h/a');
  assert.equal(oneLine(' a\n\tb\u0007\u009bc ', 10), 'a b c');
  assert.equal(oneLine('abcde', 5), 'abcde');
  assert.equal(oneLine('abcdef', 5), 'abcde…');
});

test('other problems say the host, the request and what was wrong', () => {
  const asked = { method: 'HEAD', url: new URL('https://h.example/v2/?x=y') };
  const strange = strangeAnswer('h.example', asked, 'a page');
  assert.deepEqual(
    [strange.code, strange.message],
    ['registry/unexpected-answer', 'h.example answered HEAD https://h.example/v2/?… with a page'],
  );
  assert.match(strange.hint ?? '', /login page/);
  const bad = badDigest('h.example', asked, 'sha256:a', 'sha256:b');
  assert.equal(bad.code, 'registry/bad-digest');
  assert.match(bad.message, /HEAD https:\/\/h\.example\/v2\/\?…: expected sha256:a, got sha256:b$/);
  assert.match(bad.hint ?? '', /the storage of the registry$/);
  const large = tooLarge('h.example', asked, 5);
  assert.equal(large.code, 'registry/too-large');
  assert.match(large.message, /more than 5 bytes/);
  assert.match(large.hint ?? '', /is a registry/);
});

test('a record is an object and no list', () => {
  assert.ok(isRecord({}));
  for (const value of [null, [], 'x', undefined, 5]) assert.ok(!isRecord(value));
});
