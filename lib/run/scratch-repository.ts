/** The repository through which results that are not pushed go from engine to engine of a pool; see docs/scale.md. */
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
import type { RegistryClient } from '../registry/mod.ts';
import type { Emit } from './emitter.ts';

/** What a run puts there; deleted at its end. */
export class ScratchRepository {
  readonly repository: ImageRef;
  readonly #openClient: () => Pick<RegistryClient, 'deleteManifest'>;
  readonly #emit: Emit;
  readonly #digests = new Set<Digest>();

  /** @param openClient a client that goes on where the run was cancelled */
  constructor(repository: ImageRef, openClient: () => Pick<RegistryClient, 'deleteManifest'>, emit: Emit) {
    this.repository = { registry: repository.registry, repository: repository.repository };
    this.#openClient = openClient;
    this.#emit = emit;
  }

  /** Whether the result of a build goes through it: nobody pushes it, and others read it. */
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
   * Deletes what this run put there. Another run may be reading the same just then: it builds it again, from the cache. Where the
   * registry deletes nothing, that is said.
   */
  async clear(): Promise<void> {
    if (this.#digests.size === 0) return;
    const client = this.#openClient();
    const deleted = await Promise.all(
      [...this.#digests].map((digest) => client.deleteManifest({ ...this.repository, digest })),
    );
    const failed = deleted.flatMap((one) => (one.ok ? [] : one.error));
    const [first] = failed;
    if (first === undefined) return;
    const left = problem(
      'run/scratch-left',
      `${failed.length} results stay in ${formatImageRef(this.repository)}: ${first.message}`,
      {
        severity: 'warning',
        hint: 'They have no tags. Permit deletion there, or let the registry clear away what has no tag.',
      },
    );
    this.#emit({ type: 'warning', problem: problemToJson(left) });
  }
}
