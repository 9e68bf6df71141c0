/** Creates the layers-only image of an image that is only in the engine's store. */
import path from 'node:path';
import {
  type Digest,
  type DigestRef,
  type EngineTarget,
  formatImageRef,
  type ImageRef,
} from '../model/mod.ts';
import { formatCsv } from '../util/csv.ts';
import { imageIdentifier } from './argv.ts';
import { readMetadata } from './metadata.ts';
import { callOwnDockerfile, type OwnDockerfile, ownDockerfileArgv } from './own-dockerfile.ts';
import type { Buildctl } from './tool.ts';

/** The input of {@link storeLayersOnly}. */
export interface LayersOnlyCall {
  /** The image whose layers it has. It must have no triggers (`ONBUILD`), since they would run. */
  readonly image: DigestRef;
  /** Its name in the store. */
  readonly name: ImageRef;
  /** Its config for each platform, as JSON. */
  readonly configs: ReadonlyMap<string, string>;
  /** A directory for this call only; removed by the caller. */
  readonly workDir: string;
  readonly signal?: AbortSignal;
}

const PARENT: OwnDockerfile = { source: 'bake-ts-layers-only', text: 'FROM parent\n' };

/** The arguments of `buildctl`: the unchanged image with other configs (buildkit exporter/containerimage/writer.go). */
export function layersOnlyArgv(
  engine: EngineTarget,
  { image, name, configs, workDir }: Omit<LayersOnlyCall, 'signal'>,
): readonly string[] {
  const key = (platform: string) =>
    configs.size === 1 ? 'containerimage.config' : `containerimage.config/${platform}`;
  const attributes = [...configs].map(([platform, config]) => `${key(platform)}=${config}`);
  return [
    ...ownDockerfileArgv(engine, PARENT, workDir),
    ...['--opt', `context:parent=${imageIdentifier(image)}`],
    ...['--opt', `platform=${[...configs.keys()].join(',')}`],
    ...['--output', formatCsv(['type=image', `name=${formatImageRef(name)}`, ...attributes])],
    ...['--metadata-file', metadataIn(workDir)],
  ];
}

/** Creates a layers-only image without running anything; undefined if the engine fails to. */
export async function storeLayersOnly(tool: Buildctl, call: LayersOnlyCall): Promise<Digest | undefined> {
  const end = await callOwnDockerfile(tool, PARENT, layersOnlyArgv(tool, call), call);
  return end.exitCode === 0 ? (await readMetadata(metadataIn(call.workDir)))?.digest : undefined;
}

function metadataIn(workDir: string): string {
  return path.join(workDir, 'metadata.json');
}
