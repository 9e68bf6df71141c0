/**
 * Moves tags after each build, or together at the end. In both cases the bytes are pushed by digest before, so a tag never points
 * at something incomplete.
 */
import {
  type DigestRef,
  formatImageRef,
  type ImageRef,
  ok,
  problem,
  problemToJson,
  type Result,
  type TagResult,
} from '../model/mod.ts';
import type { Manifest, RegistryClient } from '../registry/mod.ts';
import type { IntendedMove } from '../state/mod.ts';
import { compileGlob } from '../util/glob.ts';
import type { Emit } from './emitter.ts';
import { putTags } from './publish.ts';
import { type Move, takeBack } from './take-back.ts';

/** The tags to put for one result. */
export interface Publication {
  readonly build: string;
  readonly source: DigestRef;
  readonly refs: readonly ImageRef[];
  /** The bytes were just pushed. */
  readonly fresh: boolean;
  /** See `PutOptions.manifest`; only where tags do not wait. */
  readonly manifest?: Manifest;
}

/** Options of a publisher. */
export interface PublisherOptions {
  readonly registry: RegistryClient;
  /**
   * Creates the client that restores tags. It has no remembered answers, which may be wrong, and works after the run was
   * cancelled.
   */
  readonly openRollback: () => RegistryClient;
  readonly emit: Emit;
  /** Tags move at the end, if all builds succeeded. */
  readonly together: boolean;
  readonly isImmutable: (ref: ImageRef) => boolean;
  /** Notes which tags are about to move together; returns a function to call when they have moved. */
  readonly note: (moves: readonly IntendedMove[]) => Promise<() => Promise<void>>;
}

/** Puts tags now, or keeps them for the end. */
export class Publisher {
  readonly #registry: RegistryClient;
  readonly #openRollback: () => RegistryClient;
  readonly #emit: Emit;
  readonly #together: boolean;
  readonly #isImmutable: (ref: ImageRef) => boolean;
  readonly #note: PublisherOptions['note'];
  readonly #waiting: Publication[] = [];

  constructor({ registry, openRollback, emit, together, isImmutable, note }: PublisherOptions) {
    this.#registry = registry;
    this.#openRollback = openRollback;
    this.#emit = emit;
    this.#together = together;
    this.#isImmutable = isImmutable;
    this.#note = note;
  }

  /** Whether tags wait for the end. */
  get waits(): boolean {
    return this.#together;
  }

  /** @returns the results of the tags; empty if they move together at the end */
  async publish(publication: Publication): Promise<Result<readonly TagResult[]>> {
    if (this.#together) {
      this.#waiting.push(publication);
      return ok([]);
    }
    return putTags(this.#registry, publication.source, publication.refs, {
      fresh: publication.fresh,
      ...(publication.manifest === undefined ? {} : { manifest: publication.manifest }),
      isImmutable: this.#isImmutable,
      onTag: (tag) => this.#emit({ type: 'tag', build: publication.build, tag }),
    });
  }

  /**
   * Moves the waiting tags. If one cannot be moved, those that have moved are restored.
   *
   * @param order names of builds in the order in which their tags move: dependencies first
   * @returns tags by build, or what failed and what could not be moved back
   */
  async publishWaiting(order: readonly string[]): Promise<Result<ReadonlyMap<string, readonly TagResult[]>>> {
    const rank = new Map(order.map((build, at) => [build, at]));
    const waiting = this.#waiting
      .splice(0)
      .sort((one, other) => (rank.get(one.build) ?? 0) - (rank.get(other.build) ?? 0));
    const intended = await Promise.all(waiting.map((publication) => this.#intend(publication)));
    const moving = intended.flat();
    // A single tag needs no note.
    const done = moving.length > 1 ? await this.#note(moving) : async () => undefined;
    const published = await this.#putWaiting(waiting);
    await done();
    return published;
  }

  async #putWaiting(
    waiting: readonly Publication[],
  ): Promise<Result<ReadonlyMap<string, readonly TagResult[]>>> {
    const moves: Move[] = [];
    const tags = new Map<string, readonly TagResult[]>();
    for (const publication of waiting) {
      // On failure, tags are restored to their current state, not that at the start of the run.
      for (const ref of publication.refs) this.#registry.forget(ref);
      const before = await Promise.all(publication.refs.map((ref) => this.#registry.head(ref)));
      const done: TagResult[] = [];
      const put = await putTags(this.#registry, publication.source, publication.refs, {
        fresh: publication.fresh,
        isImmutable: this.#isImmutable,
        onTag: (tag) => done.push(tag),
      });
      const actions = new Map(done.map(({ ref, action }) => [ref, action]));
      publication.refs.forEach((ref, at) => {
        const [was, action] = [before[at], actions.get(formatImageRef(ref))];
        if (was === undefined || action === 'there') return;
        moves.push({ ref, before: was, to: publication.source.digest, confirmed: action !== undefined });
      });
      if (!put.ok)
        return { ok: false, error: [...put.error, ...(await takeBack(this.#openRollback(), moves))] };
      tags.set(publication.build, [...(tags.get(publication.build) ?? []), ...put.value]);
    }
    for (const [build, results] of tags) for (const tag of results) this.#emit({ type: 'tag', build, tag });
    return ok(tags);
  }

  /** The tags of a result that do not point at it yet. */
  async #intend({ build, source, refs, fresh }: Publication): Promise<readonly IntendedMove[]> {
    const states = await Promise.all(refs.map((ref) => this.#registry.head(ref)));
    return refs.flatMap((ref, at) => {
      const state = states[at];
      const from = state?.kind === 'present' ? state.digest : undefined;
      if (from === source.digest) return [];
      const own = { registry: ref.registry, repository: ref.repository, digest: source.digest };
      return [{ build, ref, from, source: fresh ? own : source }];
    });
  }

  /**
   * Drops the waiting tags because not every build succeeded, and reports them as unchanged.
   *
   * @returns the builds whose tags waited
   */
  dropWaiting(): readonly string[] {
    const waiting = this.#waiting.splice(0).map((one) => one.build);
    if (waiting.length === 0) return waiting;
    const builds = waiting.join(', ');
    this.#emit({
      type: 'warning',
      problem: problemToJson(
        problem(
          'run/not-published',
          `no tag was moved, because not every build succeeded; finished: ${builds}`,
          {
            severity: 'warning',
            hint: 'Fix the failure and run again here: these images are pushed by digest, and only their tags are missing.',
          },
        ),
      ),
    });
    return waiting;
  }
}

/** A predicate over references from globs over tags; a glob with a `/` is matched against the whole reference. */
export function immutableTags(globs: readonly string[]): (ref: ImageRef) => boolean {
  const matchers = globs.map((glob) => ({ whole: glob.includes('/'), matches: compileGlob(glob) }));
  return (ref) =>
    ref.tag !== undefined &&
    matchers.some(({ whole, matches }) => matches(whole ? formatImageRef(ref) : (ref.tag ?? '')));
}
