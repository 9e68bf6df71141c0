import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFailure, ProgressReader } from '../../lib/buildctl/mod.ts';
import { type EventBody, formatPlace, type SourceFile } from '../../lib/model/mod.ts';

const DOCKERFILE: SourceFile = {
  path: 'api/Dockerfile',
  text: 'FROM scratch\nCOPY . /\nRUN make \\\n  all\nCMD ["/api"]\n',
};
const EXCERPT = [
  'Dockerfile:3',
  '--------------------',
  '   1 |     FROM scratch',
  '   2 |     COPY . /',
  '   3 | >>> RUN make \\',
  '   4 | >>>   all',
  '   5 |     CMD ["/api"]',
  '   6 |     ',
  '--------------------',
];

/** What is made of a step that failed with these words, said where BuildKit says it. */
function explain(error: string, log = '', dockerfile: SourceFile | undefined = DOCKERFILE) {
  const reader = new ProgressReader('api', () => {}, dockerfile);
  const vertex = { digest: 'sha256:1', name: '[3/3] RUN make   all', started: '2026-01-01T00:00:00Z' };
  reader.line(JSON.stringify({ vertexes: [vertex] }));
  if (log !== '') {
    const data = Buffer.from(log).toString('base64');
    reader.line(JSON.stringify({ logs: [{ vertex: 'sha256:1', stream: 2, data }] }));
  }
  reader.line(JSON.stringify({ vertexes: [{ ...vertex, completed: '2026-01-01T00:00:01Z', error }] }));
  for (const line of [...EXCERPT, `error: failed to solve: ${error}`]) reader.line(line);
  return explainFailure('api', 1, reader.summary(), dockerfile);
}

test('a RUN that ends with a code is a failed step, with its lines in the Dockerfile and what it wrote', () => {
  const found = explain(
    'process "/bin/sh -c make   all" did not complete successfully: exit code: 7',
    'no rule\n',
  );
  assert.equal(found.code, 'build/step-failed');
  assert.equal(found.message, 'a step ended with exit code 7 ([3/3] RUN make   all)');
  assert.ok(found.span !== undefined);
  assert.equal(formatPlace(found.span), 'api/Dockerfile:3:1');
  assert.equal(DOCKERFILE.text.slice(found.span.start, found.span.end), 'RUN make \\\n  all');
  assert.equal(found.detail, 'no rule');
});

test('without the Dockerfile at hand the excerpt is kept as it came', () => {
  const reader = new ProgressReader('api', () => {});
  for (const line of [
    ...EXCERPT,
    'error: failed to solve: process "/x" did not complete successfully: exit code: 3',
  ])
    reader.line(line);
  const found = explainFailure('api', 1, reader.summary());
  assert.deepEqual([found.code, found.span], ['build/step-failed', undefined]);
  assert.match(found.detail ?? '', /3 \| >>> RUN make/);
});

test('a program that is not there, and any other end of a RUN, is a failed step too', () => {
  const missing = explain(
    'process "/nope" did not complete successfully: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory',
  );
  assert.equal(missing.code, 'build/step-failed');
  assert.match(missing.message, /^a step could not start: its image has no `\/nope`/);
  const other = explain(
    'process "/x" did not complete successfully: failed to create shim task: runc create failed: something new',
  );
  assert.deepEqual(
    [other.code, other.message],
    ['build/step-failed', 'a step failed: something new ([3/3] RUN make   all)'],
  );
  const killed = explain('process "/x" did not complete successfully: exit code: 137');
  assert.match(killed.message, /killed \(exit code 137\)/);
  assert.match(killed.hint ?? '', /memory/);
});

test('a full disk is told by whose it is', () => {
  const rows: readonly (readonly [string, string])[] = [
    [
      'failed to solve: ResourceExhausted: failed to copy: write /var/lib/x: no space left on device',
      'engine/disk-full',
    ],
    [
      'failed to solve: failed to prepare as x: mkdir /var/lib/y: no space left on device',
      'engine/disk-full',
    ],
    [
      'ResourceExhausted: failed to copy to tar: write /out/a.tar: no space left on device',
      'build/disk-full',
    ],
    ['error from receiver: write /out/a: no space left on device', 'build/disk-full'],
    ['open /tmp/w/.tmp-metadata.json123: no space left on device', 'build/disk-full'],
  ];
  for (const [text, code] of rows)
    assert.equal(
      explainFailure('a', 1, { text: [`error: ${text}`], steps: { total: 0, cached: 0 }, failedLog: [] })
        .code,
      code,
      text,
    );
  const step = explainFailure('a', 1, {
    text: [],
    steps: { total: 1, cached: 0 },
    failedStep: {
      name: '[2/2] RUN make',
      digest: 'd',
      error: 'process "/x" did not complete successfully: exit code: 1',
    },
    failedLog: ['cc: a.o: No space left on device'],
  });
  assert.equal(step.code, 'build/step-failed');
  assert.match(step.hint ?? '', /full disk.*bake-ts engine prune/);
});

