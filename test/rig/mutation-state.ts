/** The repository of the mutation test as it is at one time, to go back to. */
import { chmod, lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { MutableSet } from './mutation-repository.ts';

/** A repository at one time. */
export interface State {
  /** Path → what lies there, parents first. */
  readonly files: ReadonlyMap<string, Entry>;
  readonly set: string;
}

/** What lies at a path. */
export type Entry =
  | { readonly kind: 'dir'; readonly mode: number }
  | { readonly kind: 'file'; readonly mode: number; readonly content: Buffer; readonly look: string }
  | { readonly kind: 'symlink'; readonly to: string };

const contents = new Map<string, Buffer>();

/** Reads all of a repository. */
export async function takeState(dir: string, set: MutableSet): Promise<State> {
  const files = new Map<string, Entry>();
  const walk = async (below: string): Promise<void> => {
    for (const { name } of await readdir(path.join(dir, below), { withFileTypes: true })) {
      const file = below === '' ? name : `${below}/${name}`;
      const stats = await lstat(path.join(dir, file), { bigint: true });
      const mode = Number(stats.mode) & 0o7777;
      if (stats.isSymbolicLink())
        files.set(file, { kind: 'symlink', to: await readlink(path.join(dir, file)) });
      else if (stats.isDirectory()) {
        files.set(file, { kind: 'dir', mode });
        await walk(file);
      } else {
        const look = `${stats.ino} ${stats.ctimeNs} ${stats.size}`;
        const content = contents.get(look) ?? (await readFile(path.join(dir, file)));
        contents.set(look, content);
        files.set(file, { kind: 'file', mode, content, look });
      }
    }
  };
  await walk('');
  return { files, set: JSON.stringify([set.builds, set.extra, set.layout]) };
}

/** As git would: what is the same stays as it is, the rest is written again. */
export async function restoreState(dir: string, set: MutableSet, state: State): Promise<void> {
  const now = await takeState(dir, set);
  const isSame = (one: Entry | undefined, other: Entry): boolean => {
    if (one?.kind !== other.kind) return false;
    if (one.kind === 'symlink' && other.kind === 'symlink') return one.to === other.to;
    if (one.kind === 'file' && other.kind === 'file')
      return one.mode === other.mode && one.content.equals(other.content);
    return one.kind === 'dir';
  };
  for (const [file, entry] of now.files) {
    const wanted = state.files.get(file);
    if (wanted === undefined || !isSame(entry, wanted))
      await rm(path.join(dir, file), { recursive: true, force: true });
  }
  for (const [file, entry] of state.files) {
    const full = path.join(dir, file);
    const there = await lstat(full).catch(() => undefined);
    if (there === undefined) {
      if (entry.kind === 'dir') await mkdir(full, { recursive: true });
      else if (entry.kind === 'symlink') await symlink(entry.to, full);
      else await writeFile(full, entry.content);
    }
    if (entry.kind !== 'symlink') await chmod(full, entry.mode);
  }
  const [builds, extra, layout] = JSON.parse(state.set) as [
    MutableSet['builds'],
    string,
    MutableSet['layout'],
  ];
  set.builds = builds;
  set.extra = extra;
  set.layout = layout;
}
