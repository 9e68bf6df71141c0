/** Which answers are retried, and after what delay. */

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3): seconds or a date. Returns milliseconds from `nowMs`; undefined if it is neither.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text)) return Math.round(Number(text) * 1000);
  // Date.parse accepts texts that are not HTTP dates ("5 apples"). All three forms of RFC 9110 start with a weekday.
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/**
 * Milliseconds to wait before attempt `attempt + 1` (the first attempt is 1): it doubles each time, and half of it is random, so
 * that clients that failed together do not retry together.
 */
export function backoffMs(attempt: number, random: number, baseMs = 250, capMs = 8_000): number {
  const full = Math.min(capMs, baseMs * 2 ** (attempt - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

/** Statuses of temporary failures. 500 is not one: it is mostly a bug that happens again. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || status === 502 || status === 503 || status === 504;
}
