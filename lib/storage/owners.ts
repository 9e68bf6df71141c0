/**
 * Whose the images of an engine's store are. An image is a build's of this repository where what is remembered here says that the
 * build gave its name and its digest; nothing else makes one ours.
 */
import type { LocalImage } from '../engine/mod.ts';
import { formatImageRef, type ImageRef } from '../model/mod.ts';
import { storeName, storeProject } from '../run/mod.ts';

/** An image of the store, and its owner. */
export interface OwnedImage extends LocalImage {
  /** Its owner. */
  readonly owner: /** A build's of this repository: builds.yaml names it now, or it is kept for one. */
    | 'build'
    /** A build of this repository gave it this name; builds.yaml gives it to none any more. */
    | 'unnamed'
    /** It was kept for a build that is gone from builds.yaml, or for a checkout that is gone from this machine. */
    | 'gone'
    /** Somebody else's, or it cannot be told. */
    | 'other';
  /** The build, if known. */
  readonly build?: string;
  /** If its checkout is gone: where it was. */
  readonly root?: string;
}

/** A project as far as images go. */
export interface ImagesOfProject {
  readonly root: string;
  /** Tag → image → build: what its builds are remembered to have given. */
  readonly given: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** What the images are compared with. */
export interface ImageOwners {
  readonly own: ImagesOfProject;
  /** By name, the references that each of them is given now; undefined: builds.yaml cannot be read. */
  readonly builds: ReadonlyMap<string, readonly ImageRef[]> | undefined;
  /** Builds that are gone from builds.yaml, as far as that is sure. */
  readonly gone: ReadonlySet<string>;
  /** Other projects of this user on this machine. */
  readonly others: readonly ImagesOfProject[];
  /** Roots that are gone from this machine. */
  readonly goneRoots: readonly string[];
}

/** `127.0.0.1:1/bake/NAME:PROJECT`, and the same with layers only; see lib/run/store-names.ts. */
const STORE_NAME = /^127\.0\.0\.1:1\/(bake\/[^:@]+):([0-9a-f]{12})(?:-layers)?$/;

/** Says of each image whose it is. */
export function ownImages(images: readonly LocalImage[], owners: ImageOwners): readonly OwnedImage[] {
  const { own, builds, gone, others, goneRoots } = owners;
  const named = new Map<string, string>();
  for (const [build, refs] of builds ?? [])
    for (const ref of refs) named.set(formatImageRef({ tag: 'latest', ...ref }), build);
  const kept = new Map<string, string>();
  for (const build of [...(builds?.keys() ?? []), ...gone])
    for (const isolated of [false, true])
      kept.set(formatImageRef(storeName({ root: own.root, isolated }, build)), build);
  const projectsGone = new Map(
    goneRoots.flatMap((root) =>
      [false, true].map((isolated) => [storeProject({ root, isolated }), root] as const),
    ),
  );
  return images.map((image): OwnedImage => {
    const stored = STORE_NAME.exec(image.name);
    if (stored !== null) {
      const [, repository, project = ''] = stored;
      const build = kept.get(`127.0.0.1:1/${repository}:${project}`);
      if (build !== undefined) return { ...image, owner: gone.has(build) ? 'gone' : 'build', build };
      const root = projectsGone.get(project);
      return root === undefined ? { ...image, owner: 'other' } : { ...image, owner: 'gone', root };
    }
    const build = named.get(image.name);
    if (build !== undefined) return { ...image, owner: 'build', build };
    const giver = own.given.get(image.name)?.get(image.digest);
    const isOthers = others.some(({ given }) => given.has(image.name));
    if (giver === undefined || isOthers || builds === undefined) return { ...image, owner: 'other' };
    return { ...image, owner: 'unnamed', build: giver };
  });
}
