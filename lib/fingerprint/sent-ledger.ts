/**
 * What an engine was sent of local directories, by the files' stat signatures.
 *
 * Why: BuildKit keeps one copy of what it was sent under the name `context`, and re-sends a file only where its mode,
 * size or time of change differ from that copy. With buildctl all contexts of all projects share the one copy, so
 * a file of the same path, size and time in another directory (or the same file, edited with its time kept) is taken
 * from the copy: the image gets the other file's bytes, exit code 0 (measured with buildkit 0.34; open upstream as
 * moby/buildkit#2592, #4817, #4950). Equal times are common: files written within one
 * tick of the kernel's clock (a checkout), unpacked archives, SOURCE_DATE_EPOCH, caches of CI systems.
 *
 * The ledger remembers stat signature → content, the time in milliseconds: coarser than the engine's own comparison, so
 * that files which are the same to it are the same here, whichever runtime noted them. Where a signature was that of other
 * content before, the build is given a local source of its own.
 *
 * Directories: one that is in the copy already gets its new mode there, but keeps the hash of the old one
 * (fsutil's diskwriter.go returns before it notifies), so COPY takes the layer with the old mode from the cache. Their
 * mode is therefore content too. A directory has no time that would change its signature, so its conflict would stay for
 * ever: the engine is to be made to forget its copies when no build runs.
 */
