/** What listens at a port: BuildKit in plain text, one that speaks TLS, or something unknown. Sends no request. */
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
 * `answers`: it took the connection as it was made, with TLS or without. `plain`: TLS was spoken to one that has none. `tls`: it speaks
 * TLS, and was spoken to in plain text. `refuses`: it ended the handshake for what the client showed, or did not show. `unknown`: none of
 * these is certain.
 */
export type Speech = 'answers' | 'plain' | 'tls' | 'refuses' | 'unknown';

/** Milliseconds; one that listens answers in two round trips. */
const PATIENCE_MS = 2_000;
/** What HTTP/2 begins with, and its first frame, without any setting (RFC 9113, 3.4 and 6.5). */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/** Speaks to it as buildctl would. Never rejects but for what the runtime does not permit. */
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
      // A frame begins with its length, and that of settings has two leading zeros; an alert of TLS with 21 (RFC 8446, 5.1).
      onData: (data) => (data[0] === 0 ? 'answers' : data[0] === 21 ? 'closed' : 'unknown'),
      onError: () => 'closed',
    });
  });
  if (plain !== 'closed') return plain;
  const heard = await speakTls(target, {}, signal);
  return heard === 'encrypted' || heard === 'refuses' ? 'tls' : 'unknown';
}

/**
 * A handshake as of buildctl, and the first bytes after it; of TLS 1.3 these say whether the client's certificate is taken.
 *
 * @returns `encrypted`: it was made, with somebody who is not known for certain
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
      // Who is not trusted may be believed by buildctl; that is for it to say.
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
      // Files that are none.
      resolve('unknown');
    }
  });
}

/** OpenSSL's words and codes (Node), and rustls' (Deno). */
function classify(error: Error | undefined): 'refuses' | 'plain' | 'unknown' {
  const text = error === undefined ? '' : `${'code' in error ? error.code : ''} ${error.message}`;
  if (/alert/i.test(text)) return 'refuses';
  return /wrong.version.number|packet.length|InvalidContentType|http.request/i.test(text)
    ? 'plain'
    : 'unknown';
}

/** Waits for the first bytes, the end, or nothing for too long. */
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
