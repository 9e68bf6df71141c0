/** A first builds.yaml for a repository of Dockerfiles: what a person would write, with comments where it is a guess. */
import { fail, type Json, ok, parseImageRef, problem, type Result } from '../model/mod.ts';
import {
  addNote,
  createBuild,
  createDraft,
  type Draft,
  type DraftBuild,
  formatNotes,
  literal,
} from './draft.ts';
import { emitDraft } from './emit.ts';
import { folderOf, guessContext, guessNames } from './guess.ts';
import type { Imported } from './import.ts';
import { type Recipe, readRecipe, USUAL_ARGS, usualValue } from './recipe.ts';
import type { Repository } from './repository.ts';

/**
 * Proposes a builds.yaml. Problem: `import/no-dockerfile` where there is none that can be read.
 */
export function proposeBuilds(repository: Repository): Result<Imported> {
  const draft = createDraft();
  const recipes: Recipe[] = [];
  for (const [path, text] of repository.dockerfiles) {
    if (!/^\s*FROM\s/im.test(text)) continue;
    const recipe = readRecipe(path, text);
    if (recipe.ok) recipes.push(recipe.value);
    else addNote(draft, `${path} is left out: ${recipe.error[0]?.message ?? 'it cannot be read'}`);
  }
  if (recipes.length === 0) {
    return fail([
      problem('import/no-dockerfile', 'There is no Dockerfile here', {
        hint: 'Looked for Dockerfile, Dockerfile.*, *.Dockerfile and Containerfile in every folder that git does not ignore.',
        ...(draft.notes.size === 0 ? {} : { detail: formatNotes(draft).join('\n') }),
      }),
    ]);
  }
  if (repository.isCut) addNote(draft, 'there are very many files; not all of them were looked at');
  const names = guessNames(
    recipes.map(({ path }) => path),
    repository.name,
  );
  draft.header.push(
    'Proposed by bake-ts init from the Dockerfiles it found. Check contexts and names, then:',
    '  bake-ts validate     is everything right?',
    '  bake-ts plan         what would be built, in which order',
    '  bake-ts run          build and push what has changed',
  );
  addFrame(draft);
  const edges = findEdges(recipes, names);
  const builds = new Map(
    recipes.map((recipe) => {
      const name = names.get(recipe.path) ?? 'app';
      return [name, proposeBuild(recipe, name, edges, repository)] as const;
    }),
  );
  // What others build on comes first: files are read from top to bottom.
  const place = (name: string): void => {
    const build = builds.get(name);
    if (build === undefined || draft.builds.includes(build)) return;
    for (const parent of edges.get(name)?.values() ?? []) place(parent);
    draft.builds.push(build);
  };
  for (const name of builds.keys()) place(name);
  addGroups(draft, recipes, names);
  return ok({ yaml: emitDraft(draft), notes: formatNotes(draft) });
}

function addFrame(draft: Draft): void {
  draft.variables.push(
    {
      name: 'REGISTRY',
      value: 'localhost:5000',
      comments: ['Where images are pushed to: --var REGISTRY=ghcr.io/you, or the environment variable.'],
    },
    { name: 'TAG', value: { default: 'dev', env: ['TAG', 'GITHUB_REF_NAME'] }, comments: [] },
  );
  const image = createBuild('image');
  image.comments.push('What all images have in common.');
  // Names of branches hold what tags cannot. No label with the commit: every commit would change every image.
  image.keys.set('tags', ['${{ vars.REGISTRY }}/${{ build.name }}:${{ slug(vars.TAG) }}']);
  image.keys.set('push', true);
  draft.templates.push(image);
}

function proposeBuild(
  recipe: Recipe,
  name: string,
  edges: ReadonlyMap<string, ReadonlyMap<string, string>>,
  { paths, hasGit }: Repository,
): DraftBuild {
  const build = createBuild(name);
  const context = guessContext(recipe, paths);
  build.keys.set('extends', 'image');
  build.keys.set('context', literal(context));
  const dockerfile = relativeTo(context, recipe.path);
  if (dockerfile !== 'Dockerfile') build.keys.set('dockerfile', literal(dockerfile));
  // A reference that is another build's tag links the two by itself, whatever registry and tag are.
  const contexts = [...(edges.get(name) ?? [])].filter(([written, parent]) => written !== usualTag(parent));
  if (contexts.length > 0) {
    build.keys.set(
      'contexts',
      Object.fromEntries(contexts.map(([written, parent]) => [literal(written), `build:${parent}`])),
    );
  }
  proposeArgs(build, recipe, hasGit);
  if (recipe.secrets.length > 0) {
    build.keys.set(
      'secrets',
      recipe.secrets.map((id): Json => `id=${id},env=${id.replaceAll(/[^A-Za-z0-9]+/g, '_').toUpperCase()}`),
    );
  }
  if (recipe.ssh.length > 0)
    build.keys.set(
      'ssh',
      recipe.ssh.map((id): Json => id),
    );
  if (recipe.ports.length > 0) build.comments.push(`Listens on ${recipe.ports.join(', ')}.`);
  if (recipe.sideStages.length > 0) {
    build.comments.push(`Also in its Dockerfile: target ${recipe.sideStages.join(', ')}.`);
  }
  return build;
}

