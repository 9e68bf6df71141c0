/** Builds one node of the plan: links to its parents, outputs, and the resulting image. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type Buildctl, type BuildOutput, type Built, readContent } from '../buildctl/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import {
  type Build,
  type Digest,
  formatImageRef,
  type ImageLocation,
  type ImageRef,
  type ImageResult,
  type PlanNode,
  type PlatformManifest,
  parseImageRef,
  problem,
  repositoriesOf,
  type TypedAttributes,
} from '../model/mod.ts';
import {
  layersDigest,
  type Manifest,
  parseManifest,
  platformManifests,
  type RegistryClient,
} from '../registry/mod.ts';
import type { NotBuilt } from './buildctl-calls.ts';
import type { Building } from './context.ts';
import { callLinked } from './linked-calls.ts';
import { wantedTags } from './publish.ts';
import type { ScratchRepository } from './scratch-repository.ts';
import { buildSplit } from './split.ts';
import { locationOf, storeNames } from './store-names.ts';

/** The result of building a node. */
export type NodeBuilt = NotBuilt | ({ readonly kind: 'done' } & NodeImage);

/** Reads a manifest from where the image is stored; undefined if it is not there. */
export type ReadManifest = (digest: Digest) => Promise<Manifest | undefined>;

/** buildctl's result and its image. */
export interface NodeImage {
  readonly built: Built;
  /** Duration in milliseconds, without waiting for a slot. */
  readonly ranMs: number;
  /** The pool's engine that built it; absent: there is no pool, or several engines built it. */
  readonly engine?: string | undefined;
  /** Undefined if the build has no image. */
  readonly image?: ImageResult;
  readonly manifest?: Manifest;
  readonly readManifest: ReadManifest;
}

/** Builds a node. A parent whose image the engine has lost is rebuilt first. */
export async function buildNode(building: Building, node: PlanNode, inputs: NodeInputs): Promise<NodeBuilt> {
  const groups = await building.split?.(node.build);
  if (groups !== undefined) return buildGroups(building, node, inputs, groups);
  const called = await callLinked(building, node, inputs, {
    build: node.build,
    outputsIn: (workDir) => chooseOutputs(building, node, workDir),
  });
  if (called.kind !== 'done') return called;
  const { built, ranMs } = called;
  const { workDir, outputs } = called.attempt;
  const scratch = scratchOf(building, node);
  // Noted at once, so that it is deleted whatever happens next.
  const lies = built.digest === undefined ? undefined : scratch?.note(built.digest);
  const [pushed] = repositoriesFor(building, node);
  const readManifest =
    pushed === undefined
      ? readingStore(called.engine.buildctl)
      : readingRepository(building.registry, pushed);
  const isLayout = building.naming.worker() === 'oci' && pushed === undefined;
  const found: Awaited<ReturnType<typeof readImage>> =
    built.digest === undefined
      ? {}
      : await readImage(node.build.platforms[0] ?? building.enginePlatform, built.digest, readManifest);
  // A cancelled read must not be mistaken for an image without a manifest.
  if (building.calling.signal.aborted && built.digest !== undefined && found.manifest === undefined) {
    await rm(workDir, { recursive: true, force: true });
    return { kind: 'cancelled' };
  }
  const location: ImageLocation | undefined =
    built.digest === undefined
      ? undefined
      : isLayout
        ? { kind: 'layout', dir: layoutIn(workDir) }
        : lies !== undefined
          ? { kind: 'registry', ref: lies }
          : locationOf(building.naming, node, built.digest, true);
  // The directory has the layout, which is still needed.
  if (!outputs.some((one) => one.kind === 'layout')) await rm(workDir, { recursive: true, force: true });
  if (node.pushes && found.image === undefined) {
    const unreported = problem('build/failed', 'buildctl succeeded, but did not report what it pushed', {
      build: node.build.name,
    });
    return { kind: 'failed', problem: unreported };
  }
  const image =
    found.image === undefined
      ? {}
      : { image: { ...found.image, ...(location === undefined ? {} : { location }) } };
  return { kind: 'done', built, ranMs, engine: called.engine.member, readManifest, ...found, ...image };
}

/** Builds a node on several engines, each with its own platforms. */
async function buildGroups(
  building: Building,
  node: PlanNode,
  inputs: NodeInputs,
  groups: readonly (readonly string[])[],
): Promise<NodeBuilt> {
  const { name } = node.build;
  const scratch = scratchOf(building, node);
  const [first, ...others] = repositoriesFor(building, node);
  const shown = groups.map((group) => group.join(' and ')).join('; ');
  if (writtenBy(node).length > 0) {
    const apart = problem(
      'engine/platforms-apart',
      `\`${name}\` has \`outputs\`, and no single engine of the pool has all of its platforms (${shown})`,
      {
        build: name,
        hint: 'One engine must write the outputs: name fewer `platforms`, or push the image and copy the files from it.',
      },
    );
    return { kind: 'failed', problem: apart };
  }
  if (first === undefined) {
    const nowhere = problem(
      'engine/platforms-apart',
      `no engine of the pool has all platforms of \`${name}\` (${shown}), and no repository to join them in`,
      {
        build: name,
        hint:
          node.build.push === 'never'
            ? 'Push it (`push: true`), or set `engine.scratch` to a repository for unpushed results.'
            : 'It is pushed only when you request it: name it, too, set `push: always`, or set `engine.scratch` to a repository for unpushed results.',
      },
    );
    return { kind: 'failed', problem: nowhere };
  }
  const repositories = [first, ...others] as const;
  const split = {
    groups,
    repositories,
    outputs: pushTo(building, repositories),
    onPart: (digest: Digest) => scratch?.note(digest),
  };
  const made = await buildSplit(building, node, inputs, split);
  if (made.kind !== 'done') return made;
  const { built, ranMs, image: joined } = made;
  if (scratch !== undefined) scratch.note(joined.digest);
  return {
    kind: 'done',
    built,
    ranMs,
    manifest: joined.manifest,
    readManifest: readingRepository(building.registry, first),
    image: {
      digest: joined.digest,
      platforms: joined.platforms,
      location: { kind: 'registry', ref: { ...first, digest: joined.digest } },
    },
  };
}

