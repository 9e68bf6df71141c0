/** Walks a repository for `init`: its files, and the texts of its Dockerfiles. Heeds .gitignore as far as matters here. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compileGlob } from '../util/glob.ts';
import { throwDenied } from '../util/permission.ts';

/** What there is in a repository. */
export interface Repository {
  /** The directory's own name. */
  readonly name: string;
  /** Files, relative, with `/`, sorted; ignored ones are left out. */
  readonly paths: readonly string[];
  /** Path of each Dockerfile → its text. */
  readonly dockerfiles: ReadonlyMap<string, string>;
  readonly hasGit: boolean;
  /** Names under which its own images may stand in a registry: the directory's, and owner and name of its git remotes. */
  readonly owners: ReadonlySet<string>;
  /** True where the walk stopped because there were too many files. */
  readonly isCut: boolean;
}

/** Folders whose Dockerfiles are somebody else's. */
const SKIPPED: ReadonlySet<string> = new Set(['.git', 'node_modules', 'vendor', '.venv', 'third_party']);

/** More files than this are not looked at. */
const MAX_FILES = 100_000;

/** A Dockerfile is not longer than this. */
const MAX_DOCKERFILE_BYTES = 1024 * 1024;

/** Whether a file's name is that of a Dockerfile: `Dockerfile`, `Dockerfile.api`, `api.Dockerfile`, `Containerfile`. */
export function isDockerfileName(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (
    /\.(?:dockerignore|md|tmpl|tpl|template|j2|jinja2?|erb|in|bak|orig|rej|lock|ya?ml|json|sh)$/i.test(name)
  )
    return false;
  return (
    /^(?:dockerfile|containerfile)(?:[.\-_].+)?$/i.test(name) || /\.(?:dockerfile|containerfile)$/i.test(name)
  );
}

/** Reads a repository; folders that cannot be read are passed over. */
export async function readRepository(root: string): Promise<Repository> {
  const walk: Walk = { root, paths: [], dockerfiles: new Map() };
  await walkFolder(walk, '', []);
  walk.paths.sort();
  const hasGit = await stat(join(root, '.git')).then(
    () => true,
    () => false,
  );
  return {
    name: basename(root),
    paths: walk.paths,
    dockerfiles: new Map([...walk.dockerfiles].sort(([a], [b]) => (a < b ? -1 : 1))),
    hasGit,
    owners: new Set([basename(root).toLowerCase(), ...(await readRemotes(root))]),
    isCut: walk.paths.length >= MAX_FILES,
  };
}

/** Owner and name of each remote: `git@example.com:acme/shop.git` has `acme` and `shop`. */
async function readRemotes(root: string): Promise<readonly string[]> {
  const config = await readSmall(join(root, '.git', 'config'));
  return [...config.matchAll(/^\s*url\s*=\s*(\S+)\s*$/gm)].flatMap(([, url = '']) => {
    const parts = url
      .replace(/\/+$/, '')
      .replace(/\.git$/, '')
      .split(/[/:]+/);
    return parts.slice(-2).map((part) => part.toLowerCase());
  });
}

/** The text of a small regular file; empty where there is none. */
async function readSmall(file: string): Promise<string> {
  const isFile = await stat(file).then(
    (found) => found.isFile() && found.size <= MAX_DOCKERFILE_BYTES,
    () => false,
  );
  return isFile ? readFile(file, 'utf8').catch(() => '') : '';
}

interface Walk {
  readonly root: string;
  readonly paths: string[];
  readonly dockerfiles: Map<string, string>;
}

/** One line of a .gitignore. */
interface Ignore {
  readonly matches: (path: string) => boolean;
  readonly isNegation: boolean;
  readonly onlyFolders: boolean;
}

async function walkFolder(walk: Walk, folder: string, inherited: readonly Ignore[]): Promise<void> {
  const entries = await readdir(join(walk.root, folder), { withFileTypes: true }).catch((error: unknown) => {
    throwDenied(error);
    return [];
  });
  const hasIgnore = entries.some((entry) => entry.name === '.gitignore' && entry.isFile());
  const own = hasIgnore ? await readIgnore(walk.root, folder) : [];
  const rules = own.length > 0 ? [...inherited, ...own] : inherited;
  for (const entry of entries) {
    if (walk.paths.length >= MAX_FILES) return;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const isFolder = entry.isDirectory();
    if (isFolder && SKIPPED.has(entry.name)) continue;
    if (isIgnored(path, isFolder, rules)) continue;
    if (isFolder) await walkFolder(walk, path, rules);
    else if (entry.isFile() || entry.isSymbolicLink()) {
      walk.paths.push(path);
      if (entry.isFile() && isDockerfileName(entry.name)) await readDockerfile(walk, path);
    }
  }
}

async function readDockerfile(walk: Walk, path: string): Promise<void> {
  const full = join(walk.root, path);
  try {
    if ((await stat(full)).size > MAX_DOCKERFILE_BYTES) return;
    walk.dockerfiles.set(path, await readFile(full, 'utf8'));
  } catch {
    // Not readable for this user: nothing can be proposed for it.
  }
}

async function readIgnore(root: string, folder: string): Promise<readonly Ignore[]> {
  const text = await readSmall(join(root, folder, '.gitignore'));
  return text.split('\n').flatMap((line) => parseIgnore(line, folder));
}

/** gitignore(5): a slash before the end ties a pattern to the folder of its file. */
function parseIgnore(line: string, folder: string): readonly Ignore[] {
  let pattern = line.replace(/\r$/, '').replace(/(?<!\\)\s+$/, '');
  if (pattern === '' || pattern.startsWith('#')) return [];
  const isNegation = pattern.startsWith('!');
  if (isNegation) pattern = pattern.slice(1);
  const onlyFolders = pattern.endsWith('/');
  if (onlyFolders) pattern = pattern.slice(0, -1);
  const isTied = pattern.includes('/');
  const local = isTied ? pattern.replace(/^\//, '') : `**/${pattern}`;
  const base = folder === '' ? '' : `${folder.replaceAll(/[[\]{}()*?!+@\\]/g, '\\$&')}/`;
  return [{ matches: compileGlob(`${base}${local}`), isNegation, onlyFolders }];
}

function isIgnored(path: string, isFolder: boolean, rules: readonly Ignore[]): boolean {
  const last = rules.findLast((rule) => (isFolder || !rule.onlyFolders) && rule.matches(path));
  return last !== undefined && !last.isNegation;
}
