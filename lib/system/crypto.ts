/** Node's crypto module. */
import process from 'node:process';

/** Loaded on first use: loading takes Node 3 ms, and many plans need no digest. */
export function loadCrypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}
