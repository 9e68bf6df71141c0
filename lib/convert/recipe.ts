/** What one Dockerfile says about the build that a person would write for it. */
import {
  type Dockerfile,
  type DockerfileFacts,
  type ImageUse,
  inspectDockerfile,
  MAIN_CONTEXT,
  parseDockerfile,
} from '../dockerfile/mod.ts';
import { fail, ok, type Problem, type Result } from '../model/mod.ts';

/** A Dockerfile, read for a proposal. */
export interface Recipe {
  readonly path: string;
  /** Paths it copies from its context; `all` where that is not known. */
  readonly sources: readonly string[] | 'all';
  readonly images: readonly ImageUse[];
  /** Arguments it declares without a default, first mention first. */
  readonly openArgs: readonly string[];
  /** Of these, the ones without which FROM is empty. */
  readonly neededArgs: readonly string[];
  /** Stages with a name that the last one does not need: tests, development images. */
  readonly sideStages: readonly string[];
  readonly ports: readonly string[];
  /** Ids of secrets that a RUN cannot do without, and of those it can. */
  readonly secrets: readonly string[];
  readonly ssh: readonly string[];
}

/** Values that arguments of these names get, so that references with them can be resolved, and the variable for each. */
export const USUAL_ARGS: Readonly<
  Record<string, { readonly value: string; readonly variable: 'registry' | 'tag' }>
> = {
  REGISTRY: { value: 'localhost:5000', variable: 'registry' },
  TAG: { value: 'dev', variable: 'tag' },
  IMAGE_TAG: { value: 'dev', variable: 'tag' },
  VERSION: { value: 'dev', variable: 'tag' },
  APP_VERSION: { value: 'dev', variable: 'tag' },
};

/** Arguments for the commit. */
const COMMIT_ARGS: ReadonlySet<string> = new Set([
  'GIT_SHA',
  'GIT_COMMIT',
  'GIT_REVISION',
  'COMMIT',
  'COMMIT_SHA',
  'REVISION',
  'VCS_REF',
]);

/** What to give an argument, where its name says it; `variables` are the names of those for registry and tag. */
export function usualValue(
  arg: string,
  variables: { readonly registry: string; readonly tag: string },
  hasGit: boolean,
): string | undefined {
  if (COMMIT_ARGS.has(arg)) return hasGit ? '${{ git.sha }}' : undefined;
  const usual = Object.hasOwn(USUAL_ARGS, arg) ? USUAL_ARGS[arg] : undefined;
  return usual === undefined ? undefined : `\${{ vars.${variables[usual.variable]} }}`;
}

/** Set by BuildKit or meant for the outside; nobody writes them into a builds file. */
const PREDEFINED =
  /^(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT|OSVERSION|STAGE)$|^(?:https?|ftp|no|all)_proxy$|^SOURCE_DATE_EPOCH$|^BUILDKIT_/i;

/** What the build that a Dockerfile belongs to says already. */
export interface Given {
  readonly args: ReadonlyMap<string, string>;
  readonly target?: string;
  /** Names that its named contexts answer. */
  readonly contextNames: ReadonlySet<string>;
}

/** Reads a Dockerfile; problems are those of the package `dockerfile`. */
export function readRecipe(path: string, text: string, given?: Given): Result<Recipe, readonly Problem[]> {
  const parsed = parseDockerfile({ path, text });
  if (!parsed.ok) return parsed;
  const openArgs = findOpenArgs(parsed.value);
  const usual = openArgs.flatMap((name) => {
    const known = Object.hasOwn(USUAL_ARGS, name) ? USUAL_ARGS[name] : undefined;
    return known === undefined ? [] : [[name, known.value] as const];
  });
  const args = given?.args ?? new Map(usual);
  const facts = inspect(parsed.value, { ...given, args });
  if (facts.ok) return ok(describe(path, facts.value, openArgs, []));
  // FROM may be empty without an argument: try again with a stand-in for each that has no default.
  const needed = openArgs.filter((name) => !args.has(name));
  const again = inspect(parsed.value, {
    ...given,
    args: new Map([...args, ...needed.map((name) => [name, 'scratch'] as const)]),
  });
  return again.ok ? ok(describe(path, again.value, openArgs, needed)) : fail(facts.error);
}

function inspect(
  dockerfile: Dockerfile,
  { args, target, contextNames = new Set() }: Partial<Given> & Pick<Given, 'args'>,
): Result<DockerfileFacts> {
  return inspectDockerfile(dockerfile, {
    ...(target === undefined || target === '' ? {} : { target }),
    args,
    platforms: [],
    contextNames,
    unknownBases: 'plain',
  });
}

function describe(
  path: string,
  facts: DockerfileFacts,
  openArgs: readonly string[],
  neededArgs: readonly string[],
): Recipe {
  const reads = facts.reads.get(MAIN_CONTEXT) ?? [];
  const sources = reads === 'all' ? 'all' : reads.map(({ source }) => source.replace(/^\/+/, ''));
  const side = facts.stages.flatMap(({ name, reachable }) =>
    !reachable && name !== undefined ? [name] : [],
  );
  return {
    path,
    sources,
    images: facts.images.filter((image) => image.use !== 'syntax'),
    openArgs,
    neededArgs,
    sideStages: side,
    ports: facts.ports,
    secrets: [...new Set(facts.secrets.map(({ id }) => id))],
    ssh: [...new Set(facts.ssh.map(({ id }) => id))],
  };
}

/** Names that ARG declares and nothing gives a value. */
function findOpenArgs(dockerfile: Dockerfile): readonly string[] {
  const open = new Set<string>();
  const closed = new Set<string>();
  const stages = dockerfile.stages.flatMap((stage) => stage.instructions);
  for (const { keyword, rest } of [...dockerfile.globalArgs, ...stages]) {
    if (keyword !== 'ARG') continue;
    for (const [, name = '', equals] of rest.matchAll(/(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)(=)?/g)) {
      if (equals !== undefined) closed.add(name);
      else if (!PREDEFINED.test(name)) open.add(name);
    }
  }
  return [...open].filter((name) => !closed.has(name));
}
