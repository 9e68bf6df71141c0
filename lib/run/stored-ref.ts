/** An image of the engine's store by the name that it has there. */
import path from 'node:path';
import { lookUpNames } from '../buildctl/mod.ts';
import type { Engine } from '../engine/mod.ts';
import {
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  problem,
  type Result,
  targetOf,
  withDefaultTag,
} from '../model/mod.ts';
import type { Layout } from '../registry/mod.ts';
import { storedImage } from './stored-image.ts';
import { withWorkDir } from './work-dir.ts';

/** An image that was found. */
export interface StoredRef {
  readonly image: Layout;
  readonly digest: Digest;
  /** ISO 8601, where its name is known from the engine's history alone: what the name stood for then. */
  readonly builtAt?: string;
}

/** What finding goes by. */
interface FindStoredOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * Finds an image in an engine's store: by its digest, where the reference has one; by what containerd lists; by what the engine
 * says of the name; and where it keeps no names, by its history. Problems: `engine/no-such-image`, those of listing.
 */
export async function findStoredRef(
  engine: Pick<Engine, 'address' | 'tls' | 'buildctl' | 'containerd'>,
  ref: ImageRef,
  options: FindStoredOptions,
): Promise<Result<StoredRef>> {
  const { listHistory, listImages, openStore } = await import('../engine/mod.ts');
  const store = await openStore(engine, options);
  const wanted = withDefaultTag(ref);
  const { digest: given, ...tagged } = wanted;
  const name = formatImageRef(wanted.tag === undefined ? wanted : tagged);
  const found = (digest: Digest, builtAt?: string): Result<StoredRef> =>
    ok({
      image: storedImage(store, name, digest, options.signal),
      digest,
      ...(builtAt === undefined ? {} : { builtAt }),
    });
  if (given !== undefined) return found(given);
  if (store.containerd !== undefined) {
    const listed = await listImages(store.containerd, options);
    if (!listed.ok) return listed;
    const image = listed.value.find((one) => one.name === name);
    return image === undefined ? fail([noSuchImage(name)]) : found(image.digest);
  }
  if (store.unreadable?.code !== 'engine/no-image-store') {
    const { env, signal } = options;
    const tool = { program: engine.buildctl, ...targetOf(engine), env, signal };
    const looked = await withWorkDir((dir) =>
      lookUpNames(tool, [{ name, platform: undefined }], path.join(dir, 'names')),
    );
    const digest = looked.ok ? looked.value?.get(name) : undefined;
    if (digest !== undefined) return found(digest);
  }
  const history = await listHistory(engine, options);
  if (!history.ok) return fail([history.error]);
  const built = history.value.find((one) => one.name === name);
  return built === undefined ? fail([noSuchImage(name)]) : found(built.digest, built.builtAt);
}

function noSuchImage(name: string) {
  return problem('engine/no-such-image', `the engine's store has no image \`${name}\``, {
    hint: 'List the images with bake-ts images',
  });
}
