/** Parses and formats durations. */

const UNITS_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };
/** The longest timeout that the runtimes support. */
const MOST_MS = 2 ** 31 - 1;

/**
 * Milliseconds of `90s`, `20m`, `1h30m`, `7d`; a plain number is in seconds.
 *
 * @param mostMs limit; default: the longest timeout, 24 days
 * @returns undefined: invalid or longer
 */
export function parseDuration(text: string, mostMs: number = MOST_MS): number | undefined {
  const written = text.trim();
  const limited = (ms: number): number | undefined => (ms <= mostMs ? ms : undefined);
  if (/^\d+$/.test(written)) return limited(Number(written) * 1_000);
  const [whole, ...parts] = /^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$/.exec(written) ?? [];
  if (whole === undefined || whole === '') return undefined;
  const sum = parts.reduce(
    (total, part) =>
      part === undefined ? total : total + Number(part.slice(0, -1)) * (UNITS_MS[part.slice(-1)] ?? 0),
    0,
  );
  return limited(sum);
}

/** `22ms`, `0.4s`, `12.3s`, `4m05s`, `2h03m`. */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 95) return `${Math.max(1, Math.round(ms))}ms`;
  const tenths = Math.round(Math.max(0, ms) / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
}
