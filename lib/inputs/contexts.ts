/** The files of a build's local contexts: which are read, their content, and whether they were touched since. */
import path from 'node:path';
import { type DockerfileFacts, type IgnoreRules, MAIN_CONTEXT } from '../dockerfile/mod.ts';
import type { ContextRequest, HashedContext } from '../fingerprint/mod.ts';
import type { PlanNode, Problem } from '../model/mod.ts';
import { readIgnore } from './ignore-files.ts';
import type { Keying } from './keying.ts';

/** A local context with the hashes of the files that are read. */
export interface ContextFiles {
  /** `context` for the main one. */
  readonly name: string;
  readonly request: ContextRequest;
  /** Stat signature of its ignore file; empty: there was none. */
  readonly ignoreSignature: string;
  readonly hashed: HashedContext;
}

/** The contexts of one build, or why they cannot be read. */
export interface ContextsRead {
  readonly contexts: readonly ContextFiles[];
  readonly problems: readonly Problem[];
}

/** Hashes what a build reads from its local contexts. */
export async function hashContexts(
  keying: Pick<Keying, 'hasher' | 'signal'>,
  node: PlanNode,
  facts: DockerfileFacts,
): Promise<ContextsRead> {
  const contexts: ContextFiles[] = [];
  const problems: Problem[] = [];
  const inBuild = (one: Problem): Problem => ({ ...one, build: node.build.name });
  for (const [name, reads] of facts.reads) {
    const source = name === MAIN_CONTEXT ? node.build.context : node.build.contexts.get(name);
    if (source?.ref.kind !== 'local') continue;
    const root = source.ref.path;
    const ignore = await readIgnore(node, root, name === MAIN_CONTEXT);
    if (!ignore.ok) {
      problems.push(...ignore.problems.map(inBuild));
      continue;
    }
    const request: ContextRequest = {
      root,
      written: source.written,
      reads,
      ignore: ignore.rules,
      signal: keying.signal,
      ...(source.span === undefined ? {} : { span: source.span }),
    };
    const result = await keying.hasher.hash(request);
    if (result.ok) contexts.push({ name, request, ignoreSignature: ignore.signature, hashed: result.value });
    else problems.push(...result.error.map(inBuild));
  }
  return { contexts, problems };
}

/**
 * What was touched in a context since it was hashed, as text; empty: nothing. A file that was edited and changed back
 * counts as touched, since the edit may have been sent to the engine.
 */
export async function touchedInContext(
  hasher: Keying['hasher'],
  node: PlanNode,
  { name, request, ignoreSignature, hashed }: ContextFiles,
): Promise<readonly string[]> {
  const touched: string[] = [];
  const ignore = await readIgnore(node, request.root, name === MAIN_CONTEXT);
  const isSame =
    ignore.ok &&
    ignore.signature === ignoreSignature &&
    patternsOf(ignore.rules) === patternsOf(request.ignore);
  if (!isSame) touched.push(`what ${request.written} leaves out`);
  // Also checked if the run was cancelled meanwhile: what was built and pushed is still valid.
  const { signal: _, ...unsignalled } = request;
  const changed = await hasher.recheck(unsignalled, hashed);
  const paths = changed.ok ? changed.value : ['.'];
  touched.push(...paths.map((one) => path.posix.join(request.written, one)));
  return touched;
}

function patternsOf({ rules }: IgnoreRules): string {
  return rules.map(({ pattern, isException }) => `${isException ? '!' : ''}${pattern}`).join('\n');
}
