/** A wire for tests, and short requests on it. */
import type { TestContext } from 'node:test';
import type { RequestSeen } from '../../lib/registry/mod.ts';
import { Wire, type WireOptions, type WireRequest } from '../../lib/registry/wire.ts';

/** Time limits that no working server comes near. */
export const LIMITS = { connectMs: 2000, headersMs: 2000, idleMs: 2000, requestMs: 2000, uploadMs: 2000 };

/** What a test has of a wire. */
export interface TestWire {
  readonly wire: Wire;
  readonly seen: readonly RequestSeen[];
  readonly send: (host: string, path: string, request?: Partial<WireRequest>) => ReturnType<Wire['send']>;
}

/** A wire that is closed after the test, what it was seen to send, and a request with everything that does not matter. */
export function wireOf(t: TestContext, rest: Partial<WireOptions> = {}): TestWire {
  const seen: RequestSeen[] = [];
  const wire = new Wire({
    registries: new Map(),
    env: {},
    userAgent: 'agent/1',
    timeouts: LIMITS,
    onRequest: (one) => seen.push(one),
    ...rest,
  });
  t.after(() => wire.close());
  const send = (host: string, path: string, request: Partial<WireRequest> = {}) =>
    wire.send({
      method: 'GET',
      host,
      url: new URL(`http://${host}${path}`),
      settings: {},
      headers: {},
      limitBytes: 1000,
      purpose: 'registry',
      attempt: 3,
      ...request,
    });
  return { wire, seen, send };
}
