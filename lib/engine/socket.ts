/** Checks whether anything listens on a socket: cheaper than starting a program, and enough to choose between engines. */
import { connect, type Socket } from 'node:net';
import { isPermitted } from '../system/mod.ts';
import { missingPermissions, type Permission } from '../util/permission.ts';

/** The result of a connection attempt. */
export type SocketAnswer =
  | { readonly kind: 'accepts' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'silent' }
  /** The runtime does not permit the connection. */
  | { readonly kind: 'withheld'; readonly missing: readonly Permission[] }
  | { readonly kind: 'error'; readonly text: string };

/** A unix socket's path, or a host and port. */
export type SocketTarget = { readonly path: string } | { readonly host: string; readonly port: number };

/** Connects and closes the connection at once. Never rejects; `silent` after the given time or if the signal is aborted. */
export function probeSocket(
  target: SocketTarget,
  timeoutMs = 1_000,
  signal?: AbortSignal,
): Promise<SocketAnswer> {
  if (signal?.aborted === true) return Promise.resolve({ kind: 'silent' });
  return new Promise((resolve) => {
    let socket: Socket;
    try {
      socket = connect(target);
    } catch (error) {
      // Deno throws synchronously.
      const answer = classify(error as NodeJS.ErrnoException);
      if (answer.kind === 'withheld') return resolve(whole(target, answer));
      throw error;
    }
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
    socket.once('error', (error: NodeJS.ErrnoException) => finish(whole(target, classify(error))));
  });
}

/** Adds missing permissions: Deno reports one at a time, and a unix socket needs three. */
function whole(target: SocketTarget, answer: SocketAnswer): SocketAnswer {
  if (answer.kind !== 'withheld') return answer;
  const missing = permissionsOf(target).filter((one) => !isPermitted(one));
  return missing.length === 0 ? answer : { kind: 'withheld', missing };
}

/** The runtime permissions that a connection requires. */
function permissionsOf(target: SocketTarget): readonly Permission[] {
  if ('host' in target) return [{ kind: 'net', what: `${target.host}:${target.port}` }];
  const { path: what } = target;
  return [
    { kind: 'read', what },
    { kind: 'write', what },
    { kind: 'net', what: `unix:${what}` },
  ];
}

function classify(error: NodeJS.ErrnoException): SocketAnswer {
  const missing = missingPermissions(error);
  if (missing !== undefined) return { kind: 'withheld', missing };
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

/** The answer as text that follows "the socket". */
export function formatAnswer(answer: SocketAnswer): string {
  switch (answer.kind) {
    case 'accepts':
      return 'accepts connections';
    case 'absent':
      return 'does not exist';
    case 'refused':
      return 'exists, but nothing listens on it';
    case 'denied':
      return 'may not be opened by this user';
    case 'silent':
      return 'does not answer';
    case 'withheld':
      return 'may not be opened by this process';
    case 'error':
      return `cannot be opened (${answer.text})`;
  }
}
