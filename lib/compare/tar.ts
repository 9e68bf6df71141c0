/**
 * Reads the entries of a layer's tar archive: POSIX.1-2001 (`ustar` with pax records) and GNU's long names and large
 * numbers (tar(5); OCI image-spec, layer.md). Nothing is unpacked: only the sha256 of each file is kept. bake-ts has its
 * own reader because extended attributes (above all file capabilities) are pax records with binary values, which
 * JavaScript's tar libraries drop or truncate.
 */
import { createHash } from 'node:crypto';

/** The type of an entry. */
export type EntryKind = 'file' | 'dir' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

/** One entry of a layer. */
export interface TarEntry {
  /** Without leading `./` or `/` and without trailing `/`; empty for the root. */
  readonly path: string;
  readonly kind: EntryKind;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** `uid:gid` */
  readonly owner: string;
  /** Target of a symlink, path of a hard link's first name; otherwise empty. */
  readonly link: string;
  /** `major:minor` of a device; otherwise empty. */
  readonly device: string;
  readonly sizeBytes: number;
  /** sha256 (hexadecimal) of a file's bytes; otherwise empty. */
  readonly content: string;
  /** The same without the known varying parts, if requested. */
  readonly settled?: string;
  /** Name → value in hexadecimal. */
  readonly attributes: ReadonlyMap<string, string>;
}

const BLOCK = 512;
/** Records of names and attributes are small; anything larger is not a valid layer. */
const RECORD_LIMIT = 8 * 1024 * 1024;
const KINDS: Readonly<Record<string, EntryKind>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
};
const ATTRIBUTE = 'SCHILY.xattr.';

type Records = ReadonlyMap<string, Buffer>;

/** Removes the known varying parts of a file; undefined: its form is unexpected. */
export type Settle = (bytes: Buffer) => Buffer | undefined;

/**
 * Reads an archive. Throws if it is invalid, truncated, or uses an unsupported feature.
 *
 * @param settlerOf selects by path the (small) files that are also hashed without their varying parts
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  settlerOf: (path: string, sizeBytes: number) => Settle | undefined = () => undefined,
): AsyncGenerator<TarEntry> {
  const input = new ByteReader(chunks);
  let records: Records = new Map();
  let globals: Records = new Map();
  for (;;) {
    const header = await input.take(BLOCK);
    if (header === undefined || header.every((byte) => byte === 0)) {
      // Only padding follows the end mark; it is read so that the sender can finish.
      await input.drain();
      return;
    }
    checkSum(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const known = new Map([...globals, ...records]);
    const sizeBytes = Number(textOf(known, 'size') ?? readNumber(header, 124, 12));
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      const body = await input.takePadded(sizeBytes);
      if (type === 'x') records = new Map([...records, ...readRecords(body)]);
      else if (type === 'g') globals = new Map([...globals, ...readRecords(body)]);
      else records = new Map([...records, [type === 'L' ? 'path' : 'linkpath', untilZero(body)]]);
      continue;
    }
    const kind = KINDS[type];
    if (kind === undefined || [...known.keys()].some((name) => name.startsWith('GNU.sparse.'))) {
      throw new Error(`the archive has an entry of an unknown type (${JSON.stringify(type)})`);
    }
    const entry = toEntry(header, known, kind, sizeBytes);
    if (kind === 'file') yield { ...entry, ...(await readContent(input, entry, settlerOf)) };
    else {
      await input.takePadded(kind === 'hardlink' ? 0 : sizeBytes);
      yield entry;
    }
    records = new Map();
  }
}

async function readContent(
  input: ByteReader,
  { path, sizeBytes }: TarEntry,
  settlerOf: (path: string, sizeBytes: number) => Settle | undefined,
): Promise<Pick<TarEntry, 'content' | 'settled'>> {
  const settle = settlerOf(path, sizeBytes);
  if (settle === undefined) return { content: await input.digestPadded(sizeBytes) };
  const bytes = await input.takePadded(sizeBytes);
  const settled = settle(bytes);
  return { content: sha256(bytes), ...(settled === undefined ? {} : { settled: sha256(settled) }) };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** An entry without its content. */
