/** Guesses for a proposal: which directory is a Dockerfile's context, and what its build is called. */
import { fitNames, freeName } from './names.ts';
import type { Recipe } from './recipe.ts';

/** Folders that hold Dockerfiles of a whole project rather than a project of their own. */
const SHELVES: ReadonlySet<string> = new Set([
  'docker',
  '.docker',
  'dockerfiles',
  'dockerfile',
  'containers',
  'container',
  'images',
  'build',
  'deploy',
  'ci',
  '.ci',
  '.devcontainer',
  'hack',
  'packaging',
]);

/** Folder names that say nothing about what is built in them. */
const NAMELESS: ReadonlySet<string> = new Set([...SHELVES, 'src', 'app', 'cmd', 'prod', 'production']);

/** The directory of a path; `.` for the top. */
export function folderOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at === -1 ? '.' : path.slice(0, at);
}

/**
 * The context: the nearest directory, from the Dockerfile's own upwards, in which most of what it copies exists. A
 * Dockerfile on a shelf (`docker/api.Dockerfile`) that copies everything means the directory above.
 */
export function guessContext(recipe: Recipe, paths: readonly string[]): string {
  const own = folderOf(recipe.path);
  const named = recipe.sources === 'all' ? [] : recipe.sources.filter((source) => !/^[.*/]*$/.test(source));
  const everything = recipe.sources === 'all' || named.length < recipe.sources.length;
  const candidates = ancestors(own);
  let best = own;
  let bestCount = -1;
  for (const folder of candidates) {
    const count = named.filter((source) => exists(source, folder, paths)).length;
    if (count > bestCount) {
      best = folder;
      bestCount = count;
    }
  }
  if (named.length > 0 && bestCount > 0) return best;
  const shelf = own.slice(own.lastIndexOf('/') + 1);
  const isShelf = SHELVES.has(shelf) && everything && own !== '.';
  return isShelf && named.length === 0 ? folderOf(own) : own;
}

function ancestors(folder: string): readonly string[] {
  const found = [folder];
  for (let at = folder; at !== '.'; ) {
    at = folderOf(at);
    found.push(at);
  }
  return found;
}

/** Whether a source of COPY is there: a file, a folder, or the fixed front of a pattern. */
function exists(source: string, folder: string, paths: readonly string[]): boolean {
  const fixed = source
    .replace(/[*?[].*$/, '')
    .replace(/^\.\//, '')
    .replace(/\/+$/, '');
  const full = folder === '.' ? fixed : `${folder}/${fixed}`;
  if (fixed === '') return true;
  const isPattern = fixed !== source.replace(/^\.\//, '').replace(/\/+$/, '');
  return paths.some((path) => path === full || path.startsWith(isPattern ? full : `${full}/`));
}

/**
 * A name for each Dockerfile, from its own or its folder's; the repository's where neither says anything. None is `taken`;
 * all are afterwards.
 */
export function guessNames(
  paths: readonly string[],
  repository: string,
  taken: Set<string>,
): ReadonlyMap<string, string> {
  const wanted = new Map(paths.map((path) => [path, shortName(path, repository)]));
  const counts = new Map<string, number>();
  for (const name of [...wanted.values(), ...taken]) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = new Map<string, string>();
  for (const [path, name] of wanted) {
    const isShared = (counts.get(name) ?? 0) > 1;
    const full = isShared ? longName(path, name) : name;
    const fitted = fitNames([full.toLowerCase()]).get(full.toLowerCase()) ?? full;
    names.set(path, freeName(fitted, taken));
  }
  return names;
}

function shortName(path: string, repository: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  const folder = folderOf(path);
  const ending = /^(?:dockerfile|containerfile)[.\-_](.+)$/i.exec(file)?.[1];
  const front = /^(.+)\.(?:dockerfile|containerfile)$/i.exec(file)?.[1];
  const isShelf = folder === '.' || SHELVES.has(folder.slice(folder.lastIndexOf('/') + 1));
  if (front !== undefined) return front;
  const place = folderName(folder, repository);
  if (ending === undefined) return place;
  return isShelf && folder !== '.' ? ending : folder === '.' ? ending : `${place}-${ending}`;
}

/** The nearest folder whose name says something; of a version, with what it is a version of: `node/22/slim`. */
function folderName(folder: string, repository: string): string {
  const parts = folder === '.' ? [] : folder.split('/');
  const said = parts.filter((part) => !NAMELESS.has(part.toLowerCase()));
  const isVersion = (at: number): boolean => /^v?[0-9]/.test(said[at] ?? '');
  let from = said.length - 1;
  while (isVersion(from) || isVersion(from - 1)) from--;
  if (from < 0 && said.length > 0) return [repository.replace(/^docker-/, ''), ...said].join('-');
  return said.length === 0 ? (parts.at(-1) ?? repository) : said.slice(from).join('-');
}

/** With the folders above, for names that two Dockerfiles want. */
function longName(path: string, name: string): string {
  const folders = folderOf(path)
    .split('/')
    .filter((part) => part !== '.' && part !== name);
  return [...folders, name].join('-');
}

/** Dockerfiles that play a part in tests, or are there to be read or to work in. */
export function isSide(path: string): boolean {
  return /(?:^|\/)(?:tests?|e2e|examples?|samples?|fixtures?|testdata|docs?|\.devcontainer)\//i.test(path);
}

/** Words of developers' and tests' images. */
const ASIDE = /(?:^|[-_.])(?:dev|devel|development|devcontainer|tests?|e2e|ci|debug|lint)(?:$|[-_.])/i;

/** Whether a Dockerfile lies aside, or its own name or that of its folder says what it is for: `api/Dockerfile.dev`. */
export function isAside(path: string): boolean {
  if (isSide(path)) return true;
  const file = path.slice(path.lastIndexOf('/') + 1);
  const own = file.replace(/^(?:dockerfile|containerfile)|(?:dockerfile|containerfile)$/i, '');
  const folder = folderOf(path).split('/').at(-1) ?? '';
  return ASIDE.test(own) || (!SHELVES.has(folder) && ASIDE.test(folder));
}

/** Those of the Dockerfiles that may be none of an image of the repository's own; none where all are such. */
export function unclearOf(paths: readonly string[]): readonly string[] {
  const side = paths.filter(isAside);
  return side.length === paths.length ? [] : side;
}
