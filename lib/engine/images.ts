/** Images in an engine's store: containerd's namespace for BuildKit. */
import { type Digest, fail, isDigest, ok, problem, type Result } from '../model/mod.ts';
import { runProgram, whyFailed, withoutTracing } from '../system/mod.ts';
import { parseSize } from '../util/size.ts';
import { fullDiskOf } from './disk-space.ts';
import type { EngineOptions } from './notice.ts';

/** How to reach the containerd behind an engine. */
export interface ContainerdAccess {
  /** Absolute path of its socket. */
  readonly socket: string;
  /** The namespace in it that BuildKit works in: `buildkit`, `bake-ts`. */
  readonly namespace: string;
  /** Absolute path of the `ctr` to use. */
  readonly ctr: string;
}

/** An image record. */
export interface LocalImage {
  /** The full name, as it was stored. */
  readonly name: string;
  /** Media type of the manifest or index. */
  readonly mediaType: string;
  /** Digest of the manifest or index. */
  readonly digest: Digest;
  /** As ctr prints it, `1.0 MiB`: compressed size of the existing config, layers and manifests. */
  readonly size: string;
  /** The same in bytes, as precisely as the text allows. */
  readonly sizeBytes: number;
  /** Normalised; empty if parts of the image are missing. */
  readonly platforms: readonly string[];
}

/** Lists the images in a containerd, by name. Problem: `engine/images-failed`. */
export async function listImages(
  access: ContainerdAccess,
  options: EngineOptions = { env: {} },
): Promise<Result<readonly LocalImage[]>> {
  const listed = await askCtr(access, ['images', 'ls'], options);
  return listed.ok ? ok(parseImages(listed.value)) : listed;
}

/**
 * Lists the digests of all content in a containerd. A name in the store does not prove that its content is complete: an image
 * that was pulled for one platform has the index, but nothing of the other platforms. Problem: `engine/images-failed`.
 */
export async function listContent(
  access: ContainerdAccess,
  options: EngineOptions = { env: {} },
): Promise<Result<ReadonlySet<Digest>>> {
  const listed = await askCtr(access, ['content', 'ls', '--quiet'], options);
  return listed.ok ? ok(new Set(listed.value.split('\n').filter(isDigest))) : listed;
}

/**
 * Removes names from a containerd and at once the content that nothing else needs. Names that do not exist are ignored. Problem:
 * `engine/images-failed`.
 */
export async function removeImages(
  access: ContainerdAccess,
  names: readonly string[],
  options: EngineOptions = { env: {} },
): Promise<Result<void>> {
  for (let at = 0; at < names.length; at += NAMES_OF_A_CALL) {
    const words = ['images', 'rm', '--sync', ...names.slice(at, at + NAMES_OF_A_CALL)];
    const removed = await askCtr(access, words, options, 'does not remove images');
    if (!removed.ok) return fail(removed.error);
  }
  return ok(undefined);
}

/** How many names fit the arguments of a call on every system. */
const NAMES_OF_A_CALL = 200;

async function askCtr(
  { ctr, socket, namespace }: ContainerdAccess,
  words: readonly string[],
  { env, signal }: EngineOptions,
  refused = 'does not list its images',
): Promise<Result<string>> {
  const asked = await runProgram({
    program: ctr,
    argv: ['--address', socket, '--namespace', namespace, ...words],
    env: withoutTracing(env),
    timeoutMs: 60_000,
    ...(signal === undefined ? {} : { signal }),
  });
  if (asked.exitCode === 0) return ok(asked.stdout.toString());
  const full = fullDiskOf(asked.stderr, 'containerd');
  if (full !== undefined) return fail([{ ...full, detail: asked.stderr.trim().slice(-1_000) }]);
  return fail([
    problem('engine/images-failed', `containerd ${refused}`, {
      hint: 'check that the engine runs: bake-ts engine status',
      detail: asked.stderr.trim().slice(-1_000) || whyFailed(asked),
    }),
  ]);
}

/**
 * Reads what `ctr images ls` prints: REF TYPE DIGEST SIZE PLATFORMS LABELS. Only the size contains a blank, and the labels are
 * last, so lines are split at blanks; other lines are skipped.
 */
export function parseImages(text: string): readonly LocalImage[] {
  const images: LocalImage[] = [];
  for (const line of text.split('\n')) {
    const found = /^(\S+)\s+(\S+)\s+(sha256:[0-9a-f]{64})\s+(-?[\d.]+ ?[KMGTPE]?i?B)\s+(\S+)/.exec(line);
    const [, name, mediaType, digest, size, platforms] = found ?? [];
    if (name === undefined || mediaType === undefined || digest === undefined || !isDigest(digest)) continue;
    images.push({
      name,
      mediaType,
      digest,
      size: size ?? '',
      sizeBytes: Math.max(0, parseSize(size ?? '') ?? 0),
      // ctr of containerd 1 lists attestations as `unknown/unknown`.
      platforms: (platforms ?? '-').split(',').filter((one) => one !== '-' && one !== 'unknown/unknown'),
    });
  }
  return images.sort((one, other) => (one.name < other.name ? -1 : 1));
}
