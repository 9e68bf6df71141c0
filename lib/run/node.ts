/**
 * The life of one build: inputs → key → decision → (build → push → tags) → record. Everything it needs of the others it
 * gets from the context of the run.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import {
  type BuildCall,
  type BuildOutput,
  type Built,
  forgetLocalSources,
  type Link,
  readContent,
  runBuild,
} from '../buildctl/mod.ts';
import type { Shipment } from '../fingerprint/mod.ts';
import {
  type BuildRecord,
  type Digest,
  formatImageRef,
  type ImageRef,
  KEY_VERSION,
  type Outcome,
  type PlanNode,
  type PlatformManifest,
  type Problem,
  problem,
  problemToJson,
  type Reason,
  type TagResult,
} from '../model/mod.ts';
import { imageSize, type Manifest, parseManifest, platformManifests } from '../registry/mod.ts';
import type { ReadyEngine, RunContext } from './context.ts';
import { type Decision, decide, type StoreState, type TagState } from './decide.ts';
import {
  changesSince,
  computeInputs,
  isStillTrue,
  type NodeInputs,
  shipmentsOf,
  withParentsOfNow,
} from './inputs.ts';
import { storeName } from './names.ts';
import { askTags, findManifest, putTags, repositoriesOf, wantedTags } from './publish.ts';

/** What others see of a build that is done. */
export interface NodeResult {
  readonly outcome: Outcome;
  /** Undefined where nothing with a digest came out (only files), or in a dry run. */
  readonly image?: ImageResult;
  /** Its variables and triggers, for builds on top of it; undefined where they cannot be known. */
  readonly produces?: NodeInputs['produces'];
}

/** A result that other builds can read. */
export interface ImageResult {
  readonly digest: Digest;
  readonly platforms: readonly PlatformManifest[];
  /** Undefined: known by digest only (left alone in this run), and to be built if somebody wants to read it. */
  readonly location?: ImageLocation;
}

/** Where the engine finds a result. */
export type ImageLocation =
  | {
      readonly kind: 'image' /** `registry/repository[:tag]@digest` */;
      readonly ref: string;
      readonly sure: boolean;
    }
  | { readonly kind: 'layout'; readonly dir: string };

const MAX_ATTEMPTS = 3;
const RETRY_MS = [1_000, 4_000];