test('what is too large for BuildKit is named', () => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['secret s too big. max size 500KiB', 'build/secret-too-large', /`s` is larger than 500 KiB/],
    [
      'failed to solve: ResourceExhausted: trying to send message larger than max (20141881 vs. 16777216)',
      'build/too-large',
      /21 MB, more than BuildKit's limit of 16 MiB/,
    ],
    [
      'failed to solve: failed to read dockerfile: Dbig exceeds maximum allowed size of 16777216 bytes',
      'dockerfile/too-big',
      /`Dbig` is larger/,
    ],
  ];
  for (const [text, code, message] of rows) {
    const found = explainFailure('a', 1, {
      text: [`error: ${text}`],
      steps: { total: 0, cached: 0 },
      failedLog: [],
    });
    assert.equal(found.code, code);
    assert.match(found.message, message);
  }
});

test('an engine is lost, however its connection ended', () => {
  const texts = [
    'failed to solve: Unavailable: error reading from server: EOF',
    'failed to solve: Unavailable: error reading from server: read tcp 10.0.0.1:35620->10.0.0.2:1234: read: connection reset by peer',
    'failed to solve: Unavailable: error reading from server: read tcp 10.0.0.1:35620->10.0.0.2:1234: read: connection timed out',
    'failed to solve: Unavailable: keepalive ping failed to receive ACK within timeout',
    'failed to solve: Unavailable: closing transport due to: connection error: desc = "error reading from server: EOF", received prior goaway: code: NO_ERROR',
    'failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF',
  ];
  for (const text of texts) {
    const found = explainFailure('a', 1, {
      text: [`error: ${text}`],
      steps: { total: 0, cached: 0 },
      failedLog: [],
    });
    assert.equal(found.code, 'engine/lost', text);
  }
});

test('words inside of a command do not decide what went wrong', () => {
  const words = [
    'no space left on device',
    'x509: bad',
    'target stage \\"x\\" could not be found',
    'toomanyrequests',
    'error reading from server: EOF',
    '\\"file\\": not found',
  ];
  for (const one of words) {
    const found = explain(
      `process "/bin/sh -c echo ${one}; exit 2" did not complete successfully: exit code: 2`,
    );
    assert.equal(found.code, 'build/step-failed', one);
  }
});

/** What buildctl writes when a push fails, as buildkit 0.34 does it. */
function explainPush(last: string, tried: string) {
  const reader = new ProgressReader('api', () => {});
  const vertex = { digest: 'sha256:1', name: 'exporting to image', started: '2026-01-01T00:00:00Z' };
  reader.line(JSON.stringify({ vertexes: [vertex] }));
  for (const wait of ['retrying in 1s\n', 'retrying in 2s\n', 'retrying in 4s\n', '']) {
    if (tried === '') continue;
    const data = Buffer.from(`error: ${tried}\nunknown: refused\n${wait}`).toString('base64');
    reader.line(JSON.stringify({ logs: [{ vertex: 'sha256:1', stream: 2, data }] }));
  }
  const error = `failed to push r.example:5000/app/a: ${last}`;
  reader.line(JSON.stringify({ vertexes: [{ ...vertex, completed: '2026-01-01T00:00:08Z', error }] }));
  reader.line(`error: failed to solve: ${error}`);
  return explainFailure('api', 1, reader.summary());
}

test('a push that the engine tried four times is a fault of the registry, and not tried again', () => {
  const post =
    'unexpected status from POST request to http://r.example:5000/v2/app/a/blobs/uploads/: 500 Internal Server Error';
  const failed = explainPush('unknown: refused', post);
  assert.deepEqual(
    [failed.code, failed.message, failed.temporary],
    [
      'registry/unavailable',
      'the registry failed while r.example:5000/app/a was pushed (500) (exporting to image)',
      undefined,
    ],
  );
  const put =
    'failed commit on ref "manifest-sha256:1": failed to do request: Put "http://r.example": read: connection reset by peer';
  const cut = explainPush(put, put);
  assert.deepEqual([cut.code, cut.temporary], ['registry/unreachable', undefined]);
  const other = explainPush('something new', 'something new');
  assert.deepEqual([other.code, other.temporary], ['registry/push-failed', undefined]);
  // What the engine gave up at once may pass.
  assert.equal(explainPush('something new', '').temporary, true);
});

test('a push without credentials is not one with wrong ones, where the engine says which', () => {
  const none = 'failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized';
  const anonymous = explainPush(none, '');
  assert.equal(anonymous.code, 'registry/unauthorized');
  assert.match(anonymous.message, /requires a sign-in to push r\.example:5000\/app\/a, and there are no/);
  const other = explainPush('unexpected status from HEAD request to http://r/v2/: 401 Unauthorized', '');
  assert.equal(other.code, 'registry/unauthorized');
  assert.doesNotMatch(other.message, /credentials/);
  for (const { hint } of [anonymous, other]) assert.match(hint ?? '', /docs\/from-buildctl\.md/);
});

test('an engine that goes away under a step is not a failed step', () => {
  const found = explain(
    'process "/bin/sh -c make" did not complete successfully: failure waiting for process: ttrpc: closed: EOF',
  );
  assert.equal(found.code, 'engine/lost');
});

