/**
 * What is remembered between runs, on this machine. Every file is replaced whole by a rename, so that runs at the same
 * time see either the old or the new one; nothing here is needed for correctness: what is missing or damaged means
 * "not known", and what is not known is built. The directory is its owner's alone.
 *
 * ```
 * records/<first two of key>/<key>.json     what a key gave          (BuildRecord)
 * last/<project>/<build>.json               a build's latest key and its parts, for `explain`
 * results/<project>/<build>.json            the image that a build gave the last time, for `push` (LastResult)
 * figures/<project>.json                    where the project is; how long each build took, and how large it was, the last time (LastFigures)
 * documents/<project>/<build>.json          manifests and configs of its latest image
 * images/<first two of digest>/<digest>.json  what an image's config says; digests never change their meaning
 * runs/<project>/<run>/                      what happened in the last runs, kept by lib/history
 * stats/                                    stat caches, kept by lib/fingerprint
 * seal-key.json                             the key that sensitive values are sealed with (seal.ts)
 * ```
 * Builds with odd names have files with names of their own (lib/util/file-name.ts).
 */
import { Buffer } from 'node:buffer';
import { chmod, open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  type BuildKey,
  type BuildRecord,
  type BuildSet,
  type Digest,
  fail,
  ok,
  type Problem,
  problem,
  type Result,
} from '../model/mod.ts';
import { describeFileFault, fileFaultCode, homeDirectory, ownUid, writeFileWhole } from '../system/mod.ts';
import { missingPermissions } from '../util/permission.ts';
import { fileOfBuild, projectName } from './project.ts';
import { createPartsSealer, newSealKey, type SealParts } from './seal.ts';
import {
  type ImageConfigFacts,
  isFigures,
  isImageFacts,
  isImageTexts,
  isLastInputs,
  isLastResult,
  isRecord,
  isSealKey,
  type LastFigures,
  type LastInputs,
  type LastResult,
  STATE_VERSION,
} from './shapes.ts';

/**
 * Where state lies: `BAKE_TS_HOME`, else `$XDG_STATE_HOME/bake-ts`, else `~/.local/state/bake-ts`.
 */
export function stateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const own = env['BAKE_TS_HOME'];
  if (own !== undefined && path.isAbsolute(own)) return path.join(own, 'state');
  const base = env['XDG_STATE_HOME'];
  const home = homeDirectory(env);
  return path.join(
    base !== undefined && path.isAbsolute(base) ? base : path.join(home, '.local/state'),
    'bake-ts',
  );
}

/** More than what stands before the end of the key takes at the head of a file. */
const LAST_KEY_BYTES = 256;
/** Others have no business in the directory, nor in what is in it. */
const OTHERS = 0o077;
const OWN_ONLY = 0o700;

/** Memory of earlier runs below one directory. */
export class StateStore {
  readonly #dir: string;
  readonly #root: string;
  readonly #project: string;
  readonly #strange = new Set<string>();
  readonly #warnings: Problem[] = [];
  #sealKey: Promise<string> | undefined;

  /**
   * @param dir from `stateDirectory`
   * @param root the project's root: two checkouts of one repository share records, but each has its own "last run"
   */
  constructor(dir: string, root: string) {
    this.#dir = dir;
    this.#root = root;
    this.#project = projectName(root);
  }

