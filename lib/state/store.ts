/**
 * What is remembered between runs, on this machine. Every file is replaced whole by a rename, so that runs at the same
 * time see either the old or the new one; nothing here is needed for correctness: what is missing or damaged means
 * "not known", and what is not known is built.
 *
 * ```
 * records/<first two of key>/<key>.json     what a key gave          (BuildRecord)
 * last/<project>/<build>.json               a build's latest key and its parts, for `explain`
 * documents/<project>/<build>.json          manifests and configs of its latest image
 * images/<first two of digest>/<digest>.json  what an image's config says; digests never change their meaning
 * stats/                                    stat caches, kept by lib/fingerprint
 * ```
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import {
  type BuildKey,
  type BuildRecord,
  type Digest,
  fail,
  KEY_VERSION,
  type KeyParts,
  ok,
  type PlatformManifest,
  type Problem,
  problem,
  type Result,
} from '../model/mod.ts';
import { writeFileWhole } from '../system/mod.ts';

/** What of an image's config decides what a Dockerfile on top of it reads. */
export interface ImageConfigFacts {
  readonly env: readonly string[];
  readonly onbuild: readonly string[];
  /** Platforms that it is surely there for; undefined or empty: not known. */
  readonly platforms?: readonly string[];
}

/** A result that another build read, as it was then. */
export interface ParentResult {
  /** `HOST/REPOSITORY@DIGEST` */
  readonly ref: string;
  readonly platforms: readonly PlatformManifest[];
}

/** A build's latest key, with everything it was made of. */
export interface LastInputs {
  readonly key: BuildKey;
  readonly parts: KeyParts;
  /** Context name → the result that stood behind it, for those in a registry. */
  readonly parents?: Readonly<Record<string, ParentResult>>;
}

/**
 * Where state lies: `BAKE_TS_HOME`, else `$XDG_STATE_HOME/bake-ts`, else `~/.local/state/bake-ts`.
 */
export function stateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const own = env['BAKE_TS_HOME'];
  if (own !== undefined && path.isAbsolute(own)) return path.join(own, 'state');
  const base = env['XDG_STATE_HOME'];
  const home = env['HOME'] ?? homedir();
  return path.join(
    base !== undefined && path.isAbsolute(base) ? base : path.join(home, '.local/state'),
    'bake-ts',
  );
}

/** More than `{"key":"…"` takes at the head of a file. */
const LAST_KEY_BYTES = 256;

/** Memory of earlier runs below one directory. */
export class StateStore {
  readonly #dir: string;
  readonly #project: string;

  /**
   * @param dir from `stateDirectory`
   * @param root the project's root: two checkouts of one repository share records, but each has its own "last run"
   */
  constructor(dir: string, root: string) {
    this.#dir = dir;
    this.#project = createHash('sha256').update(root).digest('hex').slice(0, 16);
  }

  /** Directory for the stat caches. */
  get statDir(): string {
    return path.join(this.#dir, 'stats');
  }

  /** What a key gave; undefined where nothing (readable, of this version) is known. */
  async readRecord(key: BuildKey): Promise<BuildRecord | undefined> {
    const record = await readJson<BuildRecord>(this.#recordFile(key));
    return record?.version === KEY_VERSION && record.key === key ? record : undefined;
  }

  /** Remembers a successful build under its key, and its inputs as the latest. */
  async writeRecord(record: BuildRecord, last: LastInputs): Promise<Result<void>> {
    return gather([writeJson(this.#recordFile(record.key), record), this.writeLast(record.build, last)]);
  }

  /** Forgets what a key gave; the latest inputs stay, to compare with. */
  async dropRecord(key: BuildKey): Promise<void> {
    await rm(this.#recordFile(key), { force: true });
  }

  /** Makes a build's inputs the latest ones. */
  async writeLast(build: string, last: LastInputs): Promise<Problem | undefined> {
    return writeJson(this.#lastFile(build), last);
  }

  /**
   * Makes a build's inputs the latest ones where they are not: an earlier result may be the right one again. The key
   * stands at the head of the file, which may be long, so only that much is read.
   */
  async ensureLast(build: string, last: LastInputs): Promise<Problem | undefined> {
    const head = Buffer.from(JSON.stringify({ key: last.key }).slice(0, -1));
    const known = await readHead(this.#lastFile(build), head.length);
    return known?.equals(head) === true ? undefined : this.writeLast(build, last);
  }

  /** The inputs of a build's latest success; undefined where there was none. */
  async readLast(build: string): Promise<LastInputs | undefined> {
    return readJson<LastInputs>(this.#lastFile(build));
  }

  /** Manifests and configs of the latest image of a build, as texts; to be told by their digests. */
  async readImage(build: string): Promise<readonly string[]> {
    const read = await readJson<unknown>(this.#imageTextsFile(build));
    return Array.isArray(read) ? read.filter((one) => typeof one === 'string') : [];
  }

  /** Remembers them, in place of those before. */
  async writeImage(build: string, texts: readonly string[]): Promise<void> {
    await writeJson(this.#imageTextsFile(build), texts);
  }

  /** The key of a build's latest success, without reading what it was made of, which may be long. */
  async readLastKey(build: string): Promise<BuildKey | undefined> {
    const head = await readHead(this.#lastFile(build), LAST_KEY_BYTES);
    return /^\{"key":"([^"]+)"/.exec(head?.toString() ?? '')?.[1];
  }

  /** What an image's config says, if it was ever read. */
  async readImageFacts(digest: Digest, platform: string): Promise<ImageConfigFacts | undefined> {
    return readJson<ImageConfigFacts>(this.#imageFile(digest, platform));
  }

  /** Remembers what an image's config says. */
  async writeImageFacts(digest: Digest, platform: string, facts: ImageConfigFacts): Promise<void> {
    await writeJson(this.#imageFile(digest, platform), facts);
  }

  #recordFile(key: BuildKey): string {
    return path.join(this.#dir, 'records', key.slice(0, 2), `${key}.json`);
  }

  #lastFile(build: string): string {
    return path.join(this.#dir, 'last', this.#project, `${encodeURIComponent(build)}.json`);
  }

  #imageTextsFile(build: string): string {
    return path.join(this.#dir, 'documents', this.#project, `${encodeURIComponent(build)}.json`);
  }

  #imageFile(digest: Digest, platform: string): string {
    const hex = digest.slice('sha256:'.length);
    return path.join(this.#dir, 'images', hex.slice(0, 2), `${hex}-${platform.replaceAll('/', '-')}.json`);
  }
}

async function gather(writes: readonly Promise<Problem | undefined>[]): Promise<Result<void>> {
  const problems = (await Promise.all(writes)).filter((one) => one !== undefined);
  return problems.length > 0 ? fail(problems) : ok(undefined);
}

async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined; // missing or damaged: not known
  }
}

async function readHead(file: string, bytes: number): Promise<Buffer | undefined> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

async function writeJson(file: string, value: unknown): Promise<Problem | undefined> {
  try {
    await writeFileWhole(file, `${JSON.stringify(value)}\n`);
    return undefined;
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return problem('state/not-written', `what was built cannot be remembered: \`${file}\` (${why})`, {
      severity: 'warning',
      hint: 'The next run builds it again. Free space, or set BAKE_TS_HOME to a folder that can be written.',
    });
  }
}
