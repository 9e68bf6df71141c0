/**
 * Dependencies that an earlier run built, for example in another job of the same pipeline: they are used by digest, without a
 * decision. So all jobs of a pipeline use the same images, without knowing their inputs and without the state of other machines.
 */
import {
  type BuildKey,
  type BuildRecord,
  type Digest,
  formatImageRef,
  KEY_VERSION,
  type Plan,
  type PlanNode,
  type Problem,
  problem,
  type Reason,
} from '../model/mod.ts';
import type { Manifest, RegistryClient } from '../registry/mod.ts';
import { readImage } from './build.ts';
import type { GivenBuild, GivenImage } from './context.ts';
import { findManifest, wantedTags } from './publish.ts';

/** The result of an earlier run for a build. */
export interface EarlierResult {
  readonly digest: Digest;
  /** Undefined if not all of its inputs were known. */
  readonly key?: BuildKey;
}

/** Options for finding results of an earlier run. */
export interface GivenOptions {
  readonly plan: Plan;
  /** By build; ignored for requested builds. */
  readonly parents: ReadonlyMap<string, EarlierResult>;
  readonly registry: Pick<RegistryClient, 'head' | 'getManifest'>;
  /** `os/arch` that the engine builds for by default. */
  readonly enginePlatform: string;
  /** Receives `run/parent-gone` for each build whose image is in none of its repositories; such a build is decided about as usual. */
  readonly warn: (build: string, found: Problem) => void;
}

/** Returns a function that finds the earlier result to use for a build; undefined: it is decided about. Each build is looked up once. */
export function createGiven(options: GivenOptions): (node: PlanNode) => Promise<GivenBuild | undefined> {
  if (options.parents.size === 0) return async () => undefined;
  const found = new Map<string, Promise<GivenImage | undefined>>();
  const imageOf = (node: PlanNode): Promise<GivenImage | undefined> => {
    const { name } = node.build;
    const looked = found.get(name) ?? findImage(options, node);
    found.set(name, looked);
    return looked;
  };
  const given = async (node: PlanNode): Promise<GivenBuild | undefined> => {
    const made = await imageOf(node);
    if (made !== undefined) return { made, reason: GIVEN };
    return (await isIdle(options.plan, node, imageOf)) ? { reason: IDLE } : undefined;
  };
  return given;
}

const GIVEN: Reason = { code: 'given', text: 'made by an earlier run (--parents-from)' };
const IDLE: Reason = { code: 'given', text: 'the builds that need it were made by an earlier run' };

/** Whether requested builds read a build only through other reused builds, so that its image is not needed. */
async function isIdle(
  { nodes }: Plan,
  start: PlanNode,
  imageOf: (node: PlanNode) => Promise<GivenImage | undefined>,
): Promise<boolean> {
  const queue = [start];
  const seen = new Set<PlanNode>(queue);
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (node.role === 'asked') return false;
    for (const name of node.neededBy) {
      const reader = nodes.get(name);
      if (reader === undefined || seen.has(reader)) continue;
      seen.add(reader);
      if ((await imageOf(reader)) === undefined) queue.push(reader);
    }
  }
  return true;
}

/** Finds the image in the build's own repositories and reads it by its digest; nothing else of the file is trusted. */
async function findImage(
  { parents, registry, enginePlatform, warn }: GivenOptions,
  node: PlanNode,
): Promise<GivenImage | undefined> {
  const { name, platforms, push } = node.build;
  const earlier = parents.get(name);
  if (earlier === undefined || node.role === 'asked' || push === 'never') return undefined;
  const { digest, key } = earlier;
  const refs = wantedTags(node);
  const ref = await findManifest(registry, refs, [], digest);
  const readManifest = async (one: Digest): Promise<Manifest | undefined> => {
    if (ref === undefined) return undefined;
    const got = await registry.getManifest({ ...ref, digest: one });
    return got.ok ? got.value : undefined;
  };
  const { image, manifest } = await readImage(platforms[0] ?? enginePlatform, digest, readManifest);
  if (ref === undefined || image === undefined || manifest === undefined) {
    warn(name, parentGone(name, digest));
    return undefined;
  }
  return {
    image: { ...image, ...(node.pushes ? { location: { kind: 'registry', ref } } : { published: [ref] }) },
    mediaType: manifest.mediaType,
    ...(key === undefined ? {} : { key }),
  };
}

/**
 * The record to remember for a reused image: the earlier run has the same key, so the image is the result of these inputs, if
 * there is other evidence than its file (see `Memory.pass`). Undefined if the keys differ or are unknown, since other files may
 * have been used.
 */
export function givenRecord(
  { build }: PlanNode,
  { image, mediaType, key }: GivenImage,
  keyHere: BuildKey | undefined,
  finishedAt: string,
): BuildRecord | undefined {
  if (key === undefined || key !== keyHere) return undefined;
  const { digest, platforms } = image;
  const refs = build.tags.flatMap(({ ref }) => (ref === undefined ? [] : formatImageRef(ref)));
  const unknown = { durationMs: 0, steps: { total: 0, cached: 0 } };
  return {
    version: KEY_VERSION,
    key,
    build: build.name,
    digest,
    mediaType,
    platforms,
    refs,
    finishedAt,
    ...unknown,
  };
}

function parentGone(build: string, digest: Digest): Problem {
  return problem(
    'run/parent-gone',
    `--parents-from names ${digest} for \`${build}\`, which no repository of its tags is known to have`,
    {
      severity: 'warning',
      build,
      hint: 'It is built if needed. Check that both runs have the same variables, and so the same tags.',
    },
  );
}
