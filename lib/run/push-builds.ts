/**
 * Pushes what builds made earlier, from the engine's store to their tags, and builds nothing. Bytes go first, those of all builds,
 * then tags move as in a run.
 */
import { lookUpNames } from '../buildctl/mod.ts';
import type { EngineStore } from '../engine/mod.ts';
import {
  type BuildRecord,
  createHider,
  type Digest,
  fail,
  formatImageRef,
  ok,
  type PlanNode,
  type Problem,
  problem,
  type Result,
  type TagResult,
} from '../model/mod.ts';
import type { NodeContext } from './context.ts';
import { shorten } from './decide.ts';
import { KEPT_WORDS } from './emitter.ts';
import { askTags, immutableProblem, repositoriesOf, wantedTags } from './publish.ts';
import { immutableTags } from './publisher.ts';
import { type Session, type SessionOptions, withSession } from './session.ts';
import { storeNames } from './store-names.ts';
import { storedImage } from './stored-image.ts';

/** What to push. */
export interface PushBuildsOptions extends SessionOptions {
  /** Called after each blob that was sent, with its size. */
  readonly onBlob?: (digest: Digest, sizeBytes: number) => void;
}

/** What became of a build. */
export interface PushedBuild {
  readonly build: string;
  /** `untagged`: there is nothing to push it to. */
  readonly result: 'pushed' | 'there' | 'untagged' | 'failed';
  readonly digest?: Digest;
  /** ISO 8601; undefined where only the store knows of it. */
  readonly builtAt?: string;
  readonly tags: readonly TagResult[];
}

/** What became of all of them. */
export interface PushedBuilds {
  readonly builds: readonly PushedBuild[];
  /** Why some were not pushed, and warnings. */
  readonly problems: readonly Problem[];
}

/**
 * Pushes the requested builds of a plan. Problems: those of the engine, its store and the registries, `run/not-built`,
 * `run/store-differs`, `run/immutable-tag`, `run/no-temp`.
 */
export async function pushBuilds(options: PushBuildsOptions): Promise<PushedBuilds> {
  const done = await withSession(options, async (session) => new Push(options, session).all());
  const { hide } = createHider(options.plan.set.variables);
  return hide(done.ok ? done.value : { builds: [], problems: [done.error] }, KEPT);
}

const KEPT: ReadonlySet<string> = new Set([...KEPT_WORDS, 'builtAt']);

/** An image to push. */
interface Chosen {
  readonly node: PlanNode;
  readonly digest: Digest;
  readonly builtAt?: string;
  readonly record?: BuildRecord;
}

/** The store, and what its names stand for. */
interface OpenStore {
  readonly store: EngineStore;
  readonly digestOf: (name: string, platform: string | undefined) => Promise<Digest | undefined>;
}

class Push {
  readonly #options: PushBuildsOptions;
  readonly #session: Session;
  #opened: Promise<Result<OpenStore>> | undefined;
  #lookUps = 0;

  constructor(options: PushBuildsOptions, session: Session) {
    this.#options = options;
    this.#session = session;
  }

