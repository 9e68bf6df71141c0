/**
 * Looks up names in an image store that only the engine can read. The frontend converts a Dockerfile that reads them to LLB: it
 * looks up every image, reports its digest, and runs nothing.
 *
 * With `image-resolve-mode=local` a name in the store is resolved there without a registry; other names are looked up in their
 * registry (buildkit util/resolver/pool.go). Names are requested without a digest: BuildKit would report a digest that it has
 * seen before as present, because of a label of its content, even if the name is gone.
 */
import { createHash } from 'node:crypto';
import { type Digest, formatImageRef, isDigest, parseImageRef } from '../model/mod.ts';
import { callOwnDockerfile, type OwnDockerfile, ownDockerfileArgv } from './own-dockerfile.ts';
import type { Buildctl } from './tool.ts';

/** A name to look up. */
export interface StoredName {
  /** As in the store: `HOST/REPOSITORY:TAG`. */
  readonly name: string;
  /** A platform of its image; undefined: the engine's own. */
  readonly platform: string | undefined;
}

/** A registry may never answer. */
const LOOK_UP_MS = 20_000;

/**
 * Looks up names in one call.
 *
 * @param workDir a directory for this call only; removed by the caller
 * @returns name → digest; undefined if one of them does not exist or the engine does not answer
 */
export async function lookUpNames(
  tool: Buildctl,
  names: readonly StoredName[],
  workDir: string,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  const dockerfile = readingAll(names);
  const argv = [
    ...ownDockerfileArgv(tool, dockerfile, workDir),
    ...['--opt', 'requestid=frontend.convertllb', '--opt', 'image-resolve-mode=local'],
  ];
  const end = await callOwnDockerfile(tool, dockerfile, argv, { workDir, timeoutMs: LOOK_UP_MS });
  if (end.exitCode !== 0) return undefined;
  const found = new Map<string, Digest>();
  for (const [, written = '', digest = ''] of end.stdout.toString().matchAll(SOURCE)) {
    const ref = parseImageRef(written);
    if (ref !== undefined && isDigest(digest)) found.set(formatImageRef(ref), digest);
  }
  return names.every(({ name }) => found.has(name)) ? found : undefined;
}

const SOURCE = /"docker-image:\/\/([^"@\s]+)@(sha256:[0-9a-f]{64})"/g;

/** A Dockerfile whose last stage reads all names, since unused stages are not looked up. */
function readingAll(names: readonly StoredName[]): OwnDockerfile {
  const stages = names.map(({ name, platform }, at) => {
    return `FROM ${platform === undefined ? '' : `--platform=${platform} `}${name} AS s${at}\n`;
  });
  const copies = names.map((_, at) => `COPY --from=s${at} / /${at}\n`);
  const text = `${stages.join('')}FROM scratch\n${copies.join('')}`;
  return { source: `bake-ts-names-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text };
}
