/** Numbers as people read them. */
export { formatDuration } from '../util/duration.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units, as registries and `docker images` count: `812 B`, `4.1 kB`, `12.3 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let value = bytes;
  let unit = '';
  for (unit of UNITS.slice(1)) {
    value /= 1000;
    if (value < 999.5) break;
  }
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** How much of a whole, in the unit of the whole: `120.0 / 340.0 MB`. */
export function formatBytesOf(bytes: number, total: number): string {
  const [, unit = 'B'] = formatBytes(total).split(' ');
  const size = 1000 ** UNITS.indexOf(unit);
  const text = (value: number) => (size === 1 ? String(value) : (value / size).toFixed(1));
  return `${text(bytes)} / ${text(total)} ${unit}`;
}

/** The first twelve digits of a digest: enough to tell images apart, as other container tools print. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

/** `1 build`, `2 builds`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