  async all(): Promise<PushedBuilds> {
    const { context } = await this.#session.startPass(false);
    const nodes = [...this.#options.plan.nodes.values()].filter((node) => node.role === 'asked');
    const problems: Problem[] = [];
    const builds = new Map<string, PushedBuild>();
    const ready: Chosen[] = [];
    for (const node of nodes) {
      const { name } = node.build;
      const isTagged = wantedTags(node).length > 0;
      builds.set(name, { build: name, result: isTagged ? 'failed' : 'untagged', tags: [] });
      if (!isTagged) continue;
      const chosen = await this.#choose(node);
      const sent = chosen.ok ? await this.#sendBytes(chosen.value) : chosen;
      if (!chosen.ok || !sent.ok) {
        problems.push(...(sent.ok ? [] : sent.error).map((one) => ({ ...one, build: node.build.name })));
        continue;
      }
      ready.push(chosen.value);
    }
    const { publisher } = context;
    const put = (chosen: Chosen, tags: readonly TagResult[]) => {
      const { node, digest, builtAt } = chosen;
      const { name } = node.build;
      const result = tags.every(({ action }) => action === 'there') ? 'there' : 'pushed';
      builds.set(name, { build: name, result, digest, tags, ...(builtAt === undefined ? {} : { builtAt }) });
    };
    for (const chosen of ready) {
      const published = await publishOne(context, chosen);
      if (!published.ok) problems.push(...published.error);
      else if (!publisher.waits) {
        put(chosen, published.value);
        await this.#note(context, chosen, published.value);
      }
    }
    if (publisher.waits && problems.length > 0) publisher.dropWaiting();
    else if (publisher.waits) {
      const published = await publisher.publishWaiting(nodes.map(({ build }) => build.name));
      if (!published.ok) problems.push(...published.error);
      for (const chosen of published.ok ? ready : []) {
        const tags = (published.ok ? published.value.get(chosen.node.build.name) : undefined) ?? [];
        put(chosen, tags);
        await this.#note(context, chosen, tags);
      }
    }
    return { builds: [...builds.values()], problems };
  }

  /** What the build's last result here is: by our own record, by the store, and by both where both know. */
  async #choose(node: PlanNode): Promise<Result<Chosen>> {
    const { state, registry } = this.#session;
    const { name } = node.build;
    const key = await state.readLastKey(name);
    const known = key === undefined ? undefined : await state.readRecord(key);
    const recorded = (one: BuildRecord): Chosen => ({
      node,
      digest: one.digest,
      builtAt: one.finishedAt,
      record: one,
    });
    if (known !== undefined) {
      const tags = await askTags(registry, wantedTags(node));
      const inPlace = tags.every(({ state: tag }) => tag.kind === 'digest' && tag.digest === known.digest);
      if (inPlace) return ok(recorded(known));
    }
    // No tag moves on the word of another machine alone.
    const record = known?.vouchedBy === undefined ? known : undefined;
    const opened = await this.#open();
    if (!opened.ok) return opened;
    const stored = await this.#storedOf(node, opened.value);
    const [first] = stored.values();
    const others = [...stored].filter(([, digest]) => digest !== (record?.digest ?? first));
    if (others.length > 0) return fail([differs(node, record, stored)]);
    // The last result may be that of other tags, and nobody asked whether it would be the same under these.
    const keepsNames = opened.value.store.unreadable?.code !== 'engine/no-image-store';
    const wanted = wantedTags(node).map(formatImageRef);
    const isTheirs = wanted.some((tag) => stored.has(tag) || record?.refs.includes(tag) === true);
    if (record !== undefined && keepsNames && !isTheirs) return fail([underOthers(node, record, wanted)]);
    if (record !== undefined) return ok(recorded(record));
    if (first !== undefined) return ok({ node, digest: first });
    return fail([
      problem(
        'run/not-built',
        `\`${name}\` was not built here: neither bake-ts nor the engine's store knows of it`,
        {
          hint: `Build it: bake-ts run ${name}`,
        },
      ),
    ]);
  }

