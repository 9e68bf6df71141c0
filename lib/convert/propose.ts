/** Proposes a first builds.yaml for a repository of Dockerfiles, with comments where something is guessed. */
import { fail, type Json, ok, problem, type Result } from '../model/mod.ts';
import { ownersIn, readClaims } from './claims.ts';
import {
  addNote,
  createBuild,
  createDraft,
  type Draft,
  type DraftBuild,
  formatNotes,
  isRecord,
  literal,
  scalarText,
} from './draft.ts';
import { emitDraft } from './emit.ts';
import { folderOf, guessContext, guessNames, unclearOf } from './guess.ts';
import type { Imported } from './import.ts';
import { findLinks, type Linkable } from './link.ts';
import { freeName } from './names.ts';
import { type Recipe, readRecipe, USUAL_ARGS, usualValue } from './recipe.ts';
import type { Repository } from './repository.ts';
import { shareCommon } from './share.ts';
import type { Source } from './source.ts';

/** Options of the proposal; all have defaults. */
export interface ProposeOptions {
  /** The repository's bake or Compose file, whose draft is extended. */
  readonly source?: Source;
  /** Registry, with an owner if there is one: `ghcr.io/acme`. */
  readonly registry?: string;
  readonly push?: boolean;
  /** Paths of Dockerfiles that are not images of their own. */
  readonly leaveOut?: ReadonlySet<string>;
}

/** A first builds.yaml. */
export interface Proposal extends Imported {
  /** What it was made from, as text: `docker-bake.json and 2 Dockerfiles that it does not name`. */
  readonly origin: string;
}

/** Dockerfiles for which a build can be proposed. */
export function candidatesOf(repository: Repository, source?: Source): readonly string[] {
  const claims = source === undefined ? undefined : readClaims(source.draft, repository);
  return [...repository.dockerfiles].flatMap(([path, text]) =>
    /^\s*FROM\s/im.test(text) && claims?.has(path) !== true ? [path] : [],
  );
}

/** Proposes a builds.yaml. Problem: `import/no-dockerfile` if there is neither a source nor a readable Dockerfile. */
export function proposeBuilds(repository: Repository, options: ProposeOptions = {}): Result<Proposal> {
  const { source, leaveOut = new Set<string>() } = options;
  const draft = source?.draft ?? createDraft();
  if (draft.isFlat) shareCommon(draft);
  const claimed = readClaims(draft, repository).builds;
  const recipes: Recipe[] = [];
  for (const path of candidatesOf(repository, source)) {
    if (leaveOut.has(path)) continue;
    const recipe = readRecipe(path, repository.dockerfiles.get(path) ?? '');
    if (recipe.ok) recipes.push(recipe.value);
    else addNote(draft, `${path} is skipped: ${recipe.error[0]?.message ?? 'it cannot be read'}`);
  }
  if (recipes.length === 0 && source === undefined) {
    return fail([
      problem('import/no-dockerfile', 'There is no Dockerfile here', {
        hint: 'Run it where a Dockerfile, Dockerfile.*, *.Dockerfile or Containerfile is; files that git ignores are skipped.',
        ...(draft.notes.size === 0 ? {} : { detail: formatNotes(draft).join('\n') }),
      }),
    ]);
  }
  if (repository.isCut) addNote(draft, 'there are too many files; some were not read');
  const added = addRecipes(draft, recipes, repository, options);
  linkDraft([...claimed, ...added], repository, options);
  placeParentsFirst(draft, added);
  const origin = describeOrigin(source, recipes.length);
  draft.header.push(
    `Proposed by bake-ts init from ${origin}.`,
    'Check contexts and names, then:',
    '  bake-ts validate     check the file',
    '  bake-ts plan         show what would be built, in order',
    '  bake-ts run          build what has changed, and push builds with `push`',
  );
  const templates = draft.templates.map(({ name }) => name);
  return ok({ yaml: emitDraft(draft), notes: formatNotes(draft), templates, origin });
}

function describeOrigin(source: Source | undefined, count: number): string {
  const files = count === 1 ? 'one Dockerfile' : `${count} Dockerfiles`;
  if (source === undefined) return count === 1 ? 'the Dockerfile it found' : `the ${files} it found`;
  const { names } = source;
  if (count === 0) return names.join(' and ');
  return `${names.join(', ')} and ${files} that ${names.length === 1 ? 'it does' : 'they do'} not name`;
}

