/** What stands between a client and a server without reading what they say: a relay that counts, and an https proxy. */
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as sendOn,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Cleanup } from './temp.ts';

const LOOPBACK = '127.0.0.1';

/** Passes TCP connections on to `upstream` (`HOST:PORT`) and counts them; `address`: where it listens, if not loopback. */
export async function startRelay(
  t: Cleanup,
  upstream: string,
  address: string = LOOPBACK,
): Promise<{ readonly host: string; readonly connections: () => number }> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    count += 1;
    join(socket, dial(upstream), sockets);
  });
  const host = await listen(t, server, sockets, address);
  return { host, connections: () => count };
}

/**
 * Passes TCP connections on to `upstream` (`HOST:PORT`), all of them together at no more than so many bytes a second
 * towards it: a slow uplink.
 */
export async function startSlowRelay(t: Cleanup, upstream: string, bytesPerSecond: number): Promise<string> {
  const sockets = new Set<Socket>();
  let freeAt = 0;
  const slow = () =>
    new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        const now = Date.now();
        freeAt = Math.max(freeAt, now) + (chunk.length / bytesPerSecond) * 1000;
        setTimeout(() => done(null, chunk), freeAt - now);
      },
    });
  const server = createServer((socket) => join(socket, dial(upstream), sockets, slow));
  return listen(t, server, sockets);
}

/** A proxy that takes CONNECT for https and plain requests for http, and everything it was sent in the clear. */
export interface ForwardProxy {
  /** `http://127.0.0.1:PORT`, or `https:` with a certificate. */
  readonly url: string;
  /** What it was asked for: `CONNECT HOST:PORT` or `METHOD URL`, with the headers. */
  readonly requests: readonly { readonly line: string; readonly headers: IncomingHttpHeaders }[];
  /** Bytes that passed through tunnels towards servers, as text. */
  tunnelled(): string;
}

/** Starts a proxy. `routes` leads names that do not exist to servers that do; `userinfo` is asked of all who come. */
export async function startForwardProxy(
  t: Cleanup,
  options: {
    readonly routes?: Readonly<Record<string, string>>;
    readonly userinfo?: string;
    readonly tls?: { readonly cert: string; readonly key: string };
  } = {},
): Promise<ForwardProxy> {
  const requests: { line: string; headers: IncomingHttpHeaders }[] = [];
  const sockets = new Set<Socket>();
  let sent = '';
  const route = (name: string): string => options.routes?.[name] ?? name;
  const wanted =
    options.userinfo === undefined ? undefined : `Basic ${Buffer.from(options.userinfo).toString('base64')}`;
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    requests.push({ line: `${incoming.method} ${incoming.url}`, headers: incoming.headers });
    if (wanted !== undefined && incoming.headers['proxy-authorization'] !== wanted) {
      outgoing.writeHead(407).end();
      return;
    }
    const url = new URL(incoming.url ?? '');
    const upstream = sendOn(
      `http://${route(url.host)}${url.pathname}${url.search}`,
      { method: incoming.method, headers: { ...incoming.headers, host: url.host }, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    upstream.on('error', () => outgoing.destroy());
    incoming.pipe(upstream);
  };
  const server = options.tls === undefined ? createHttpServer(handle) : createTlsServer(options.tls, handle);
  server.on('connect', (incoming, socket: Socket) => {
    requests.push({ line: `CONNECT ${incoming.url}`, headers: incoming.headers });
    if (wanted !== undefined && incoming.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const upstream = dial(route(incoming.url ?? ''));
    upstream.on('connect', () => socket.write('HTTP/1.1 200 Connection Established\r\n\r\n'));
    socket.on('data', (bytes: Uint8Array) => {
      sent += Buffer.from(bytes).toString('latin1');
    });
    join(socket, upstream, sockets);
  });
  const host = await listen(t, server, sockets);
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}`,
    requests,
    tunnelled: () => sent,
  };
}

function dial(address: string): Socket {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return connect(Number(port), host);
}

/** @param through what bytes from `one` to `other` pass */
function join(one: Socket, other: Socket, sockets: Set<Socket>, through?: () => Transform): void {
  for (const [from, to, via] of [
    [one, other, through?.()],
    [other, one, undefined],
  ] as const) {
    sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    (via === undefined ? from : from.pipe(via)).pipe(to);
  }
}

async function listen(
  t: Cleanup,
  server: Server,
  sockets: ReadonlySet<Socket>,
  address = LOOPBACK,
): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  t.after(async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return `${address}:${(server.address() as AddressInfo).port}`;
}