test('a file that is not in the context is shown where the Dockerfile names it', () => {
  const found = explain('failed to calculate checksum of ref 1234::abc: "/nope": not found');
  assert.equal(found.code, 'build/file-missing');
  assert.ok(found.span !== undefined);
  assert.doesNotMatch(found.detail ?? '', /\| >>>/);
});

test('a warning of the frontend is placed in the Dockerfile as we name it', () => {
  const events: EventBody[] = [];
  const reader = new ProgressReader('api', (event) => events.push(event), DOCKERFILE);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  reader.line(
    JSON.stringify({
      warnings: [
        {
          vertex: 'sha256:1',
          level: 1,
          short: base64('JSONArgsRecommended: words (line 3)'),
          sourceInfo: { filename: 'Dockerfile' },
          range: [{ start: { line: 3 }, end: { line: 4 } }],
        },
      ],
    }),
  );
  const [event] = events;
  assert.ok(event?.type === 'warning');
  assert.deepEqual(event.problem.place, {
    file: 'api/Dockerfile',
    line: 3,
    column: 1,
    endLine: 4,
    endColumn: 6,
  });
});

test('what layers-only images do to a build has codes of its own', () => {
  const guarded = explain('dockerfile parse error on line 1: unknown instruction: BAKE_TS_LAYERS_ONLY');
  assert.equal(guarded.code, 'build/links-not-split');
  const ref = `127.0.0.1:5000/app/base@sha256:${'a'.repeat(64)}`;
  const head = `Head "http://127.0.0.1:1/v2/bake/base/manifests/${ref.slice(ref.indexOf('@') + 1)}"`;
  const refused = 'dial tcp 127.0.0.1:1: connect: connection refused';
  const ofStore = explain(
    `failed to solve: failed to load cache key: failed to do request: ${head}: ${refused}`,
  );
  assert.equal(ofStore.code, 'build/image-lost');
  assert(ofStore.message.includes(ref.slice(ref.indexOf('@') + 1)), ofStore.message);
  const lost = explain(`failed to load cache key: ${ref}: not found`);
  assert.equal(lost.code, 'build/image-lost');
  assert(lost.message.includes(ref));
  // A file that is not there is something else.
  assert.equal(
    explain('failed to calculate checksum of ref a::b: "/x": not found').code,
    'build/file-missing',
  );
});

test('a base image that cannot be had is named whole: with a port, a tag and a digest', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const name of [
    'alpine:3',
    'r.example/x',
    '127.0.0.1:5000/x:1',
    `127.0.0.1:5000/x:1@${digest}`,
    `x@${digest}`,
  ]) {
    const words = `${name}: failed to resolve source metadata for ${name}`;
    const missing = explain(`${words}: ${name}: not found`);
    assert.deepEqual(
      [missing.code, missing.message.startsWith(`the base image ${name} does`)],
      ['build/base-missing', true],
    );
    const away = explain(`${words}: dial tcp: connection refused`);
    assert.deepEqual(
      [away.code, away.message.startsWith(`the base image ${name} cannot`)],
      ['build/base-unreachable', true],
    );
  }
});

test('a disk that is full for our own temporary files is not taken for that of the engine', () => {
  const local = explain('write /tmp/bake-ts-a1B2c3/4/.tmp-metadata.json99: no space left on device');
  assert.deepEqual(
    [local.code, local.message.split(' (')[0]],
    ['run/no-temp', 'there is no room for temporary files: the disk of /tmp/bake-ts-a1B2c3 is full'],
  );
  assert.equal(explain('write /var/lib/buildkit/x: no space left on device').code, 'engine/disk-full');
});

test('a buildctl that cannot take the password of a proxy from its environment is said to be too old', () => {
  const reader = new ProgressReader('api', () => {});
  reader.line('error: invalid value build-arg:Https_Proxy');
  const found = explainFailure('api', 1, reader.summary());
  assert.equal(found.code, 'build/failed');
  assert.match(found.message, /^this buildctl cannot use a proxy with a password/);
  assert.match(found.hint ?? '', /engine install/);
});

test('a frontend that cannot be had is told from a base image, and shown where builds.yaml names it', () => {
  const span = { source: { path: 'builds.yaml', text: 'source' }, start: 0, end: 6 };
  for (const [image, code] of [
    [`x.example/fe:1@sha256:${'a'.repeat(64)}: not found`, 'build/base-missing'],
    ['x.example/fe:1: dial tcp: connection refused', 'build/base-unreachable'],
  ] as const) {
    const text = [
      `error: failed to solve: ${image.split(': ')[0]}: failed to resolve source metadata for ${image}`,
    ];
    const summary = { text, steps: { total: 0, cached: 0 }, failedLog: [] };
    const found = explainFailure('a', 1, summary, undefined, { image: 'x.example/fe:1', span });
    assert.deepEqual(
      [found.code, found.message, found.span],
      [code, 'the frontend x.example/fe:1 is not available', span],
    );
    assert.match(found.hint ?? '', /`source:`/);
    const base = explainFailure('a', 1, summary, undefined, { image: 'x.example/other:1' });
    assert.match(base.message, /^the base image x\.example\/fe:1/);
  }
});
