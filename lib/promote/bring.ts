/** Bytes of images on their way to where they are promoted, by digest; no tag is touched. */
import {
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  type Problem,
  type Result,
  repositoriesOf,
} from '../model/mod.ts';
import {
  type Copied,
  type CopyOptions,
  mapLimited,
  type Presence,
  type RegistryClient,
  withoutRepeatedRefusals,
} from '../registry/mod.ts';
import type { FoundImage } from './ask.ts';

/** What was transferred. */
export type Brought = Pick<Copied, 'blobs' | 'copiedBytes' | 'referrers'>;

/** What bringing works with. */
export interface Bringing {
  readonly client: RegistryClient;
  /** Ends what is under way where one image cannot be brought: the others are of no use alone. */
  readonly stop: AbortController;
  readonly options: CopyOptions;
}

/** Each has several blobs under way; the client keeps to its limits for each registry. */
const IMAGES_AT_ONCE = 4;

/**
 * Brings the images whose targets do not point at them yet; with referrers, those of all.
 *
 * @returns every repository that may not be pushed to, else what the first image that could not be brought was refused with
 */
export async function bringImages(
  { client, stop, options }: Bringing,
  images: readonly FoundImage[],
  standing: ReadonlyMap<string, Presence>,
): Promise<Result<Brought>> {
  const copies = [...copiesOf(images, standing, options.referrers === true).values()];
  const refused = await askAccess(client, copies);
  if (refused.length > 0) return fail(refused);
  let failure: readonly Problem[] | undefined;
  const copied = await mapLimited(copies, IMAGES_AT_ONCE, async ({ from, to }) => {
    const one = await client.copyImage(from, to, options);
    if (one.ok) return [one.value];
    failure ??= one.error;
    stop.abort('promote');
    return [];
  });
  return failure === undefined ? ok(sum(copied.flat())) : fail(failure);
}

/** Whether all of it may be pushed, before much of it is sent: who is refused at the last image has waited for nothing. */
async function askAccess(client: RegistryClient, copies: readonly Copy[]): Promise<readonly Problem[]> {
  const asked = await Promise.all(
    repositoriesOf(copies.map(({ to }) => to)).map((one) => client.checkPushAccess(one)),
  );
  return withoutRepeatedRefusals(asked.flatMap((one) => (one.ok ? [] : one.error)));
}

interface Copy {
  readonly from: ImageRef & { readonly digest: Digest };
  readonly to: ImageRef & { readonly digest: Digest };
}

function copiesOf(
  images: readonly FoundImage[],
  standing: ReadonlyMap<string, Presence>,
  all: boolean,
): ReadonlyMap<string, Copy> {
  const copies = new Map<string, Copy>();
  for (const { digest, tags } of images) {
    for (const { source, target } of tags) {
      const was = standing.get(formatImageRef(target));
      if (!all && was?.kind === 'present' && was.digest === digest) continue;
      const at = ({ registry, repository }: ImageRef) => ({ registry, repository, digest });
      copies.set(formatImageRef(at(target)), { from: at(source), to: at(target) });
    }
  }
  return copies;
}

function sum(copied: readonly Copied[]): Brought {
  const total = (of: (one: Copied) => number) => copied.reduce((count, one) => count + of(one), 0);
  return {
    blobs: {
      mounted: total(({ blobs }) => blobs.mounted),
      copied: total(({ blobs }) => blobs.copied),
      there: total(({ blobs }) => blobs.there),
    },
    copiedBytes: total((one) => one.copiedBytes),
    referrers: total((one) => one.referrers),
  };
}
