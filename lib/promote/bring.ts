/** Copies images to where they are promoted, by digest; moves no tags. */
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

/** What copying needs. */
export interface Bringing {
  readonly client: RegistryClient;
  /** Stops all copies if one fails, because the others are of no use alone. */
  readonly stop: AbortController;
  readonly options: CopyOptions;
}

/** Each copy has several blobs under way; the client limits the requests to each registry. */
const IMAGES_AT_ONCE = 4;

/**
 * Copies the images whose targets do not point at them yet; with referrers, all images.
 *
 * @returns problems: every repository without push access, else those of the first failed image
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

/** Checks push access to all repositories first, so that a refusal does not come after most data has been sent. */
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
