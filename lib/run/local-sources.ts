/**
 * How the local contexts of a build are offered to the engine, so that it never takes a file for another one that it was
 * sent before; see `lib/fingerprint/source-name.ts`.
 */
import path from 'node:path';
import { type LocalSource, type LocalSources, stageContext } from '../buildctl/mod.ts';
import { MAIN_CONTEXT } from '../dockerfile/mod.ts';
import { freshSourceName, sourceName } from '../fingerprint/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import { fail, ok, type PlanNode, type Problem, problem, type Result } from '../model/mod.ts';

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
    const why = error instanceof Error ? error.message : String(error);
    return fail(
      problem('build/source-copy', `the context ${node.build.context.written} cannot be copied (${why})`, {
        build: node.build.name,
        hint: 'The frontend knows no names for local sources, so a copy is made of the context: take a newer one in the `# syntax` line, or give TMPDIR room.',
      }),
    );
  }
  return ok({ main: { dir }, named });
}