  /** Directory for the stat caches. */
  get statDir(): string {
    return path.join(this.#dir, 'stats');
  }

  /** Closes the directory to other users where an earlier version, or a hand, left it open. */
  async shut(): Promise<void> {
    try {
      const { mode, uid } = await stat(this.#dir);
      if ((mode & OTHERS) !== 0 && uid === ownUid()) await chmod(this.#dir, OWN_ONLY);
    } catch {
      // Not there yet, or nothing that we may change.
    }
  }

  /** Notes a file that is there and cannot be believed; it counts as one that is not there. */
  noteStrange(file: string): void {
    this.#strange.add(file);
  }

  /** What is to be said of the directory at the end of a run: `state/strange`, `state/not-written`. */
  warnings(): readonly Problem[] {
    const [first, ...more] = this.#strange;
    if (first === undefined) return this.#warnings;
    const files = more.length === 0 ? 'a file' : `${more.length + 1} files`;
    return [
      ...this.#warnings,
      problem('state/strange', `${files} in \`${this.#dir}\` cannot be read: unexpected content`, {
        severity: 'warning',
        detail: more.length === 0 ? first : `${first}\nand ${more.length} more`,
        hint: 'They are ignored, and builds known only from them are built again. If this happens again, delete the directory.',
      }),
    ];
  }

  /** What replaces the sensitive values of a set in the parts of keys; its key is made when it is needed first. */
  sealer(variables: BuildSet['variables']): SealParts {
    return createPartsSealer(variables, () => {
      this.#sealKey ??= this.#readSealKey();
      return this.#sealKey;
    });
  }

  /** What a key gave; undefined where nothing (readable, of this version) is known. */
  async readRecord(key: BuildKey): Promise<BuildRecord | undefined> {
    return this.#read(
      this.#recordFile(key),
      (value): value is BuildRecord => isRecord(value) && value.key === key,
    );
  }

  /** Remembers a successful build under its key, and its inputs as the latest. */
  async writeRecord(record: BuildRecord, last: LastInputs): Promise<Result<void>> {
    return gather([writeJson(this.#recordFile(record.key), record), this.writeLast(record.build, last)]);
  }

  /** Replaces what is noted about a result that is remembered; nothing happens where it is not. */
  async updateRecord(record: BuildRecord): Promise<void> {
    const known = await this.readRecord(record.key);
    if (known?.digest === record.digest) await writeJson(this.#recordFile(record.key), record);
  }

  /** Forgets what a key gave; the latest inputs stay, to compare with. */
  async dropRecord(key: BuildKey): Promise<void> {
    const file = this.#recordFile(key);
    try {
      await rm(file, { force: true, recursive: true });
    } catch (error) {
      const why = await describeFileFault(error, file);
      this.#warnings.push(
        problem(
          'state/not-written',
          `a record that was found wrong cannot be deleted: \`${file}\` (${why})`,
          {
            severity: 'warning',
            hint: 'Delete the file, or the next run uses the record again.',
          },
        ),
      );
    }
  }

  /** Makes a build's inputs the latest ones. */
  async writeLast(build: string, last: LastInputs): Promise<Problem | undefined> {
    return writeJson(this.#lastFile(build), { ...headOf(last), ...last });
  }

  /**
   * Makes a build's inputs the latest ones where they are not: an earlier result may be the right one again. The key
   * stands at the head of the file, which may be long, so only that much is read.
   */
  async ensureLast(build: string, last: LastInputs): Promise<Problem | undefined> {
    const head = Buffer.from(JSON.stringify(headOf(last)).slice(0, -1));
    const known = await readHead(this.#lastFile(build), head.length);
    return known?.equals(head) === true ? undefined : this.writeLast(build, last);
  }

  /** The inputs of a build's latest success; undefined where there was none. */
  async readLast(build: string): Promise<LastInputs | undefined> {
    const read = await this.#read(this.#lastFile(build), isLastInputs);
    if (read === undefined) return undefined;
    const { key, parts, parents } = read;
    return { key, parts, ...(parents === undefined ? {} : { parents }) };
  }

  /** What a build gave the last time; undefined where that is not known. */
  async readResult(build: string): Promise<LastResult | undefined> {
    const read = await this.#read(this.#resultFile(build), isLastResult);
    if (read === undefined) return undefined;
    const { digest, finishedAt, tags, pushed, vouched, wrong } = read;
    const flags = { ...(pushed && { pushed }), ...(vouched && { vouched }), ...(wrong && { wrong }) };
    return { digest, finishedAt, tags, ...flags };
  }

  /** Remembers it. Where it cannot be written, nothing is remembered: an older one would be taken for the last. */
  async writeResult(build: string, result: LastResult): Promise<void> {
    const file = this.#resultFile(build);
    const unwritten = await writeJson(file, { version: STATE_VERSION, ...result });
    if (unwritten === undefined) return;
    try {
      await rm(file, { force: true, recursive: true });
    } catch {
      this.#warnings.push(unwritten);
    }
  }

  /** Manifests and configs of the latest image of a build, as texts; to be told by their digests. */
  async readImage(build: string): Promise<readonly string[]> {
    return (await this.#read(this.#imageTextsFile(build), isImageTexts))?.texts ?? [];
  }

  /** Remembers them, instead of those before. */
  async writeImage(build: string, texts: readonly string[]): Promise<void> {
    await writeJson(this.#imageTextsFile(build), { version: STATE_VERSION, texts });
  }

  /** The key of a build's latest success, without reading what it was made of, which may be long. */
  async readLastKey(build: string): Promise<BuildKey | undefined> {
    const head = await readHead(this.#lastFile(build), LAST_KEY_BYTES);
    return /^\{"version":\d+,"key":"([0-9a-f]{64})"/.exec(head?.toString() ?? '')?.[1];
  }

  /** Of each build that was built here: figures of the last time. One small file, so that they cost nothing at the start. */
  async readFigures(): Promise<ReadonlyMap<string, LastFigures>> {
    const read = await this.#read(this.#figuresFile(), isFigures);
    return new Map(Object.entries(read?.builds ?? {}));
  }

  /** Remembers figures, beside those of other builds. Where that cannot be done they are not known, and nothing else. */
  async noteFigures(figures: ReadonlyMap<string, LastFigures>): Promise<void> {
    if (figures.size === 0) return;
    const builds = Object.fromEntries([...(await this.readFigures()), ...figures]);
    // The root, so that what is left of a checkout can be distinguished from what is not (leftovers.ts).
    await writeJson(this.#figuresFile(), { version: STATE_VERSION, root: this.#root, builds });
  }

  /** What an image's config says, if it was ever read. */
  async readImageFacts(digest: Digest, platform: string): Promise<ImageConfigFacts | undefined> {
    const read = await this.#read(this.#imageFile(digest, platform), isImageFacts);
    if (read === undefined) return undefined;
    const { env, onbuild, platforms } = read;
    return { env, onbuild, ...(platforms === undefined ? {} : { platforms }) };
  }

  /** Remembers what an image's config says. */
  async writeImageFacts(digest: Digest, platform: string, facts: ImageConfigFacts): Promise<void> {
    await writeJson(this.#imageFile(digest, platform), { version: STATE_VERSION, ...facts });
  }

  /** What a file holds, if it is of the form that `isRight` looks for. */
  async #read<T>(file: string, isRight: (value: unknown) => value is T): Promise<T | undefined> {
    let value: unknown;
    try {
      value = JSON.parse(await readFile(file, 'utf8'));
    } catch (error) {
      // What is not permitted is said once for all.
      if (fileFaultCode(error) !== 'ENOENT' && missingPermissions(error) === undefined)
        this.#strange.add(file);
      return undefined;
    }
    if (isRight(value)) return value;
    this.#strange.add(file);
    return undefined;
  }

  /** The key that is there, else a new one; one that cannot be kept serves this run, and what it seals is built again. */
  async #readSealKey(): Promise<string> {
    const file = path.join(this.#dir, 'seal-key.json');
    const known = await this.#read(file, isSealKey);
    if (known !== undefined) return known.key;
    const made = newSealKey();
    const unwritten = await writeJson(file, { version: STATE_VERSION, key: made });
    if (unwritten !== undefined) {
      this.#warnings.push(unwritten);
      return made;
    }
    // Of two runs that make one at the same time, the later one's is there.
    return (await this.#read(file, isSealKey))?.key ?? made;
  }

  #recordFile(key: BuildKey): string {
    return path.join(this.#dir, 'records', key.slice(0, 2), `${key}.json`);
  }

  #lastFile(build: string): string {
    return fileOfBuild(this.#dir, 'last', this.#project, build);
  }

  #resultFile(build: string): string {
    return fileOfBuild(this.#dir, 'results', this.#project, build);
  }

  #figuresFile(): string {
    return path.join(this.#dir, 'figures', `${this.#project}.json`);
  }

  #imageTextsFile(build: string): string {
    return fileOfBuild(this.#dir, 'documents', this.#project, build);
  }

  #imageFile(digest: Digest, platform: string): string {
    const hex = digest.slice('sha256:'.length);
    return path.join(this.#dir, 'images', hex.slice(0, 2), `${hex}-${platform.replaceAll('/', '-')}.json`);
  }
}

/** What the file of the latest inputs begins with. */
function headOf({ key }: LastInputs): { readonly version: number; readonly key: BuildKey } {
  return { version: STATE_VERSION, key };
}

async function gather(writes: readonly Promise<Problem | undefined>[]): Promise<Result<void>> {
  const problems = (await Promise.all(writes)).filter((one) => one !== undefined);
  return problems.length > 0 ? fail(problems) : ok(undefined);
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
    await writeFileWhole(file, `${JSON.stringify(value)}\n`, { isPrivate: true });
    return undefined;
  } catch (error) {
    // Said once for all by whoever opened it.
    if (missingPermissions(error) !== undefined) return undefined;
    const why = await describeFileFault(error, file);
    return problem('state/not-written', `the results cannot be remembered: \`${file}\` (${why})`, {
      severity: 'warning',
      hint: 'Free space, or set BAKE_TS_HOME to a writable directory. The next run builds this again.',
    });
  }
}
