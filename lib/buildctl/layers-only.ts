/** Making the layers-only image of an image that lies in the engine's own store and in no registry. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Digest, type DigestRef, formatImageRef, type ImageRef } from '../model/mod.ts';
import { formatCsv, imageIdentifier } from './argv.ts';
import { readMetadata } from './metadata.ts';
import { type Buildctl, callBuildctl } from './tool.ts';

/** What makes a layers-only image. */
export interface LayersOnlyCall {
  /** The image whose layers it has; without triggers, which would run. */
  readonly image: DigestRef;
  /** Its name in the store. */
  readonly name: ImageRef;
  /** Its config for each platform, as JSON. */
  readonly configs: ReadonlyMap<string, string>;
  /** A directory of this call alone; removed by the caller. */
  readonly workDir: string;
  readonly signal?: AbortSignal;
}

/** A local source that holds the same file in every call, so no two calls get one another's. */
const SOURCE = 'bake-ts-layers-only';
const DOCKERFILE = 'FROM parent\n';

/** The arguments of `buildctl` for it: the image as it is, under other configs (buildkit exporter/containerimage/writer.go). */
export function layersOnlyArgv(
  address: string,
  { image, name, configs, workDir }: Omit<LayersOnlyCall, 'signal'>,
): readonly string[] {
  const key = (platform: string) =>
    configs.size === 1 ? 'containerimage.config' : `containerimage.config/${platform}`;
  const attributes = [...configs].map(([platform, config]) => `${key(platform)}=${config}`);
  return [
    ...['--addr', address, 'build', '--progress=rawjson', '--frontend', 'dockerfile.v0'],
    ...['--opt', `dockerfilekey=${SOURCE}`, '--local', `${SOURCE}=${workDir}`],
    ...['--opt', `context:parent=${imageIdentifier(image)}`],
    ...['--opt', `platform=${[...configs.keys()].join(',')}`],
    ...['--output', formatCsv(['type=image', `name=${formatImageRef(name)}`, ...attributes])],
    ...['--metadata-file', metadataIn(workDir)],
  ];
}

/** Makes a layers-only image, without running anything; undefined where the engine does not. */
export async function storeLayersOnly(tool: Buildctl, call: LayersOnlyCall): Promise<Digest | undefined> {
  await mkdir(call.workDir, { recursive: true });
  await writeFile(path.join(call.workDir, 'Dockerfile'), DOCKERFILE);
  const end = await callBuildctl(tool, {
    argv: layersOnlyArgv(tool.address, call),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  });
  return end.exitCode === 0 ? (await readMetadata(metadataIn(call.workDir))).digest : undefined;
}

function metadataIn(workDir: string): string {
  return path.join(workDir, 'metadata.json');
}
