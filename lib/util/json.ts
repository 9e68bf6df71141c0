/** JSON that somebody else wrote. */

/** No document that is read here is as deep. */
const DEEPEST = 64;

/**
 * Parses JSON of which nothing is known but its length; undefined where it is none, or deeper than any document of ours
 * (millions of brackets take a hundred times their own size).
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (isDeeperThan(bytes, DEEPEST)) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Whether brackets outside of strings open that many levels. In UTF-8 none of these bytes is a part of another character. */
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
