/** Blobs on their way, with a wire that the test answers: which bytes leave, when reading ends, and what a failure says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, fail, type ImageRef, ok, type Problem, problem } from '../../lib/model/mod.ts';
import { type BlobSource, blobOfRepository, uploadBlob } from '../../lib/registry/blobs.ts';
import { Exchange } from '../../lib/registry/exchange.ts';
import { readBlob } from '../../lib/registry/read-blob.ts';
import { UsedCredentials } from '../../lib/registry/used-credentials.ts';
import type { Reply, WireRequest } from '../../lib/registry/wire.ts';
import { sha256 } from '../rig/fault-registry.ts';

const HOST = 'r.example';
const FROM: ImageRef = { registry: 'source.example', repository: 'from' };
const TO: ImageRef = { registry: HOST, repository: 'to' };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

type Answer = Partial<Reply> & { readonly headers?: Readonly<Record<string, string>> };

/** What was sent, with the pieces of each body, to a registry that answers as one does unless the test does. */
function setUp(own: (request: WireRequest, nth: number) => Answer | Problem | undefined = () => undefined) {
  const sent: { readonly line: string; readonly pieces: readonly unknown[] }[] = [];
  const exchange = new Exchange({
    wire: {
      async send(request) {
        const pieces: unknown[] = [];
        const { body, method, url, attempt } = request;
        const line = `${method} ${url.href}`;
        if (body !== undefined && typeof body === 'object' && Symbol.asyncIterator in body) {
          try {
            for await (const piece of body) pieces.push(Buffer.from(piece).toString());
          } catch {
            sent.push({ line, pieces: [...pieces, 'cut'] });
            return fail([problem('registry/unreachable', 'the body broke off', { temporary: true })]);
          }
        } else if (body !== undefined) pieces.push(Buffer.from(body).toString());
        sent.push({ line, pieces });
        const given = own(request, sent.length) ?? usual(method);
        if ('code' in given) return fail([given]);
        const { headers = {}, ...rest } = given;
        const header = (name: string) => headers[name];
        return ok({ status: 200, body: bytesOf(''), url, elsewhere: false, attempt, header, ...rest });
      },
    },
    registries: new Map(),
    credentials: { find: async () => ok(undefined) },
    used: new UsedCredentials(),
    retries: { attempts: 1, longestWaitMs: 0, restMs: 0 },
    now: () => 0,
    random: () => 0,
    sleep: async () => undefined,
  });
  return { exchange, sent, lines: () => sent.map(({ line }) => line) };
}

function usual(method: string): Answer {
  if (method === 'HEAD') return { status: 404 };
  if (method === 'POST') return { status: 202, headers: { location: '/upload' } };
  return { status: 201 };
}

/** A stream that notes how many of its pieces were taken, and that it was let go of. */
function streamOf(pieces: readonly string[]) {
  const seen = { taken: 0, closed: 0 };
  const stream = (async function* () {
    try {
      for (const piece of pieces) {
        seen.taken += 1;
        yield bytesOf(piece);
      }
    } finally {
      seen.closed += 1;
    }
  })();
  return { stream, seen };
}

/** A source that is read from pieces, a stream for each time it is opened. */
function sourceOf(...pieces: readonly string[]) {
  const opened: { taken: number; closed: number }[] = [];
  const closed: number[] = [];
  const source: BlobSource = {
    open: async () => {
      const { stream, seen } = streamOf(pieces);
      const nth = opened.push(seen);
      return ok({
        stream,
        explain: (actual, error) => problem('registry/bad-layout', `${actual}, ${error}`),
        close: async () => void closed.push(nth),
      });
    },
  };
  return { source, opened, closed };
}

const blobOf = (content: string): { readonly digest: Digest; readonly sizeBytes: number } => ({
  digest: sha256(content),
  sizeBytes: Buffer.byteLength(content),
});

