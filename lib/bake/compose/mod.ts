/**
 * Compose files as bake reads them (buildx bake/compose.go over compose-go): each service that is built is a target, and all
 * of them are the group `default`.
 */
import { fail, ok, type Problem, type Result, type SourceFile } from '../../model/mod.ts';
import type { Draft } from '../draft.ts';
import type { BakeGroup } from '../target.ts';
import { loadModel } from './load.ts';
import { targetNameOf } from './names.ts';
import type { ComposeOptions } from './options.ts';
import { type Project, readProject } from './project.ts';
import type { Report } from './report.ts';
import { checkModel } from './schema.ts';
import { type NamedFile, type Shared, type Variables, watched } from './scope.ts';
import { projectScope, start } from './start.ts';
import { checkBuild, toTarget } from './target.ts';

export type { ComposeOptions } from './options.ts';

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
  const config = shared.report.isWrong
    ? undefined
    : toConfig(project, watched(environment, shared), shared.report);
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

async function readFiles(
  files: readonly NamedFile[],
  environment: Map<string, string>,
  shared: Shared,
  isWhole: boolean,
): Promise<Project> {
  const nothing: Project = { services: [], secrets: new Map() };
  const scope = projectScope(files, environment, shared);
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

function toConfig(project: Project, environment: Variables, report: Report): ComposeConfig {
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
