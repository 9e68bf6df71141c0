/**
 * What an engine was sent of local directories, by what the files looked like.
 *
 * Why: BuildKit keeps one copy of what it was sent under the name `context`, and re-sends a file only where its mode,
 * size or time of change differ from that copy. With buildctl all contexts of all projects share the one copy, so
 * a file of the same path, size and time in another directory (or the same file, edited with its time kept) is taken
 * from the copy: the image gets the other file's bytes, exit code 0 (measured with buildkit 0.34; open upstream as
 * moby/buildkit#2592, #4817, #4950). Equal times are common: files written within one
 * tick of the kernel's clock (a checkout), unpacked archives, SOURCE_DATE_EPOCH, caches of CI systems.
 *
 * The ledger remembers look → content. Where a look stood for other content before, the build is given a slot of its own.
 */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import type { HashedContext } from './hasher.ts';

const LOOK_BYTES = 12;
const CONTENT_BYTES = 12;
const ENTRY_BYTES = LOOK_BYTES + CONTENT_BYTES;
/** Beyond this many bytes nothing more is noted, and every build gets a slot of its own. */
const SIZE_LIMIT = 64 << 20;

/** Files of one context on their way to an engine. */
export interface Shipment {
  /** Name under which buildctl offers the directory: the engine keeps one copy for each. */
  readonly local: string;
  readonly hashed: HashedContext;
}

/** The memory of one engine; several processes may use it at the same time. */
export class SentLedger {
  readonly #file: string;
  readonly #contentByLook = new Map<string, string>();
  #readBytes = 0;
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
      if (conflict === undefined) await this.#note(shipments);
      return conflict;
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #findConflict(shipments: readonly Shipment[]): Promise<string | undefined> {
    await this.#catchUp();
    if (this.#readBytes > SIZE_LIMIT) return 'the ledger is full';
    for (const { local, hashed } of shipments) {
      for (const [file, entry] of entriesOf(local, hashed)) {
        const known = this.#contentByLook.get(entry.subarray(0, LOOK_BYTES).toString('latin1'));
        if (known !== undefined && known !== entry.subarray(LOOK_BYTES).toString('latin1'))
          return `${local}: ${file}`;
      }
    }
    return undefined;
  }

  async #note(shipments: readonly Shipment[]): Promise<void> {
    const fresh: Buffer[] = [];
    for (const { local, hashed } of shipments) {
      for (const [, entry] of entriesOf(local, hashed)) {
        const look = entry.subarray(0, LOOK_BYTES).toString('latin1');
        if (this.#contentByLook.has(look)) continue;
        this.#contentByLook.set(look, entry.subarray(LOOK_BYTES).toString('latin1'));
        fresh.push(entry);
      }
    }
    if (fresh.length === 0) return;
    await mkdir(path.dirname(this.#file), { recursive: true });
    await appendFile(this.#file, Buffer.concat(fresh));
  }

  /** Reads what was added since, by us or by others. */
  async #catchUp(): Promise<void> {
    let handle: Awaited<ReturnType<typeof open>>;
    try {
      handle = await open(this.#file);
    } catch {
      // Never written, or removed by hand.
      this.#contentByLook.clear();
      this.#readBytes = 0;
      return;
    }
    try {
      const { size } = await handle.stat();
      if (size < this.#readBytes) {
        this.#contentByLook.clear();
        this.#readBytes = 0;
      }
      const whole = size - (size % ENTRY_BYTES);
      const added = Buffer.alloc(Math.max(0, whole - this.#readBytes));
      await handle.read(added, 0, added.length, this.#readBytes);
      for (let at = 0; at < added.length; at += ENTRY_BYTES) {
        const look = added.toString('latin1', at, at + LOOK_BYTES);
        this.#contentByLook.set(look, added.toString('latin1', at + LOOK_BYTES, at + ENTRY_BYTES));
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

function* entriesOf(local: string, hashed: HashedContext): Iterable<readonly [string, Buffer]> {
  for (const part of hashed.files) {
    if (part.kind !== 'file') continue;
    const row = hashed.looks.row(part.path);
    if (row === undefined) continue;
    const look = createHash('sha256')
      .update(`${local}\0${part.path}\0${hashed.looks.mode(row)}\0${hashed.looks.sizeBytes(row)}\0`)
      .update(String(hashed.looks.modifiedNs(row)))
      .digest();
    yield [
      part.path,
      Buffer.concat([
        look.subarray(0, LOOK_BYTES),
        Buffer.from(part.content, 'hex').subarray(0, CONTENT_BYTES),
      ]),
    ];
  }
}
