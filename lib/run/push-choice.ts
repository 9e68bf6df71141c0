/**
 * Chooses the image that `push` uses for a build: the remembered last result here, or else the image that the engine's store has
 * under all of its tags. If the two contradict each other, that is a problem.
 */
import type { EngineStore } from '../engine/mod.ts';
import {
  type Digest,
  fail,
  formatImageRef,
  ok,
  type PlanNode,
  type Problem,
  problem,
  type Result,
} from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import type { LastResult, StateStore } from '../state/mod.ts';
import { shorten } from './decide.ts';
import { askTags, wantedTags } from './publish.ts';
import { storeName } from './store-names.ts';

/** An image to push. */
export interface Chosen {
  readonly node: PlanNode;
  readonly digest: Digest;
  /** ISO 8601; undefined if only the store knows the image. */
  readonly builtAt?: string;
}

/** The store and its names. */
export interface OpenStore {
  readonly store: Pick<EngineStore, 'stream' | 'containerd' | 'unreadable'>;
  /**
   * Looks up a name. If the store cannot be listed, the registry may answer for a name that the store lacks.
   *
   * @param platform a platform of the image; undefined: the engine's own
   */
  readonly digestOf: (name: string, platform: string | undefined) => Promise<Digest | undefined>;
}

/** What choosing goes by. */
export interface Choosing {
  /** Absolute path of the project. */
  readonly root: string;
  readonly state: Pick<StateStore, 'readResult'>;
  readonly registry: Pick<RegistryClient, 'head'>;
  readonly open: () => Promise<Result<OpenStore>>;
}

/** The store's content for a build. */
interface Stored {
  /** Tags of the build that are certainly in the store. */
  readonly tags: ReadonlyMap<string, Digest>;
  /** bake-ts's own name for it, if the store cannot be listed. */
  readonly own?: readonly [name: string, digest: Digest];
  /** It keeps no names, so missing ones mean nothing. */
  readonly keepsNone?: true;
}

/** Chooses. Problems: `run/not-built`, `run/store-differs`, those of opening the store. */
export async function chooseResult(choosing: Choosing, node: PlanNode): Promise<Result<Chosen>> {
  const { state, registry, open } = choosing;
  const last = await state.readResult(node.build.name);
  if (last?.wrong === true) return fail([notBuilt(node, foundWrong(last))]);
  const refs = wantedTags(node);
  const tags = last === undefined ? [] : await askTags(registry, refs);
  const denied = tags.flatMap(({ state: tag }) => (tag.kind === 'unknown' ? (tag.denied ?? []) : []));
  // Querying the store would be pointless.
  if (denied.length > 0) return fail(denied);
  const isInPlace =
    last !== undefined && tags.every(({ state: tag }) => tag.kind === 'digest' && tag.digest === last.digest);
  const remembered = (one: LastResult) => ok({ node, digest: one.digest, builtAt: one.finishedAt });
  // The store has what was built before it without pushing.
  if (isInPlace && last.pushed === true) return remembered(last);
  const opened = await open();
  if (!opened.ok) return isInPlace ? remembered(last) : opened;
  const wanted = refs.map(formatImageRef);
  const noted = last === undefined || last.vouched === true ? [] : last.tags;
  const unnoted = wanted.filter((tag) => !noted.includes(tag));
  const stored = await askStore(choosing, node, opened.value, unnoted);
  const digest = last?.digest ?? stored.tags.values().next().value;
  const said = new Map([...stored.tags, ...(stored.own === undefined ? [] : [stored.own])]);
  // Our name alone does not say under which tags its image was built.
  if (digest !== undefined && [...said.values()].some((one) => one !== digest))
    return fail([differs(node, last, said)]);
  if (isInPlace) return remembered(last);
  // What was not pushed is what the store has now under the tags; one that is gone from it was removed on purpose.
  const isKept = last?.pushed === true || stored.keepsNone === true || stored.own !== undefined;
  const without = (isKept ? unnoted : wanted).filter((tag) => !stored.tags.has(tag));
  // Under another tag it might be another image, and nobody looks.
  if (digest === undefined || without.length > 0)
    return fail([notBuilt(node, whyNot(last, unnoted, without))]);
  return last === undefined ? ok({ node, digest }) : remembered(last);
}

/** @param unnoted tags to look up where the store cannot be listed; else all are */
async function askStore(
  { root }: Choosing,
  node: PlanNode,
  { store, digestOf }: OpenStore,
  unnoted: readonly string[],
): Promise<Stored> {
  const [platform] = node.build.platforms;
  const find = async (names: readonly string[]) => {
    const found = new Map<string, Digest>();
    for (const name of names) {
      const digest = await digestOf(name, platform);
      if (digest !== undefined) found.set(name, digest);
    }
    return found;
  };
  if (store.containerd !== undefined) return { tags: await find(wantedTags(node).map(formatImageRef)) };
  if (store.unreadable?.code === 'engine/no-image-store') return { tags: new Map(), keepsNone: true };
  // A registry may answer for any name but ours, which runs give besides where the store cannot be listed.
  const name = formatImageRef(storeName({ root, isolated: false }, node.build.name));
  const digest = await digestOf(name, platform);
  if (digest === undefined) return { tags: new Map() };
  const found = [...(await find(unnoted))].filter(([, one]) => one === digest);
  return { tags: new Map(found), own: [name, digest] };
}

function foundWrong({ digest, finishedAt }: LastResult): string {
  return `its last result here (${shorten(digest)}, ${finishedAt}) was found to be wrong`;
}

/** @param without tags that are the reason; of these, those that are not `unnoted` are gone from the store */
function whyNot(
  last: LastResult | undefined,
  unnoted: readonly string[],
  without: readonly string[],
): string {
  const tags = without.join(', ');
  if (last === undefined)
    return `bake-ts remembers no result of it here, and the engine's store has no image named ${tags}`;
  const { digest, finishedAt, vouched } = last;
  const result = `its last result here (${shorten(digest)}, ${finishedAt})`;
  if (vouched === true) return `${result} was made by another machine, and its record is not signed`;
  return unnoted.length > 0
    ? `${result} was not built or pushed under ${unnoted.join(', ')}`
    : `${result} is not in the engine's store under ${tags}`;
}

function notBuilt({ build: { name } }: PlanNode, why: string): Problem {
  return problem('run/not-built', `there is nothing to push for \`${name}\`: ${why}`, {
    hint: `Build it with the same options (quick if nothing changed): bake-ts run ${name}`,
  });
}

function differs(
  { build: { name } }: PlanNode,
  last: LastResult | undefined,
  stored: ReadonlyMap<string, Digest>,
): Problem {
  const [first = ''] = stored.keys();
  const what =
    last === undefined
      ? `the tags of \`${name}\` are different images in the engine's store`
      : `the engine's store has a different image under a tag of \`${name}\` than its last build here made (${shorten(last.digest)}, ${last.finishedAt})`;
  return problem('run/store-differs', what, {
    hint: `Build it again, with the same options: bake-ts run ${name}\nor push the image in the store: bake-ts push ${first}`,
    detail: [...stored].map(([stands, digest]) => `${stands}  ${digest}`).join('\n'),
  });
}
