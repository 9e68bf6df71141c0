/**
 * The copies of local directories that an engine keeps, with BuildKit's own weakness: a file is sent again only where
 * its mode, size or time differ from the copy of that name (source/local, fsutil; moby/buildkit#2592). Two directories
 * that share a name there may get each other's bytes, which bake-ts has to see to.
 */
import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { LayerEntry } from './fake-tar.ts';

interface Kept extends LayerEntry {
  readonly signature: string;
}

/** The copies of one engine. */
export class FakeLocalSources {
  readonly #copies = new Map<string, ReadonlyMap<string, Kept>>();
  /** One transfer at a time for each name. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** What the engine has of a directory once it was sent. */
  send(name: string, directory: string): Promise<readonly LayerEntry[]> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const sent = before.then(() => this.#send(name, directory));
    this.#last.set(
      name,
      sent.catch(() => undefined),
    );
    return sent;
  }

  get names(): readonly string[] {
    return [...this.#copies.keys()];
  }

  async #send(name: string, directory: string): Promise<readonly LayerEntry[]> {
    const known = this.#copies.get(name);
    const now = new Map<string, Kept>();
    const ignored = await readIgnored(directory);
    const walk = async (below: string): Promise<void> => {
      for (const entry of await readdir(path.join(directory, below), { withFileTypes: true })) {
        const file = below === '' ? entry.name : `${below}/${entry.name}`;
        if (ignored.has(file)) continue;
        const full = path.join(directory, file);
        const { mode, size, mtimeNs } = await lstat(full, { bigint: true });
        const bits = Number(mode) & 0o7777;
        if (entry.isDirectory()) {
          now.set(file, { path: file, mode: bits, content: undefined, signature: 'directory' });
          await walk(file);
          continue;
        }
        const signature = `${mode} ${size} ${mtimeNs}`;
        const kept = known?.get(file);
        const content = kept?.signature === signature ? kept.content : await readFile(full);
        now.set(file, { path: file, mode: bits, content, signature });
      }
    };
    await walk('');
    this.#copies.set(name, now);
    return [...now.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
  }
}

/** Plain paths only. */
async function readIgnored(directory: string): Promise<ReadonlySet<string>> {
  const text = await readFile(path.join(directory, '.dockerignore'), 'utf8').catch(() => '');
  return new Set(text.split('\n').filter((line) => line !== ''));
}
