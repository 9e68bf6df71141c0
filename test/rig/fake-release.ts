/**
 * A release host for the engine's installation: tarballs of programs that only know their version, made entry by entry
 * so that they can also be wicked, and a server that counts, cuts and resumes.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { listenOnLoopback } from './listen.ts';
import type { Cleanup } from './temp.ts';

/** One entry of a tarball. `type` as in a ustar header: 0 file, 1 hard link, 2 symbolic link, 3 device, 5 directory. */
export interface TarEntry {
  readonly name: string;
  readonly content?: string;
  readonly type?: string;
  readonly linkTarget?: string;
}

/** Writes a ustar archive, without any of the care that a real archiver takes with names. */
export function makeTar(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, content = '', type = '0', linkTarget = '' } of entries) {
    const body = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write('0000755\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        ', 148);
    header.write(type, 156);
    header.write(linkTarget, 157, 100);
    header.write('ustar\u000000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(header, body, Buffer.alloc((512 - (body.length % 512)) % 512));
  }
  blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

/** The same, compressed. */
export function makeTarGz(entries: readonly TarEntry[]): Buffer {
  return gzipSync(makeTar(entries));
}

/** A program that prints a version and nothing else. */
export function fakeProgram(says: string): string {
  return `#!/bin/sh\necho '${says}'\n`;
}

/** sha256 in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A server of files. */
export interface ReleaseServer {
  readonly url: string;
  /** Path → bytes. Change it at will. */
  readonly files: Map<string, Uint8Array>;
  /** `METHOD PATH [RANGE]` of each request. */
  readonly requests: string[];
  /** Cuts the connection after so many bytes of a body, so many times. */
  cut: { bytes: number; times: number } | undefined;
}

/** Starts one until the test is over. */
export async function startReleaseServer(t: Cleanup): Promise<ReleaseServer> {
  const files = new Map<string, Uint8Array>();
  const requests: string[] = [];
  const state: { cut: ReleaseServer['cut'] } = { cut: undefined };
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    requests.push(`${method} ${url}${range === undefined ? '' : ` ${range}-`}`);
    const bytes = files.get(url);
    if (bytes === undefined) {
      response.writeHead(404).end('not here');
      return;
    }
    const start = Number(range ?? 0);
    if (start >= bytes.length) {
      response.writeHead(416).end();
      return;
    }
    const body = bytes.subarray(start);
    response.writeHead(range === undefined ? 200 : 206, {
      'content-length': body.length,
      ...(range === undefined
        ? {}
        : { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    const { cut } = state;
    if (cut !== undefined && cut.times > 0 && body.length > cut.bytes) {
      cut.times -= 1;
      response.write(body.subarray(0, cut.bytes), () => setTimeout(() => response.destroy(), 20));
      return;
    }
    response.end(body);
  });
  const port = await listenOnLoopback(t, server);
  return {
    url: `http://127.0.0.1:${port}`,
    files,
    requests,
    get cut() {
      return state.cut;
    },
    set cut(value) {
      state.cut = value;
    },
  };
}
