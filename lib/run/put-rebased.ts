/** Putting an image that was made from an earlier one: configs, then manifests, by digest; its layers are there. */
import type { RebasedImage } from '../inputs/mod.ts';
import { type DigestRef, formatImageRef, type ImageRef, ok, type Result } from '../model/mod.ts';
import type { Manifest, RegistryClient } from '../registry/mod.ts';

/**
 * Puts an image into every repository that its tags are in, without a tag.
 *
 * @param source where the image is that it was made from, and with that its layers
 */
export async function putRebased(
  registry: RegistryClient,
  { configs, manifests, top }: RebasedImage,
  source: DigestRef,
  repositories: readonly ImageRef[],
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
  for (const manifest of [...manifests, top]) {
    const put = await registry.putManifest(at(manifest, source), manifest);
    if (!put.ok) return put;
  }
  const home = formatImageRef({ registry: source.registry, repository: source.repository });
  for (const repository of repositories) {
    if (formatImageRef(repository) === home) continue;
    const copied = await registry.tagManifest(at(top, source), at(top, repository));
    if (!copied.ok) return copied;
  }
  return ok(undefined);
}