import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { appendFile, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { HashedContext } from './hasher.ts';

const SIGNATURE_BYTES = 12;
const CONTENT_BYTES = 12;
const ENTRY_BYTES = SIGNATURE_BYTES + CONTENT_BYTES;
/** Beyond this many bytes nothing more is noted, and every build gets a local source of its own. */
const SIZE_LIMIT = 64 << 20;

/** Stands for the content of what two processes noted at the same time: no file's content is it. */
const NOT_SURE = '';

/** Files of one context on their way to an engine. */
export interface Shipment {
  /** Name under which buildctl offers the directory: the engine keeps one copy for each. */
  readonly local: string;
  readonly hashed: HashedContext;
}

/** The memory of one engine; several processes may use it at the same time. */
export class SentLedger {
  readonly #file: string;
  readonly #contentBySignature = new Map<string, string>();
  #readBytes = 0;
  #wantsForgetting = false;
  /** One announcement at a time: two at once could each miss the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param address the engine's; another engine has copies of its own */
  constructor(directory: string, address: string) {
    this.#file = path.join(
      directory,
      `${createHash('sha256').update(address).digest('hex').slice(0, 16)}.sent`,
    );
  }

  /**
   * Notes what is about to be sent, unless the engine would mistake a file of it for one that it was sent before. To be
   * called before the build: also a failed one may have sent its files.
   *
   * @returns a path that the engine would be mistaken about, as `local: path`; undefined where all is well
   */
  announce(shipments: readonly Shipment[]): Promise<string | undefined> {
    const result = this.#last.then(async () => {
      const conflict = await this.#findConflict(shipments);
      if (conflict !== undefined || !(await this.#note(shipments))) return conflict;
      // Another process may have noted something at the same time: of two that write first and then read, one at least
      // sees what the other wrote.
      return this.#findConflict(shipments);
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** True where a conflict was met that only goes away when the engine forgets its copies. */
  get wantsForgetting(): boolean {
    return this.#wantsForgetting;
  }

  /** The engine forgot its copies. */
  async forget(): Promise<void> {
    this.#wantsForgetting = false;
    this.#contentBySignature.clear();
    this.#readBytes = 0;
    await rm(this.#file, { force: true });
  }

  async #findConflict(shipments: readonly Shipment[]): Promise<string | undefined> {
    await this.#catchUp();
    if (this.#readBytes > SIZE_LIMIT) return 'the ledger is full';
    for (const shipment of shipments) {
      for (const { path: file, isDirectory, entry } of entriesOf(shipment)) {
        const known = this.#contentBySignature.get(entry.subarray(0, SIGNATURE_BYTES).toString('latin1'));
        if (known === undefined || known === entry.subarray(SIGNATURE_BYTES).toString('latin1')) continue;
        if (isDirectory) this.#wantsForgetting = true;
        return `${shipment.local}: ${file}`;
      }
    }
    return undefined;
  }

  /** @returns whether there was anything to note */
  async #note(shipments: readonly Shipment[]): Promise<boolean> {
    const fresh: Buffer[] = [];
    for (const shipment of shipments) {
      for (const { entry } of entriesOf(shipment)) {
        const signature = entry.subarray(0, SIGNATURE_BYTES).toString('latin1');
        if (this.#contentBySignature.has(signature)) continue;
        this.#contentBySignature.set(signature, entry.subarray(SIGNATURE_BYTES).toString('latin1'));
        fresh.push(entry);
      }
    }
    if (fresh.length === 0) return false;
    await mkdir(path.dirname(this.#file), { recursive: true });
    await appendFile(this.#file, Buffer.concat(fresh));
    return true;
  }

  /** Reads what was added since, by us or by others. */
  async #catchUp(): Promise<void> {
    let handle: Awaited<ReturnType<typeof open>>;
    try {
      handle = await open(this.#file);
    } catch {
      // Never written, or removed by hand.
      this.#contentBySignature.clear();
      this.#readBytes = 0;
      return;
    }
    try {
      const { size } = await handle.stat();
      if (size < this.#readBytes) {
        this.#contentBySignature.clear();
        this.#readBytes = 0;
      }
      const whole = size - (size % ENTRY_BYTES);
      if (whole > SIZE_LIMIT) {
        // What it holds does not count any more, so it need not be read.
        this.#readBytes = whole;
        return;
      }
      const added = Buffer.alloc(Math.max(0, whole - this.#readBytes));
      await handle.read(added, 0, added.length, this.#readBytes);
      for (let at = 0; at < added.length; at += ENTRY_BYTES) {
        const signature = added.toString('latin1', at, at + SIGNATURE_BYTES);
        const content = added.toString('latin1', at + SIGNATURE_BYTES, at + ENTRY_BYTES);
        const known = this.#contentBySignature.get(signature) ?? content;
        this.#contentBySignature.set(signature, known === content ? content : NOT_SURE);
      }
      this.#readBytes = whole;
    } finally {
      await handle.close();
    }
  }
}

/** A word for the content of files: the same for the same files, and only for them. */
export function contentName(shipments: readonly Shipment[]): string {
  const hash = createHash('sha256');
  for (const { local, hashed } of shipments) {
    hash.update(`${local}\0${hashed.files.length}\0`);
    for (const { path: file, kind, mode, content } of hashed.files)
      hash.update(`${file}\0${kind}\0${mode}\0${content}\0`);
  }
  return `bake${hash.digest('hex').slice(0, 24)}`;
}

interface Entry {
  readonly path: string;
  readonly isDirectory: boolean;
  /** Signature, then content. */
  readonly entry: Buffer;
}

/** Files and directories of a shipment; also the directories above them, which are sent though they do not count. */
function* entriesOf({ local, hashed }: Shipment): Iterable<Entry> {
  const above = new Set<string>();
  const counted = new Set<string>();
  for (const part of hashed.files) {
    noteAbove(part.path, above);
    const row = hashed.stats.row(part.path);
    if (part.kind === 'dir') {
      counted.add(part.path);
      yield directoryEntry(local, part.path, part.mode);
    }
    if (part.kind !== 'file' || row === undefined) continue;
    const signature = createHash('sha256')
      .update(`${local}\0${part.path}\0${hashed.stats.mode(row)}\0${hashed.stats.sizeBytes(row)}\0`)
      .update(String(hashed.stats.modifiedMs(row)))
      .digest();
    const content = Buffer.from(part.content, 'hex');
    yield { path: part.path, isDirectory: false, entry: entryOf(signature, content) };
  }
  for (const directory of above) {
    if (counted.has(directory)) continue;
    const stats = lstatSync(`${hashed.root}/${directory}`, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) yield directoryEntry(local, directory, stats.mode & PERMISSIONS);
  }
}

const PERMISSIONS = 0o7777;

/** Adds the directories above a path. */
function noteAbove(file: string, into: Set<string>): void {
  for (let at = file.lastIndexOf('/'); at > 0; at = file.lastIndexOf('/', at - 1)) {
    const directory = file.slice(0, at);
    if (into.has(directory)) return;
    into.add(directory);
  }
}

function directoryEntry(local: string, directory: string, mode: number): Entry {
  const sha256 = (text: string) => createHash('sha256').update(text).digest();
  const entry = entryOf(sha256(`${local}\0${directory}\0directory`), sha256(mode.toString(8)));
  return { path: directory, isDirectory: true, entry };
}

function entryOf(signature: Buffer, content: Buffer): Buffer {
  return Buffer.concat([signature.subarray(0, SIGNATURE_BYTES), content.subarray(0, CONTENT_BYTES)]);
}
