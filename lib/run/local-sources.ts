/**
 * How the local contexts of a build are offered to the engine, so that it never takes a file for another one that it was
 * sent before; see `lib/fingerprint/source-name.ts`.
 */
import path from 'node:path';
import { type LocalSource, type LocalSources, provideForeignFile, stageContext } from '../buildctl/mod.ts';
import { MAIN_CONTEXT } from '../dockerfile/mod.ts';
import { freshSourceName, sourceName } from '../fingerprint/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import { fail, ok, type PlanNode, type Problem, problem, type Result } from '../model/mod.ts';
import { deniedProblem } from '../util/permission.ts';

/** For main contexts of which a build reads nothing; the frontend looks for an ignore file there, which is sent each time. */
const UNREAD = 'bakeunread';

/**
 * Each context under a name for what it holds. Where that is not known, or counts for nothing (`sendsAnew`), under one
 * that the engine has not got yet.
 */
export function nameSources(node: PlanNode, inputs: NodeInputs, sendsAnew: boolean): LocalSources {
  const { context, contexts } = node.build;
  const isKnown = inputs.key !== undefined && !sendsAnew;
  const nameOf = (contextName: string, unread: string): string => {
    const found = inputs.contexts.find(({ name }) => name === contextName);
    if (!isKnown) return freshSourceName();
    return found === undefined ? unread : sourceName(found.hashed);
  };
  const named = new Map<string, LocalSource>();
  for (const [contextName, { ref }] of contexts)
    if (ref.kind === 'local')
      named.set(contextName, { dir: ref.path, name: nameOf(contextName, freshSourceName()) });
  if (context.ref.kind !== 'local') return { named };
  // A named context that is called `context` hides what is known of the main one.
  const name = contexts.has(MAIN_CONTEXT) ? freshSourceName() : nameOf(MAIN_CONTEXT, UNREAD);
  return { main: { dir: context.ref.path, name }, named };
}

/**
 * For an engine or a frontend that asks for the main context by the name that all builds share: a copy of it, of which
 * everything is sent.
 *
 * @param workDir the directory of the call, where the copy lies
 * @returns problem: `build/source-copy`
 */
export async function stageMain(
  node: PlanNode,
  inputs: NodeInputs,
  workDir: string,
  { named }: LocalSources,
): Promise<Result<LocalSources, Problem>> {
  const { ref } = node.build.context;
  if (ref.kind !== 'local') return ok({ named });
  const found = inputs.contexts.find(({ name }) => name === MAIN_CONTEXT);
  const isKnown = inputs.key !== undefined && found !== undefined && !node.build.contexts.has(MAIN_CONTEXT);
  const dir = path.join(workDir, 'context');
  try {
    await stageContext(ref.path, dir, isKnown ? found.hashed.files.map((file) => file.path) : undefined);
  } catch (error) {
    const hint =
      'The frontend does not support names of local sources, so it gets a copy: use a newer one in the `# syntax` line, or free space in TMPDIR.';
    return fail(notCopied(node, `the context ${node.build.context.written}`, error, hint));
  }
  return ok({ main: { dir }, named });
}

function notCopied(node: PlanNode, what: string, error: unknown, hint: string): Problem {
  const denied = deniedProblem(error);
  if (denied !== undefined) return { ...denied, build: node.build.name };
  const why = error instanceof Error ? error.message : String(error);
  return problem('build/source-copy', `${what} cannot be copied (${why})`, { build: node.build.name, hint });
}

/** Whether the frontend of a build is somebody's of whom it is not known what it reads. */
export function isForeign({ untracked }: Pick<NodeInputs, 'untracked'>): boolean {
  return untracked.some(({ kind }) => kind === 'frontend');
}

/**
 * The sources of a build with the file of a foreign frontend. The Dockerfile of the known one is sent again each time and
 * nothing is read beside it; of others nobody knows, so what they are offered has a fresh name.
 *
 * @param sources with the copy of the context where there is one (`isStaged`); then the name is the one that all builds share
 * @returns problem: `build/source-copy`
 */
export async function offerFile(
  {
    node,
    inputs,
    workDir,
  }: { readonly node: PlanNode; readonly inputs: NodeInputs; readonly workDir: string },
  sources: LocalSources,
  isStaged: boolean,
): Promise<Result<LocalSources, Problem>> {
  if (!isForeign(inputs)) return ok(sources);
  const { build } = node;
  try {
    const file = await provideForeignFile({ build, workDir }, isStaged ? sources.main?.dir : undefined);
    if (file === undefined) return ok(sources);
    return ok({ ...sources, dockerfile: isStaged ? file : { ...file, name: freshSourceName() } });
  } catch (error) {
    const what = build.dockerfile.kind === 'file' ? build.dockerfile.written : 'the Dockerfile';
    const hint =
      'Other frontends get a copy of it and of its ignore file: keep both below 8 MiB, and free space in TMPDIR.';
    return fail(notCopied(node, what, error, hint));
  }
}
