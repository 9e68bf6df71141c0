/** When to try again, and after how long. */

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date. Milliseconds from `nowMs`; undefined where it is neither.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text)) return Math.round(Number(text) * 1000);
  // Date.parse takes much that is no date of HTTP ("5 apples"); all three forms of RFC 9110 name a weekday first.
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/**
 * Milliseconds to wait before attempt `attempt + 1` (the first attempt is 1): doubles each time, half of it random, so
 * that many clients that failed together do not come back together.
 */
export function backoffMs(attempt: number, random: number, baseMs = 250, capMs = 8_000): number {
  const full = Math.min(capMs, baseMs * 2 ** (attempt - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

/** Answers that may be another one in a moment. 500 is not among them: it mostly is a bug that comes back. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || status === 502 || status === 503 || status === 504;
}
