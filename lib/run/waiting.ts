/**
 * Dry runs: a parent that would be built has no digest yet, so the key of what stands on it cannot be made. What else
 * changed decides all the same; where nothing did, it depends on what comes out of the parent.
 */
import { diffKeys } from '../fingerprint/mod.ts';
import type { KeyParts, PlanNode, UnknownInput } from '../model/mod.ts';
import type { LastInputs } from '../state/mod.ts';
import type { RunContext } from './context.ts';
import { type Decision, decideByChanges } from './decide.ts';
import type { NodeInputs } from './inputs.ts';

/** Parents without a result in a dry run. */
export interface Waiting {
  readonly builds: readonly string[];
  /** What the Dockerfile calls them. */
  readonly names: ReadonlySet<string>;
}

/** The parents that a dry run would build first. */
export function waitingFor(context: RunContext, node: PlanNode): Waiting {
  const builds = new Set<string>();
  const names = new Set<string>();
  for (const { to, contextName } of node.edges) {
    const parent = context.resultOf(to);
    if (contextName === undefined || parent?.outcome.kind !== 'built' || parent.image !== undefined) continue;
    builds.add(to);
    names.add(contextName);
  }
  return { builds: [...builds], names };
}

/** What is not known of a build, but for the digests of parents that a dry run would build first. */
export function untrackedBut(inputs: NodeInputs, { names }: Waiting): readonly UnknownInput[] {
  return inputs.untracked.filter(({ kind, subject = '' }) => kind !== 'parent' || !names.has(subject));
}

/** What changed since the last inputs, but for parents that a dry run would build first. */
export function changesBut(
  context: RunContext,
  { parts }: NodeInputs,
  last: LastInputs,
  { names }: Waiting,
  limit?: number,
): readonly string[] {
  if (parts === undefined) return [];
  const settled = (one: KeyParts): KeyParts => ({
    ...one,
    parents: Object.fromEntries(Object.entries(one.parents).filter(([name]) => !names.has(name))),
  });
  return diffKeys(settled(last.parts), settled(parts), limit, context.isSecret);
}

/** The decision where only digests of waiting parents are not known; undefined: it is another case. */
export async function decideWaiting(
  context: RunContext,
  node: PlanNode,
  inputs: NodeInputs,
): Promise<(Decision & { readonly depends: boolean }) | undefined> {
  const waiting = waitingFor(context, node);
  if (context.force || waiting.builds.length === 0 || inputs.parts === undefined) return undefined;
  if (untrackedBut(inputs, waiting).length > 0) return undefined;
  const last = await context.memory.latest(node.build.name);
  const changes = last === undefined ? undefined : changesBut(context, inputs, last, waiting);
  if (changes === undefined || changes.length > 0) return { ...decideByChanges(changes), depends: false };
  return {
    kind: 'build',
    reason: {
      code: 'changed',
      text: `nothing of its own changed; built if ${waiting.builds.join(', ')} gives other bytes than last time`,
      items: waiting.builds,
    },
    depends: true,
  };
}
