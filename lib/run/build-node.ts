/** Running buildctl for one build: links to parents, outputs, retries, and what came of it. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import {
  type BuildCall,
  type BuildOutput,
  type Built,
  type Link,
  readContent,
  runBuild,
} from '../buildctl/mod.ts';
import { contentName, type Shipment } from '../fingerprint/mod.ts';
import {
  type Digest,
  formatImageRef,
  type PlanNode,
  type PlatformManifest,
  type Problem,
  parseImageRef,
  problem,
  type TypedAttributes,
} from '../model/mod.ts';
import { layersDigest, type Manifest, parseManifest, platformManifests } from '../registry/mod.ts';
import type { Aside } from './aside.ts';
import type { ImageLocation, ImageResult, ReadyEngine, RunContext } from './context.ts';
import { type NodeInputs, shipmentsOf } from './inputs.ts';
import { locationOf, storeNames } from './places.ts';
import { repositoriesOf, wantedTags } from './publish.ts';

const MAX_ATTEMPTS = 3;
const RETRY_MS = [1_000, 4_000];
/** Failures that an image which is gone can cause. */
const OVER_IMAGES: ReadonlySet<string> = new Set([
  'build/base-missing',
  'build/base-unreachable',
  'build/failed',
  'build/file-missing',
]);

/** What came of running buildctl. */
export type Made =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | {
      readonly kind: 'made';
      readonly built: Built;
      readonly image?: ImageResult;
      readonly manifest?: Manifest;
      readonly readManifest: (digest: Digest) => Promise<Manifest | undefined>;
    };

/** Runs buildctl, again where that can help: a parent that the engine lost is built anew, a passing fault is waited out. */
export async function buildNode(
  context: RunContext,
  node: PlanNode,
  inputs: NodeInputs,
  aside?: Aside,
): Promise<Made> {
  const name = node.build.name;
  const engine = await context.engine();
  if (!engine.ok) return { kind: 'failed', problem: { ...(engine.error[0] ?? noEngine()), build: name } };
  let parentsRebuilt = false;
  for (let attempt = 1; ; attempt++) {
    const links: Linked =
      aside === undefined
        ? await linkParents(context, node, parentsRebuilt)
        : { ok: true, value: aside.links };
    if (!links.ok) return links.end;
    const workDir = path.join(context.workDir, `${context.nextId()}`);
    const outputs: readonly BuildOutput[] =
      aside === undefined ? chooseOutputs(context, node, workDir) : [{ kind: 'layout', dir: aside.dir }];
    const dockerfile = context.dockerfiles.sourceOf(node.build);
    const call: BuildCall = {
      build: aside === undefined ? node.build : { ...aside.build, outputs: [], cacheTo: [] },
      root: context.root,
      links: links.value,
      pins: await context.images.pinsOf(node),
      outputs,
      workDir,
      attempt,
      signal: context.signal,
      emit: context.emit,
      ...(dockerfile === undefined ? {} : { dockerfile }),
    };
    const result = await callBuildctl(context, engine.value, call, shipmentsOf(node, inputs));
    if (result.ok) {
      const made: Made =
        aside === undefined
          ? await describeResult(context, node, result.value, workDir)
          : { kind: 'made', built: result.value, readManifest: async () => undefined };
      if (aside !== undefined || !outputs.some((one) => one.kind === 'layout'))
        await rm(workDir, { recursive: true, force: true });
      return made;
    }
    await rm(workDir, { recursive: true, force: true });
    if (result.error.kind === 'cancelled') return { kind: 'cancelled' };
    const failure = result.error.problem;
    if (failure.code === 'build/parent-lost' && !parentsRebuilt && aside === undefined) {
      parentsRebuilt = true;
      context.emit({
        type: 'retry',
        build: name,
        attempt,
        delayMs: 0,
        why: 'the engine lost the image of a parent',
      });
      continue;
    }
    const delayMs = RETRY_MS[attempt - 1] ?? 0;
    if (failure.temporary !== true || attempt >= MAX_ATTEMPTS)
      return {
        kind: 'failed',
        problem: await explainLocked(context, node, withRegistryHint(failure, engine.value)),
      };
    context.emit({ type: 'retry', build: name, attempt, delayMs, why: failure.message });
    await context.sleep(delayMs);
    if (context.signal.aborted) return { kind: 'cancelled' };
  }
}

