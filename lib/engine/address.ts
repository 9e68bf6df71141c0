/** Addresses of engines, checked before any connection. */
import { engineSchemesInWords, type Problem, parseEngineAddress, problem } from '../model/mod.ts';
import type { System } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { nameOfSystem } from './elsewhere.ts';
import type { SocketTarget } from './socket.ts';

/**
 * Checks the form of an address. Problem: `engine/bad-address`.
 *
 * @param from where it is set, as text
 */
export function checkAddress(address: string, from: string, system: System): Problem | undefined {
  const parsed = parseEngineAddress(address);
  if (parsed === undefined) {
    return problem(
      'engine/bad-address',
      `"${address}" (from ${from}) is not a valid address of a buildkitd`,
      {
        hint: engineSchemesInWords(),
      },
    );
  }
  // No host contains these: two addresses were joined.
  if (parsed.scheme === 'tcp' && /[\s,]/.test(parsed.rest)) {
    return problem('engine/bad-address', `"${address}" (from ${from}) is not one address of a buildkitd`, {
      hint: `for several engines repeat ${option('--addr')}, or separate them by spaces in BUILDKIT_HOST (tcp://one:1234 tcp://two:1234)`,
    });
  }
  if (parsed.scheme !== 'npipe' || system === 'win32') return undefined;
  return problem(
    'engine/bad-address',
    `"${address}" (from ${from}) is a named pipe of Windows, and this is ${nameOfSystem(system)}`,
    { hint: `name an engine that can be reached from here: ${option('--addr')}, BUILDKIT_HOST` },
  );
}

/** The socket or port to connect to; undefined for addresses that need another program, and on Windows for sockets and pipes. */
export function targetOfAddress(address: string, system: System): SocketTarget | undefined {
  const { scheme, rest = '' } = parseEngineAddress(address) ?? {};
  if (scheme === 'unix') return system === 'win32' ? undefined : { path: rest };
  return scheme === 'tcp' ? parseHostPort(rest) : undefined;
}

function parseHostPort(text: string): { host: string; port: number } | undefined {
  if (!URL.canParse(`tcp://${text}`)) return undefined;
  const { hostname, port } = new URL(`tcp://${text}`);
  return port === '' ? undefined : { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}
