/** What random edits of the repository of the mutation test share. */
import { lstat, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { dockerfileOf, type MutableSet } from './mutation-repository.ts';
import type { Random } from './random.ts';

/** What the edits work on. */
export interface Bench {
  readonly dir: string;
  readonly set: MutableSet;
  readonly random: Random;
  /** Where bake-ts keeps its state. */
  readonly home: string;
  /** A word that was not used before. */
  readonly word: () => string;
  /** Tag → digests it stood for so far. */
  readonly published: ReadonlyMap<string, ReadonlySet<string>>;
}

/** An edit: a line that says what was done; undefined: there was nothing to do it to. */
export type Edit = (bench: Bench) => Promise<string | undefined>;

/** What lies at a path. */
export type Kind = 'file' | 'dir' | 'symlink';

/** Paths of one kind below a directory, sorted. */
export async function list(dir: string, kind: Kind, below = ''): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(path.join(dir, below), { withFileTypes: true })) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (kind === 'dir') found.push(name);
      found.push(...(await list(dir, kind, name)));
    } else if (kind === 'symlink' ? entry.isSymbolicLink() : kind === 'file' && entry.isFile())
      found.push(name);
  }
  return found.sort();
}

/** Files that edits of contents do not change. */
export const SPECIAL: RegExp = /(?:^|\/)(?:Dockerfile|Containerfile|\.dockerignore|busybox)$/;

/** Directories that builds read, relative to the repository, wherever edits have moved them. */
export function contextsOf({ builds }: MutableSet): readonly string[] {
  const found = builds.flatMap(({ context, contexts }) => [
    context,
    ...Object.values(contexts).filter((one) => !/^(?:build|image):/.test(one)),
  ]);
  return [...new Set(found)].sort();
}

/** A random path of one kind, relative to the repository. */
async function pickPath(bench: Bench, kind: Kind): Promise<string | undefined> {
  const context = bench.random.pick(contextsOf(bench.set));
  const names = (await list(path.join(bench.dir, context), kind)).filter((name) => !SPECIAL.test(name));
  return names.length === 0 ? undefined : `${context}/${bench.random.pick(names)}`;
}

/** A random directory, relative to the repository. */
export async function pickDir(bench: Bench): Promise<string> {
  const context = bench.random.pick(contextsOf(bench.set));
  const dirs = ['', ...(await list(path.join(bench.dir, context), 'dir'))];
  const dir = bench.random.pick(dirs);
  return dir === '' ? context : `${context}/${dir}`;
}

/** A file edit: on a random path of a kind. */
export function onPath(
  kind: Kind,
  act: (file: string, bench: Bench, shown: string) => Promise<string | undefined>,
): Edit {
  return async (bench) => {
    const name = await pickPath(bench, kind);
    if (name === undefined) return undefined;
    const what = await act(path.join(bench.dir, name), bench, name);
    return what === undefined ? undefined : `${name} ${what}`;
  };
}

/** Names that files get. */
export const NAMES: readonly string[] = [
  'x.txt',
  'y.log',
  'keep.log',
  'z.tmp',
  'n.html',
  'page9.css',
  'tmp',
  'a-extra.txt',
  '.hidden',
  'ü ä.txt',
  '[x]*.txt',
  '$A {b}.txt',
  'it\'s\t"x".css',
  'Dockerfile.bak',
];

/** Whether nothing lies there. */
export async function isFree(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) === undefined;
}

/** An edit of the lines of a file that `pick` chooses. */
export function lines(
  pick: (bench: Bench) => Promise<string | undefined>,
  act: (text: string[], bench: Bench) => string | undefined,
): Edit {
  return async (bench) => {
    const file = await pick(bench);
    if (file === undefined) return undefined;
    const full = path.join(bench.dir, file);
    const text = (await readFile(full, 'utf8')).split('\n');
    const what = act(text, bench);
    if (what === undefined) return undefined;
    await writeFile(full, text.join('\n'));
    return `${file}: ${what}`;
  };
}

/** A random Dockerfile of the repository. */
export const dockerfiles = async ({ random, set }: Bench): Promise<string | undefined> =>
  random.pick([...new Set(set.builds.flatMap((build) => dockerfileOf(build) ?? []))].sort());

/** A line that an edit added; only such lines are removed or moved again. */
export const isAdded = (line: string): boolean => /added-\d+/.test(line);

/** A random index of those that pass. */
export function pickIndex(
  text: readonly string[],
  random: Random,
  test: (line: string, index: number) => boolean,
): number | undefined {
  const found = text.flatMap((line, index) => (test(line, index) ? [index] : []));
  return found.length === 0 ? undefined : random.pick(found);
}

/** End of the last stage that is not followed by an empty last line. */
export function endOf(text: readonly string[]): number {
  return text.at(-1) === '' ? text.length - 1 : text.length;
}

/** An edit of a random build of the set. */
export function onBuild(
  act: (bench: Bench, build: MutableSet['builds'][number]) => string | undefined,
): Edit {
  return async (bench) => {
    const build = bench.random.pick(bench.set.builds);
    const what = act(bench, build);
    return what === undefined ? undefined : `${build.name}: ${what}`;
  };
}

/** Sets a key, or takes it out. */
export function toggle(record: Record<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) delete record[key];
  else record[key] = value;
}
