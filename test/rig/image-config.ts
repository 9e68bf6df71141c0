/** Configs of images, read without our own client, and what of them does not depend on when they were made. */
import assert from 'node:assert/strict';
import { buildctl } from './buildkit.ts';

/** A config of an image, as far as tests look into it. */
export interface ImageConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly Readonly<Record<string, unknown>>[];
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

interface AnyManifest {
  readonly config?: { readonly digest: string };
  readonly manifests?: readonly { readonly digest: string }[];
}

/** The configs of all platforms of `HOST/PATH@DIGEST` or `HOST/PATH:TAG` in a registry, in their order. */
export async function configsInRegistry(ref: string): Promise<readonly ImageConfig[]> {
  const [, host = '', name = '', digest, tag] =
    /^([^/]+)\/(.+?)(?:@(sha256:[0-9a-f]{64})|:([^:/@]+))$/.exec(ref) ?? [];
  const read = async (path: string): Promise<string> => {
    const answer = await fetch(`http://${host}/v2/${name}/${path}`, {
      headers: {
        accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
      },
    });
    assert.equal(answer.status, 200, `${ref}: ${path}`);
    return answer.text();
  };
  return configsOf(`manifests/${digest ?? tag}`, read, (kind, one) => `${kind}/${one}`);
}

/** The configs of all platforms of an image in the engine's content store. */
export function configsInStore(digest: string): Promise<readonly ImageConfig[]> {
  const read = async (name: string): Promise<string> => {
    const { code, stdout, stderr } = await buildctl(['debug', 'get', name]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  return configsOf(digest, read, (_, one) => one);
}

async function configsOf(
  top: string,
  read: (name: string) => Promise<string>,
  nameOf: (kind: 'manifests' | 'blobs', digest: string) => string,
): Promise<readonly ImageConfig[]> {
  const manifest = JSON.parse(await read(top)) as AnyManifest;
  if (manifest.config !== undefined)
    return [JSON.parse(await read(nameOf('blobs', manifest.config.digest))) as ImageConfig];
  const all: ImageConfig[] = [];
  for (const { digest } of manifest.manifests ?? [])
    all.push(...(await configsOf(nameOf('manifests', digest), read, nameOf)));
  return all;
}

/** A config without digests of layers and times: what two builds of the same must have in common. */
export function timeless(config: ImageConfig): unknown {
  const { rootfs, created: _, ...rest } = config as ImageConfig & { readonly created?: string };
  return {
    ...rest,
    layers: rootfs.diff_ids.length,
    history: config.history.map(({ created: __, ...entry }) => entry),
  };
}