test('a blob in many pieces arrives whole and in order, and an empty one without any', async () => {
  for (const pieces of [['one', 'two', 'three'], ['all'], []]) {
    const { exchange, sent } = setUp();
    const { source, closed } = sourceOf(...pieces);
    const blob = blobOf(pieces.join(''));
    assert.deepEqual(await uploadBlob(exchange, { to: TO, blob, source }), ok('sent'));
    assert.deepEqual(sent.at(-1), {
      line: `PUT https://${HOST}/upload?digest=${encodeURIComponent(blob.digest)}`,
      pieces,
    });
    assert.deepEqual(closed, [1]);
  }
});

test('of a blob that turns out to be another one the last piece is held back, and what is too long is not read on', async () => {
  const cases = [
    [['one', 'two'], blobOf('onetwX'), ['one', 'cut'], `${sha256('onetwo')}, undefined`, 2],
    [['one', 'two'], blobOf('onetwo3'), ['one', 'cut'], '6 bytes, undefined', 2],
    [['one', 'two', 'three', 'four'], blobOf('oneX'), ['cut'], 'more than 6 bytes, undefined', 2],
  ] as const;
  for (const [pieces, blob, arrived, message, taken] of cases) {
    const { exchange, sent } = setUp();
    const { source, opened, closed } = sourceOf(...pieces);
    const uploaded = await uploadBlob(exchange, { to: TO, blob, source });
    assert.ok(!uploaded.ok);
    assert.deepEqual(
      uploaded.error.map((one) => [one.code, one.message]),
      [['registry/bad-layout', message]],
    );
    assert.deepEqual(sent.at(-1)?.pieces, arrived);
    assert.deepEqual(opened, [{ taken, closed: 1 }]);
    assert.deepEqual(closed, [1]);
  }
});

test('what a registry refuses to mount is sent, if it may be, and an upload that it began is used for the first attempt only', async () => {
  const blob = blobOf('layer');
  const { source: given } = sourceOf('la', 'yer');
  assert.ok(!(given instanceof Uint8Array));
  const source = { ...given, repository: { registry: HOST, repository: 'other' } };
  const mount = `POST https://${HOST}/v2/to/blobs/uploads/?mount=${blob.digest}&from=other`;
  const denied = setUp(({ method }) => (method === 'POST' ? { status: 403 } : undefined));
  const refused = await uploadBlob(denied.exchange, { to: TO, blob, source });
  assert.ok(!refused.ok && refused.error[0]?.code === 'registry/denied', JSON.stringify(refused));
  // The source is not read before it is known that it may be sent.
  assert.deepEqual(denied.lines(), [mount, `POST https://${HOST}/v2/to/blobs/uploads/`]);
  const away = setUp(() => problem('registry/unreachable', 'away'));
  assert.ok(!(await uploadBlob(away.exchange, { to: TO, blob, source })).ok);
  assert.deepEqual(away.lines(), [mount], 'of whoever does not answer nothing else is asked');

  let puts = 0;
  const busy = setUp(({ method, url }) => {
    if (method === 'POST')
      return { status: 202, headers: { location: url.search === '' ? '/new' : '/first' } };
    return method === 'PUT' && ++puts === 1 ? { status: 503 } : undefined;
  });
  assert.deepEqual(await uploadBlob(busy.exchange, { to: TO, blob, source }), ok('sent'));
  const end = `?digest=${encodeURIComponent(blob.digest)}`;
  assert.deepEqual(busy.lines(), [
    mount,
    `PUT https://${HOST}/first${end}`,
    `POST https://${HOST}/v2/to/blobs/uploads/`,
    `PUT https://${HOST}/new${end}`,
  ]);
  const mounting = setUp(() => ({ status: 201 }));
  assert.deepEqual(await uploadBlob(mounting.exchange, { to: TO, blob, source }), ok('mounted'));
  const there = setUp(() => ({ status: 200 }));
  assert.deepEqual(await uploadBlob(there.exchange, { to: TO, blob, source: given }), ok('there'));
});

