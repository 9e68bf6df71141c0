/** Sizes as Docker reads and writes them (github.com/docker/go-units). */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** `64m`, `2 GiB`, `1.5gb` or a number of bytes as bytes; undefined where it is none. */
export function readBytes(text: string): number | undefined {
  if (/^[-+]?[0-9]+$/.test(text)) {
    const bytes = BigInt(text.replace('+', ''));
    return bytes >= -(1n << 63n) && bytes < 1n << 63n ? Number(bytes) : undefined;
  }
  // Go's numbers may have an underscore between two digits.
  const plain = text.replace(/(?<=[0-9])_(?=[0-9])/g, '');
  const found =
    /^(\+?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?) ?(?:([kmgtp]?)(?:b|(?<=[kmgtp])ib)?)$/i.exec(
      plain,
    );
  if (found === null) return undefined;
  const [, number = '', unit = ''] = found;
  const power = unit === '' ? 0 : 'kmgtp'.indexOf(unit.toLowerCase()) + 1;
  return Math.trunc(Number(number) * 1024 ** power);
}

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
