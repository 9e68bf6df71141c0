/** Servers of the tests. */
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import type { Cleanup } from './temp.ts';

/** Starts a server on loopback, until the test ends: connections that are still open then are cut. Gives its port. */
export async function listenOnLoopback(t: Cleanup, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

/** Accepts connections at a socket and says nothing, as far as an engine is looked for, until the test ends. Gives its address. */
export async function acceptAt(t: Cleanup, socket: string): Promise<string> {
  const server = createServer((one) => one.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => void server.close());
  return `unix://${socket}`;
}