function toEntry(header: Buffer, records: Records, kind: EntryKind, sizeBytes: number): TarEntry {
  const isUstar = header.subarray(257, 263).toString('latin1') === 'ustar\0';
  const prefix = isUstar ? untilZero(header.subarray(345, 500)).toString() : '';
  const name = untilZero(header.subarray(0, 100)).toString();
  const path = textOf(records, 'path') ?? (prefix === '' ? name : `${prefix}/${name}`);
  const link = textOf(records, 'linkpath') ?? untilZero(header.subarray(157, 257)).toString();
  const isDevice = kind === 'char' || kind === 'block';
  const attributes = [...records].flatMap(([key, value]) =>
    key.startsWith(ATTRIBUTE) ? [[key.slice(ATTRIBUTE.length), value.toString('hex')] as const] : [],
  );
  return {
    path: cleanPath(path),
    kind,
    sizeBytes: kind === 'file' ? sizeBytes : 0,
    content: '',
    mode: readNumber(header, 100, 8) & 0o7777,
    owner: `${textOf(records, 'uid') ?? readNumber(header, 108, 8)}:${textOf(records, 'gid') ?? readNumber(header, 116, 8)}`,
    link: kind === 'hardlink' ? cleanPath(link) : kind === 'symlink' ? link : '',
    device: isDevice ? `${readNumber(header, 329, 8)}:${readNumber(header, 337, 8)}` : '',
    attributes: new Map(attributes.sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function cleanPath(path: string): string {
  return path
    .replace(/^(?:\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '');
}

function textOf(records: Records, name: string): string | undefined {
  return records.get(name)?.toString();
}

/** Octal text, or GNU's large numbers: first bit set, the rest in base 256. */
function readNumber(header: Buffer, start: number, length: number): number {
  const field = header.subarray(start, start + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) === 0) {
    const text = untilZero(field).toString('latin1').trim();
    if (!/^[0-7]*$/.test(text)) throw new Error('the archive holds an invalid number');
    return text === '' ? 0 : Number.parseInt(text, 8);
  }
  let value = first & 0x40 ? -1 : 0;
  for (const [at, byte] of field.entries())
    value = value * 256 + (at === 0 && value === 0 ? byte & 0x3f : byte);
  if (!Number.isSafeInteger(value)) throw new Error('the archive holds a number that is too large');
  return value;
}

/** Checks the sum of a header's bytes, in which its own field counts as blanks (tar(5)). */
function checkSum(header: Buffer): void {
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
  if (sum !== readNumber(header, 148, 8)) throw new Error('not a valid tar archive');
}

/** pax records: `LENGTH KEY=VALUE\n`; the length includes everything, and values may be any bytes. */
function readRecords(body: Buffer): Records {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < body.length; ) {
    const blank = body.indexOf(0x20, at);
    const length = Number(body.subarray(at, blank).toString('latin1'));
    const equals = body.indexOf(0x3d, blank);
    if (blank < 0 || equals < 0 || !Number.isSafeInteger(length) || length <= equals - at) {
      throw new Error('the archive holds an invalid pax record');
    }
    records.set(body.subarray(blank + 1, equals).toString(), body.subarray(equals + 1, at + length - 1));
    at += length;
  }
  return records;
}

function untilZero(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

/** Reads a stream in portions of given sizes. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes; undefined at the end of the stream. */
  async take(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      const part = await this.#some(missing);
      if (part === undefined) {
        if (parts.length === 0) return undefined;
        throw new Error('the archive is cut short');
      }
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** `length` bytes; the padding after them is discarded. */
  async takePadded(length: number): Promise<Buffer> {
    if (length > RECORD_LIMIT) throw new Error('the archive holds a record that is too large');
    const body = length === 0 ? Buffer.alloc(0) : await this.take(length);
    if (body === undefined) throw new Error('the archive is cut short');
    await this.#skipPadding(length);
    return body;
  }

  /** sha256 of `length` bytes; the padding after them is discarded. */
  async digestPadded(length: number): Promise<string> {
    const hash = createHash('sha256');
    for (let missing = length; missing > 0; ) {
      const part = await this.#some(missing);
      if (part === undefined) throw new Error('the archive is cut short');
      hash.update(part);
      missing -= part.length;
    }
    await this.#skipPadding(length);
    return hash.digest('hex');
  }

  async drain(): Promise<void> {
    while ((await this.#some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  async #skipPadding(length: number): Promise<void> {
    const padding = (BLOCK - (length % BLOCK)) % BLOCK;
    if (padding > 0 && (await this.take(padding)) === undefined) throw new Error('the archive is cut short');
  }

  async #some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
