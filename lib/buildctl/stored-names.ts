/**
 * What names in the engine's image store stand for, where nobody but the engine can look into it. The frontend is asked for the
 * LLB of a Dockerfile that reads them: it looks up every image, says its digest, and runs nothing.
 *
 * With `image-resolve-mode=local` a name that the store has is that image, and no registry is queried; one that it lacks is looked
 * for in its registry (buildkit util/resolver/pool.go). Names are requested without a digest: BuildKit takes one that it saw
 * before for there, by a label of its content, though the name is gone.
 */
import { createHash } from 'node:crypto';
import { type Digest, formatImageRef, isDigest, parseImageRef } from '../model/mod.ts';
import { callOwnDockerfile, type OwnDockerfile, ownDockerfileArgv } from './own-dockerfile.ts';
import type { Buildctl } from './tool.ts';

/** A name to look up. */
export interface StoredName {
  /** As it stands in the store: `HOST/REPOSITORY:TAG`. */
  readonly name: string;
  /** A platform that its image has; undefined: the engine's own. */
  readonly platform: string | undefined;
}

/** A name that no registry answers for may be one whose registry never does. */
const LOOK_UP_MS = 20_000;

/**
 * Looks names up, in one call.
 *
 * @param workDir a directory of this call alone; removed by the caller
 * @returns name → digest; undefined where one of them is nowhere, or the engine does not answer
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

/** A Dockerfile whose last stage reads all of them, since others are not looked up. */
function readingAll(names: readonly StoredName[]): OwnDockerfile {
  const stages = names.map(({ name, platform }, at) => {
    return `FROM ${platform === undefined ? '' : `--platform=${platform} `}${name} AS s${at}\n`;
  });
  const copies = names.map((_, at) => `COPY --from=s${at} / /${at}\n`);
  const text = `${stages.join('')}FROM scratch\n${copies.join('')}`;
  return { source: `bake-ts-names-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text };
}
