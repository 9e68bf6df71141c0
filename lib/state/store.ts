/**
 * State between runs, on this machine. Every file is replaced atomically by a rename, so concurrent runs see either the
 * old or the new one. Nothing here is needed for correctness: missing or damaged means "unknown", and unknown is built.
 * Only the owner can access the directory.
 *
 * ```
 * records/<first two of key>/<key>.json     the result of a key      (BuildRecord)
 * last/<project>/<build>.json               a build's latest key and its parts, for `explain`
 * results/<project>/<build>.json            the last image of a build, for `push` (LastResult)
 * figures/<project>.json                    root of the project; duration and size of each last build (LastFigures)
 * documents/<project>/<build>.json          manifests and configs of its latest image
 * images/<first two of digest>/<digest>.json  facts from an image's config; digests never change their meaning
 * runs/<project>/<run>/                      recorded runs (lib/history)
 * stats/                                    stat caches (lib/fingerprint)
 * seal-key.json                             the key for sealing sensitive values (seal.ts)
 * ```
 * Files of builds with unusual names have their own names (lib/util/file-name.ts).
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

/** The state directory: `BAKE_TS_HOME`, else `$XDG_STATE_HOME/bake-ts`, else `~/.local/state/bake-ts`. */
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

/** More than the start of a file up to the end of the key. */
const LAST_KEY_BYTES = 256;
/** Permissions of others, who may not access the directory and its files. */
const OTHERS = 0o077;
const OWN_ONLY = 0o700;

