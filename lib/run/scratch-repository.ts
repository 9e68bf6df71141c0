/** The repository by which engines of a pool exchange results that are not pushed; see docs/scale.md. */
import {
  type Digest,
  type DigestRef,
  formatImageRef,
  type ImageLocation,
  type ImageRef,
  isSameRepository,
  type PlanNode,
  problem,
  problemToJson,
} from '../model/mod.ts';
import { childManifests, type RegistryClient } from '../registry/mod.ts';
import type { Emit } from './emitter.ts';

type Client = Pick<RegistryClient, 'deleteManifest' | 'getManifest'>;

/** What a run puts there; deleted at its end. */
export class ScratchRepository {
  readonly repository: ImageRef;
  readonly #openClient: () => Client;
  readonly #emit: Emit;
  readonly #digests = new Set<Digest>();

  /** @param openClient a client that works after the run was cancelled */
  constructor(repository: ImageRef, openClient: () => Client, emit: Emit) {
    this.repository = { registry: repository.registry, repository: repository.repository };
    this.#openClient = openClient;
    this.#emit = emit;
  }

  /** Whether the result of a build goes through it: it is not pushed, and other builds read it. */
  takes({ pushes, neededBy }: PlanNode): boolean {
    return !pushes && neededBy.length > 0;
  }

  /** Whether an image lies in it. */
  has(location: ImageLocation): boolean {
    return location.kind === 'registry' && isSameRepository(location.ref, this.repository);
  }

  /** Where an image lies that was put there in this run. */
  note(digest: Digest): DigestRef {
    this.#digests.add(digest);
    return { ...this.repository, digest };
  }

  /**
   * Deletes what this run put there, images of single platforms with their index. Another run may be reading the same just then: it
   * builds it again, from the cache. Where the registry deletes nothing, that is said.
   */
  async clear(): Promise<void> {
    if (this.#digests.size === 0) return;
    const client = this.#openClient();
    const below = await Promise.all([...this.#digests].map((digest) => this.#below(client, digest)));
    const deleted = await Promise.all(
      [...new Set([...this.#digests, ...below.flat()])].map((digest) =>
        client.deleteManifest({ ...this.repository, digest }),
      ),
    );
    const failed = deleted.flatMap((one) => (one.ok ? [] : one.error));
    const [first] = failed;
    if (first === undefined) return;
    const left = problem(
      'run/scratch-left',
      `${failed.length} results could not be deleted from ${formatImageRef(this.repository)}: ${first.message}`,
      {
        severity: 'warning',
        hint: 'They have no tags. Allow deletion there, or let the registry delete untagged images.',
      },
    );
    this.#emit({ type: 'warning', problem: problemToJson(left) });
  }

  /** What an index names; registries do not delete it along. */
  async #below(client: Client, digest: Digest): Promise<readonly Digest[]> {
    const found = await client.getManifest({ ...this.repository, digest });
    return found.ok ? childManifests(found.value).map((child) => child.digest) : [];
  }
}
