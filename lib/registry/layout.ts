/**
 * Reads an OCI image layout (image-spec, image-layout.md): a directory, or a tar archive as `buildctl --output type=oci` and
 * `docker save` write it. Archives are not unpacked: entries are located once, and blobs are streamed from the archive.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Digest, fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import { deniedProblem } from '../util/permission.ts';
import { type Descriptor, readDescriptors } from './manifest.ts';
import { isRecord } from './problems.ts';

/** One or more images whose parts can be read: a layout or an engine's store. */
export interface Layout {
  /** The path as the user wrote it, for messages. */
  readonly written: string;
  /** Its images; those in `index.json` of a layout. */
  readonly images: readonly Descriptor[];
  /**
   * Reads the bytes of a manifest, at most `limitBytes`, without checking the digest. Problem: `registry/bad-layout` or the
   * source's own.
   */
  read(part: LayoutPart, limitBytes: number): Promise<Result<Uint8Array>>;
  /** Streams a blob. Reading throws if it does not exist or cannot be read. */
  stream(digest: Digest): AsyncIterable<Uint8Array>;
  /** Returns the problem of a faulty part. */
  explain(part: LayoutPart, fault: LayoutFault): Problem;
}

/** Reading failed, the bytes do not match the digest, or a manifest was expected but not found. */
export type LayoutFault = { readonly error: unknown } | { readonly actual: string } | 'no-manifest';

/** A part of an image. */
export interface LayoutPart {
  /** Digest of the manifest or blob. */
  readonly digest: Digest;
  /** The platform that it belongs to, if known. */
  readonly platform?: string;
}

/** Location of a layout's file. */
interface Member {
  readonly file: string;
  readonly start: number;
  readonly sizeBytes: number;
}

const INDEX_LIMIT = 4 * 1024 * 1024;
const BLOCK = 512;

/**
 * Opens a layout.
 *
 * @param file absolute; a directory or a tar archive
 * @returns problem: `registry/bad-layout`
 */
export async function openLayout(file: string, written: string): Promise<Result<Layout>> {
  const members = await openMembers(file, written);
  if (!members.ok) return members;
  const findMember = members.value;
  const read = async (name: string, limitBytes: number): Promise<Result<Uint8Array>> => {
    try {
      const member = await findMember(name);
      if (member === undefined) return fail([badLayout(written, `it has no ${name}`)]);
      if (member.sizeBytes > limitBytes) {
        return fail([badLayout(written, `${name} has ${member.sizeBytes} bytes, which is too large`)]);
      }
      return ok(await readMember(member));
    } catch (error) {
      return fail([
        deniedProblem(error) ?? badLayout(written, `${name} cannot be read (${reasonOf(error)})`),
      ]);
    }
  };
  try {
    const mark = await read('oci-layout', INDEX_LIMIT);
    const index = await read('index.json', INDEX_LIMIT);
    if (!mark.ok) return mark;
    if (!index.ok) return index;
    const json = parseJson(index.value);
    if (json === undefined) return fail([badLayout(written, 'its index.json is not valid JSON')]);
    const images = readDescriptors(isRecord(json) ? json['manifests'] : undefined);
    if (images.length === 0) return fail([badLayout(written, 'its index.json names no image')]);
    return ok({
      written,
      images,
      read: ({ digest }, limitBytes) => read(blobName(digest), limitBytes),
      stream: (digest) => streamMember(async () => findMember(blobName(digest))),
      explain: ({ digest }, fault) => badLayout(written, describeFault(digest, fault)),
    });
  } catch (error) {
    return fail([deniedProblem(error) ?? badLayout(written, `it cannot be read (${reasonOf(error)})`)]);
  }
}

/** Describes the fault of a part as text. */
export function describeFault(digest: Digest, fault: LayoutFault): string {
  if (fault === 'no-manifest') return `${digest} is not an image manifest, or not the expected one`;
  if ('error' in fault) return `${digest} cannot be read (${reasonOf(fault.error)})`;
  return `the content of ${digest} has another digest (${fault.actual})`;
}

type FindMember = (name: string) => Member | undefined | Promise<Member | undefined>;

async function* streamMember(find: () => Promise<Member | undefined>): AsyncGenerator<Uint8Array> {
  const member = await find();
  if (member === undefined) throw new Error('it is not there');
  if (member.sizeBytes === 0) return;
  const { file, start, sizeBytes } = member;
  for await (const piece of createReadStream(file, { start, end: start + sizeBytes - 1 })) {
    yield piece as Uint8Array;
  }
}

