import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { runBakeTs } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeFakePlace } from '../rig/fake-place.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { freePort } from '../rig/port.ts';
import type { Cleanup } from '../rig/temp.ts';

const timeout = { timeout: 120_000 };

const TREE = { 'builds.yaml': 'builds:\n  base: { context: . }\n  app: { context: ., needs: [base] }\n' };
const STEP = '[1/1] COPY Dockerfile /';

/** A build of one step, in the words of BuildKit. */
const PROGRESS = [
  { vertexes: [{ digest: 'sha256:1', name: STEP, started: '2026-01-01T00:00:00.000Z' }] },
  {
    vertexes: [
      {
        digest: 'sha256:1',
        name: STEP,
        started: '2026-01-01T00:00:00.000Z',
        completed: '2026-01-01T00:00:00.004Z',
      },
    ],
  },
];

/** Variables that must not reach buildctl. */
const HIDDEN = [
  'TRACEPARENT',
  'TRACESTATE',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_SERVICE_NAME',
];

interface Request {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A collector that keeps what it gets. */
async function startCollector(
  t: Cleanup,
  answer: (response: ServerResponse) => void = (response) => response.end('{}'),
) {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      answer(response);
    });
  });
  const port = await listenOnLoopback(t, server);
  return { url: `http://127.0.0.1:${port}`, requests };
}

/** Runs two builds with a collector in the environment. */
async function run(t: TestContext, env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const rule = { progress: PROGRESS, logEnv: HIDDEN };
  const place = await makeFakePlace(t, TREE, [rule]);
  const ended = await runBakeTs(['run', '--progress=plain', ...args], {
    cwd: place.cwd,
    env: { ...place.env, ...env },
  });
  return { ...ended, calls: await place.buildctl.calls() };
}

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number };
}

function readJson({ body }: Request) {
  const { resourceSpans } = JSON.parse(body.toString('utf8')) as {
    readonly resourceSpans: readonly {
      readonly resource: Pick<Span, 'attributes'>;
      readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
    }[];
  };
  const [first] = resourceSpans;
  assert(first !== undefined);
  return {
    resource: attributesOf(first.resource),
    spans: resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  };
}

function attributesOf({ attributes }: Pick<Span, 'attributes'>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;

test(
  'a trace per run, below the span of the CI system: a span for each build and each step',
  timeout,
  async (t) => {
    const { url, requests } = await startCollector(t);
    const { exitCode, stderr, calls } = await run(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hunter2',
      OTEL_SERVICE_NAME: 'nightly',
      TRACEPARENT: PARENT,
      TRACESTATE: 'ci=1',
    });
    assert.equal(exitCode, 0, stderr);
    assert.doesNotMatch(stderr, /warning/);
    assert.equal(requests.length, 1);
    const [request] = requests;
    assert(request !== undefined);
    assert.deepEqual(
      [request.path, request.headers['content-type'], request.headers['authorization']],
      ['/v1/traces', 'application/json', 'Bearer hunter2'],
    );
    const { resource, spans } = readJson(request);
    assert.equal(resource['service.name'], 'nightly');
    const byName = (name: string) => spans.filter((span) => span.name === name);
    const [root] = byName('bake-ts run');
    const [base] = byName('base');
    const [app] = byName('app');
    assert(root !== undefined && base !== undefined && app !== undefined);
    assert.deepEqual([root.traceId, root.parentSpanId], [TRACE, 'b7ad6b7169203331']);
    assert.deepEqual([base.parentSpanId, app.parentSpanId], [root.spanId, root.spanId]);
    const steps = byName(STEP);
    assert.deepEqual(
      steps.map(({ parentSpanId }) => parentSpanId).toSorted(),
      [base.spanId, app.spanId].toSorted(),
    );
    assert(spans.every(({ traceId }) => traceId === TRACE));
    for (const inner of [base, app]) {
      assert(BigInt(inner.startTimeUnixNano) >= BigInt(root.startTimeUnixNano));
      assert(BigInt(inner.endTimeUnixNano) <= BigInt(root.endTimeUnixNano));
    }
    const attributes = attributesOf(base);
    assert.equal(attributes['cicd.pipeline.task.name'], 'base');
    assert.equal(attributes['cicd.pipeline.task.run.result'], 'success');
    assert.equal(attributesOf(root)['cicd.pipeline.result'], 'success');
    // Neither the trace nor its credentials are handed on.
    assert(calls.length >= 2);
    for (const { env } of calls)
      assert.deepEqual(
        HIDDEN.filter((name) => env[name] !== undefined && env[name] !== null),
        [],
      );
  },
);

