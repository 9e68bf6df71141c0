/** Sizes as Docker writes them (github.com/docker/go-units). */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** Bytes with a unit and four digits: `64MiB`. */
export function formatBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${formatShort(size)}${UNITS[unit] ?? ''}`;
}

/** C's `%.4g` of a number below 1024. */
function formatShort(size: number): string {
  return String(Number(size.toPrecision(4)));
}
