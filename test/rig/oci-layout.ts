/** Image layouts made by hand: what tests push must not come from the code that is tested. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { runCommand } from './command.ts';
import { type TreeEntry, writeTree } from './temp.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** A layout on disk. */
export interface MadeLayout {
  /** Of what `index.json` names, in order. */
  readonly digests: readonly string[];
  /** Digest of the first image's only layer. */
  readonly layer: string;
}

/** Digest of some bytes. */
export function sha256Of(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/**
 * Writes a layout with one image for each entry of `names` (its names in `index.json`), each for two platforms with an
 * attestation of the first one.
 *
 * @param layerBytes size of each image's only layer
 */
export async function makeLayout(
  dir: string,
  names: readonly string[] = ['1'],
  layerBytes = 11_000,
): Promise<MadeLayout> {
  const tree: Record<string, TreeEntry> = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' };
  const put = (content: string, mediaType: string, rest: object = {}) => {
    const digest = sha256Of(content);
    tree[`blobs/${digest.replace(':', '/')}`] = content;
    return { mediaType, digest, size: Buffer.byteLength(content), ...rest };
  };
  let layerDigest = '';
  const images = names.map((name) => {
    const layer = put(
      `layer of ${name}\n`.repeat(Math.ceil(layerBytes / 11)).slice(0, layerBytes),
      'application/vnd.oci.image.layer.v1.tar',
    );
    layerDigest ||= layer.digest;
    const platforms = ['amd64', 'arm64'].map((architecture) => {
      const config = { os: 'linux', architecture, config: { Labels: { team: 'test', arch: architecture } } };
      const manifest = {
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: put(JSON.stringify(config), 'application/vnd.oci.image.config.v1+json'),
        layers: [layer],
      };
      return put(JSON.stringify(manifest), MANIFEST, { platform: { os: 'linux', architecture } });
    });
    const statement = put('{"statement":true}', 'application/vnd.in-toto+json', {
      annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v1' },
    });
    const attestation = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: put('{}', 'application/vnd.oci.image.config.v1+json'),
      layers: [statement],
    };
    const attached = put(JSON.stringify(attestation), MANIFEST, {
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': platforms[0]?.digest,
      },
    });
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: [...platforms, attached] };
    return put(JSON.stringify(index), INDEX, { annotations: { 'org.opencontainers.image.ref.name': name } });
  });
  tree['index.json'] = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: images });
  await writeTree(dir, tree);
  return { digests: images.map((one) => one.digest), layer: layerDigest };
}

/** Packs a directory with the `tar` of the system. */
export async function packTar(dir: string, file: string, options: readonly string[] = []): Promise<void> {
  const { exitCode, stderr } = await runCommand(['tar', '-c', ...options, '-f', file, '-C', dir, '.']);
  if (exitCode !== 0) throw new Error(`${path.basename(file)}: ${stderr}`);
}
