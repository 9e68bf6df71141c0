/**
 * Pushes earlier results of builds from the engine's store to their tags, and builds nothing. The bytes of all builds are sent
 * first, then tags move as in a run.
 */
import { lookUpNames } from '../buildctl/mod.ts';
import {
  createHider,
  type Digest,
  fail,
  formatImageRef,
  ok,
  type PlanNode,
  type Problem,
  type Result,
  repositoriesOf,
  type TagResult,
  wasCancelled,
} from '../model/mod.ts';
import { type BlobProgress, type OnBlob, withoutRepeatedRefusals } from '../registry/mod.ts';
import type { NodeContext } from './context.ts';
import { KEPT_WORDS } from './emitter.ts';
import { immutableProblem, newOnesLast, wantedTags } from './publish.ts';
import { immutableTags } from './publisher.ts';
import { type Chosen, chooseResult, type OpenStore } from './push-choice.ts';
import { type Session, withSession } from './session.ts';
import type { SessionOptions } from './session-options.ts';
import { storedImage } from './stored-image.ts';

/** What to push. */
export interface PushBuildsOptions extends SessionOptions {
  /** Sensitive values in names are hidden. */
  readonly onBlob?: OnBlob;
}

/** The result for a build. */
export interface PushedBuild {
  /** Name of the build. */
  readonly build: string;
  /** `untagged`: the build has no tag to push to. */
  readonly result: 'pushed' | 'there' | 'untagged' | 'failed';
  /** Digest of the image that was pushed; undefined if there was none. */
  readonly digest?: Digest;
  /** ISO 8601; undefined if only the store knows the image. */
  readonly builtAt?: string;
  /** The result for each of its tags. */
  readonly tags: readonly TagResult[];
}

/** The results of all builds. */
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
  const { hide } = createHider(options.plan.set.variables);
  const { onBlob } = options;
  const shown =
    onBlob === undefined ? options : { ...options, onBlob: (blob: BlobProgress) => onBlob(hide(blob, KEPT)) };
  const done = await withSession(options, async (session) => new Push(shown, session).all());
  return hide(done.ok ? done.value : { builds: [], problems: [done.error] }, KEPT);
}

const KEPT: ReadonlySet<string> = new Set([...KEPT_WORDS, 'builtAt']);

class Push {
  readonly #options: PushBuildsOptions;
  readonly #session: Session;
  readonly #put = new Map<string, readonly TagResult[]>();
  #opened: Promise<Result<OpenStore>> | undefined;
  #lookUps = 0;

  constructor(options: PushBuildsOptions, session: Session) {
    this.#options = options;
    this.#session = session;
  }

  async all(): Promise<PushedBuilds> {
    const { context } = await this.#session.startPass(false, (event) => {
      if (event.type === 'tag') this.#put.set(event.build, [...this.#putOf(event.build), event.tag]);
      this.#options.emit?.(event);
    });
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
      if (chosen.ok && sent.ok) ready.push(chosen.value);
      else if (this.#options.signal?.aborted === true) {
        problems.push({ ...wasCancelled(), build: name });
        break;
      } else problems.push(...(sent.ok ? [] : sent.error).map((one) => ({ ...one, build: name })));
    }
    const { publisher } = context;
    const together = publisher.waits && problems.length === 0;
    problems.push(...(await (together ? this.#putTogether(context, ready) : putEach(context, ready))));
    publisher.dropWaiting();
    for (const chosen of ready) {
      const { node, digest, builtAt } = chosen;
      const { name } = node.build;
      const tags = this.#putOf(name);
      // If one of several tags was refused, the others have moved.
      const isWhole = wantedTags(node).every((ref) => tags.some((tag) => tag.ref === formatImageRef(ref)));
      const done = tags.every(({ action }) => action === 'there') ? 'there' : 'pushed';
      const when = builtAt === undefined ? {} : { builtAt };
      builds.set(name, { build: name, result: isWhole ? done : 'failed', digest, tags, ...when });
      await this.#note(context, chosen);
    }
    return { builds: [...builds.values()], problems: withoutRepeatedRefusals(problems) };
  }

  #choose(node: PlanNode): Promise<Result<Chosen>> {
    const { state, registry } = this.#session;
    const { root } = this.#options.plan.set;
    return chooseResult({ root, state, registry, open: () => this.#open() }, node);
  }

  /** Makes sure that every repository of the tags has the complete image. */
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
      // An image in the repository is complete, so no engine is needed.
      if ((await registry.head(target)).kind === 'present') continue;
      const opened = await this.#open();
      if (!opened.ok) return opened;
      const [ref = repository] = refs;
      const { onBlob, signal } = this.#options;
      const image = storedImage(opened.value.store, formatImageRef(ref), digest, signal);
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

  /** The tags put so far. */
  #putOf(build: string): readonly TagResult[] {
    return this.#put.get(build) ?? [];
  }

  /** One tag at a time, so that none is put any more after one that failed. */
  async #putTogether({ publisher }: NodeContext, ready: readonly Chosen[]): Promise<readonly Problem[]> {
    const { registry } = this.#session;
    const moves = ready.flatMap(({ node, digest }) =>
      wantedTags(node).map((ref) => ({ build: node.build.name, digest, ref })),
    );
    // Look up again, since on failure tags are restored to their current state.
    for (const { ref } of moves) registry.forget(ref);
    const standing = await Promise.all(
      moves.map(async ({ ref }) => [formatImageRef(ref), await registry.head(ref)] as const),
    );
    for (const { build, digest, ref } of newOnesLast(moves, new Map(standing))) {
      const source = { registry: ref.registry, repository: ref.repository, digest };
      await publisher.publish({ build, source, refs: [ref], fresh: true });
    }
    const published = await publisher.publishWaiting([]);
    return published.ok ? [] : published.error;
  }

  /** Notes for later runs what was pushed. */
  async #note({ keying }: NodeContext, { node, digest }: Chosen): Promise<void> {
    const { state } = this.#session;
    const { name } = node.build;
    const key = await state.readLastKey(name);
    const record = key === undefined ? undefined : await state.readRecord(key);
    if (record?.digest !== digest) return;
    const refs = this.#putOf(name).map((tag) => tag.ref);
    const kept = refs.filter((ref) => !keying.isSecret(ref));
    await state.updateRecord({ ...record, refs: [...new Set([...record.refs, ...kept])] });
  }
}

async function putEach({ publisher }: NodeContext, ready: readonly Chosen[]): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const { node, digest } of ready) {
    const { name } = node.build;
    const refs = wantedTags(node);
    const [first] = refs;
    if (first === undefined) continue;
    const source = { registry: first.registry, repository: first.repository, digest };
    const put = await publisher.publish({ build: name, source, refs, fresh: true });
    if (!put.ok) problems.push(...put.error.map((one) => ({ ...one, build: name })));
  }
  return problems;
}