/** Adds a build for each Dockerfile, with the necessary template, variables and groups. */
function addRecipes(
  draft: Draft,
  recipes: readonly Recipe[],
  repository: Repository,
  options: ProposeOptions,
): readonly Linkable[] {
  if (recipes.length === 0) return [];
  const taken = new Set([...draft.builds, ...draft.templates, ...draft.groups].map(({ name }) => name));
  const isFirst = options.source === undefined;
  const names = guessNames(
    recipes.map(({ path }) => path),
    repository.name,
    taken,
  );
  const frame = addFrame(draft, taken, options);
  const added = recipes.map((recipe): Linkable => {
    const name = names.get(recipe.path) ?? 'app';
    const build = proposeBuild(recipe, name, frame, repository);
    if (!isFirst)
      build.comments.unshift(`Not in ${options.source?.names[0] ?? 'it'}; proposed from its Dockerfile.`);
    return { build, path: recipe.path, recipe, usualTag: usualTag(name), edges: [], isSingle: true };
  });
  if (isFirst) addGroups(draft, recipes, names);
  else addOthers(draft, added, taken);
  draft.builds.push(...added.map(({ build }) => build));
  return added;
}

/** The default selection remains what the bake or Compose file builds. */
function addOthers(draft: Draft, added: readonly Linkable[], taken: Set<string>): void {
  if (!draft.groups.some(({ name }) => name === 'default') && !taken.has('default')) {
    draft.groups.unshift({ name: 'default', members: draft.builds.map(({ name }) => name) });
    taken.add('default');
  }
  draft.groups.push({ name: freeName('other', taken), members: added.map(({ build }) => build.name) });
}

/** Names of the common parts of all proposed builds. */
interface Frame {
  readonly template: string;
  readonly registry: string;
  readonly tag: string;
}

function addFrame(draft: Draft, taken: Set<string>, { registry, push = true }: ProposeOptions): Frame {
  const variables = new Set(draft.variables.map(({ name }) => name));
  const frame: Frame = {
    template: freeName('image', taken),
    registry: variables.has('REGISTRY') ? freeName('IMAGE_REGISTRY', variables) : 'REGISTRY',
    tag: variables.has('TAG') ? freeName('IMAGE_TAG', variables) : 'TAG',
  };
  draft.variables.push(
    {
      name: frame.registry,
      value: literal(registry ?? 'localhost:5000'),
      comments: [`Registry to push to: --var ${frame.registry}=ghcr.io/you, or the environment variable.`],
    },
    { name: frame.tag, value: { default: 'dev', env: [frame.tag, 'GITHUB_REF_NAME'] }, comments: [] },
  );
  const image = createBuild(frame.template);
  image.comments.push(
    variables.size === 0 && draft.builds.length === 0
      ? 'Settings shared by all images.'
      : 'Settings shared by the images proposed from their Dockerfiles.',
  );
  // Branch names may contain characters that tags cannot. No label with the commit: every commit would change every
  // image.
  image.keys.set('tags', [
    `\${{ vars.${frame.registry} }}/\${{ build.name }}:\${{ slug(vars.${frame.tag}) }}`,
  ]);
  if (push) image.keys.set('push', true);
  draft.templates.push(image);
  return frame;
}

function proposeBuild(recipe: Recipe, name: string, frame: Frame, { paths, hasGit }: Repository): DraftBuild {
  const build = createBuild(name);
  const context = guessContext(recipe, paths);
  build.keys.set('extends', frame.template);
  build.keys.set('context', literal(context));
  const dockerfile = relativeTo(context, recipe.path);
  if (dockerfile !== 'Dockerfile') build.keys.set('dockerfile', literal(dockerfile));
  proposeArgs(build, recipe, frame, hasGit);
  if (recipe.secrets.length > 0) {
    build.keys.set(
      'secrets',
      recipe.secrets.map((id): Json => `id=${id},env=${id.replaceAll(/[^A-Za-z0-9]+/g, '_').toUpperCase()}`),
    );
  }
  if (recipe.ssh.length > 0) build.keys.set('ssh', [...recipe.ssh]);
  if (recipe.ports.length > 0) build.comments.push(`Listens on ${recipe.ports.join(', ')}.`);
  if (recipe.sideStages.length > 0) {
    build.comments.push(`Also in its Dockerfile: target ${recipe.sideStages.join(', ')}.`);
  }
  return build;
}

