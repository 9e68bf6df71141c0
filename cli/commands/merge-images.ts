import {
  fail,
  type ImageRef,
  ok,
  type Problem,
  type Result,
  readImageRef,
  repositoriesOf,
} from '../../lib/model/mod.ts';
import { type PlatformPart, planJoin, putJoined, type RegistryClient } from '../../lib/registry/mod.ts';
import { isSet, listOf, type ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems, writeJson } from '../output.ts';
import { formatPut, type PutJson, putToJson, readTarget, withRegistry } from '../registry.ts';
import { withTransferView } from '../transfers.ts';

/**
 * `bake-ts merge --tag`: joins images into one and tags it with the names on the command line, like `bake-ts tag`. The
 * joined image is put by digest first. Then all names are tried, and failures are reported at the end. Needs no
 * builds.yaml.
 */
export async function mergeImages(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const images = readAll(args.positionals, readImageRef);
  const tags = readAll(listOf(args, 'tag'), (written) => readTarget(written, undefined));
  if (!images.ok || !tags.ok)
    return reportProblems([...(images.ok ? [] : images.error), ...(tags.ok ? [] : tags.error)], args, io);
  return withRegistry(args, io, tags.value, async (client) => {
    const parts = await partsOf(client, images.value);
    if (!parts.ok) return parts.error;
    const planned = await planJoin(client, { parts: parts.value });
    if (!planned.ok) return planned.error;
    const joined = planned.value;
    const put = await withTransferView('copying', args, io, (onBlob) =>
      putJoined(client, joined, repositoriesOf(tags.value), { onBlob }),
    );
    if (!put.ok) return put.error;
    const problems: Problem[] = [];
    const done: PutJson[] = [];
    for (const tag of tags.value) {
      const { registry, repository } = tag;
      const tagged = await client.tagManifest({ registry, repository, digest: joined.digest }, tag);
      if (!tagged.ok) problems.push(...tagged.error);
      else if (isSet(args, 'json')) done.push(putToJson(tagged.value));
      else io.stdout.write(formatPut(tagged.value));
    }
    if (isSet(args, 'json')) writeJson(done, io);
    return problems;
  });
}

/** Every platform that the images have, in their order. */
async function partsOf(
  client: RegistryClient,
  images: readonly ImageRef[],
): Promise<Result<readonly PlatformPart[]>> {
  const described = await Promise.all(images.map((image) => client.inspect(image)));
  const problems = described.flatMap((one) => (one.ok ? [] : one.error));
  if (problems.length > 0) return fail(problems);
  return ok(
    described.flatMap((one, at): readonly PlatformPart[] => {
      const repository = images[at];
      if (!one.ok || repository === undefined) return [];
      const { digest, platforms } = one.value;
      // An image without a platform cannot be joined; `planJoin` reports that.
      return platforms.map(({ platform = 'unknown/unknown' }) => ({ platform, digest, repository }));
    }),
  );
}

function readAll(
  words: readonly string[],
  read: (word: string) => Result<ImageRef>,
): Result<readonly ImageRef[]> {
  const found = words.map(read);
  const problems = found.flatMap((one) => (one.ok ? [] : one.error));
  return problems.length > 0 ? fail(problems) : ok(found.flatMap((one) => (one.ok ? one.value : [])));
}
