/** Gathers the evidence for the decision about a build, no more than necessary, and decides. */
import {
  changesSince,
  findConfigChange,
  findRebase,
  findSameCopied,
  type NodeInputs,
  type RebasedImage,
} from '../inputs/mod.ts';
import {
  type BuildRecord,
  type Digest,
  type DigestRef,
  isAttested,
  type PlanNode,
  runsAnew,
} from '../model/mod.ts';
import type { Deciding } from './context.ts';
import { type Decision, decide, type Evidence, type StoreState, type TagState } from './decide.ts';
import { findMissingCaches } from './output-places.ts';
import { alikeTags, askTags, findManifest, wantedTags } from './publish.ts';
import { storeNames } from './store-names.ts';
import { changesElsewhere } from './waiting.ts';

/** A decision with its evidence. */
export interface Weighed {
  readonly decision: Decision;
  /** Undefined: no earlier result applies. */
  readonly record: BuildRecord | undefined;
  readonly tags: readonly TagState[];
  /** The record is of the previous inputs, which differ only in ways that do not affect the result. */
  readonly isCarriedOver: boolean;
  /** Where the recorded manifest is, for putting tags. */
  readonly source?: DigestRef;
  /** For `rebase`: the image, and what to do if it cannot be put. */
  readonly rebase?: PlannedRebase;
}

/** An image derived from the last one of a build, to be put beside it. */
export interface PlannedRebase {
  readonly image: RebasedImage;
  readonly last: BuildRecord;
  /** Where the last one is. */
  readonly source: DigestRef;
  readonly otherwise: Decision;
}

type Known = Omit<Evidence, 'record' | 'changes' | 'carriedOver'>;

/** Gathers the evidence about a build and decides. */
export async function weigh(deciding: Deciding, node: PlanNode, inputs: NodeInputs): Promise<Weighed> {
  const { force, memory, keying, layers } = deciding;
  const known: Known = {
    forced: force,
    noCache: runsAnew(node.build),
    untracked: inputs.untracked.map(({ text }) => text),
    untrackedOutputs: node.role === 'asked' ? node.build.outputs.map((output) => output.type) : [],
    missingCaches: node.role === 'asked' ? await findMissingCaches(node.build) : [],
    tags: [],
    manifestAvailable: false,
    store: 'not-wanted',
    onlyNeeded: isOnlyNeeded(node),
  };
  const without = (changes: readonly string[] | undefined): Weighed => ({
    decision: decide({ ...known, record: undefined, changes, carriedOver: undefined }),
    record: undefined,
    tags: [],
    isCarriedOver: false,
  });
  if (force || known.noCache || inputs.key === undefined) return without(undefined);
  const own = await memory.recall(inputs.key, node.build.name);
  if (own !== undefined) return weighRecord(deciding, node, known, own);
  const last = await memory.latest(node.build.name);
  if (last === undefined) return without(await changesElsewhere(deciding, node, inputs));
  const otherwise = () => without(changesSince(keying, inputs, last.parts));
  const sameCopied = await findSameCopied({ resultOf: keying.resultOf, layers }, node, inputs, last);
  const change = sameCopied === undefined ? findConfigChange(node, inputs, last) : undefined;
  if (sameCopied === undefined && change === undefined) return otherwise();
  const record = await memory.recall(last.key, node.build.name);
  if (record === undefined) return otherwise();
  if (sameCopied !== undefined)
    return weighRecord(
      deciding,
      node,
      known,
      record,
      `the files it copies from ${sameCopied.join(', ')} are unchanged`,
    );
  const source = await findPublished(deciding, node, record.digest);
  if (change === undefined || source === undefined) return otherwise();
  const rebasing = { resultOf: keying.resultOf, isSecret: keying.isSecret, configs: deciding.configs };
  const found = await findRebase(rebasing, node, inputs, change, { inputs: last, record, source });
  if (found === undefined) return otherwise();
  if (found.kind === 'same') return weighRecord(deciding, node, known, record, found.text);
  return {
    decision: { kind: 'rebase', reason: found.reason },
    record: undefined,
    tags: [],
    isCarriedOver: false,
    rebase: { image: found.image, last: record, source, otherwise: otherwise().decision },
  };
}

/** Whether only other builds read it: it is not pushed, and not requested under a name of its own. */
function isOnlyNeeded({ role, pushes, build, neededBy }: PlanNode): boolean {
  return !pushes && (role === 'needed' || (build.tags.length === 0 && neededBy.length > 0));
}

/** Where the pushed image of a build is; undefined if a registry does not answer. */
async function findPublished(
  { registry }: Deciding,
  node: PlanNode,
  digest: Digest,
): Promise<DigestRef | undefined> {
  const refs = wantedTags(node);
  const tags = await askTags(registry, refs, digest);
  if (tags.some(({ state }) => state.kind === 'unknown')) return undefined;
  return findManifest(registry, refs, tags, digest);
}

/** @param carriedOver why the record of other inputs applies, as text */
async function weighRecord(
  deciding: Deciding,
  node: PlanNode,
  known: Known,
  record: BuildRecord,
  carriedOver?: string,
): Promise<Weighed> {
  const { registry } = deciding;
  const refs = node.pushes ? wantedTags(node) : [];
  const isSettled = known.untrackedOutputs.length > 0 || known.missingCaches.length > 0;
  const asked = isSettled ? [] : await askTags(registry, refs, record.digest);
  const tags = isAttested(node.build) ? await alikeTags(registry, refs, asked, record) : asked;
  const astray = tags.some((tag) => tag.state.kind !== 'digest' || tag.state.digest !== record.digest);
  const answered = tags.every((tag) => tag.state.kind !== 'unknown');
  const source = astray && answered ? await findManifest(registry, refs, tags, record.digest) : undefined;
  const store = node.pushes || known.onlyNeeded ? 'not-wanted' : await askStore(deciding, node, record);
  const decision = decide({
    ...known,
    record,
    changes: [],
    tags,
    manifestAvailable: source !== undefined,
    store,
    carriedOver,
  });
  const isCarriedOver = carriedOver !== undefined;
  return { decision, record, tags, isCarriedOver, ...(source === undefined ? {} : { source }) };
}

async function askStore(
  { storedImages, naming }: Pick<Deciding, 'storedImages' | 'naming'>,
  node: PlanNode,
  { digest, platforms }: BuildRecord,
): Promise<StoreState> {
  const stored = await storedImages(node);
  if (stored === undefined) return 'unknown';
  if (stored.kind === 'keeps-none') return 'keeps-none';
  const { digests, content } = stored;
  const names = storeNames(naming, node);
  if (names.some((name) => digests.get(name) !== digest)) return 'gone';
  // An image that was pulled for some platforms has its name, but lacks the manifests of the others.
  const manifests = [digest, ...platforms.map((one) => one.digest)];
  return manifests.every((one) => content === undefined || content.has(one)) ? 'there' : 'gone';
}
