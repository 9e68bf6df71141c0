/** Addresses on this machine. */

/** True for localhost, 127.0.0.0/8 and ::1, given without port. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return host === 'localhost' || host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}

/**
 * Whether an engine's address leads to this machine: to a socket of it, or to its loopback. On other systems than Linux none does: what
 * listens there lies in a virtual machine.
 *
 * @param system Node's word for the system
 */
export function isLocalEngine(address: string, system: string): boolean {
  if (system !== 'linux') return false;
  if (address.startsWith('unix://')) return true;
  return address.startsWith('tcp://') && URL.canParse(address) && isLoopback(new URL(address).hostname);
}
