/**
 * Downloads release files: interrupted downloads are resumed, and files are verified before they are opened. undici is loaded
 * only for a real download.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import {
  type Environment,
  fail,
  ok,
  type Problem,
  problem,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import { diskFull } from './host.ts';
import type { PublishedChecksum } from './versions.ts';

/** Long enough for a slow handshake, short enough to go on to the next source on a machine without network. */
const CONNECT_TIMEOUT_MS = 4_000;
const SILENCE_TIMEOUT_MS = 30_000;
const ATTEMPTS = 4;

/** Called as bytes arrive; `totalBytes` if the server reports the size. */
export type OnBytes = (bytes: number, totalBytes: number | undefined) => void;

/** Connections that use the proxy variables of the given environment. Close it at the end. */
export interface Downloader {
  /**
   * Downloads a URL into a file. Continues with `<file>.part` of an interrupted attempt; that file is kept when the network
   * fails, so that the next install can continue it. Problems: `engine/unreachable`, `engine/not-published`,
   * `engine/download-failed`, `run/cancelled`.
   */
  fetchFile(url: string, file: string, onBytes: OnBytes, signal?: AbortSignal): Promise<Result<string>>;
  /** Fetches a short text. Same problems. */
  fetchText(url: string, signal?: AbortSignal): Promise<Result<string>>;
  close(): Promise<void>;
}

/** Makes a downloader. */
export async function createDownloader(env: Environment): Promise<Downloader> {
  const { EnvHttpProxyAgent, interceptors, request: send } = await import('undici');
  const proxies = {
    httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'],
    httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'],
    noProxy: env['no_proxy'] ?? env['NO_PROXY'],
  };
  // Empty texts on purpose: otherwise undici would read the process's own environment.
  const agent: Dispatcher = new EnvHttpProxyAgent({
    httpProxy: proxies.httpProxy ?? '',
    httpsProxy: proxies.httpsProxy ?? '',
    noProxy: proxies.noProxy ?? '',
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: SILENCE_TIMEOUT_MS,
    bodyTimeout: SILENCE_TIMEOUT_MS,
  });
  // Release URLs redirect to a storage host.
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 5 }));

  // Not undici's fetch: under Deno its body never ends when the connection is cut, and its timeouts do not fire.
  const request = (url: string, headers: Record<string, string>, signal: AbortSignal | undefined) =>
    send(url, {
      dispatcher,
      // Identity: a tarball that is decompressed in transit has another length and checksum.
      headers: { 'accept-encoding': 'identity', ...headers },
      ...(signal === undefined ? {} : { signal }),
    });

  async function fetchFile(
    url: string,
    file: string,
    onBytes: OnBytes,
    signal?: AbortSignal,
  ): Promise<Result<string>> {
    await mkdir(path.dirname(file), { recursive: true });
    const part = `${file}.part`;
    let last: Problem | undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      if (attempt > 1) await sleep(200 * attempt);
      try {
        const complete = await continueFile(url, part, onBytes, signal);
        if (!complete.ok) return complete;
        await rename(part, file);
        return ok(file);
      } catch (error) {
        if (signal?.aborted === true) return fail([wasCancelled()]);
        const code = codeOf(error);
        if (code === 'ENOSPC') return fail([diskFull(path.dirname(file))]);
        if (isUnreachable(code)) return fail([unreachable(url, code)]);
        last = problem('engine/download-failed', `the download of ${url} was interrupted`, {
          hint: 'run the installation again: it resumes the download',
          detail: code,
          temporary: true,
        });
      }
    }
    return fail([last ?? problem('engine/download-failed', `${url} cannot be downloaded`)]);
  }

  /** One attempt. Throws if the connection failed; returns failures that a retry would not fix. */
  async function continueFile(
    url: string,
    part: string,
    onBytes: OnBytes,
    signal: AbortSignal | undefined,
  ): Promise<Result<undefined>> {
    const have = await stat(part).then(
      (found) => found.size,
      () => 0,
    );
    const answer = await request(url, have > 0 ? { range: `bytes=${have}-` } : {}, signal);
    const { statusCode: status, headers, body } = answer;
    const resumes = status === 206 && String(headers['content-range']).startsWith(`bytes ${have}-`);
    if (status === 416 || (status === 206 && !resumes)) {
      // The partial file does not match the server's: start again.
      await body.dump();
      await rm(part, { force: true });
      throw new Error('the server does not resume this file');
    }
    if (status !== 200 && status !== 206) {
      await body.dump();
      if (status >= 500 || status === 429) throw new Error(`the server answered ${status}`);
      return fail([notPublished(url, status)]);
    }
    const start = resumes ? have : 0;
    const length = Number(headers['content-length'] ?? Number.NaN);
    const total = Number.isFinite(length) ? start + length : undefined;
    const out = await open(part, resumes ? 'a' : 'w', 0o600);
    let bytes = start;
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        await out.writeFile(chunk);
        bytes += chunk.byteLength;
        onBytes(bytes, total);
      }
    } finally {
      await out.close();
    }
    if (total !== undefined && bytes < total) throw new Error(`${bytes} of ${total} bytes arrived`);
    return ok(undefined);
  }

  async function fetchText(url: string, signal?: AbortSignal): Promise<Result<string>> {
    try {
      const answer = await request(url, {}, signal);
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        return fail([notPublished(url, answer.statusCode)]);
      }
      return ok(await answer.body.text());
    } catch (error) {
      if (signal?.aborted === true) return fail([wasCancelled()]);
      return fail([unreachable(url, codeOf(error))]);
    }
  }

  return { fetchFile, fetchText, close: () => agent.destroy() };
}