  /** The names of the build that are in the store. Its own name only where no tag is: it may be an older one's. */
  async #storedOf(node: PlanNode, { digestOf }: OpenStore): Promise<ReadonlyMap<string, Digest>> {
    const { root } = this.#options.plan.set;
    const names = storeNames({ root, isolated: false, isListed: () => false }, node);
    const [platform] = node.build.platforms;
    const found = new Map<string, Digest>();
    for (const [at, name] of names.entries()) {
      if (at === names.length - 1 && found.size > 0) break;
      const digest = await digestOf(name, platform);
      if (digest !== undefined) found.set(name, digest);
    }
    return found;
  }

  /** Makes sure that every repository of its tags has all of the image. */
  async #sendBytes({ node, digest }: Chosen): Promise<Result<void>> {
    const { registry } = this.#session;
    const refs = wantedTags(node);
    const isImmutable = immutableTags(this.#options.plan.set.immutable ?? []);
    const refused = await Promise.all(
      refs.filter(isImmutable).map(async (ref) => {
        const presence = await registry.head(ref);
        if (presence.kind === 'absent' || (presence.kind === 'present' && presence.digest === digest))
          return [];
        const now = presence.kind === 'present' ? presence.digest : undefined;
        return [immutableProblem(formatImageRef(ref), now)];
      }),
    );
    if (refused.flat().length > 0) return fail(refused.flat());
    for (const repository of repositoriesOf(refs)) {
      const target = { registry: repository.registry, repository: repository.repository, digest };
      // What is there is there as a whole, and no engine is needed for it.
      if ((await registry.head(target)).kind === 'present') continue;
      const opened = await this.#open();
      if (!opened.ok) return opened;
      const [ref = repository] = refs;
      const image = storedImage(opened.value.store, formatImageRef(ref), digest);
      const { onBlob } = this.#options;
      const pushed = await registry.pushLayout(image, target, onBlob === undefined ? {} : { onBlob });
      if (!pushed.ok) return pushed;
    }
    return ok(undefined);
  }

  #open(): Promise<Result<OpenStore>> {
    this.#opened ??= this.#openOnce();
    return this.#opened;
  }

  async #openOnce(): Promise<Result<OpenStore>> {
    const engine = await this.#session.engine.find();
    if (!engine.ok) return engine;
    const { listImages, openStore } = await import('../engine/mod.ts');
    const { env, signal } = this.#options;
    const options = { env, ...(signal === undefined ? {} : { signal }) };
    const store = await openStore(engine.value, options);
    if (store.containerd !== undefined) {
      const listed = await listImages(store.containerd, options);
      if (!listed.ok) return listed;
      const digests = new Map(listed.value.map((image) => [image.name, image.digest]));
      return ok({ store, digestOf: async (name) => digests.get(name) });
    }
    const buildctl = await this.#session.engine.buildctl();
    const workDir = () => `${this.#session.workDir}/names-${this.#lookUps++}`;
    return ok({
      store,
      digestOf: async (name, platform) =>
        buildctl === undefined
          ? undefined
          : (await lookUpNames(buildctl, [{ name, platform }], workDir()))?.get(name),
    });
  }

  /** What was pushed is known to be there in later runs. */
  async #note({ keying }: NodeContext, { record }: Chosen, tags: readonly TagResult[]): Promise<void> {
    if (record === undefined) return;
    const refs = tags.map((tag) => tag.ref).filter((ref) => !keying.isSecret(ref));
    await this.#session.state.updateRecord({ ...record, refs: [...new Set([...record.refs, ...refs])] });
  }
}

async function publishOne(
  { publisher }: NodeContext,
  { node, digest }: Chosen,
): Promise<Result<readonly TagResult[]>> {
  const refs = wantedTags(node);
  const [first] = refs;
  if (first === undefined) return ok([]);
  const source = { registry: first.registry, repository: first.repository, digest };
  return publisher.publish({ build: node.build.name, source, refs, fresh: true });
}

function underOthers({ build }: PlanNode, record: BuildRecord, wanted: readonly string[]): Problem {
  return problem(
    'run/not-built',
    `\`${build.name}\` was not built under ${wanted.join(', ')}: its last result here (${shorten(record.digest)}, ${record.finishedAt}) has other tags, or its image was removed from the engine's store`,
    { hint: `Build it, which is short where nothing changed: bake-ts run ${build.name}` },
  );
}

function differs(
  node: PlanNode,
  record: BuildRecord | undefined,
  stored: ReadonlyMap<string, Digest>,
): Problem {
  const { name } = node.build;
  const [first = ''] = stored.keys();
  const what =
    record === undefined
      ? `the tags of \`${name}\` are different images in the engine's store`
      : `the engine's store has another image under a tag of \`${name}\` than its last build here gave (${shorten(record.digest)}, ${record.finishedAt})`;
  return problem('run/store-differs', what, {
    hint: `Build it again: bake-ts run ${name}\nor push what is in the store as it is: bake-ts push ${first}`,
    detail: [...stored].map(([stands, digest]) => `${stands}  ${digest}`).join('\n'),
  });
}
