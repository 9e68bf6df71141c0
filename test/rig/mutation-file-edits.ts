/** Random edits of files, links, directories and ignore files. */
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
import {
  type Bench,
  contextsOf,
  type Edit,
  endOf,
  isFree,
  lines,
  list,
  NAMES,
  onPath,
  pickDir,
  pickIndex,
  SPECIAL,
} from './mutation-bench.ts';
import { tarOf } from './mutation-repository.ts';

const ignoreFiles = async (bench: Bench): Promise<string | undefined> => {
  const name = bench.random.pick([...contextsOf(bench.set), 'second']);
  const file = name === 'second' ? 'dockerfiles/second.Dockerfile.dockerignore' : `${name}/.dockerignore`;
  if (await isFree(path.join(bench.dir, file))) await writeFile(path.join(bench.dir, file), '');
  return file;
};

/** Edits by kind. */
export const FILE_EDITS: Readonly<Record<string, Edit>> = {
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
  'big file': onPath('file', async (file, { random, word }) => {
    if (file.endsWith('.tar')) return undefined;
    const size = 1_000_000 + random.below(3_000_000);
    await writeFile(file, Buffer.alloc(size, `${word()} `));
    return `${size} bytes`;
  }),
  'last byte': onPath('file', async (file, { random }) => {
    const content = await readFile(file);
    if (content.length === 0 || file.endsWith('.tar')) return undefined;
    content[content.length - 1] = 97 + random.below(26);
    await writeFile(file, content);
    return 'changed in its last byte';
  }),
  emptied: onPath('file', async (file) => {
    if (file.endsWith('.tar')) return undefined;
    await writeFile(file, '');
    return 'emptied';
  }),
  'files change places': onPath('file', async (file, bench) => {
    const dir = path.dirname(file);
    const others = (await list(dir, 'file')).filter((one) => !one.includes('/') && !SPECIAL.test(one));
    const other = path.join(dir, bench.random.pick(others));
    if (other === file) return undefined;
    await rename(file, `${file}.swap`);
    await rename(other, file);
    await rename(`${file}.swap`, other);
    return `and ${path.basename(other)} change places`;
  }),
  'old times': onPath('file', async (file) => {
    await utimes(file, new Date(0), new Date(1_000_000_000));
    return 'as old as the epoch';
  }),
  'file becomes a directory': onPath('file', async (file, { word }) => {
    if (file.endsWith('.tar')) return undefined;
    await rm(file);
    await mkdir(file);
    await writeFile(path.join(file, 'inner'), word());
    return 'became a directory';
  }),
  'directory becomes a file': onPath('dir', async (file, { word }) => {
    await rm(file, { recursive: true });
    await writeFile(file, word());
    return 'became a file';
  }),
  'directory becomes a symlink': onPath('dir', async (file) => {
    const target = `${path.basename(file)}.real`;
    if (!(await isFree(path.join(path.dirname(file), target)))) return undefined;
    await rename(file, path.join(path.dirname(file), target));
    await symlink(target, file);
    return 'became a symlink';
  }),
  'symlink becomes what it led to': onPath('symlink', async (file) => {
    const content = await readFile(file).catch(() => undefined);
    if (content === undefined) return undefined;
    await rm(file);
    await writeFile(file, content);
    return 'became a file';
  }),
  'symlink to a symlink': onPath('symlink', async (file) => {
    if (!(await isFree(`${file}.next`))) return undefined;
    await rename(file, `${file}.next`);
    await symlink(`./${path.basename(file)}.next`, file);
    return 'leads to a symlink';
  }),
  'directory renamed': onPath('dir', async (file, { random }) => {
    const to = path.join(path.dirname(file), random.pick(['renamed', 'app', 'deep', 'src', 'x y']));
    if (!(await isFree(to))) return undefined;
    await rename(file, to);
    return `renamed to ${path.basename(to)}`;
  }),
  'directory deleted': onPath('dir', async (file) => {
    await rm(file, { recursive: true });
    return 'deleted';
  }),
  'directories in one another': async (bench) => {
    const name = `${await pickDir(bench)}/nest-${bench.random.below(3)}`;
    if (!(await isFree(path.join(bench.dir, name)))) return undefined;
    await mkdir(path.join(bench.dir, name, 'in', 'in'), { recursive: true });
    return `${name}/in/in added`;
  },
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
      '**',
      '!app',
      '!**/*.txt',
      'app/',
      '/deep/d/',
      '*/empty-?',
      '!nest-1/in',
      '[a-m]*.html',
      '**/lib/..',
      ' # no comment',
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
};
