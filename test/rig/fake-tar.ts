/** Layers of fake images: plain tar archives (POSIX.1-1988 `ustar`) of files and directories, written and read back. */

/** A file or directory of an image, by path without a `/` in front. */
export interface LayerEntry {
  readonly path: string;
  readonly mode: number;
  /** Undefined: a directory. */
  readonly content: Buffer | undefined;
}

const BLOCK = 512;

/** An archive of entries in the given order; the same entries give the same bytes. */
export function writeLayer(entries: readonly LayerEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, mode, content } of entries) {
    const header = Buffer.alloc(BLOCK);
    const name = content === undefined ? `${path}/` : path;
    if (Buffer.byteLength(name) > 100) throw new Error(`too long for a fake layer: ${name}`);
    header.write(name, 0);
    header.write(octal(mode, 7), 100);
    header.write(octal(0, 7), 108);
    header.write(octal(0, 7), 116);
    header.write(octal(content?.length ?? 0, 11), 124);
    header.write(octal(0, 11), 136);
    header.write('        ', 148);
    header.write(content === undefined ? '5' : '0', 156);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${octal(sum, 6)}\0 `, 148);
    blocks.push(header);
    if (content !== undefined) blocks.push(content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** The entries of an archive that {@link writeLayer} wrote. */
export function readLayerEntries(bytes: Buffer): readonly LayerEntry[] {
  const entries: LayerEntry[] = [];
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0; ) {
    const field = (from: number, to: number) =>
      bytes
        .subarray(at + from, at + to)
        .toString()
        .replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 136), 8);
    const isDirectory = field(156, 157) === '5';
    const start = at + BLOCK;
    entries.push({
      path: field(0, 100).replace(/\/$/, ''),
      mode: Number.parseInt(field(100, 108), 8),
      content: isDirectory ? undefined : bytes.subarray(start, start + size),
    });
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
