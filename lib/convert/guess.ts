/** Guesses for a proposal: the context directory of a Dockerfile, and the name of its build. */
import { fitNames, freeName } from './names.ts';
import type { Recipe } from './recipe.ts';

/** Directories that collect Dockerfiles of a project instead of being projects themselves. */
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

/** Directory names that do not describe what is built in them. */
const NAMELESS: ReadonlySet<string> = new Set([...SHELVES, 'src', 'app', 'cmd', 'prod', 'production']);

/** The directory of a path; `.` for the root. */
export function folderOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at === -1 ? '.' : path.slice(0, at);
}

/**
 * The context: the nearest directory, starting with the Dockerfile's own and going up, that contains most of what the
 * file copies. A Dockerfile in a collecting directory (`docker/api.Dockerfile`) that copies everything uses the directory
 * above.
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

/** Whether a source of COPY exists: a file, a directory, or the fixed prefix of a pattern. */
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
 * A name for each Dockerfile, from its own or its directory's name, otherwise the repository's. Names in `taken` are not
 * used; the new ones are added to it.
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

/** The nearest directory with a descriptive name; for a version, with what it is a version of: `node/22/slim`. */
function folderName(folder: string, repository: string): string {
  const parts = folder === '.' ? [] : folder.split('/');
  const said = parts.filter((part) => !NAMELESS.has(part.toLowerCase()));
  const isVersion = (at: number): boolean => /^v?[0-9]/.test(said[at] ?? '');
  let from = said.length - 1;
  while (isVersion(from) || isVersion(from - 1)) from--;
  if (from < 0 && said.length > 0) return [repository.replace(/^docker-/, ''), ...said].join('-');
  return said.length === 0 ? (parts.at(-1) ?? repository) : said.slice(from).join('-');
}

/** A name with the directories above, if two Dockerfiles would have the same name. */
function longName(path: string, name: string): string {
  const folders = folderOf(path)
    .split('/')
    .filter((part) => part !== '.' && part !== name);
  return [...folders, name].join('-');
}

/** Dockerfiles for tests, examples or development environments. */
export function isSide(path: string): boolean {
  return /(?:^|\/)(?:tests?|e2e|examples?|samples?|fixtures?|testdata|docs?|\.devcontainer)\//i.test(path);
}

/** Words in names of development and test images. */
const ASIDE = /(?:^|[-_.])(?:dev|devel|development|devcontainer|tests?|e2e|ci|debug|lint)(?:$|[-_.])/i;

/**
 * Whether the directory, or the name of a Dockerfile or its directory, suggests a secondary purpose:
 * `api/Dockerfile.dev`.
 */
export function isAside(path: string): boolean {
  if (isSide(path)) return true;
  const file = path.slice(path.lastIndexOf('/') + 1);
  const own = file.replace(/^(?:dockerfile|containerfile)|(?:dockerfile|containerfile)$/i, '');
  const folder = folderOf(path).split('/').at(-1) ?? '';
  return ASIDE.test(own) || (!SHELVES.has(folder) && ASIDE.test(folder));
}

/** The Dockerfiles that may not be images of the repository itself; empty if all of them are like that. */
export function unclearOf(paths: readonly string[]): readonly string[] {
  const side = paths.filter(isAside);
  return side.length === paths.length ? [] : side;
}