function usualTag(name: string): string {
  return `${USUAL_ARGS['REGISTRY']?.value ?? ''}/${name}:${USUAL_ARGS['TAG']?.value ?? ''}`;
}

function relativeTo(folder: string, path: string): string {
  return folder === '.' ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}

function proposeArgs(build: DraftBuild, recipe: Recipe, hasGit: boolean): void {
  const args: Record<string, Json> = {};
  const open: string[] = [];
  for (const arg of recipe.openArgs) {
    const value = usualValue(arg, hasGit);
    if (value !== undefined) args[arg] = value;
    else if (recipe.neededArgs.includes(arg)) args[arg] = '';
    else open.push(arg);
  }
  if (Object.keys(args).length > 0) build.keys.set('args', args);
  if (recipe.neededArgs.some((arg) => args[arg] === '')) {
    build.keyComments.set('args', ['FROM needs these: fill in the empty ones.']);
  }
  if (open.length > 0) build.comments.push(`Takes these arguments, too: ${open.join(', ')}.`);
}

/** Names that mean an image of Docker Hub, not one of this repository, unless a registry or owner stands before them. */
const WELL_KNOWN =
  /^(?:alpine|amazonlinux|bash|buildpack-deps|busybox|caddy|centos|clojure|composer|debian|docker|dotnet|eclipse-temurin|elasticsearch|elixir|erlang|fedora|gcc|golang|gradle|haproxy|haskell|hello-world|httpd|influxdb|java|jenkins|julia|kibana|kong|mariadb|maven|memcached|mongo|mysql|nats|neo4j|nginx|node|openjdk|oraclelinux|perl|php|postgres|python|r-base|rabbitmq|redis|registry|ruby|rust|scratch|sonarqube|swift|telegraf|tomcat|traefik|ubuntu|vault|wordpress|zookeeper)$/;

/** Build → reference as its Dockerfile writes it → the build that it means. */
function findEdges(
  recipes: readonly Recipe[],
  names: ReadonlyMap<string, string>,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const all = new Set(names.values());
  const edges = new Map<string, Map<string, string>>();
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean => {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return [...(edges.get(from)?.values() ?? [])].some((next) => reaches(next, to, seen));
  };
  for (const recipe of recipes) {
    const name = names.get(recipe.path) ?? '';
    const found = new Map<string, string>();
    edges.set(name, found);
    for (const { written } of recipe.images) {
      const parent = ownerOf(written, all);
      if (parent !== undefined && !reaches(parent, name)) found.set(written, parent);
    }
  }
  return edges;
}

function ownerOf(written: string, names: ReadonlySet<string>): string | undefined {
  const ref = parseImageRef(written);
  if (ref === undefined || ref.digest !== undefined) return undefined;
  const path = ref.repository.replace(/^library\//, '').split('/');
  const last = path.at(-1) ?? '';
  const isBare = ref.registry === 'docker.io' && path.length === 1;
  if (isBare && WELL_KNOWN.test(last)) return undefined;
  const candidates = [last, path.slice(-2).join('-'), last.replace(/^.*?[-_]/, '')];
  return candidates.slice(0, isBare ? 2 : 3).find((name) => names.has(name));
}

/** Developers' and tests' images are not part of what is built by default. */
const SIDE = /(?:^|[-_.])(?:dev|devel|development|devcontainer|test|tests|e2e|ci|debug|lint)(?:$|[-_.])/;

function addGroups(draft: Draft, recipes: readonly Recipe[], names: ReadonlyMap<string, string>): void {
  const all = recipes.map(({ path }) => ({ path, name: names.get(path) ?? '' }));
  const side = all.filter(({ name, path }) => SIDE.test(name) || path.startsWith('.devcontainer/'));
  const main = all.filter((one) => !side.includes(one));
  const byFolder = new Map<string, string[]>();
  for (const { path, name } of main) {
    const [top = '', ...rest] = folderOf(path).split('/');
    if (rest.length > 0) byFolder.set(top, [...(byFolder.get(top) ?? []), name]);
  }
  const taken = new Set([...names.values(), 'default', 'dev']);
  const folders = [...byFolder].filter(
    ([folder, members]) =>
      members.length > 1 &&
      members.length < main.length &&
      !taken.has(folder) &&
      /^[A-Za-z0-9_][\w.-]*$/.test(folder),
  );
  const grouped = new Set(folders.flatMap(([, members]) => members));
  const defaults = [
    ...main.filter(({ name }) => !grouped.has(name)).map(({ name }) => name),
    ...folders.map(([folder]) => folder),
  ];
  draft.groups.push({ name: 'default', members: main.length === 0 ? all.map(({ name }) => name) : defaults });
  for (const [folder, members] of folders) draft.groups.push({ name: folder, members });
  if (side.length > 0 && main.length > 0 && !names.has('dev') && ![...names.values()].includes('dev')) {
    draft.groups.push({ name: 'dev', members: side.map(({ name }) => name) });
  }
}
