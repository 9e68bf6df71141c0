/** Random edits of the repository of the mutation test: each says what it did, or that it found nothing to do. */
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { CONTEXTS, type MutableSet, OUTSIDE, tarOf } from './mutation-repository.ts';
import { deleteManifest, digestOf, overwriteTag } from './puller.ts';
import type { Random } from './random.ts';

/** What the edits work on. */
export interface Bench {
  readonly dir: string;
  readonly set: MutableSet;
  readonly random: Random;
  /** A word that was not used before. */
  readonly word: () => string;
  /** Tag → digests it stood for so far. */
  readonly published: ReadonlyMap<string, ReadonlySet<string>>;
}

/** An edit: a line that says what was done; undefined: there was nothing to do it to. */
export type Edit = (bench: Bench) => Promise<string | undefined>;

type Kind = 'file' | 'dir' | 'symlink';

async function list(dir: string, kind: Kind, below = ''): Promise<readonly string[]> {
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

const SPECIAL = /(?:^|\/)(?:Dockerfile|\.dockerignore|busybox)$/;

async function pickPath(bench: Bench, kind: Kind): Promise<string | undefined> {
  const context = bench.random.pick(CONTEXTS);
  const names = (await list(path.join(bench.dir, context), kind)).filter((name) => !SPECIAL.test(name));
  return names.length === 0 ? undefined : `${context}/${bench.random.pick(names)}`;
}

async function pickDir(bench: Bench): Promise<string> {
  const context = bench.random.pick(CONTEXTS);
  const dirs = ['', ...(await list(path.join(bench.dir, context), 'dir'))];
  const dir = bench.random.pick(dirs);
  return dir === '' ? context : `${context}/${dir}`;
}

/** A file edit: on a random path of a kind. */
function onPath(
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

const NAMES = [
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
];

async function isFree(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) === undefined;
}

function lines(
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

const dockerfiles = async ({ random, dir }: Bench): Promise<string | undefined> => {
  const all = [...CONTEXTS.map((one) => `${one}/Dockerfile`), 'dockerfiles/second.Dockerfile'];
  const there = [];
  for (const file of all) if (!(await isFree(path.join(dir, file)))) there.push(file);
  return random.pick(there);
};

const ignoreFiles = async (bench: Bench): Promise<string | undefined> => {
  const name = bench.random.pick([...CONTEXTS, 'bin', 'second']);
  const file = name === 'second' ? 'dockerfiles/second.Dockerfile.dockerignore' : `${name}/.dockerignore`;
  if (await isFree(path.join(bench.dir, file))) await writeFile(path.join(bench.dir, file), '');
  return file;
};

/** A line that an edit added; only such lines are taken out or moved again. */
const isAdded = (line: string): boolean => /added-\d+/.test(line);

function pickIndex(
  text: readonly string[],
  random: Random,
  test: (line: string, index: number) => boolean,
): number | undefined {
  const found = text.flatMap((line, index) => (test(line, index) ? [index] : []));
  return found.length === 0 ? undefined : random.pick(found);
}

/** End of the last stage that is not followed by an empty last line. */
function endOf(text: readonly string[]): number {
  return text.at(-1) === '' ? text.length - 1 : text.length;
}

function onBuild(act: (bench: Bench, build: MutableSet['builds'][number]) => string | undefined): Edit {
  return async (bench) => {
    const build = bench.random.pick(bench.set.builds);
    const what = act(bench, build);
    return what === undefined ? undefined : `${build.name}: ${what}`;
  };
}

function toggle(record: Record<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) delete record[key];
  else record[key] = value;
}

/** All edits, by kind. */
export const EDITS: Readonly<Record<string, Edit>> = {
  content: onPath('file', async (file, { word }) => {
    if (file.endsWith('.tar')) await writeFile(file, tarOf('inside.txt', `${word()}\n`));
    else await writeFile(file, `${word()}\n`);
    return 'written anew';
  }),
  'same content': onPath('file', async (file) => {
    const content = await readFile(file);
    await rm(file);
    await writeFile(file, content);
    return 'written anew with what it held';
  }),
  'same look': onPath('file', async (file, { random }) => {
    const { atime, mtime, size } = await lstat(file);
    if (size === 0 || file.endsWith('.tar')) return undefined;
    await utimes(file, atime, new Date(Math.floor(mtime.getTime() / 1000) * 1000));
    const content = await readFile(file);
    content[0] = 97 + random.below(26);
    const before = await lstat(file);
    await writeFile(file, content);
    await utimes(file, atime, before.mtime);
    return 'changed, size and time kept';
  }),
  mode: onPath('file', async (file, { random }) => {
    const mode = random.pick([0o644, 0o755, 0o600, 0o4755, 0o664]);
    await chmod(file, mode);
    return `mode ${mode.toString(8)}`;
  }),
  'mode of a directory': onPath('dir', async (file, { random }) => {
    const mode = random.pick([0o755, 0o700, 0o1777, 0o2755]);
    await chmod(file, mode);
    return `mode ${mode.toString(8)}`;
  }),
  rename: onPath('file', async (file, { random }) => {
    const to = path.join(path.dirname(file), random.pick(NAMES));
    if (!(await isFree(to))) return undefined;
    await rename(file, to);
    return `renamed to ${path.basename(to)}`;
  }),
  move: onPath('file', async (file, bench) => {
    const dir = await pickDir(bench);
    const to = path.join(bench.dir, dir, path.basename(file));
    if (!(await isFree(to))) return undefined;
    await rename(file, to);
    return `moved to ${dir}`;
  }),
  delete: onPath('file', async (file) => {
    await rm(file);
    return 'deleted';
  }),
  add: async (bench) => {
    const name = `${await pickDir(bench)}/${bench.random.pick(NAMES)}`;
    if (!(await isFree(path.join(bench.dir, name)))) return undefined;
    await writeFile(path.join(bench.dir, name), `${bench.word()}\n`);
    return `${name} added`;
  },
  'add an ignored file': async ({ dir, random, word }) => {
    const name = random.pick([
      'outside/more.log',
      'outside/docs/new.md',
      'outside/src/tmp/y',
      'shared/new.bak',
      'bin/junk',
    ]);
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), word());
    return `${name} written`;
  },
  'edit of an unread file': async ({ dir, random, word }) => {
    const name = random.pick([
      'notes.txt',
      'base/unread.txt',
      'child/unread/notes',
      'shared/src/two/other',
      'tools/dev.txt',
    ]);
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), word());
    return `${name} written`;
  },
  touch: onPath('file', async (file) => {
    await utimes(file, new Date(), new Date());
    return 'touched';
  }),
  'symlink retargeted': onPath('symlink', async (file, { random }) => {
    const before = await readlink(file);
    const to = random.pick(['a.c', 'nowhere', 'src', 'one', 'two', 'deep', '../..', '/deep', '.']);
    if (to === before) return undefined;
    await rm(file);
    await symlink(to, file);
    return `points at ${to}`;
  }),
  'symlink added': async (bench) => {
    const name = `${await pickDir(bench)}/link-${bench.random.below(3)}`;
    if (!(await isFree(path.join(bench.dir, name)))) return undefined;
    const to = bench.random.pick(['gone', '.', '..', 'x.txt', 'index.html', '/main.c']);
    await symlink(to, path.join(bench.dir, name));
    return `${name} points at ${to}`;
  },
  'file becomes a symlink': onPath('file', async (file) => {
    const target = `${path.basename(file)}.real`;
    if (!(await isFree(path.join(path.dirname(file), target)))) return undefined;
    await rename(file, path.join(path.dirname(file), target));
    await symlink(target, file);
    return 'became a symlink';
  }),
  'hard link': onPath('file', async (file) => {
    const to = `${file}.hard`;
    if (!(await isFree(to))) return undefined;
    await link(file, to);
    return 'has a second name';
  }),
  'hard link broken': onPath('file', async (file) => {
    if ((await lstat(file)).nlink < 2) return undefined;
    const content = await readFile(file);
    const { mode } = await lstat(file);
    await rm(file);
    await writeFile(file, content);
    await chmod(file, mode & 0o7777);
    return 'is a file of its own again';
  }),
  'empty directory added': async (bench) => {
    const name = `${await pickDir(bench)}/empty-${bench.random.below(3)}`;
    if (!(await isFree(path.join(bench.dir, name)))) return undefined;
    await mkdir(path.join(bench.dir, name));
    return `${name}/ added`;
  },
  'empty directory removed': onPath('dir', async (file) => {
    const entries = await readdir(file);
    if (entries.length > 0) return undefined;
    await rmdir(file);
    return 'removed';
  }),
  'Dockerfile: comment': lines(dockerfiles, (text, { word, random }) => {
    text.splice(random.below(endOf(text)) + 1, 0, `# ${word()}`);
    return 'a comment';
  }),
  'Dockerfile: layout': lines(dockerfiles, (text, { random }) => {
    const index = pickIndex(text, random, (line) => /^(?:COPY|ENV|ARG|FROM) /.test(line));
    if (index === undefined) return undefined;
    const line = text[index] ?? '';
    text[index] = random.pick([
      `  ${line}`,
      `${line}  `,
      line.replace(/^(\S+) /, '$1   '),
      line.replace(/^\S+/, (word) => word.toLowerCase()),
      line.replace(/^(\S+) /, '$1 \\\n  '),
      `\n${line}`,
    ]);
    return 'layout';
  }),
  'Dockerfile: instruction added': lines(dockerfiles, (text, { word, random }) => {
    const added = `added-${word().replace(/\D/g, '')}`;
    const line = random.pick(['ENV A=', 'LABEL a=', 'WORKDIR /', 'ARG B=', 'USER 1000\nLABEL b=']) + added;
    text.splice(endOf(text), 0, line);
    return line;
  }),
  'Dockerfile: instruction removed': lines(dockerfiles, (text, { random }) => {
    const index = pickIndex(text, random, isAdded);
    return index === undefined ? undefined : `without ${text.splice(index, 1)[0]}`;
  }),
  'Dockerfile: reordered': lines(dockerfiles, (text, { random }) => {
    const index = pickIndex(text, random, (line, at) => isAdded(line) && isAdded(text[at + 1] ?? ''));
    if (index === undefined) return undefined;
    const [line = ''] = text.splice(index, 1);
    text.splice(index + 1, 0, line);
    return `${line} moved down`;
  }),
  'Dockerfile: default of an argument': lines(dockerfiles, (text, { word, random }) => {
    const index = pickIndex(text, random, (line) => /^ARG \w+=/.test(line));
    if (index === undefined) return undefined;
    text[index] = (text[index] ?? '').replace(/=.*/, `=${word()}`);
    return text[index];
  }),
  'Dockerfile: unused stage': lines(dockerfiles, (text, { word, random }) => {
    const index = pickIndex(text, random, (line) => /^FROM /.test(line));
    if (index === undefined) return undefined;
    text.splice(index, 0, `FROM scratch AS unused-${word()}`, 'LABEL unused=1');
    return 'a stage that nothing needs';
  }),
  'ignore: pattern added': lines(ignoreFiles, (text, { random }) => {
    const pattern = random.pick([
      '*.txt',
      '!x.txt',
      'src',
      '**/*.log',
      '!**/keep.log',
      'deep',
      '!deep/d',
      'etc/spool',
      '*.css',
      'app/c*',
      './y.log',
      '.dockerignore',
      'Dockerfile',
    ]);
    text.splice(endOf(text), 0, pattern);
    return pattern;
  }),
  'ignore: line removed': lines(ignoreFiles, (text, { random }) => {
    const index = pickIndex(text, random, (line) => line !== '');
    return index === undefined ? undefined : `without ${text.splice(index, 1)[0]}`;
  }),
  'ignore: comment': lines(ignoreFiles, (text, { word }) => {
    text.unshift(`# ${word()}`);
    return 'a comment';
  }),
  label: onBuild(({ word, random }, build) => {
    toggle(build.labels, `l${random.below(2)}`, random.below(3) === 0 ? undefined : word());
    return `labels ${JSON.stringify(build.labels)}`;
  }),
  'argument that is declared': onBuild(({ word, random }, build) => {
    const names = Object.keys(build.args).filter((name) => ['LEVEL', 'GLOBAL'].includes(name));
    if (names.length === 0) return undefined;
    toggle(build.args, random.pick(names), word());
    return `args ${JSON.stringify(build.args)}`;
  }),
  'argument that is not declared': onBuild(({ word }, build) => {
    build.args['UNDECLARED'] = word();
    return `args ${JSON.stringify(build.args)}`;
  }),
  'proxy argument': onBuild(({ random }, build) => {
    toggle(build.args, 'HTTP_PROXY', random.pick(['http://a.invalid', 'http://b.invalid', undefined]));
    return `args ${JSON.stringify(build.args)}`;
  }),
  target: async ({ set, random }) => {
    const tools = set.builds.find((one) => one.name === 'tools');
    if (tools === undefined) return undefined;
    const before = tools.target;
    if (random.below(2) === 0) delete tools.target;
    else tools.target = random.pick(['final', 'Final']);
    return tools.target === before ? undefined : `tools: target ${tools.target}`;
  },
  description: onBuild(({ word }, build) => {
    build.description = word();
    return 'another description';
  }),
  platform: onBuild((_, build) => {
    build.platforms = build.platforms.length === 0 ? ['linux/amd64'] : [];
    return `platforms ${build.platforms.join() || 'none'}`;
  }),
  'context swapped': async ({ set, random }) => {
    const archive = set.builds.find((one) => one.name === 'archive');
    if (archive === undefined) return undefined;
    const to = random.pick(['swap', 'bundle/links', 'tools/in']);
    if (archive.contexts['extra'] === to) return undefined;
    archive.contexts['extra'] = to;
    return `archive: extra is ${to}`;
  },
  'order of builds': async ({ set, random }) => {
    set.builds.push(...set.builds.splice(random.below(set.builds.length), 1));
    return `${set.builds.at(-1)?.name} is last`;
  },
  variable: async ({ set, word }) => {
    set.extra = word();
    return `EXTRA=${set.extra}`;
  },
  'outside base moved': async ({ set, random }) => {
    const base = `${set.host}/${OUTSIDE.repository}`;
    const to = random.pick(OUTSIDE.variants);
    if ((await digestOf(`${base}:${to}`)) === (await digestOf(`${base}:${OUTSIDE.tag}`))) return undefined;
    await overwriteTag(`${base}:${OUTSIDE.tag}`, `${base}:${to}`);
    return `stable is ${to}`;
  },
  'tag deleted': async ({ set, random }) => {
    const tag = random.pick(random.pick(set.builds).tags);
    if ((await digestOf(tag)) === undefined) return undefined;
    await deleteManifest(tag);
    return `${tag} deleted`;
  },
  'tag overwritten': async ({ set, random, published }) => {
    const tag = random.pick(random.pick(set.builds).tags);
    const digest = random.pick([...(published.get(tag) ?? [])]);
    // An older manifest may have been deleted meanwhile.
    const there = `${tag.slice(0, tag.lastIndexOf(':'))}@${digest}`;
    if ((await digestOf(there)) === undefined || (await digestOf(tag)) === digest) return undefined;
    await overwriteTag(tag, there);
    return `${tag} is ${digest}`;
  },
  nothing: async () => 'nothing',
};