/** Image outputs come after files, and the build's own image is last: the metadata file has the digest of the last one. */
function chooseOutputs(building: Building, node: PlanNode, workDir: string): readonly BuildOutput[] {
  const { naming } = building;
  const written = writtenBy(node);
  const sorted = [...written.filter((one) => !isImage(one)), ...written.filter(isImage)];
  const outputs: BuildOutput[] = sorted.map((output) => ({ kind: 'written', output }));
  const repositories = repositoriesFor(building, node);
  if (node.pushes || repositories.length > 0) return [...outputs, ...pushTo(building, repositories)];
  if (!isStored(node)) return outputs;
  if (naming.worker() === 'oci') outputs.push({ kind: 'layout', dir: layoutIn(workDir) });
  else {
    // Names that explicit outputs give to an image keep the settings of those outputs.
    const taken = new Set(
      outputs.flatMap((one) => (one.kind === 'written' ? namesIn(node.build, one.output) : [])),
    );
    const names = storeNames(naming, node).filter((name) => !taken.has(name));
    if (names.length > 0) outputs.push({ kind: 'store', names });
  }
  return outputs;
}

/** Explicit outputs of a build besides its image. Dependencies that were not requested write none. */
function writtenBy({ role, build }: PlanNode): readonly TypedAttributes[] {
  if (role !== 'asked') return [];
  return build.outputs.filter((one) => one.type !== 'cacheonly' && !isLoad(one));
}

/** The scratch repository, if the build's image goes through it. */
function scratchOf({ scratch }: Building, node: PlanNode): ScratchRepository | undefined {
  return scratch?.takes(node) === true ? scratch : undefined;
}

/** The repositories to which the build's image is pushed by digest. */
function repositoriesFor(building: Building, node: PlanNode): readonly ImageRef[] {
  if (node.pushes) return repositoriesOf(wantedTags(node));
  const scratch = scratchOf(building, node);
  return scratch === undefined ? [] : [scratch.repository];
}

/** Outputs that push to repositories by digest. */
function pushTo(
  { isInsecure }: Pick<Building, 'isInsecure'>,
  repositories: readonly ImageRef[],
): readonly BuildOutput[] {
  const groups = new Map<boolean, string[]>();
  for (const repository of repositories) {
    const insecure = isInsecure(repository.registry);
    const group = groups.get(insecure) ?? [];
    group.push(formatImageRef(repository));
    groups.set(insecure, group);
  }
  return [...groups].map(([insecure, names]) => ({ kind: 'push-by-digest', repositories: names, insecure }));
}

function isImage({ type }: TypedAttributes): boolean {
  return type === 'image' || type === 'registry';
}

/** The names that an output gives to an image. */
function namesIn({ tags }: Build, output: TypedAttributes): readonly string[] {
  if (!isImage(output)) return [];
  const names = output.attributes.get('name')?.split(',') ?? tags.map(({ text }) => text);
  return names.flatMap((text) => {
    const ref = parseImageRef(text);
    return ref === undefined ? [] : [formatImageRef(ref)];
  });
}

/** Whether the image of a build that is not pushed is kept: in the engine's store, or without a store, for the builds that read it. */
export function isStored({ role, build: { outputs }, neededBy }: PlanNode): boolean {
  if (neededBy.length > 0 || role !== 'asked') return true;
  // `cacheonly` is buildctl without any output: it only fills the cache.
  if (outputs.some((output) => output.type === 'cacheonly')) return false;
  return outputs.length === 0 || outputs.some(isLoad);
}

/** In bake and buildx, `type=docker` without a file loads into Docker; here, into the engine's own store. */
function isLoad(output: TypedAttributes): boolean {
  return output.type === 'docker' && !output.attributes.has('dest');
}

function layoutIn(workDir: string): string {
  return path.join(workDir, 'layout');
}

/** Reads manifests from an engine's content store. */
export function readingStore(buildctl: Buildctl): ReadManifest {
  return async (digest) => {
    const bytes = await readContent(buildctl, digest);
    return bytes === undefined ? undefined : parseManifest(bytes, digest);
  };
}

function readingRepository(registry: RegistryClient, repository: ImageRef): ReadManifest {
  return async (digest) => {
    const got = await registry.getManifest({ ...repository, digest });
    return got.ok ? got.value : undefined;
  };
}

/**
 * Reads the image with a digest and its platforms.
 *
 * @param platform its platform if it is not an index
 */
export async function readImage(
  platform: string,
  digest: Digest,
  readManifest: ReadManifest,
): Promise<{ readonly image?: ImageResult; readonly manifest?: Manifest }> {
  const manifest = await readManifest(digest);
  const children = manifest === undefined ? [] : platformManifests(manifest);
  const platforms: readonly PlatformManifest[] =
    children.length > 0
      ? await Promise.all(children.map(async (child) => withLayers(child, await readManifest(child.digest))))
      : [withLayers({ platform, digest }, manifest)];
  return { image: { digest, platforms }, ...(manifest === undefined ? {} : { manifest }) };
}

function withLayers(platform: PlatformManifest, manifest: Manifest | undefined): PlatformManifest {
  const layers = manifest === undefined ? undefined : layersDigest(manifest);
  return layers === undefined ? platform : { ...platform, layers };
}
