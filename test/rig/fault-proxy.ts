/**
 * A proxy before a real registry: requests pass unless the test answers them itself. The engine and bake-ts are known by
 * their User-Agent, so that a test can refuse the requests of one of them alone.
 */
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { listenOnLoopback } from './listen.ts';
import type { Cleanup } from './temp.ts';

/** A request that came to the proxy. */
export interface ProxyRequest {
  readonly method: string;
  readonly path: string;
  /** Who asks, by the User-Agent. */
  readonly from: 'bake-ts' | 'engine';
}

/** What the proxy does: lets it pass, answers with a status, or cuts the connection. */
export type ProxyVerdict = 'pass' | 'cut' | number;

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
    if (verdict !== 'pass') {
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
        answer.pipe(outgoing);
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
