/**
 * A proxy before a real registry: requests pass unless the test answers them itself. The engine and bake-ts are known by
 * their User-Agent, so that a test can refuse the requests of one of them alone.
 */
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { listenOnLoopback } from './listen.ts';
import type { Cleanup } from './temp.ts';

/** A request that came to the proxy. */
export interface ProxyRequest {
  readonly method: string;
  readonly path: string;
  /** Who asks, by the User-Agent. */
  readonly from: 'bake-ts' | 'engine';
}

/** What the proxy does: lets it pass, the answer's body by a tap, answers with a status, or cuts the connection. */
export type ProxyVerdict = 'pass' | 'cut' | number | Tap;

/** Lets as many bytes through as the test says, and holds the rest. */
export class Tap extends Transform {
  #allowed = 0;
  #held: { readonly rest: Buffer; readonly done: TransformCallback } | undefined;

  /** Lets so many more through. */
  allow(bytes: number): void {
    this.#allowed += bytes;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this._transform(held.rest, 'buffer', held.done);
  }

  override _transform(bytes: Buffer, _encoding: string, done: TransformCallback): void {
    const now = bytes.subarray(0, this.#allowed);
    this.#allowed -= now.length;
    if (now.length > 0) this.push(now);
    if (now.length === bytes.length) done();
    else this.#held = { rest: bytes.subarray(now.length), done };
  }
}

/** The proxy. */
export interface FaultProxy {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** From now on; undefined: all pass. */
  judge(verdict: ((request: ProxyRequest) => ProxyVerdict) | undefined): void;
  readonly requests: readonly ProxyRequest[];
}

/** Error codes of the distribution spec for the statuses that have one. */
const CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  429: 'TOOMANYREQUESTS',
};

/** Starts a proxy before the registry at `upstream` (`HOST:PORT`); closed after the test. */
export async function startFaultProxy(t: Cleanup, upstream: string): Promise<FaultProxy> {
  let judge: ((request: ProxyRequest) => ProxyVerdict) | undefined;
  const requests: ProxyRequest[] = [];
  const [hostname = '', port = ''] = upstream.split(':');
  const server = createServer((incoming, outgoing) => {
    const seen: ProxyRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      from: /bake-ts/.test(incoming.headers['user-agent'] ?? '') ? 'bake-ts' : 'engine',
    };
    requests.push(seen);
    const verdict = judge?.(seen) ?? 'pass';
    if (verdict === 'cut') {
      incoming.socket.destroy();
      return;
    }
    if (typeof verdict === 'number') {
      incoming.resume();
      outgoing.writeHead(verdict, { 'content-type': 'application/json' });
      outgoing.end(
        JSON.stringify({ errors: [{ code: CODES[verdict] ?? 'UNKNOWN', message: 'refused by the test' }] }),
      );
      return;
    }
    // The Host header stays ours, so that the registry's Location headers lead back here.
    const headers: IncomingHttpHeaders = { ...incoming.headers };
    const forward = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        (verdict instanceof Tap ? answer.pipe(verdict) : answer).pipe(outgoing);
      },
    );
    forward.on('error', () => outgoing.destroy());
    incoming.on('error', () => forward.destroy());
    incoming.pipe(forward);
  });
  const ownPort = await listenOnLoopback(t, server);
  return {
    host: `127.0.0.1:${ownPort}`,
    requests,
    judge(verdict) {
      judge = verdict;
    },
  };
}