/**
 * Calls buildctl with a permit. Where the engine would take a file for another one that it was sent before, the build
 * gets a slot of its own there, named by what its files hold: what is in the slot already is what belongs there.
 */
function callBuildctl(
  context: RunContext,
  engine: ReadyEngine,
  call: BuildCall,
  shipments: readonly Shipment[],
): ReturnType<typeof runBuild> {
  return context.permits.with(context.priorityOf(call.build.name), async () => {
    const conflict = await engine.sent.announce(shipments);
    context.countBuild();
    if (conflict === undefined) return runBuild(engine.buildctl, call);
    return runBuild(engine.buildctl, { ...call, isolation: contentName(shipments) });
  });
}

/** Where `registries:` says how to speak to a registry, the engine was not told the same. */
function withRegistryHint(failure: Problem, { registryHint }: ReadyEngine): Problem {
  const isOverTransport = failure.code === 'registry/http' || failure.code === 'registry/tls';
  return isOverTransport && registryHint !== undefined ? { ...failure, hint: registryHint } : failure;
}

/** A failure over a base image whose locked digest its registry has no more is told as that. */
async function explainLocked(context: RunContext, node: PlanNode, failure: Problem): Promise<Problem> {
  if (!OVER_IMAGES.has(failure.code)) return failure;
  const gone = await context.images.findGone(node);
  const [first] = gone;
  if (first === undefined) return failure;
  return problem(
    'run/locked-image-gone',
    `builds.lock holds \`${first.written}\` to ${first.digest}, which its registry no longer has`,
    {
      build: node.build.name,
      hint: `Take what the tag stands for now: bake-ts update ${gone.map((one) => `'${one.written}'`).join(' ')}`,
      ...(failure.detail === undefined ? {} : { detail: failure.detail }),
    },
  );
}

function noEngine(): Problem {
  return problem('engine/unreachable', 'there is no engine to build with');
}

type Linked =
  | { readonly ok: true; readonly value: readonly Link[] }
  | { readonly ok: false; readonly end: Extract<Made, { kind: 'cancelled' | 'failed' }> };

/** Each parent by digest; one that was left alone and whose image is gone is built now. */
async function linkParents(context: RunContext, node: PlanNode, rebuildUnsure: boolean): Promise<Linked> {
  const links: Link[] = [];
  for (const edge of node.edges) {
    if (edge.contextName === undefined) continue;
    let image = context.resultOf(edge.to)?.image;
    let found = await findImage(context, image);
    if (found === undefined || (found.kind === 'image' && !found.sure && rebuildUnsure)) {
      const again = await context.rebuild(edge.to);
      if (again.outcome.kind === 'cancelled') return { ok: false, end: { kind: 'cancelled' } };
      image = again.image;
      found = image?.location;
    }
    if (image === undefined || found === undefined) {
      return {
        ok: false,
        end: {
          kind: 'failed',
          problem: problem(
            'build/parent-missing',
            `\`${edge.to}\` gives no image that \`${node.build.name}\` could read`,
            {
              build: node.build.name,
              ...(edge.span === undefined ? {} : { span: edge.span }),
            },
          ),
        },
      };
    }
    links.push(
      found.kind === 'image'
        ? { contextName: edge.contextName, kind: 'image', ref: found.ref }
        : { contextName: edge.contextName, kind: 'layout', dir: found.dir, digest: image.digest },
    );
  }
  return { ok: true, value: links };
}

