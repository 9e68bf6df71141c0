/** TLS on the way to an engine: the files, and what either end says. */
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type Speech, speakTo } from '../../lib/engine/handshake.ts';
import { findEngine } from '../../lib/engine/mod.ts';
import { checkTlsFiles } from '../../lib/engine/tls-files.ts';
import { explainUnanswered } from '../../lib/engine/unanswered.ts';
import { type EngineTls, engineArgv, tlsFor } from '../../lib/model/mod.ts';
import { makeAuthority } from '../rig/certificates.ts';
import { freePort } from '../rig/port.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

/** What gRPC servers say first (grpc-go internal/transport/http2_server.go): a frame of settings without any. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

async function listening(t: Cleanup, server: Server): Promise<number> {
  const open = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}

/** Speaks as BuildKit does, without TLS. */
function plainServer(t: Cleanup): Promise<number> {
  return listening(
    t,
    // What it is sent is not HTTP/2: it hangs up, as Go does.
    createServer((socket) =>
      socket.once('data', (data) => (data[0] === 0x50 ? socket.write(SETTINGS) : socket.end(SETTINGS))),
    ),
  );
}

function tlsServer(t: Cleanup, options: TlsOptions): Promise<number> {
  return listening(
    t,
    createTlsServer({ ...options, ALPNProtocols: ['h2'] }, (socket) => {
      socket.on('error', () => {});
      socket.write(SETTINGS);
    }),
  );
}

test('what listens at a port is heard: plain text, TLS, and whether it takes the certificate', async (t) => {
  const [own, other] = [await makeAuthority(t), await makeAuthority(t, 'another')];
  const names = ['IP:127.0.0.1', 'DNS:engine.test'];
  const server = await own.issue('server', { names });
  const client = await own.issue('client');
  const mutual = await tlsServer(t, {
    ...{ cert: server.cert, key: server.key, ca: own.ca },
    ...{ requestCert: true, rejectUnauthorized: true },
  });
  const oneSided = await tlsServer(t, { cert: server.cert, key: server.key });
  const plain = await plainServer(t);
  const silent = await listening(
    t,
    createServer((socket) => socket.end()),
  );
  const ours = (one: { certFile: string; keyFile: string }, caFile = own.caFile): EngineTls => ({
    ...{ ca: caFile, cert: one.certFile, key: one.keyFile },
  });
  const cases: readonly (readonly [string, number, EngineTls | undefined, Speech])[] = [
    ['mutual TLS', mutual, ours(client), 'answers'],
    ['a name that is in the certificate', mutual, { ...ours(client), serverName: 'engine.test' }, 'answers'],
    ['a name that is not', mutual, { ...ours(client), serverName: 'other.test' }, 'unknown'],
    ['an address as the name', mutual, { ...ours(client), serverName: '127.0.0.2' }, 'unknown'],
    ['another authority', mutual, ours(client, other.caFile), 'unknown'],
    ['no authority', mutual, { cert: client.certFile, key: client.keyFile }, 'unknown'],
    ['no client certificate', mutual, { ca: own.caFile }, 'refuses'],
    ['plain text to TLS', mutual, undefined, 'tls'],
    ['plain text to TLS without client certificates', oneSided, undefined, 'tls'],
    ['TLS without client certificates', oneSided, { ca: own.caFile }, 'answers'],
    ['plain text', plain, undefined, 'answers'],
    ['TLS to plain text', plain, ours(client), 'plain'],
    ['plain text to something else', silent, undefined, 'unknown'],
    ['TLS to something else', silent, ours(client), 'unknown'],
    ['nobody', await freePort(), ours(client), 'unknown'],
  ];
  for (const [what, port, tls, expected] of cases)
    assert.equal(await speakTo({ host: '127.0.0.1', port }, tls, undefined), expected, what);
});

test('a signal ends the speaking', async (t) => {
  const port = await listening(
    t,
    createServer(() => {}),
  );
  const late = new AbortController();
  late.abort();
  assert.equal(await speakTo({ host: '127.0.0.1', port }, undefined, late.signal), 'unknown');
});

