/** Moves tags together to images that are in their repositories by digest already, for commands that build nothing. */
import { type Digest, formatImageRef, type ImageRef, type Plan, type Result } from '../model/mod.ts';
import { createRegistryClient, type Presence, type RegistryClient, type SignIn } from '../registry/mod.ts';
import { newOnesLast } from './publish.ts';
import { Publisher } from './publisher.ts';

/** A tag and its new digest, which its repository has. */
export interface WantedMove {
  /** Name of the build. */
  readonly build: string;
  readonly ref: ImageRef;
  readonly digest: Digest;
}

/** What moving tags needs. */
export interface MovingTags {
  readonly client: RegistryClient;
  /** Creates the client that moves tags back; it works after the command was stopped. */
  readonly openClient: () => RegistryClient;
  readonly isImmutable: (ref: ImageRef) => boolean;
}

/** Looks up again what tags point at, by their full names. */
export async function askAgain(
  client: RegistryClient,
  refs: readonly ImageRef[],
): Promise<ReadonlyMap<string, Presence>> {
  const wanted = new Map(refs.map((ref) => [formatImageRef(ref), ref]));
  client.expect([...wanted.values()]);
  return new Map(
    await Promise.all(
      [...wanted].map(async ([name, ref]) => {
        client.forget(ref);
        return [name, await client.head(ref)] as const;
      }),
    ),
  );
}

/**
 * Moves tags, all or none.
 *
 * @param before what they point at now
 * @returns problems: what the first that could not be moved was refused with, and `run/publish-rolled-back` or `run/publish-left` for
 *   those moved before
 */
export async function putTogether(
  { client, openClient, isImmutable }: MovingTags,
  moves: readonly WantedMove[],
  before: ReadonlyMap<string, Presence>,
): Promise<Result<unknown>> {
  let rollback: RegistryClient | undefined;
  const publisher = new Publisher({
    registry: client,
    openRollback: () => {
      rollback ??= openClient();
      return rollback;
    },
    emit: () => undefined,
    together: true,
    isImmutable,
    // The same command again ends what was interrupted; a run must not move tags unasked.
    note: async () => async () => undefined,
  });
  try {
    for (const { build, ref, digest } of newOnesLast(moves, before)) {
      const { registry, repository } = ref;
      // One at a time, so that none is put any more after one that failed.
      await publisher.publish({ build, source: { registry, repository, digest }, refs: [ref], fresh: true });
    }
    return await publisher.publishWaiting([]);
  } finally {
    await rollback?.close();
  }
}

/** What the client of such a command is opened with. */
export interface PlanClientOptions {
  readonly plan: Plan;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userAgent?: string;
  /** Used for its registry instead of the Docker config; never sent to another one. */
  readonly signIn?: SignIn;
}

/** A client for the registries of a plan. */
export function openPlanClient(
  { plan, env, userAgent, signIn }: PlanClientOptions,
  signal?: AbortSignal,
): RegistryClient {
  return createRegistryClient({
    registries: plan.set.registries,
    env,
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(signIn === undefined ? {} : { signIn }),
    ...(signal === undefined ? {} : { signal }),
  });
}