/** Runs one build of the plan to its end. Never rejects for anything expected. */
export async function runNode(context: RunContext, node: PlanNode, why?: Reason): Promise<NodeResult> {
  const startedAt = context.clock();
  const name = node.build.name;
  const finish = (outcome: Omit<Outcome, 'build' | 'durationMs'>, rest: Omit<NodeResult, 'outcome'> = {}) => {
    const whole: Outcome = { build: name, durationMs: context.clock() - startedAt, ...outcome };
    context.emit({ type: 'node-finished', build: name, outcome: whole });
    return { outcome: whole, ...rest };
  };
  if (context.signal.aborted) return finish({ kind: 'cancelled', tags: [] });

  const inputs = await computeInputs(context, node);
  context.emit({
    type: 'node-keyed',
    build: name,
    files: inputs.files,
    bytes: inputs.bytes,
    untracked: inputs.untracked,
    ...(inputs.key === undefined ? {} : { key: inputs.key }),
  });
  if (inputs.problems.length > 0) {
    const [first] = inputs.problems;
    for (const other of inputs.problems.slice(1)) {
      context.emit({ type: 'warning', build: name, problem: problemToJson(other) });
    }
    return finish({
      kind: 'failed',
      tags: [],
      ...(first === undefined ? {} : { problem: problemToJson(first) }),
    });
  }
  const produces = inputs.produces === undefined ? {} : { produces: inputs.produces };
  const weighed = await weigh(context, node, inputs, why);
  const { decision, record } = weighed;
  context.emit({ type: 'node-decided', build: name, decision: decision.kind, reason: decision.reason });
  if (context.signal.aborted) return finish({ kind: 'cancelled', tags: [] });

  if (record !== undefined && decision.kind !== 'build') {
    const known = {
      reason: decision.reason,
      digest: record.digest,
      platforms: record.platforms.map((one) => one.platform),
      ...(record.sizeBytes === undefined ? {} : { sizeBytes: record.sizeBytes }),
      ...(inputs.key === undefined ? {} : { key: inputs.key }),
    };
    const location = locationOf(context, node, record.digest, false);
    const image = {
      digest: record.digest,
      platforms: record.platforms,
      ...(location === undefined ? {} : { location }),
    };
    if (decision.kind === 'unchanged' || context.dryRun) {
      const tags = weighed.tags.map(
        (tag): TagResult => ({ ref: tag.ref, digest: record.digest, action: 'there' }),
      );
      return finish(
        {
          kind: decision.kind === 'retag' ? 'retagged' : 'unchanged',
          tags: decision.kind === 'retag' ? [] : tags,
          ...known,
        },
        { image, ...produces },
      );
    }
    if (weighed.source !== undefined) {
      const put = await putTags(context.registry, weighed.source, wantedTags(node), false, (tag) =>
        context.emit({ type: 'tag', build: name, tag }),
      );
      if (!put.ok) return finish({ kind: 'failed', tags: [], ...known, ...problemOf(name, put.error) });
      return finish({ kind: 'retagged', tags: put.value, ...known }, { image, ...produces });
    }
  }
  if (context.dryRun) return finish({ kind: 'built', tags: [], reason: decision.reason }, produces);

  const made = await buildNode(context, node, inputs);
  if (made.kind === 'cancelled') return finish({ kind: 'cancelled', tags: [], reason: decision.reason });
  if (made.kind === 'failed') {
    return finish({
      kind: 'failed',
      tags: [],
      reason: decision.reason,
      problem: problemToJson(made.problem),
    });
  }
  const { built, image, manifest } = made;
  const sizeBytes = manifest === undefined ? undefined : await imageSize(manifest, made.readManifest);
  const common = {
    reason: decision.reason,
    steps: built.steps,
    ...(image === undefined
      ? {}
      : { digest: image.digest, platforms: image.platforms.map((one) => one.platform) }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(inputs.key === undefined ? {} : { key: inputs.key }),
  };
  let tags: readonly TagResult[] = [];
  if (node.pushes && image !== undefined) {
    const refs = wantedTags(node);
    const [first] = refs;
    if (first !== undefined) {
      const source = { registry: first.registry, repository: first.repository, digest: image.digest };
      const put = await putTags(context.registry, source, refs, true, (tag) =>
        context.emit({ type: 'tag', build: name, tag }),
      );
      if (!put.ok) return finish({ kind: 'failed', tags: [], ...common, ...problemOf(name, put.error) });
      tags = put.value;
    }
  }
  await remember(
    context,
    node,
    withParentsOfNow(context, node, inputs),
    built,
    image,
    manifest,
    sizeBytes,
    tags,
    context.clock() - startedAt,
  );
  return finish(
    { kind: 'built', tags, ...common },
    { ...(image === undefined ? {} : { image }), ...produces },
  );
}

function problemOf(build: string, problems: readonly Problem[]): Pick<Outcome, 'problem'> {
  const [first, ...rest] = problems;
  if (first === undefined) return {};
  const also = rest.map((one) => one.message).join('\n');
  return { problem: problemToJson({ ...first, build, ...(also === '' ? {} : { detail: also }) }) };
}

interface Weighed {
  readonly decision: Decision;
  readonly record: BuildRecord | undefined;
  readonly tags: readonly TagState[];
  /** Where the recorded manifest is, for putting tags. */
  readonly source?: ImageRef & { readonly digest: Digest };
}

/** Gathers the evidence, no more of it than needed, and decides. */
async function weigh(
  context: RunContext,
  node: PlanNode,
  inputs: NodeInputs,
  why: Reason | undefined,
): Promise<Weighed> {
  if (why !== undefined) return { decision: { kind: 'build', reason: why }, record: undefined, tags: [] };
  const untrackedOutputs = node.role === 'asked' ? node.build.outputs.map((output) => output.type) : [];
  const base = {
    forced: context.force,
    untracked: inputs.untracked,
    untrackedOutputs,
    tags: [],
    manifestAvailable: false,
    store: 'not-wanted' as StoreState,
    onlyNeeded: node.role === 'needed' && !node.pushes,
  };
  if (context.force || inputs.key === undefined) {
    return {
      decision: decide({ ...base, record: undefined, changes: undefined }),
      record: undefined,
      tags: [],
    };
  }
  const record = await context.state.readRecord(inputs.key);
  if (record === undefined) {
    const last = await context.state.readLast(node.build.name);
    const changes = last === undefined ? undefined : changesSince(inputs, last.parts);
    return { decision: decide({ ...base, record, changes }), record, tags: [] };
  }
  const refs = node.pushes ? wantedTags(node) : [];
  const tags = untrackedOutputs.length > 0 ? [] : await askTags(context.registry, refs);
  const astray = tags.some((tag) => tag.state.kind !== 'digest' || tag.state.digest !== record.digest);
  const answered = tags.every((tag) => tag.state.kind !== 'unknown');
  const source =
    astray && answered ? await findManifest(context.registry, refs, tags, record.digest) : undefined;
  const store = node.pushes || base.onlyNeeded ? 'not-wanted' : await askStore(context, node, record.digest);
  const decision = decide({
    ...base,
    record,
    changes: [],
    tags,
    manifestAvailable: source !== undefined,
    store,
  });
  return {
    decision,
    record,
    tags,
    ...(source === undefined ? {} : { source: { ...source, digest: record.digest } }),
  };
}

async function askStore(context: RunContext, node: PlanNode, digest: Digest): Promise<StoreState> {
  const images = await context.storedImages();
  if (images === undefined) return 'unknown';
  return storeNames(context, node).every((name) => images.get(name) === digest) ? 'there' : 'gone';
}

/** Names that a build which is not pushed has in the engine's store. */
function storeNames(context: RunContext, node: PlanNode): readonly string[] {
  const tags = node.role === 'asked' ? wantedTags(node).map(formatImageRef) : [];
  const isRead = node.neededBy.length > 0;
  return tags.length === 0 || isRead ? [...tags, storeName(context.root, node.build.name)] : tags;
}

/** Where a result of this build lies, by what the plan does with it. */
function locationOf(
  context: RunContext,
  node: PlanNode,
  digest: Digest,
  sure: boolean,
): ImageLocation | undefined {
  const [first] = node.pushes ? repositoriesOf(wantedTags(node)) : [];
  if (first !== undefined) return { kind: 'image', ref: formatImageRef({ ...first, digest }), sure: true };
  if (context.worker === 'oci') return undefined;
  return { kind: 'image', ref: `${storeName(context.root, node.build.name)}@${digest}`, sure };
}

type Made =
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
async function buildNode(context: RunContext, node: PlanNode, inputs: NodeInputs): Promise<Made> {
  const name = node.build.name;
  const engine = await context.engine();
  if (!engine.ok) return { kind: 'failed', problem: { ...(engine.error[0] ?? noEngine()), build: name } };
  let parentsRebuilt = false;
  for (let attempt = 1; ; attempt++) {
    const links = await linkParents(context, node, parentsRebuilt);
    if (!links.ok) return links.end;
    const workDir = path.join(context.workDir, `${context.nextId()}`);
    const outputs = chooseOutputs(context, node, workDir);
    const call: BuildCall = {
      build: node.build,
      links: links.value,
      pins: await context.pinsOf(node),
      outputs,
      workDir,
      attempt,
      signal: context.signal,
      emit: context.emit,
    };
    const result = await callBuildctl(context, engine.value, call, shipmentsOf(node, inputs));
    if (result.ok) {
      const made = await describeResult(context, node, result.value, workDir);
      if (!outputs.some((one) => one.kind === 'layout')) await rm(workDir, { recursive: true, force: true });
      return made;
    }
    await rm(workDir, { recursive: true, force: true });
    if (result.error.kind === 'cancelled') return { kind: 'cancelled' };
    const failure = result.error.problem;
    if (failure.code === 'build/parent-lost' && !parentsRebuilt) {
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
    if (failure.temporary !== true || attempt >= MAX_ATTEMPTS) return { kind: 'failed', problem: failure };
    context.emit({ type: 'retry', build: name, attempt, delayMs, why: failure.message });
    await context.sleep(delayMs);
    if (context.signal.aborted) return { kind: 'cancelled' };
  }
}

/**
 * Calls buildctl with a permit. Where the engine would take a file for another one that it was sent before, it is first
 * made to forget what it was sent, with no other build of ours under way that could bring the old copy back.
 */
async function callBuildctl(
  context: RunContext,
  engine: ReadyEngine,
  call: BuildCall,
  shipments: readonly Shipment[],
): ReturnType<typeof runBuild> {
  const { name } = call.build;
  const run = () => {
    context.countBuild();
    return runBuild(engine.buildctl, call);
  };
  const first = await context.permits.with(context.priorityOf(name), async () => {
    const conflict = await engine.sent.announce(shipments);
    return conflict === undefined ? run() : { conflict };
  });
  if (!('conflict' in first)) return first;
  return context.permits.withAll(async () => {
    context.emit({
      type: 'warning',
      build: name,
      problem: problemToJson(
        problem('build/same-look', `the engine would mistake a file for another one (${first.conflict})`, {
          severity: 'warning',
          build: name,
          hint: 'They have the same path, size and time; the engine is made to forget what it was sent, which costs a transfer.',
        }),
      ),
    });
    await forgetLocalSources(engine.buildctl);
    await engine.sent.forget();
    await engine.sent.announce(shipments);
    return run();
  });
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
    const location = image?.location;
    const unsure = location === undefined || (location.kind === 'image' && !location.sure);
    if (location === undefined || (unsure && rebuildUnsure)) {
      const again = await context.rebuild(edge.to);
      if (again.outcome.kind === 'cancelled') return { ok: false, end: { kind: 'cancelled' } };
      image = again.image;
    }
    const found = image?.location;
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

/** The image output stands last: the metadata file holds the digest of the last one. */
function chooseOutputs(context: RunContext, node: PlanNode, workDir: string): readonly BuildOutput[] {
  const outputs: BuildOutput[] = [];
  if (node.role === 'asked')
    for (const output of node.build.outputs) outputs.push({ kind: 'written', output });
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
  if (context.worker === 'oci') {
    if (isRead || outputs.length === 0) outputs.push({ kind: 'layout', dir: path.join(workDir, 'layout') });
  } else if (isRead || outputs.length === 0)
    outputs.push({ kind: 'store', names: storeNames(context, node) });
  return outputs;
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
      ? children
      : [{ platform: node.build.platforms[0] ?? context.enginePlatform, digest }];
  const location: ImageLocation | undefined =
    context.worker === 'oci' && pushed === undefined
      ? { kind: 'layout', dir: path.join(workDir, 'layout') }
      : locationOf(context, node, digest, true);
  const image = { digest, platforms, ...(location === undefined ? {} : { location }) };
  return { kind: 'made', built, image, readManifest, ...(manifest === undefined ? {} : { manifest }) };
}

/** Remembers a result under its key, if its inputs are still what the key says they were. */
async function remember(
  context: RunContext,
  node: PlanNode,
  inputs: NodeInputs,
  built: Built,
  image: ImageResult | undefined,
  manifest: Manifest | undefined,
  sizeBytes: number | undefined,
  tags: readonly TagResult[],
  durationMs: number,
): Promise<void> {
  const { key, parts } = inputs;
  if (key === undefined || parts === undefined || image === undefined) return;
  if (!(await isStillTrue(context, inputs))) {
    context.emit({
      type: 'warning',
      build: node.build.name,
      problem: problemToJson(
        problem(
          'run/changed-while-building',
          'files changed while it was built, so the result is not remembered',
          {
            severity: 'warning',
            build: node.build.name,
            hint: 'The next run builds it again.',
          },
        ),
      ),
    });
    return;
  }
  const record: BuildRecord = {
    version: KEY_VERSION,
    key,
    build: node.build.name,
    digest: image.digest,
    mediaType: manifest?.mediaType ?? built.mediaType ?? '',
    platforms: image.platforms,
    refs: tags.map((tag) => tag.ref),
    finishedAt: new Date(context.clock()).toISOString(),
    durationMs,
    steps: built.steps,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
  const written = await context.state.writeRecord(record, parts);
  if (!written.ok) {
    for (const one of written.error) {
      context.emit({ type: 'warning', build: node.build.name, problem: problemToJson(one) });
    }
  }
}
