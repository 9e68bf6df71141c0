/** Detects what listens at a port: BuildKit without TLS, with TLS, or something unknown. Sends no request. */
import { readFile } from 'node:fs/promises';
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect as connectTls } from 'node:tls';
import type { EngineTls } from '../model/mod.ts';
import { throwDenied } from '../util/permission.ts';

/** A host and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * `answers`: it accepted the connection, with TLS or without. `plain`: the client used TLS, the server does not. `tls`: the
 * server uses TLS, the client did not. `refuses`: it rejected the client's certificate, or the lack of one. `unknown`: none of
 * these is certain.
 */
export type Speech = 'answers' | 'plain' | 'tls' | 'refuses' | 'unknown';

/** Milliseconds; a server answers in two round trips. */
const PATIENCE_MS = 2_000;
/** The preface of HTTP/2 and an empty settings frame (RFC 9113, 3.4 and 6.5). */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/** Connects as buildctl would. Rejects only if the runtime does not permit it. */
export async function speakTo(
  target: HostPort,
  tls: EngineTls | undefined,
  signal: AbortSignal | undefined,
): Promise<Speech> {
  if (tls !== undefined) {
    const heard = await speakTls(target, tls, signal);
    return heard === 'encrypted' ? 'unknown' : heard;
  }
  const plain = await new Promise<'answers' | 'closed' | 'unknown'>((resolve) => {
    const socket = connect(target);
    socket.once('connect', () => socket.write(PREFACE));
    watch(socket, signal, resolve, {
      // A settings frame starts with its length, which has two leading zeros; a TLS alert starts with 21 (RFC 8446, 5.1).
      onData: (data) => (data[0] === 0 ? 'answers' : data[0] === 21 ? 'closed' : 'unknown'),
      onError: () => 'closed',
    });
  });
  if (plain !== 'closed') return plain;
  const heard = await speakTls(target, {}, signal);
  return heard === 'encrypted' || heard === 'refuses' ? 'tls' : 'unknown';
}

/**
 * Does a handshake as buildctl would and reads the first bytes after it; with TLS 1.3 these show whether the client's certificate
 * is accepted.
 *
 * @returns `encrypted`: the handshake succeeded, but the peer could not be verified
 */
async function speakTls(
  { host, port }: HostPort,
  tls: EngineTls,
  signal: AbortSignal | undefined,
): Promise<Exclude<Speech, 'tls'> | 'encrypted'> {
  const read = async (file: string | undefined) =>
    file === undefined ? undefined : readFile(file).catch(throwDenied);
  const [ca, cert, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)]);
  const name = tls.serverName ?? host;
  return new Promise((resolve) => {
    const options: ConnectionOptions = {
      host,
      port,
      // buildctl may trust peers that this runtime does not; it decides.
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
    let isSure = false;
    try {
      const socket = connectTls(options, () => {
        isSure =
          ca !== undefined &&
          socket.authorized &&
          checkServerIdentity(name, socket.getPeerCertificate()) === undefined;
        socket.write(PREFACE);
      });
      watch(socket, signal, resolve, {
        onData: () => (isSure ? 'answers' : 'encrypted'),
        onError: classify,
      });
    } catch {
      // Invalid files.
      resolve('unknown');
    }
  });
}

/** Messages and codes of OpenSSL (Node) and rustls (Deno). */
function classify(error: Error | undefined): 'refuses' | 'plain' | 'unknown' {
  const text = error === undefined ? '' : `${'code' in error ? error.code : ''} ${error.message}`;
  if (/alert/i.test(text)) return 'refuses';
  return /wrong.version.number|packet.length|InvalidContentType|http.request/i.test(text)
    ? 'plain'
    : 'unknown';
}

/** Waits for the first bytes, the end, or the timeout. */
function watch<T extends string>(
  socket: Socket,
  signal: AbortSignal | undefined,
  resolve: (speech: T | 'unknown') => void,
  on: {
    readonly onData: (data: Buffer) => T | 'unknown';
    readonly onError: (error: Error | undefined) => T | 'unknown';
  },
): void {
  const finish = (speech: T | 'unknown'): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
    socket.removeAllListeners();
    socket.on('error', () => {});
    socket.destroy();
    resolve(speech);
  };
  const giveUp = (): void => finish('unknown');
  const timer = setTimeout(giveUp, PATIENCE_MS);
  signal?.addEventListener('abort', giveUp, { once: true });
  socket.once('data', (data: Buffer) => finish(on.onData(data)));
  socket.once('error', (error) => finish(on.onError(error)));
  socket.once('end', () => finish(on.onError(undefined)));
  if (signal?.aborted === true) giveUp();
}
