/** Parses sizes by the rules of Docker and BuildKit. */

/**
 * Bytes of `64m`, `2 GiB`, `1.5gb` or a plain number; undefined if invalid. Units are powers of 1024, with or without
 * `b` or `ib` (github.com/docker/go-units, `RAMInBytes`). Whole numbers may be negative, as there.
 */
export function parseSize(text: string): number | undefined {
  if (/^[-+]?[0-9]+$/.test(text)) {
    const bytes = BigInt(text.replace('+', ''));
    return bytes >= -(1n << 63n) && bytes < 1n << 63n ? Number(bytes) : undefined;
  }
  // Numbers in Go may have an underscore between digits.
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