/** Where a parent's image is: a repository that an earlier run pushed it to is better than a store it may have left. */
async function findImage(
  context: RunContext,
  image: ImageResult | undefined,
): Promise<ImageLocation | undefined> {
  const location = image?.location;
  if (image === undefined || (location !== undefined && (location.kind !== 'image' || location.sure)))
    return location;
  for (const published of image.published ?? []) {
    const ref = parseImageRef(published);
    if (ref === undefined) continue;
    const there = { registry: ref.registry, repository: ref.repository, digest: image.digest };
    const presence = await context.registry.head(there);
    if (presence.kind === 'present') return { kind: 'image', ref: formatImageRef(there), sure: true };
  }
  return location;
}

/** The image output stands last: the metadata file holds the digest of the last one. */
function chooseOutputs(context: RunContext, node: PlanNode, workDir: string): readonly BuildOutput[] {
  const outputs: BuildOutput[] = [];
  if (node.role === 'asked') {
    for (const output of node.build.outputs) {
      if (output.type !== 'cacheonly' && !isLoad(output)) outputs.push({ kind: 'written', output });
    }
  }
  if (node.pushes) {
    const groups = new Map<boolean, string[]>();
    for (const repository of repositoriesOf(wantedTags(node))) {
      const insecure = context.isInsecure(repository.registry);
      const group = groups.get(insecure) ?? [];
      group.push(formatImageRef(repository));
      groups.set(insecure, group);
    }
    for (const [insecure, repositories] of groups)
      outputs.push({ kind: 'push-by-digest', repositories, insecure });
    return outputs;
  }
  const isRead = node.neededBy.length > 0;
  // `cacheonly` is buildctl without any output: it fills the cache and gives nothing.
  const wantsNothing =
    node.role === 'asked' && node.build.outputs.some((output) => output.type === 'cacheonly');
  if (wantsNothing && !isRead) return outputs;
  const wantsStore = isRead || outputs.length === 0 || node.build.outputs.some(isLoad);
  if (context.worker === 'oci') {
    if (wantsStore) outputs.push({ kind: 'layout', dir: path.join(workDir, 'layout') });
  } else if (wantsStore) outputs.push({ kind: 'store', names: storeNames(context, node) });
  return outputs;
}

/** bake's and buildx's `type=docker` without a file loads into Docker; without Docker, that is the engine's own store. */
function isLoad(output: TypedAttributes): boolean {
  return output.type === 'docker' && !output.attributes.has('dest');
}

async function describeResult(
  context: RunContext,
  node: PlanNode,
  built: Built,
  workDir: string,
): Promise<Made> {
  const [pushed] = node.pushes ? repositoriesOf(wantedTags(node)) : [];
  const readManifest = async (digest: Digest): Promise<Manifest | undefined> => {
    if (pushed !== undefined) {
      const got = await context.registry.getManifest({ ...pushed, digest });
      return got.ok ? got.value : undefined;
    }
    const engine = await context.engine();
    const bytes = engine.ok ? await readContent(engine.value.buildctl, digest) : undefined;
    return bytes === undefined ? undefined : parseManifest(bytes, digest);
  };
  const { digest } = built;
  if (digest === undefined) return { kind: 'made', built, readManifest };
  const manifest = await readManifest(digest);
  const children = manifest === undefined ? [] : platformManifests(manifest);
  const platforms: readonly PlatformManifest[] =
    children.length > 0
      ? await Promise.all(children.map(async (child) => withLayers(child, await readManifest(child.digest))))
      : [withLayers({ platform: node.build.platforms[0] ?? context.enginePlatform, digest }, manifest)];
  const location: ImageLocation | undefined =
    context.worker === 'oci' && pushed === undefined
      ? { kind: 'layout', dir: path.join(workDir, 'layout') }
      : locationOf(context, node, digest, true);
  const image = { digest, platforms, ...(location === undefined ? {} : { location }) };
  return { kind: 'made', built, image, readManifest, ...(manifest === undefined ? {} : { manifest }) };
}

function withLayers(platform: PlatformManifest, manifest: Manifest | undefined): PlatformManifest {
  const layers = manifest === undefined ? undefined : layersDigest(manifest);
  return layers === undefined ? platform : { ...platform, layers };
}
