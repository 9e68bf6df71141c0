/** Queries the registries before anything is sent: the image of each build, and what the targets point at. */
import {
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  type Problem,
  problem,
  type Result,
} from '../model/mod.ts';
import type { Presence, RegistryClient } from '../registry/mod.ts';
import { askAgain, immutableProblem } from '../run/mod.ts';
import { option } from '../util/option-words.ts';
import type { WantedImage } from './choose.ts';

/** The tags of one build, and the digest that all of them point at. */
export interface FoundImage extends WantedImage {
  readonly digest: Digest;
}

/** The new names of an image. */
export function targetsOf({ tags }: WantedImage): readonly ImageRef[] {
  return tags.map(({ target }) => target);
}

/**
 * Queries what the tags point at.
 *
 * @returns problems of all builds: those of registries, `registry/not-found`, `run/tags-apart`
 */
export async function askSources(
  client: RegistryClient,
  images: readonly WantedImage[],
): Promise<Result<readonly FoundImage[]>> {
  client.expect(images.flatMap(({ tags }) => tags.map(({ source }) => source)));
  const asked = await Promise.all(images.map((image) => askSource(client, image)));
  const problems = asked.flatMap((one) => (one.ok ? [] : one.error));
  return problems.length > 0 ? fail(problems) : ok(asked.flatMap((one) => (one.ok ? one.value : [])));
}

async function askSource(client: RegistryClient, image: WantedImage): Promise<Result<FoundImage>> {
  const { build, tags } = image;
  const said = await Promise.all(
    tags.map(async ({ source }) => ({ name: formatImageRef(source), presence: await client.head(source) })),
  );
  const problems = said.flatMap(({ name, presence }): readonly Problem[] => {
    if (presence.kind === 'present') return [];
    if (presence.kind === 'unknown') return [{ ...presence.problem, build }];
    return [
      problem('registry/not-found', `${name} is not in its registry`, {
        build,
        hint: 'Push it first (bake-ts run), or do not select the build.',
      }),
    ];
  });
  if (problems.length > 0) return fail(problems);
  const digests = said.map(({ presence }) => (presence.kind === 'present' ? presence.digest : undefined));
  const [digest] = digests;
  if (digest === undefined || digests.some((one) => one !== digest)) {
    return fail([
      problem('run/tags-apart', `the tags of \`${build}\` point to different images`, {
        build,
        detail: said.map(({ name }, at) => `${name}: ${digests[at]}`).join('\n'),
        hint: 'Point them to one image with `bake-ts tag REF :TAG`, so that it is clear which one to promote.',
      }),
    ]);
  }
  return ok({ ...image, digest });
}

/** What the targets point at now, by name; earlier answers are not reused. */
export function askTargets(
  client: RegistryClient,
  images: readonly FoundImage[],
): Promise<ReadonlyMap<string, Presence>> {
  return askAgain(client, images.flatMap(targetsOf));
}

/** Conflicts: two images for one name (`plan/same-destination`), and immutable tags that would move (`run/immutable-tag`). */
export function checkTargets(
  images: readonly FoundImage[],
  standing: ReadonlyMap<string, Presence>,
  isImmutable: (ref: ImageRef) => boolean,
): readonly Problem[] {
  const first = new Map<string, { readonly source: ImageRef; readonly digest: Digest }>();
  const problems: Problem[] = [];
  for (const { build, digest, tags } of images) {
    for (const { source, target } of tags) {
      const name = formatImageRef(target);
      const other = first.get(name);
      if (other !== undefined) {
        if (other.digest !== digest) problems.push(sameDestination(build, name, { source, digest }, other));
        continue;
      }
      first.set(name, { source, digest });
      const was = standing.get(name);
      const isThere = was?.kind === 'present' && was.digest === digest;
      if (isThere || was?.kind === 'absent' || !isImmutable(target)) continue;
      problems.push({ ...immutableProblem(name, was?.kind === 'present' ? was.digest : undefined), build });
    }
  }
  return problems;
}

interface Claim {
  readonly source: ImageRef;
  readonly digest: Digest;
}

function sameDestination(build: string, name: string, one: Claim, other: Claim): Problem {
  const text = ({ source, digest }: Claim) => `${formatImageRef(source)}: ${digest}`;
  return problem('plan/same-destination', `two images would become \`${name}\``, {
    build,
    detail: [text(other), text(one)].join('\n'),
    hint: `Give each its own ${option('--to FROM=TO')}, or do not select one of the builds.`,
  });
}
