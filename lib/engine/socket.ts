/** Asking a socket whether somebody listens: cheaper than any program, and enough to choose between engines. */
import { connect } from 'node:net';

/** What a connection attempt said. */
export type SocketAnswer =
  | { readonly kind: 'accepts' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'error'; readonly text: string };

/** A unix socket's path, or a host and port. */
export type SocketTarget = { readonly path: string } | { readonly host: string; readonly port: number };

/** Connects and hangs up at once. Never rejects; `silent` after the given time, and where the signal comes. */
export function probeSocket(
  target: SocketTarget,
  timeoutMs = 1_000,
  signal?: AbortSignal,
): Promise<SocketAnswer> {
  if (signal?.aborted === true) return Promise.resolve({ kind: 'silent' });
  return new Promise((resolve) => {
    const socket = connect(target);
    const finish = (answer: SocketAnswer): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      socket.on('error', () => {}); // Destroying may still report one.
      socket.destroy();
      resolve(answer);
    };
    const onAbort = (): void => finish({ kind: 'silent' });
    const timer = setTimeout(onAbort, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => finish({ kind: 'accepts' }));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(classify(error)));
  });
}

function classify(error: NodeJS.ErrnoException): SocketAnswer {
  switch (error.code) {
    case 'ENOENT':
      return { kind: 'absent' };
    case 'ECONNREFUSED':
      return { kind: 'refused' };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'denied' };
    case 'ETIMEDOUT':
      return { kind: 'silent' };
    default:
      return { kind: 'error', text: error.code ?? error.message };
  }
}

/** The answer in words that follow "the socket". */
export function formatAnswer(answer: SocketAnswer): string {
  switch (answer.kind) {
    case 'accepts':
      return 'accepts connections';
    case 'absent':
      return 'does not exist';
    case 'refused':
      return 'is there, but nobody listens on it';
    case 'denied':
      return 'may not be opened by this user';
    case 'silent':
      return 'does not answer';
    case 'error':
      return `cannot be opened (${answer.text})`;
  }
}
