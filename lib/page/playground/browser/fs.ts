/**
 * `node:fs` in the browser: a few files in memory, and nothing else. There are no symlinks and nothing can be written; what is not there
 * fails as it does on a disk, with `code`.
 */
import { Buffer } from './buffer.ts';
import { basename, dirname, resolve } from './path.ts';

let files: ReadonlyMap<string, Uint8Array> = new Map();
let directories: ReadonlyMap<string, ReadonlySet<string>> = new Map();
const open = new Map<number, { readonly file: string; readonly bytes: Uint8Array; at: number }>();
let lastHandle = 2;

export const constants = { O_RDONLY: 0, O_NONBLOCK: 0, X_OK: 1 } as const;

/** Replaces the whole disk. Names are absolute paths; their directories are there by themselves. */
export function mountFiles(texts: ReadonlyMap<string, string>): void {
  const found = new Map<string, Set<string>>([['/', new Set()]]);
  for (const file of texts.keys()) {
    for (let entry = file; entry !== '/'; entry = dirname(entry)) {
      const parent = dirname(entry);
      found.set(parent, (found.get(parent) ?? new Set()).add(basename(entry)));
    }
  }
  files = new Map([...texts].map(([file, text]) => [file, Buffer.from(text)]));
  directories = found;
}

/** What is asked of a file. */
interface Entry {
  readonly size: number | bigint;
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly isFile: () => boolean;
  readonly isDirectory: () => boolean;
  readonly isSymbolicLink: () => boolean;
}

interface StatOptions {
  readonly bigint?: boolean;
  readonly throwIfNoEntry?: boolean;
}

export function statSync(given: string | URL, options: StatOptions = {}): Entry | undefined {
  const file = resolve(String(given));
  const bytes = files.get(file);
  const isDirectory = directories.has(file);
  if (bytes === undefined && !isDirectory) {
    if (options.throwIfNoEntry === false) return undefined;
    throw fault('ENOENT', 'stat', file);
  }
  const size = bytes?.length ?? 0;
  return {
    size: options.bigint === true ? BigInt(size) : size,
    ino: 1n,
    mtimeNs: 0n,
    ctimeNs: 0n,
    isFile: () => !isDirectory,
    isDirectory: () => isDirectory,
    isSymbolicLink: () => false,
  };
}

/** Nothing is a symlink. */
export const lstatSync: typeof statSync = statSync;

export function existsSync(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

export function accessSync(file: string): void {
  // Nothing here can be run.
  throw fault(existsSync(file) ? 'EACCES' : 'ENOENT', 'access', file);
}

export function readFileSync(file: string, encoding?: string): Buffer | string {
  const bytes = bytesOf(file);
  return encoding === undefined ? bytes : bytes.toString(encoding);
}

export function readdirSync(
  directory: string,
  options: { readonly withFileTypes?: boolean } = {},
): readonly (string | { readonly name: string; readonly isSymbolicLink: () => boolean })[] {
  const names = directories.get(resolve(directory));
  if (names === undefined) throw fault('ENOENT', 'scandir', directory);
  return options.withFileTypes === true
    ? [...names].map((name) => ({ name, isSymbolicLink: () => false }))
    : [...names];
}

export function readlinkSync(file: string): never {
  throw fault('EINVAL', 'readlink', file);
}

export function openSync(file: string): number {
  const bytes = directories.has(resolve(file)) ? Buffer.from('') : bytesOf(file);
  lastHandle += 1;
  open.set(lastHandle, { file, bytes, at: 0 });
  return lastHandle;
}

export function fstatSync(handle: number): Entry | undefined {
  return statSync(open.get(handle)?.file ?? '');
}

export function readSync(handle: number, target: Uint8Array, offset: number, length: number): number {
  const file = open.get(handle);
  if (file === undefined) throw fault('EBADF', 'read', String(handle));
  const part = file.bytes.subarray(file.at, file.at + length);
  target.set(part, offset);
  file.at += part.length;
  return part.length;
}

export function closeSync(handle: number): void {
  open.delete(handle);
}

/** `node:fs/promises`: the one call of it that reading makes. */
export async function readFile(file: string, encoding?: string): Promise<Buffer | string> {
  return readFileSync(file, encoding);
}

function bytesOf(file: string): Buffer {
  const bytes = files.get(resolve(file));
  if (bytes !== undefined) return Buffer.from(bytes);
  throw fault(directories.has(resolve(file)) ? 'EISDIR' : 'ENOENT', 'open', file);
}

function fault(code: string, call: string, file: string): Error {
  return Object.assign(new Error(`${code}: ${call} '${file}'`), { code, syscall: call, path: file });
}
