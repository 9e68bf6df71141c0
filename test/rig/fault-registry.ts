/**
 * A server that misbehaves on purpose: each request is answered by a function of the test, and all of them are kept.
 * What a working registry does is tested against a real one (`registry.ts`).
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { listenOnLoopback } from './listen.ts';
import type { Cleanup } from './temp.ts';

/** A request as it came. */
export interface FaultRequest {
  readonly method: string;
  /** Path with query. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Counts requests of this method and path, from 1. */
  readonly nth: number;
}

/** An answer; or `cut`: the connection ends without one; or `hang`: nothing ever comes. */
export type FaultAnswer =
  | 'cut'
  | 'hang'
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
      /** Cuts the connection after so many bytes of the body. */
      readonly cutAfter?: number;
      readonly delayMs?: number;
    };

/** A server that runs. */
export interface FaultRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly requests: readonly FaultRequest[];
  /** `METHOD PATH` of each. */
  lines(): readonly string[];
}

/** Starts it; closed, with all its connections, after the test. */
export async function startFaultRegistry(
  t: Cleanup,
  answer: (request: FaultRequest) => FaultAnswer,
  tls?: { readonly cert: string; readonly key: string; readonly ca?: string; readonly requestCert?: boolean },
): Promise<FaultRegistry> {
  const requests: FaultRequest[] = [];
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const pieces: Uint8Array[] = [];
    incoming.on('data', (piece: Uint8Array) => pieces.push(piece));
    incoming.on('error', () => undefined);
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://unused');
      const method = incoming.method ?? '';
      const same = requests.filter((one) => one.method === method && one.path === url.pathname).length;
      const request: FaultRequest = {
        method,
        target: incoming.url ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(pieces).toString('utf8'),
        nth: same + 1,
      };
      requests.push(request);
      reply(outgoing, answer(request));
    });
  };
  const server =
    tls === undefined
      ? createServer(handle)
      : createTlsServer({ ...tls, rejectUnauthorized: tls.requestCert === true }, handle);
  const port = await listenOnLoopback(t, server);
  return {
    host: `127.0.0.1:${port}`,
    requests,
    lines: () => requests.map((request) => `${request.method} ${request.path}`),
  };
}

function reply(outgoing: ServerResponse, answer: FaultAnswer): void {
  if (answer === 'hang') return;
  if (answer === 'cut') {
    outgoing.socket?.destroy();
    return;
  }
  const send = (): void => {
    outgoing.writeHead(answer.status, { ...answer.headers });
    if (answer.cutAfter !== undefined) {
      outgoing.write(Buffer.from(answer.body ?? '').subarray(0, answer.cutAfter), () =>
        outgoing.socket?.destroy(),
      );
      return;
    }
    outgoing.end(answer.body);
  };
  if (answer.delayMs === undefined) send();
  else setTimeout(send, answer.delayMs).unref();
}

/** `sha256:…` of a text. */
export function sha256(text: string | Uint8Array): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** An empty image's manifest, as text; `mark` makes it different from others. */
export function manifestText(mark = ''): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256('{}'), size: 2 },
    layers: [],
    annotations: { mark },
  });
}

/** The answer of a registry that has a manifest. */
export function manifestAnswer(text: string = manifestText()): Exclude<FaultAnswer, string> {
  return {
    status: 200,
    headers: {
      'content-type': 'application/vnd.oci.image.manifest.v1+json',
      'content-length': String(Buffer.byteLength(text)),
      'docker-content-digest': sha256(text),
      'docker-distribution-api-version': 'registry/2.0',
    },
    body: text,
  };
}

/** An error as the distribution spec words it. */
export function specError(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Exclude<FaultAnswer, string> {
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'docker-distribution-api-version': 'registry/2.0',
      ...headers,
    },
    body: JSON.stringify({ errors: [{ code, message: `the message of ${code}` }] }),
  };
}
