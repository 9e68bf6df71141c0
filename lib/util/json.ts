/** Parses JSON from elsewhere. */

/** No document that bake-ts reads is deeper. */
const DEEPEST = 64;

/**
 * Parses JSON of limited length; undefined if it is invalid or nested deeper than any expected document (parsing
 * millions of brackets takes a hundred times their size).
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (isDeeperThan(bytes, DEEPEST)) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Whether brackets outside of strings are nested that deep. In UTF-8 these bytes never occur within other characters. */
function isDeeperThan(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isInString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === OPEN_LIST || byte === OPEN_MAP) {
      depth++;
      if (depth > limit) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_MAP) depth--;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;
