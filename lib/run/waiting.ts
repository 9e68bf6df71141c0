/**
 * Dry runs: a parent that would be built has no digest yet, so the key of what reads it cannot be made. What else
 * changed decides all the same; where nothing did, it depends on what comes out of the parent.
 */
import { diffKeys, diffOutline } from '../fingerprint/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import type { KeyParts, PlanNode, UnknownInput } from '../model/mod.ts';
import type { LastInputs } from '../state/mod.ts';
import type { Deciding, NodeResult } from './context.ts';
import { type Decision, decideByChanges } from './decide.ts';

/** Parents without a result in a dry run. */
export interface Waiting {
  readonly builds: readonly string[];
  /** What the Dockerfile calls them. */
  readonly names: ReadonlySet<string>;
}

/** The parents that a dry run would build first. */
export function waitingFor(resultOf: (build: string) => NodeResult | undefined, node: PlanNode): Waiting {
  const builds = new Set<string>();
  const names = new Set<string>();
  for (const { to, contextName } of node.edges) {
    const parent = resultOf(to);
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
  { parts }: NodeInputs,
  last: LastInputs,
  { names }: Waiting,
  { isSecret, limit }: { readonly isSecret: (text: string) => boolean; readonly limit?: number },
): readonly string[] {
  if (parts === undefined) return [];
  const known = (one: KeyParts): KeyParts => ({
    ...one,
    parents: Object.fromEntries(Object.entries(one.parents).filter(([name]) => !names.has(name))),
  });
  return diffKeys(known(last.parts), known(parts), limit, isSecret);
}

/**
 * What changed since the last result elsewhere, for a build that has none here; undefined: nothing is shared about it.
 */
export async function changesElsewhere(
  { memory, keying }: Pick<Deciding, 'memory' | 'keying'>,
  node: PlanNode,
  { parts }: NodeInputs,
  { names: without, limit }: Pick<Waiting, 'names'> & { readonly limit?: number } = { names: new Set() },
): Promise<readonly string[] | undefined> {
  if (parts === undefined) return undefined;
  const outline = await memory.latestElsewhere(node.build.name);
  if (outline === undefined) return undefined;
  const { isSecret } = keying;
  return diffOutline(outline, parts, { isSecret, without, ...(limit === undefined ? {} : { limit }) });
}

/** The decision where only digests of waiting parents are not known; undefined: it is another case. */
export async function decideWaiting(
  { force, memory, keying }: Pick<Deciding, 'force' | 'memory' | 'keying'>,
  node: PlanNode,
  inputs: NodeInputs,
  waiting: Waiting,
): Promise<(Decision & { readonly depends: boolean }) | undefined> {
  if (force || waiting.builds.length === 0 || inputs.parts === undefined) return undefined;
  if (untrackedBut(inputs, waiting).length > 0) return undefined;
  const last = await memory.latest(node.build.name);
  const changes =
    last === undefined
      ? await changesElsewhere({ memory, keying }, node, inputs, waiting)
      : changesBut(inputs, last, waiting, keying);
  if (changes === undefined || changes.length > 0) return { ...decideByChanges(changes), depends: false };
  return {
    kind: 'build',
    reason: {
      code: 'changed',
      text: `its own inputs are unchanged; built if ${waiting.builds.join(', ')} makes a different image than last time`,
      items: waiting.builds,
    },
    depends: true,
  };
}