test('files that cannot be used are named, with what is wrong, before anybody is called', async (t) => {
  const authority = await makeAuthority(t);
  const dir = await makeTempDir(t, 'tls-files-');
  const [client, another] = [await authority.issue('client'), await authority.issue('another')];
  const expired = await authority.issue('expired', { expired: true });
  const good = { ca: authority.caFile, cert: client.certFile, key: client.keyFile };
  assert.deepEqual(await checkTlsFiles(good), []);
  assert.deepEqual(await checkTlsFiles({}), []);
  const of = async (tls: EngineTls, now?: Date) =>
    (await checkTlsFiles(tls, now)).map(({ code, message }) => `${code} ${message}`);

  const text = path.join(dir, 'text.pem');
  await writeFile(text, 'hello');
  const sealed = path.join(dir, 'sealed.key');
  await writeFile(
    sealed,
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n',
  );
  assert.deepEqual(await of({ ca: path.join(dir, 'none.pem'), cert: text, key: sealed }), [
    `engine/tls-files the certificate of the authority, ${dir}/none.pem, does not exist`,
    `engine/tls-files the client certificate, ${text}, is not a PEM file`,
    `engine/tls-files the key of the client certificate, ${sealed}, is encrypted`,
  ]);
  assert.deepEqual(await of({ ...good, ca: dir }), [
    `engine/tls-files the certificate of the authority, ${dir}, cannot be read (EISDIR)`,
  ]);
  assert.deepEqual(await of({ ...good, key: another.keyFile }), [
    `engine/tls-files the key ${another.keyFile} does not belong to the client certificate ${client.certFile}`,
  ]);
  const old = { ...good, cert: expired.certFile, key: expired.keyFile };
  const expiry = /^engine\/client-certificate the client certificate \S+ expired at \S+ \S+ UTC$/;
  assert.match((await of(old)).join(), expiry);
  const later = new Date(Date.now() + 30 * 86_400_000);
  assert.match((await of(old, later)).join(), /UTC, 3[01] days ago$/);
  const [early = ''] = await of(good, new Date('2001-02-03T04:05:06Z'));
  assert.match(
    early,
    /^engine\/client-certificate the client certificate \S+ is not valid before \S+ \S+ UTC$/,
  );
});

test("buildctl's words become problems that say which certificate, and what to do", async () => {
  const address = 'tcp://127.0.0.1:1';
  const tls = { ca: '/ca.pem', cert: '/me.pem', key: '/me.key' };
  const said = (words: string) =>
    `error: failed to list workers: Unavailable: connection error: desc = "${words}"\n`;
  const failed = 'transport: authentication handshake failed: tls: ';
  const cases: readonly (readonly [string, string, string])[] = [
    [
      said(`${failed}failed to verify certificate: x509: certificate signed by unknown authority`),
      'engine/server-certificate',
      `the certificate of ${address} is not signed by the authority of /ca.pem`,
    ],
    [
      said(
        `${failed}failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-30T15:29:13Z is after 2026-11-29T15:29:09Z`,
      ),
      'engine/server-certificate',
      `the certificate of ${address} expired at 2026-11-29T15:29:09Z`,
    ],
    [
      said(
        `${failed}failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-30T15:29:13Z is before 2027-11-29T15:29:09Z`,
      ),
      'engine/server-certificate',
      `the certificate of ${address} is not valid before 2027-11-29T15:29:09Z`,
    ],
    [
      said(
        `${failed}failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs`,
      ),
      'engine/server-certificate',
      `the certificate of ${address} is for another name: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs`,
    ],
    [
      said(`${failed}failed to verify certificate: x509: certificate specifies an incompatible key usage`),
      'engine/server-certificate',
      `the certificate of ${address} is not trusted: certificate specifies an incompatible key usage`,
    ],
    [
      said('error reading server preface: remote error: tls: expired certificate'),
      'engine/client-certificate',
      `${address} refuses the client certificate /me.pem: expired certificate`,
    ],
    [
      said(`${failed}first record does not look like a TLS handshake`),
      'engine/tls-mismatch',
      `${address} does not use TLS, but engine.tls requires it`,
    ],
    [
      'error: could not read certificate/key: tls: private key does not match public key\n',
      'engine/tls-files',
      'the files of engine.tls cannot be used: tls: private key does not match public key',
    ],
  ];
  for (const [stderr, code, message] of cases) {
    const found = await explainUnanswered({ address, tls }, stderr, undefined);
    assert.deepEqual([found?.code, found?.message], [code, message]);
    assert(found?.hint !== undefined && found.detail === stderr.trim(), message);
  }
  const none = await explainUnanswered(
    { address, tls: { ca: '/ca.pem' } },
    said('error reading server preface: remote error: tls: certificate required'),
    undefined,
  );
  assert.equal(
    none?.message,
    `${address} requires a client certificate, and none is configured: certificate required`,
  );
  const other = 'error: failed to list workers: Unavailable: connection error: desc = "connection refused"';
  assert.equal(await explainUnanswered({ address: 'unix:///b' }, other, undefined), undefined);
});