test('a failed build is an error in the trace, with its problem', timeout, async (t) => {
  const { url, requests } = await startCollector(t);
  const place = await makeFakePlace(t, TREE, [
    { exitCode: 1, stderr: 'error: failed to solve: it is broken' },
  ]);
  const io = createFakeIo(['run', '--progress=quiet'], {
    cwd: place.cwd,
    env: {
      ...place.env,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/own`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    },
  });
  assert.equal(await runCli(io), 1);
  const [request] = requests;
  assert(request !== undefined);
  assert.equal(request.path, '/own');
  const { spans } = readJson(request);
  const ofName = (name: string) => spans.find((span) => span.name === name);
  assert.deepEqual([ofName('bake-ts run')?.status.code, ofName('base')?.status.code], [2, 2]);
  assert.equal(attributesOf(ofName('base') ?? assert.fail())['error.type'], 'build/failed');
});

/** Texts of length-delimited fields of a protobuf message, by the path of their field numbers. */
function readFields(bytes: Uint8Array, wanted: readonly number[]): readonly string[] {
  const [field, ...rest] = wanted;
  const found: string[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] ?? assert.fail('cut off');
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else {
      assert.equal(wire, 2);
      const length = varint();
      const part = bytes.subarray(at, at + length);
      at += length;
      if (Math.floor(tag / 8) !== field) continue;
      if (rest.length === 0) found.push(new TextDecoder().decode(part));
      else found.push(...readFields(part, rest));
    }
  }
  return found;
}

test('unless told otherwise, it is protobuf', timeout, async (t) => {
  const { url, requests } = await startCollector(t);
  const { code, shown } = await callHere(t, { OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/` });
  assert.equal(code, 0, shown);
  const [request] = requests;
  assert(request !== undefined, shown);
  assert.deepEqual([request.path, request.headers['content-type']], ['/v1/traces', 'application/x-protobuf']);
  // ResourceSpans 1, ScopeSpans 2, Span 2, name 5.
  const names = readFields(request.body, [1, 2, 2, 5]);
  assert(names.includes('bake-ts run'), names.join());
});

/** The command line within the test: what is asked of the environment by us, and not by the SDK. */
async function callHere(t: TestContext, env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const place = await makeFakePlace(t, TREE);
  const io = createFakeIo(['run', '--dry-run', ...args], { cwd: place.cwd, env: { ...place.env, ...env } });
  const code = await runCli(io);
  return { code, shown: `${io.out()}${io.err()}`.replaceAll(/\s+/g, ' ') };
}

test('an endpoint that refuses, breaks or is none costs a warning and nothing else', timeout, async (t) => {
  const refusing = await startCollector(t, (response) => {
    response.statusCode = 401;
    response.end('no: hunter2');
  });
  const closed = `127.0.0.1:${await freePort()}`;
  const cases = [
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url }, /not sent to 127\.0\.0\.1:\d+ \(HTTP 401\)/],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://me:hunter2@${closed}` },
      /not sent to 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/,
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector hunter2' },
      /not sent to the endpoint \(its address is not an http or https URL/,
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      /\(its protocol is not/,
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url, OTEL_EXPORTER_OTLP_CERTIFICATE: 'none.pem' }, /\(ENOENT\)/],
  ] as const;
  for (const [env, expected] of cases) {
    const { code, shown } = await callHere(t, { ...env, OTEL_EXPORTER_OTLP_TIMEOUT: '500' });
    assert.equal(code, 0, shown);
    assert.match(shown, expected);
    assert.equal(shown.match(/warning\[run\/traces-unsent\]/g)?.length, 1, shown);
    assert.doesNotMatch(shown, /hunter2/);
  }
  assert.equal(refusing.requests.length, 1);
});

test('an endpoint that never answers, or byte by byte, is waited for some seconds', timeout, async (t) => {
  const silent = await startCollector(t, () => undefined);
  const dripping = await startCollector(t, (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(' '), 200);
    response.on('close', () => clearInterval(timer));
  });
  await Promise.all(
    [silent, dripping].map(async ({ url }) => {
      const { code, shown } = await callHere(t, { OTEL_EXPORTER_OTLP_ENDPOINT: url });
      assert.equal(code, 0, shown);
      assert.match(shown, /warning\[run\/traces-unsent\].* \(no answer within 5 s\)/);
    }),
  );
  // And the process ends, whatever is on its way.
  const { exitCode, stderr } = await run(t, { OTEL_EXPORTER_OTLP_ENDPOINT: dripping.url }, ['--dry-run']);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /warning\[run\/traces-unsent\]/);
});

test('who stopped the run waits a second at most', timeout, async (t) => {
  const silent = await startCollector(t, () => undefined);
  const place = await makeFakePlace(t, TREE, [{ hang: true }]);
  const env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: silent.url };
  const io = createFakeIo(['run'], { cwd: place.cwd, env });
  const ended = runCli(io);
  await place.buildctl.waitForCalls(1);
  io.send('SIGINT');
  assert.equal(await ended, 130);
  assert.match(io.err().replaceAll(/\s+/g, ' '), /traces-unsent\].* \(no answer within 1 s\)/);
});

test('who stops while the trace is sent waits a second more at most', timeout, async (t) => {
  const place = await makeFakePlace(t, TREE);
  const silent = await startCollector(t, () => io.send('SIGINT'));
  const env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: silent.url };
  const io = createFakeIo(['run', '--dry-run'], { cwd: place.cwd, env });
  await runCli(io);
  assert.match(io.err().replaceAll(/\s+/g, ' '), /traces-unsent\].* \(no answer within 1 s\)/);
});

test(
  'nothing is sent where it is switched off, not sampled, or the files are a stranger’s',
  timeout,
  async (t) => {
    const { url, requests } = await startCollector(t);
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: url };
    for (const [env, args] of [
      [{ ...on, OTEL_SDK_DISABLED: 'true' }, []],
      [{ ...on, OTEL_TRACES_EXPORTER: 'none' }, []],
      [{ ...on, TRACEPARENT: PARENT.replace(/01$/, '00') }, []],
      [on, ['--untrusted']],
      [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, []],
    ] as const) {
      const { code, shown } = await callHere(t, env, args);
      assert.equal(code, 0, shown);
      assert.doesNotMatch(shown, /traces-unsent/);
    }
    assert.deepEqual(requests, []);
    await callHere(t, on);
    assert.equal(requests.length, 1);
  },
);
