/**
 * Programs of some two hundred bytes for two architectures, which need no libc, no shell and no compiler: each writes one line to
 * `/made` and ends. So a RUN step has something to run in an image made `FROM scratch`, natively or emulated.
 */

/** Architectures that there is a program for, as `TARGETARCH` has them. */
export type TinyArchitecture = 'amd64' | 'arm64';

const ADDRESS = 0x400000;
const HEADERS = 64 + 56;
const PATH = '/made\0';
const OPEN_FLAGS = 0x241; // O_WRONLY | O_CREAT | O_TRUNC
const MODE = 0o644;

/** The program that writes a text. */
export function tinyProgram(architecture: TinyArchitecture, text: string): Buffer {
  const code = architecture === 'amd64' ? amd64(text.length) : arm64(text.length);
  const body = Buffer.concat([code, Buffer.from(PATH), Buffer.from(text)]);
  return Buffer.concat([headers(architecture === 'amd64' ? 62 : 183, HEADERS + body.length), body]);
}

/** An ELF file with one segment that is loaded (elf(5)). */
function headers(machine: number, size: number): Buffer {
  const header = Buffer.alloc(HEADERS);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16); // an executable
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(ADDRESS + HEADERS), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(5, 68); // read and execute
  for (const at of [80, 88]) header.writeBigUInt64LE(BigInt(ADDRESS), at);
  for (const at of [96, 104]) header.writeBigUInt64LE(BigInt(size), at);
  header.writeBigUInt64LE(0x1000n, 112);
  return header;
}

/** openat(AT_FDCWD, path, flags, mode); write(it, text, length); exit(0). */
function amd64(length: number): Buffer {
  const word = (value: number) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
  const codeLength = 72;
  const bytes: number[] = [];
  const lea = (target: number) => bytes.push(0x48, 0x8d, 0x35, ...word(target - (bytes.length + 7)));
  bytes.push(0x48, 0xc7, 0xc7, ...word(-100 >>> 0)); // mov rdi
  lea(codeLength);
  bytes.push(0xba, ...word(OPEN_FLAGS), 0x41, 0xba, ...word(MODE), 0xb8, ...word(257), 0x0f, 0x05);
  bytes.push(0x89, 0xc7); // mov edi, eax
  lea(codeLength + PATH.length);
  bytes.push(0xba, ...word(length), 0xb8, ...word(1), 0x0f, 0x05);
  bytes.push(0x31, 0xff, 0xb8, ...word(60), 0x0f, 0x05);
  if (bytes.length > codeLength) throw new Error(`${bytes.length} bytes of code`);
  return Buffer.concat([Buffer.from(bytes), Buffer.alloc(codeLength - bytes.length, 0x90)]);
}

/** The same. */
function arm64(length: number): Buffer {
  const codeLength = 13 * 4;
  const words: number[] = [];
  const movz = (register: number, value: number) => words.push(0xd2800000 + value * 32 + register);
  const adr = (register: number, target: number) => {
    const offset = target - words.length * 4;
    words.push(0x10000000 + (offset & 3) * 2 ** 29 + (offset >> 2) * 32 + register);
  };
  const call = (number: number) => {
    movz(8, number);
    words.push(0xd4000001);
  };
  words.push(0x92800c60); // movn x0, #99
  adr(1, codeLength);
  movz(2, OPEN_FLAGS);
  movz(3, MODE);
  call(56);
  adr(1, codeLength + PATH.length);
  movz(2, length);
  call(64);
  movz(0, 0);
  call(93);
  const code = Buffer.alloc(codeLength);
  for (const [at, word] of words.entries()) code.writeUInt32LE(word, at * 4);
  return code;
}
