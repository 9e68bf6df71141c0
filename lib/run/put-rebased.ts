/** Puts an image derived from an earlier one by digest: configs, then manifests; its layers exist already. */
import type { RebasedImage } from '../inputs/mod.ts';
import { type DigestRef, type ImageRef, isSameRepository, ok, type Result } from '../model/mod.ts';
import type { Manifest, RegistryClient } from '../registry/mod.ts';

/**
 * Puts an image into every repository that its tags are in, without a tag.
 *
 * @param source the original image, which has the layers
 * @param withTop false: the top manifest is put with its tags, all in the source's repository
 */
export async function putRebased(
  registry: RegistryClient,
  { configs, manifests, top }: RebasedImage,
  source: DigestRef,
  repositories: readonly ImageRef[],
  withTop = true,
): Promise<Result<void>> {
  const at = ({ digest }: Manifest, repository: ImageRef) => ({
    registry: repository.registry,
    repository: repository.repository,
    digest,
  });
  for (const config of configs) {
    const put = await registry.putBlob(source, config);
    if (!put.ok) return put;
  }
  for (const manifest of withTop ? [...manifests, top] : manifests) {
    const put = await registry.putManifest(at(manifest, source), manifest);
    if (!put.ok) return put;
  }
  for (const repository of repositories) {
    if (isSameRepository(repository, source)) continue;
    const copied = await registry.tagManifest(at(top, source), at(top, repository));
    if (!copied.ok) return copied;
  }
  return ok(undefined);
}