/** sha256 of a file in hexadecimal. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** The digest of one file in a published checksum text; undefined if the text does not have it. */
export function findPublishedDigest(
  text: string,
  fileName: string,
  kind: PublishedChecksum['kind'],
): string | undefined {
  if (kind === 'in-toto') return findSubjectDigest(text, fileName);
  for (const line of text.split('\n')) {
    const [, hex, name] = /^([0-9a-f]{64})(?:\s+\*?(\S.*?))?\s*$/i.exec(line) ?? [];
    if (hex === undefined) continue;
    // distribution publishes only the digest; others add the file name, some with a directory.
    if (name === undefined || path.posix.basename(name) === fileName) return hex.toLowerCase();
  }
  return undefined;
}

function findSubjectDigest(text: string, fileName: string): string | undefined {
  try {
    const statement = JSON.parse(text) as {
      readonly subject?: readonly {
        readonly name?: string;
        readonly digest?: { readonly sha256?: string };
      }[];
    };
    const subject = statement.subject?.find((one) => path.posix.basename(one.name ?? '') === fileName);
    const hex = subject?.digest?.sha256;
    return hex !== undefined && /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a published checksum file beside a local file. */
export async function readNeighbouringChecksum(
  file: string,
  published: PublishedChecksum,
): Promise<string | undefined> {
  const name =
    published.kind === 'sha256sum-file'
      ? path.join(path.dirname(file), published.name)
      : `${file}${published.suffix}`;
  const text = await readFile(name, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : findPublishedDigest(text, path.basename(file), published.kind);
}

function unreachable(url: string, code: string): Problem {
  return problem('engine/unreachable', `${new URL(url).host} cannot be reached`, {
    hint: `use ${option('--mirror URL')} or ${option('--file PACKAGE=PATH')}; set HTTPS_PROXY; or use another source, ${option('--from path|go|debian')}`,
    detail: code,
    temporary: true,
  });
}

function notPublished(url: string, status: number): Problem {
  return problem('engine/not-published', `${url} answered ${status}`, {
    hint: 'check that the mirror is complete and keeps the paths of the release host',
  });
}

function isUnreachable(code: string): boolean {
  return [
    'ENOTFOUND',
    'EAI_AGAIN',
    'ECONNREFUSED',
    'ENETUNREACH',
    'EHOSTUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
  ].includes(code);
}

/** The most specific code in an error and its causes. */
function codeOf(error: unknown): string {
  let text = error instanceof Error ? error.message : String(error);
  for (let one = error; one instanceof Error; one = one.cause) {
    const code = (one as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return code;
    if (one instanceof AggregateError && one.errors.length > 0) return codeOf(one.errors[0]);
    text = one.message;
  }
  return text;
}