test('where buildctl does not say it, the engine is spoken to', async (t) => {
  const authority = await makeAuthority(t);
  const server = await authority.issue('server', { names: ['IP:127.0.0.1'] });
  const port = await tlsServer(t, {
    ...{ cert: server.cert, key: server.key, ca: authority.ca },
    ...{ requestCert: true, rejectUnauthorized: true },
  });
  const address = `tcp://127.0.0.1:${port}`;
  const pipe = 'error: failed to list workers: Unavailable: write tcp: write: broken pipe';
  const found = await explainUnanswered({ address, tls: { ca: authority.caFile } }, pipe, undefined);
  assert.equal(found?.message, `${address} requires a client certificate, and none is configured`);
  const eof = 'error: … "error reading server preface: EOF"';
  const plain = await explainUnanswered({ address }, eof, undefined);
  assert.equal(plain?.message, `${address} uses TLS, and no certificates are configured`);
});

test('an engine that is named is refused for its TLS before anything is asked of it, and buildctl has the last word', async (t) => {
  const [authority, other] = [await makeAuthority(t), await makeAuthority(t, 'another')];
  const server = await authority.issue('server', { names: ['IP:127.0.0.1'] });
  const port = await tlsServer(t, { cert: server.cert, key: server.key });
  const flagAddress = `tcp://127.0.0.1:${port}`;
  const bin = await makeTempDir(t, 'buildctl-');
  const calls = path.join(bin, 'calls');
  const buildctl = path.join(bin, 'buildctl');
  const answer = async (script: string) => {
    await writeFile(buildctl, `#!/bin/sh\necho "$@" >> ${calls}\n${script}\n`);
    await chmod(buildctl, 0o755);
  };
  const env = { PATH: bin, HOME: bin };
  const find = (tls?: EngineTls) =>
    findEngine({
      env,
      flagAddress,
      autoStart: false,
      wellKnownSockets: [],
      settings: { pool: [], ...(tls === undefined ? {} : { tls }) },
    });
  await answer(`echo "error: ${'certificate signed by unknown authority'}" >&2; exit 1`);
  const good = await find({ ca: authority.caFile });
  assert.deepEqual(good.ok && good.value.tls, { ca: authority.caFile });
  const late = await find({ cert: path.join(bin, 'none.pem'), key: path.join(bin, 'none.key') });
  assert(!late.ok);
  assert.deepEqual(
    late.error.map(({ code }) => code),
    ['engine/tls-files', 'engine/tls-files'],
  );
  // None of these needed buildctl.
  await assert.rejects(import('node:fs/promises').then(({ stat }) => stat(calls)));
  await answer(
    'echo "x509: failed to verify certificate: x509: certificate signed by unknown authority" >&2; exit 1',
  );
  const wrong = await find({ ca: other.caFile });
  assert.equal(!wrong.ok && wrong.error[0]?.code, 'engine/server-certificate');
  // Go's rules are not OpenSSL's.
  await answer(`echo '[{"platforms":[{"os":"linux","architecture":"amd64"}]}]'`);
  assert((await find({ ca: other.caFile })).ok);
  await answer('echo "error reading server preface: EOF" >&2; exit 1');
  const plain = await find();
  assert.equal(!plain.ok && plain.error[0]?.code, 'engine/tls-mismatch');
});

test('the arguments of every buildctl come from one place, and TLS is for ports alone', () => {
  const tls = { ca: '/ca', cert: '/c', key: '/k', serverName: 'n' };
  assert.deepEqual(engineArgv({ address: 'unix:///b' }), ['--addr', 'unix:///b']);
  assert.deepEqual(engineArgv({ address: 'tcp://b:1', tls }), [
    ...['--addr', 'tcp://b:1', '--tlscacert', '/ca', '--tlscert', '/c', '--tlskey', '/k'],
    ...['--tlsservername', 'n'],
  ]);
  assert.deepEqual(engineArgv({ address: 'tcp://b:1', tls: { ca: '/ca' } }), [
    ...['--addr', 'tcp://b:1', '--tlscacert', '/ca'],
  ]);
  assert.equal(tlsFor('tcp://b:1', { tls }), tls);
  for (const address of ['unix:///b', 'ssh://h', 'kube-pod://p', 'docker-container://c'])
    assert.equal(tlsFor(address, { tls }), undefined);
});
