/**
 * Local source cache keys of contexts: they ensure that the engine never mistakes a file for one that it received before; see
 * `lib/fingerprint/source-name.ts`.
 */
import path from 'node:path';
import { type LocalSource, type LocalSources, provideForeignFile, stageContext } from '../buildctl/mod.ts';
import { MAIN_CONTEXT } from '../dockerfile/mod.ts';
import { freshSourceName, sourceName } from '../fingerprint/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import { fail, ok, type PlanNode, type Problem, problem, type Result } from '../model/mod.ts';
import { deniedProblem } from '../util/permission.ts';

/** For main contexts that a build does not read; the frontend only looks for an ignore file there, which is sent each time. */
const UNREAD = 'bakeunread';

/**
 * Names each context by its content. If the content is not known, or everything must be sent again (`sendsAnew`), the name is new
 * to the engine.
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
  // The content of the main context is not known if a named context is called `context`.
  const name = contexts.has(MAIN_CONTEXT) ? freshSourceName() : nameOf(MAIN_CONTEXT, UNREAD);
  return { main: { dir: context.ref.path, name }, named };
}

/**
 * Copies the main context for an engine or frontend that requests it by the shared name, so that everything is sent.
 *
 * @param workDir the directory of the call, for the copy
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

/** Whether the frontend of a build is foreign, so that its reads are not known. */
export function isForeign({ untracked }: Pick<NodeInputs, 'untracked'>): boolean {
  return untracked.some(({ kind }) => kind === 'frontend');
}

/**
 * Adds the file for a foreign frontend to the sources of a build. The known frontend gets its Dockerfile anew each time and reads
 * nothing beside it. What others read is unknown, so their source gets a fresh name.
 *
 * @param sources with the copy of the context if there is one (`isStaged`); then the name is the shared one
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
