/** Addresses that never leave this machine. */

/** True for localhost, 127.0.0.0/8 and ::1; takes a host name without port. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return host === 'localhost' || host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}

/** Whether an engine's address leads to a socket of this machine or to its loopback. */
export function isLocalEngine(address: string): boolean {
  if (address.startsWith('unix://')) return true;
  return address.startsWith('tcp://') && URL.canParse(address) && isLoopback(new URL(address).hostname);
}
