/** What the decision about a build is made from: gathered, no more of it than needed, and decided on. */
import { changesSince, findSameCopied, type NodeInputs } from '../inputs/mod.ts';
import type { BuildRecord, Digest, DigestRef, PlanNode } from '../model/mod.ts';
import type { Deciding } from './context.ts';
import { type Decision, decide, type StoreState, type TagState } from './decide.ts';
import { alikeTags, askTags, findManifest, wantedTags } from './publish.ts';
import { storeNames } from './store-names.ts';
import { changesElsewhere } from './waiting.ts';

/** A decision with its evidence. */
export interface Weighed {
  readonly decision: Decision;
  /** Undefined: no earlier result counts. */
  readonly record: BuildRecord | undefined;
  readonly tags: readonly TagState[];
  /** The record is that of the last inputs: others, but what is copied of parents is the same. */
  readonly isCarriedOver: boolean;
  /** Where the recorded manifest is, for putting tags. */
  readonly source?: DigestRef;
}

/** Gathers the evidence about a build and decides. */
export async function weigh(deciding: Deciding, node: PlanNode, inputs: NodeInputs): Promise<Weighed> {
  const { force, memory, registry } = deciding;
  const untrackedOutputs = node.role === 'asked' ? node.build.outputs.map((output) => output.type) : [];
  const base = {
    forced: force,
    untracked: inputs.untracked.map(({ text }) => text),
    untrackedOutputs,
    tags: [],
    manifestAvailable: false,
    store: 'not-wanted' as StoreState,
    onlyNeeded: node.role === 'needed' && !node.pushes,
    sameCopied: [],
  };
  const without = (changes: readonly string[] | undefined): Weighed => ({
    decision: decide({ ...base, record: undefined, changes }),
    record: undefined,
    tags: [],
    isCarriedOver: false,
  });
  if (force || inputs.key === undefined) return without(undefined);
  const own = await memory.recall(inputs.key);
  const last = own === undefined ? await memory.latest(node.build.name) : undefined;
  const sameCopied =
    last === undefined
      ? undefined
      : await findSameCopied(
          { resultOf: deciding.keying.resultOf, layers: deciding.layers },
          node,
          inputs,
          last,
        );
  const isCarriedOver = last !== undefined && sameCopied !== undefined;
  const record = isCarriedOver ? await memory.recall(last.key) : own;
  if (record === undefined)
    return without(
      last === undefined
        ? await changesElsewhere(deciding, node, inputs)
        : changesSince(deciding.keying, inputs, last.parts),
    );

  const refs = node.pushes ? wantedTags(node) : [];
  const asked = untrackedOutputs.length > 0 ? [] : await askTags(registry, refs);
  const isAttested = node.build.attest.some((one) => one.attributes.get('disabled') !== 'true');
  const tags = isAttested ? await alikeTags(registry, refs, asked, record) : asked;
  const astray = tags.some((tag) => tag.state.kind !== 'digest' || tag.state.digest !== record.digest);
  const answered = tags.every((tag) => tag.state.kind !== 'unknown');
  const source = astray && answered ? await findManifest(registry, refs, tags, record.digest) : undefined;
  const store = node.pushes || base.onlyNeeded ? 'not-wanted' : await askStore(deciding, node, record.digest);
  const decision = decide({
    ...base,
    record,
    changes: [],
    tags,
    manifestAvailable: source !== undefined,
    store,
    sameCopied: sameCopied ?? [],
  });
  return { decision, record, tags, isCarriedOver, ...(source === undefined ? {} : { source }) };
}

async function askStore(
  { storedImages, naming }: Pick<Deciding, 'storedImages' | 'naming'>,
  node: PlanNode,
  digest: Digest,
): Promise<StoreState> {
  const images = await storedImages();
  if (images === undefined) return 'unknown';
  return storeNames(naming, node).every((name) => images.get(name) === digest) ? 'there' : 'gone';
}