async function readMember({ file, start, sizeBytes }: Member): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const bytes = new Uint8Array(sizeBytes);
    await readFully(handle, bytes, start);
    return bytes;
  } finally {
    await handle.close();
  }
}

function blobName(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

async function openMembers(file: string, written: string): Promise<Result<FindMember>> {
  try {
    if ((await stat(file)).isDirectory()) return ok((name) => memberOfDirectory(file, name));
    const members = await listArchive(file, written);
    return members.ok ? ok((name) => members.value.get(name)) : members;
  } catch (error) {
    const why = reasonOf(error);
    return fail([
      deniedProblem(error) ??
        badLayout(written, why === 'ENOENT' ? 'it is not there' : `it cannot be read (${why})`),
    ]);
  }
}

async function memberOfDirectory(directory: string, name: string): Promise<Member | undefined> {
  const file = path.join(directory, name);
  try {
    const found = await stat(file);
    return found.isFile() ? { file, start: 0, sizeBytes: found.size } : undefined;
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Lists the regular files of an archive by name. Supports ustar, and names and sizes in pax and GNU headers (POSIX.1-2017 pax,
 * "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").
 */
async function listArchive(file: string, written: string): Promise<Result<ReadonlyMap<string, Member>>> {
  const members = new Map<string, Member>();
  const handle = await open(file);
  try {
    const header = new Uint8Array(BLOCK);
    let longName: string | undefined;
    let pax: ReadonlyMap<string, string> = new Map();
    for (let at = 0; (await readFully(handle, header, at)) === BLOCK; ) {
      if (header.every((byte) => byte === 0)) break;
      if (!isHeader(header)) {
        const gzip = at === 0 && header[0] === 0x1f && header[1] === 0x8b;
        return fail([
          badLayout(written, gzip ? 'it is compressed' : 'it is not a tar archive, or it is damaged'),
        ]);
      }
      const type = String.fromCharCode(header[156] ?? 0);
      const sizeBytes = Number(pax.get('size') ?? readNumber(header, 124, 12));
      const start = at + BLOCK;
      at = start + Math.ceil(sizeBytes / BLOCK) * BLOCK;
      if (type === 'L' || type === 'x') {
        if (sizeBytes > INDEX_LIMIT) return fail([badLayout(written, 'it has an invalid header')]);
        const text = new TextDecoder().decode(await readMember({ file, start, sizeBytes }));
        if (type === 'L') longName = text.replace(/\0.*/s, '');
        else pax = readPax(text);
        continue;
      }
      const short = `${readText(header, 345, 155)}/${readText(header, 0, 100)}`;
      const name = pax.get('path') ?? longName ?? short;
      // A leading `./` or slash is not part of the name.
      if (type === '0' || type === '\0')
        members.set(name.replace(/^(\.?\/)+/, ''), { file, start, sizeBytes });
      longName = undefined;
      pax = new Map();
    }
  } finally {
    await handle.close();
  }
  return ok(members);
}

/** Verifies the checksum, which is computed with its own field read as spaces. */
function isHeader(header: Uint8Array): boolean {
  let sum = 0;
  for (const [index, byte] of header.entries()) sum += index >= 148 && index < 156 ? 32 : byte;
  return sum === readNumber(header, 148, 8);
}

function readText(header: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(header.subarray(at, at + length)).replace(/\0.*/s, '');
}

/** Reads octal digits or, if the highest bit is set, a big-endian number (for 8 GiB and more). */
function readNumber(header: Uint8Array, at: number, length: number): number {
  const bytes = header.subarray(at, at + length);
  if (((bytes[0] ?? 0) & 0x80) === 0) return Number.parseInt(readText(header, at, length).trim() || '0', 8);
  return bytes.reduce((sum, byte, index) => sum * 256 + (index === 0 ? byte & 0x7f : byte), 0);
}

/** Parses `LENGTH KEY=VALUE\n` records. With an empty value, the header's own value applies. */
function readPax(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/[0-9]+ ([^=]+)=([^\n]+)\n/g)].map(([, key = '', value = '']) => [key, value]),
  );
}

async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** The problem of an invalid layout. */
export function badLayout(written: string, what: string): Problem {
  return problem('registry/bad-layout', `${written} is not an OCI image layout: ${what}`, {
    hint:
      'Use a directory with oci-layout, index.json and blobs/, or an uncompressed tar archive of that, ' +
      'as written by buildctl --output type=oci',
  });
}

/** The code of a file system error, or else the message. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}