/** State in one directory. */
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

  /** Closes the directory to other users if an earlier version, or a user, left it open. */
  async shut(): Promise<void> {
    try {
      const { mode, uid } = await stat(this.#dir);
      if ((mode & OTHERS) !== 0 && uid === ownUid()) await chmod(this.#dir, OWN_ONLY);
    } catch {
      // The directory does not exist yet, or may not be changed.
    }
  }

  /** Notes an existing file with invalid content; it is treated as missing. */
  noteStrange(file: string): void {
    this.#strange.add(file);
  }

  /** Warnings about the directory for the end of a run: `state/strange`, `state/not-written`. */
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

  /** Returns the function that seals sensitive values in the parts of keys; its sealing key is created on first use. */
  sealer(variables: BuildSet['variables']): SealParts {
    return createPartsSealer(variables, () => {
      this.#sealKey ??= this.#readSealKey();
      return this.#sealKey;
    });
  }

  /** The result of a key; undefined if nothing readable of this version is known. */
  async readRecord(key: BuildKey): Promise<BuildRecord | undefined> {
    return this.#read(
      this.#recordFile(key),
      (value): value is BuildRecord => isRecord(value) && value.key === key,
    );
  }

  /** Records a successful build under its key, and its inputs as the latest. */
  async writeRecord(record: BuildRecord, last: LastInputs): Promise<Result<void>> {
    return gather([writeJson(this.#recordFile(record.key), record), this.writeLast(record.build, last)]);
  }

  /** Replaces an existing record; does nothing if there is none. */
  async updateRecord(record: BuildRecord): Promise<void> {
    const known = await this.readRecord(record.key);
    if (known?.digest === record.digest) await writeJson(this.#recordFile(record.key), record);
  }

  /** Deletes the record of a key. The latest inputs stay, for comparison. */
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

  /** Stores the latest inputs of a build. */
  async writeLast(build: string, last: LastInputs): Promise<Problem | undefined> {
    return writeJson(this.#lastFile(build), { ...headOf(last), ...last });
  }

  /**
   * Stores the latest inputs of a build if they differ: an earlier result may be current again. Only the head of the
   * file is read, which has the key, because the file may be long.
   */
  async ensureLast(build: string, last: LastInputs): Promise<Problem | undefined> {
    const head = Buffer.from(JSON.stringify(headOf(last)).slice(0, -1));
    const known = await readHead(this.#lastFile(build), head.length);
    return known?.equals(head) === true ? undefined : this.writeLast(build, last);
  }

  /** The inputs of a build's last success; undefined if there was none. */
  async readLast(build: string): Promise<LastInputs | undefined> {
    const read = await this.#read(this.#lastFile(build), isLastInputs);
    if (read === undefined) return undefined;
    const { key, parts, parents } = read;
    return { key, parts, ...(parents === undefined ? {} : { parents }) };
  }

  /** The last result of a build; undefined if unknown. */
  async readResult(build: string): Promise<LastResult | undefined> {
    const read = await this.#read(this.#resultFile(build), isLastResult);
    if (read === undefined) return undefined;
    const { digest, finishedAt, tags, pushed, vouched, wrong } = read;
    const flags = { ...(pushed && { pushed }), ...(vouched && { vouched }), ...(wrong && { wrong }) };
    return { digest, finishedAt, tags, ...flags };
  }

  /** Stores the last result. If that fails, deletes the old one, which would be mistaken for the last. */
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

  /** Manifests and configs of a build's latest image, as text; identified by their digests. */
  async readImage(build: string): Promise<readonly string[]> {
    return (await this.#read(this.#imageTextsFile(build), isImageTexts))?.texts ?? [];
  }

  /** Stores them, replacing the earlier ones. */
  async writeImage(build: string, texts: readonly string[]): Promise<void> {
    await writeJson(this.#imageTextsFile(build), { version: STATE_VERSION, texts });
  }

  /** The key of a build's last success, without reading its parts, which may be long. */
  async readLastKey(build: string): Promise<BuildKey | undefined> {
    const head = await readHead(this.#lastFile(build), LAST_KEY_BYTES);
    return /^\{"version":\d+,"key":"([0-9a-f]{64})"/.exec(head?.toString() ?? '')?.[1];
  }

  /** Figures of the last build of each build. One small file, so that it costs nothing at the start. */
  async readFigures(): Promise<ReadonlyMap<string, LastFigures>> {
    const read = await this.#read(this.#figuresFile(), isFigures);
    return new Map(Object.entries(read?.builds ?? {}));
  }

  /** Adds figures to those of other builds. If that fails, they are unknown, with no other consequences. */
  async noteFigures(figures: ReadonlyMap<string, LastFigures>): Promise<void> {
    if (figures.size === 0) return;
    const builds = Object.fromEntries([...(await this.readFigures()), ...figures]);
    // The root identifies the checkout of leftovers (leftovers.ts).
    await writeJson(this.#figuresFile(), { version: STATE_VERSION, root: this.#root, builds });
  }

  /** Facts from an image's config, if it was ever read. */
  async readImageFacts(digest: Digest, platform: string): Promise<ImageConfigFacts | undefined> {
    const read = await this.#read(this.#imageFile(digest, platform), isImageFacts);
    if (read === undefined) return undefined;
    const { env, onbuild, platforms } = read;
    return { env, onbuild, ...(platforms === undefined ? {} : { platforms }) };
  }

  /** Stores facts from an image's config. */
  async writeImageFacts(digest: Digest, platform: string, facts: ImageConfigFacts): Promise<void> {
    await writeJson(this.#imageFile(digest, platform), { version: STATE_VERSION, ...facts });
  }

  /** The content of a file if `isRight` accepts it. */
  async #read<T>(file: string, isRight: (value: unknown) => value is T): Promise<T | undefined> {
    let value: unknown;
    try {
      value = JSON.parse(await readFile(file, 'utf8'));
    } catch (error) {
      // Denied permissions are reported once elsewhere.
      if (fileFaultCode(error) !== 'ENOENT' && missingPermissions(error) === undefined)
        this.#strange.add(file);
      return undefined;
    }
    if (isRight(value)) return value;
    this.#strange.add(file);
    return undefined;
  }

  /**
   * The existing key, or a new one. A key that cannot be stored is used for this run only, and builds with sealed
   * values are built again.
   */
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
    // If two runs create one at the same time, the later one is in the file.
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

/** The start of the file with the latest inputs. */
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
    // Reported once elsewhere.
    if (missingPermissions(error) !== undefined) return undefined;
    const why = await describeFileFault(error, file);
    return problem('state/not-written', `the results cannot be remembered: \`${file}\` (${why})`, {
      severity: 'warning',
      hint: 'Free space, or set BAKE_TS_HOME to a writable directory. The next run builds this again.',
    });
  }
}
