/**
 * Owners of the images in an engine's store. An image belongs to a build of this repository only if the state here has
 * the build with the image's name and digest.
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
    /** Somebody else's, or it is unknown. */
    | 'other';
  /** The build, if known. */
  readonly build?: string;
  /** If its checkout is gone: where it was. */
  readonly root?: string;
}

/** The images of a project. */
export interface ImagesOfProject {
  readonly root: string;
  /** Tag → image → build: results of its builds. */
  readonly given: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Data for finding owners. */
export interface ImageOwners {
  readonly own: ImagesOfProject;
  /** The current references of each build, by name; undefined: builds.yaml cannot be read. */
  readonly builds: ReadonlyMap<string, readonly ImageRef[]> | undefined;
  /** Builds that are certainly gone from builds.yaml. */
  readonly gone: ReadonlySet<string>;
  /** Other projects of this user on this machine. */
  readonly others: readonly ImagesOfProject[];
  /** Roots that are gone from this machine. */
  readonly goneRoots: readonly string[];
}

/** `127.0.0.1:1/bake/NAME:PROJECT`, also with layers only; see lib/run/store-names.ts. */
const STORE_NAME = /^127\.0\.0\.1:1\/(bake\/[^:@]+):([0-9a-f]{12})(?:-layers)?$/;

/** Determines the owner of each image. */
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