function usualTag(name: string): string {
  return `${USUAL_ARGS['REGISTRY']?.value ?? ''}/${name}:${USUAL_ARGS['TAG']?.value ?? ''}`;
}

/** Writes the links between builds that are known or guessed. */
function linkDraft(
  all: readonly Linkable[],
  { name, owners }: Repository,
  { registry }: ProposeOptions,
): void {
  const tags = all.flatMap((one) => one.tags ?? []);
  const links = findLinks(all, {
    repository: name,
    owners: new Set([...owners, ...ownersIn(registry === undefined ? tags : [...tags, `${registry}/x`])]),
  });
  for (const { reader, written, kind, owner } of links) {
    const { build } = reader;
    if (kind === 'maybe') {
      build.comments.push(
        `If "${written}" is the build ${owner.build.name}, add contexts: { "${written}": build:${owner.build.name} }`,
      );
      continue;
    }
    // A reference to another build's tag links the two without further settings, whatever registry and tag are.
    if (owner.usualTag === written) continue;
    const known = build.keys.get('contexts');
    if (known !== undefined && !isRecord(known)) continue;
    const source = kind === 'outside' ? `docker-image://${written}` : `build:${owner.build.name}`;
    build.keys.set('contexts', {
      ...(known as Readonly<Record<string, Json>> | undefined),
      [literal(written)]: source,
    });
    const comments = build.keyComments.get('contexts') ?? [];
    if (kind === 'guess') {
      const comment = `Guessed from names: "${written}" is built from ${owner.path ?? owner.build.name}. Without this line it is pulled.`;
      build.keyComments.set('contexts', [...comments, comment]);
    } else if (kind === 'outside') {
      build.keyComments.set('contexts', [
        ...comments,
        `Docker Hub's ${written}, not the build of that name.`,
      ]);
    }
  }
}

/** Moves parents to the front: files are read from top to bottom. */
function placeParentsFirst(draft: Draft, added: readonly Linkable[]): void {
  const builds = new Map(added.map(({ build }) => [build.name, build]));
  const rest = draft.builds.filter((build) => builds.get(build.name) !== build);
  const placed = new Set<DraftBuild>();
  const place = (build: DraftBuild, open: readonly DraftBuild[]): void => {
    if (placed.has(build) || open.includes(build)) return;
    const contexts = build.keys.get('contexts');
    for (const source of Object.values(isRecord(contexts) ? contexts : {})) {
      const parent = builds.get(/^build:(.+)$/.exec(scalarText(source) ?? '')?.[1] ?? '');
      if (parent !== undefined) place(parent, [...open, build]);
    }
    placed.add(build);
  };
  for (const build of builds.values()) place(build, []);
  draft.builds.splice(0, draft.builds.length, ...rest, ...placed);
}

function relativeTo(folder: string, path: string): string {
  return folder === '.' ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}

function proposeArgs(build: DraftBuild, recipe: Recipe, frame: Frame, hasGit: boolean): void {
  const args: Record<string, Json> = {};
  const open: string[] = [];
  for (const arg of recipe.openArgs) {
    const value = usualValue(arg, frame, hasGit);
    if (value !== undefined) args[arg] = value;
    else if (recipe.neededArgs.includes(arg)) args[arg] = '';
    else open.push(arg);
  }
  if (Object.keys(args).length > 0) build.keys.set('args', args);
  if (recipe.neededArgs.some((arg) => args[arg] === '')) {
    build.keyComments.set('args', ['FROM needs these: fill in empty values.']);
  }
  if (open.length > 0) build.comments.push(`Other arguments: ${open.join(', ')}.`);
}

/** Dockerfiles about which the user is asked in a terminal are not part of the default group. */
function addGroups(draft: Draft, recipes: readonly Recipe[], names: ReadonlyMap<string, string>): void {
  const all = recipes.map(({ path }) => ({ path, name: names.get(path) ?? '' }));
  const unclear = new Set(unclearOf(recipes.map(({ path }) => path)));
  const side = all.filter(({ path }) => unclear.has(path));
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
  draft.groups.push({ name: 'default', members: defaults });
  for (const [folder, members] of folders) draft.groups.push({ name: folder, members });
  if (side.length > 0 && !names.has('dev') && ![...names.values()].includes('dev')) {
    draft.groups.push({ name: 'dev', members: side.map(({ name }) => name) });
  }
}