test('a source that nobody reads on is let go of, and one that breaks off is named with its request', async () => {
  const blob = blobOf('layer');
  const { stream, seen } = streamOf(['la', 'yer']);
  const { exchange } = setUp(({ method }) =>
    method === 'GET' ? { stream } : method === 'POST' ? { status: 403 } : undefined,
  );
  const source = blobOfRepository(exchange, FROM, blob.digest);
  assert.ok(!(await uploadBlob(exchange, { to: TO, blob, source })).ok);
  assert.deepEqual(seen, { taken: 1, closed: 1 });

  const broken = async function* () {
    yield bytesOf('la');
    throw new Error('gone');
  };
  const breaking = setUp(({ method }) => (method === 'GET' ? { stream: broken() } : undefined));
  const uploaded = await uploadBlob(breaking.exchange, {
    to: TO,
    blob,
    source: blobOfRepository(breaking.exchange, FROM, blob.digest),
  });
  assert.ok(!uploaded.ok);
  assert.equal(
    uploaded.error[0]?.message,
    `source.example cannot be reached for GET https://source.example/v2/from/blobs/${blob.digest}`,
  );
});

test('an upload stays with https where the registry knows of http alone, at its own name and port, and nowhere else', async () => {
  const bytes = bytesOf('layer');
  const blob = blobOf('layer');
  const put = `?digest=${encodeURIComponent(blob.digest)}`;
  for (const [location, target] of [
    [`http://${HOST}/u`, `https://${HOST}/u${put}`],
    [`http://${HOST}/u?a=b%2F`, `https://${HOST}/u?a=b%2F&${put.slice(1)}`],
    ['http://other.example/u', `http://other.example/u${put}`],
    [`https://${HOST}/u`, `https://${HOST}/u${put}`],
  ] as const) {
    const { exchange, lines } = setUp(({ method }) =>
      method === 'POST' ? { status: 202, headers: { location } } : undefined,
    );
    assert.deepEqual(await uploadBlob(exchange, { to: TO, blob, source: bytes }), ok('sent'));
    assert.equal(lines().at(-1), `PUT ${target}`);
  }
  const plain = setUp(({ method, url }) => {
    const at = new URL(url.href.replace('https:', 'http:'));
    return method === 'POST' ? { status: 202, url: at, headers: { location: '/u' } } : undefined;
  });
  assert.deepEqual(await uploadBlob(plain.exchange, { to: TO, blob, source: bytes }), ok('sent'));
  assert.equal(plain.lines().at(-1), `PUT http://${HOST}/u${put}`, 'plain http stays plain');
});

test('an upload that begins nowhere says what was asked', async () => {
  const { exchange } = setUp(({ method }) => (method === 'POST' ? { status: 202 } : undefined));
  const uploaded = await uploadBlob(exchange, { to: TO, blob: blobOf('layer'), source: bytesOf('layer') });
  assert.ok(!uploaded.ok);
  assert.equal(
    uploaded.error[0]?.message,
    `${HOST} answered POST https://${HOST}/v2/to/blobs/uploads/ with no address to upload to`,
  );
});

test('a blob that is read as it comes is not read beyond its size, nor where there is nothing to read', async () => {
  const { stream, seen } = streamOf(['one', 'two', 'three', 'four']);
  const { exchange } = setUp(() => ({ stream }));
  const pieces: string[] = [];
  await assert.rejects(async () => {
    for await (const piece of readBlob(exchange, FROM, blobOf('onet')))
      pieces.push(Buffer.from(piece).toString());
  }, /sent wrong content/);
  assert.deepEqual([pieces, seen], [['one'], { taken: 2, closed: 1 }]);
  const bare = setUp(() => ({ status: 200 }));
  await assert.rejects(readBlob(bare.exchange, FROM, blobOf('one')).next(), {
    message: `source.example answered GET https://source.example/v2/from/blobs/${sha256('one')} with no bytes of the blob`,
  });
});
