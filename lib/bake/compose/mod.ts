/**
 * Compose files as bake reads them (buildx bake/compose.go over compose-go): each service that is built is a target, and all
 * of them are the group `default`.
 */
import { fail, ok, type Problem, type Result, type SourceFile } from '../../model/mod.ts';
import type { Draft } from '../draft.ts';
import { parseBool } from '../go-text.ts';
import type { BakeGroup } from '../target.ts';
import { readDotenv } from './dotenv.ts';
import { loadModel } from './load.ts';
import { targetNameOf } from './names.ts';
import { valueAt } from './node.ts';
import { type Project, readProject } from './project.ts';
import { Report } from './report.ts';
import { checkModel } from './schema.ts';
import { documentsOf, type NamedFile, type Reader, readOptional, type Scope, type Shared } from './scope.ts';
import { checkBuild, toTarget } from './target.ts';
import { substitute } from './template.ts';

/** Surroundings of Compose files. */
export interface ComposeOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--var NAME=VALUE`: over the environment and `.env`. */
  readonly vars: ReadonlyMap<string, string>;
  /** Reads a file; a path that is not absolute starts where bake runs. Undefined: there is none, or it is a directory; null: why it is not read is told. */
  readonly readFile: (path: string) => Promise<string | undefined | null>;
  /** Whether a path is a directory. Without it, the `project_directory` of an `include` is taken to be one. */
  readonly isDirectory?: (path: string) => Promise<boolean>;
}

/** What Compose files say to bake. */
export interface ComposeConfig {
  /** Sorted by name. */
  readonly targets: readonly Draft[];
  /** `default`, where there are services at all. */
  readonly groups: readonly BakeGroup[];
}

/** Whether Compose can read a file whose name does not tell what it is. */
export async function readsAsCompose(source: SourceFile, options: ComposeOptions): Promise<boolean> {
  const read = await readAlone(source, options);
  return read.length === 0;
}

/**
 * Reads Compose files, later ones over earlier ones. Problems have the code `bake/compose`.
 *
 * As bake does, each file is first read alone, and has to be right by itself but for what it says of other services.
 */
export async function readComposeFiles(
  files: readonly SourceFile[],
  options: ComposeOptions,
): Promise<Result<ComposeConfig>> {
  const problems: Problem[] = [];
  for (const source of files.length > 1 ? files : []) {
    const wrong = await readAlone(source, options);
    problems.push(...wrong.filter((found) => !problems.some((known) => isSameProblem(known, found))));
  }
  if (problems.length > 0) return fail(problems);
  const { shared, environment } = await start(options);
  if (shared.report.isWrong) return fail(shared.report.sorted());
  const named = files.map((source): NamedFile => ({ name: source.path, source }));
  const project = await readFiles(named, environment, shared, true);
  const config = shared.report.isWrong ? undefined : toConfig(project, environment, shared.report);
  return config === undefined || shared.report.isWrong ? fail(shared.report.sorted()) : ok(config);
}

function isSameProblem(a: Problem, b: Problem): boolean {
  return (
    a.message === b.message && a.span?.start === b.span?.start && a.span?.source.path === b.span?.source.path
  );
}

/** What is wrong with a file that is read without the others. */
async function readAlone(source: SourceFile, options: ComposeOptions): Promise<readonly Problem[]> {
  const { shared, environment } = await start(options);
  if (!shared.report.isWrong) await readFiles([{ name: '', source }], environment, shared, false);
  return shared.report.sorted();
}

async function start(
  options: ComposeOptions,
): Promise<{ readonly shared: Shared; readonly environment: Map<string, string> }> {
  const reader: Reader = { readFile: options.readFile, isDirectory: options.isDirectory };
  const shared: Shared = {
    reader,
    report: new Report(),
    home: options.env['HOME'],
    documents: new WeakMap(),
    files: new Map(),
    includes: new Map(),
  };
  return { shared, environment: await readEnvironment(options, shared) };
}

/** The environment, `.env` where bake runs for what is not set there, and `--var` over both. */
async function readEnvironment({ env, vars }: ComposeOptions, shared: Shared): Promise<Map<string, string>> {
  const environment = new Map<string, string>();
  if (parseBool(env['BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP'] ?? '') !== true) {
    for (const [name, value] of Object.entries(env)) if (value !== undefined) environment.set(name, value);
  }
  const source = await readOptional('.env', shared);
  if (source !== undefined) {
    const values = new Map<string, string>();
    const wrong = readDotenv(source, values, (name) => environment.get(name));
    if (wrong !== undefined) shared.report.take(wrong);
    for (const [name, value] of values) if (!environment.has(name)) environment.set(name, value);
  }
  for (const [name, value] of vars) environment.set(name, value);
  return environment;
}

const PROJECT_NAME = 'COMPOSE_PROJECT_NAME';

/** Puts the project's name into the environment, for files that refer to it: `name`, else the variable, else `bake`. */
function nameProject(files: readonly NamedFile[], environment: Map<string, string>, shared: Shared): void {
  let written = '';
  for (const { source } of files) {
    for (const { root } of documentsOf(source, shared)) {
      const name = valueAt(root, 'name');
      if (name?.kind === 'scalar' && name.type !== 'null' && name.text !== '') written = name.text;
    }
  }
  const filled = substitute(written, (name) => environment.get(name));
  const name = filled.ok && filled.text !== '' ? filled.text : (environment.get(PROJECT_NAME) ?? '');
  environment.set(PROJECT_NAME, name === '' ? 'bake' : name);
}

async function readFiles(
  files: readonly NamedFile[],
  environment: Map<string, string>,
  shared: Shared,
  isWhole: boolean,
): Promise<Project> {
  const nothing: Project = { services: [], secrets: new Map() };
  nameProject(files, environment, shared);
  const scope: Scope = {
    shared,
    environment,
    environmentKey: '',
    workingDir: '',
    projectDir: '',
    extendsCache: new Map(),
  };
  if (shared.report.isWrong) return nothing;
  const model = await loadModel(files, scope, []);
  const sections = checkModel(model, shared.report);
  if (shared.report.isWrong) return nothing;
  const project = await readProject(sections, environment, shared, isWhole);
  for (const service of isWhole ? [] : project.services) {
    if (service.build !== undefined) checkBuild(service, service.build, shared.report);
  }
  return project;
}

function toConfig(project: Project, environment: ReadonlyMap<string, string>, report: Report): ComposeConfig {
  if (project.services.length === 0) return { targets: [], groups: [] };
  const targets: Draft[] = [];
  for (const service of project.services) {
    if (service.build !== undefined)
      targets.push(toTarget(service, service.build, project, environment, report));
  }
  const members = project.services
    .filter(({ build }) => build !== undefined)
    .map(({ name }) => targetNameOf(name));
  const group: BakeGroup = {
    name: 'default',
    targets: members,
    ...(members.length === 0 ? { hasNoList: true } : {}),
  };
  return { targets, groups: [group] };
}
