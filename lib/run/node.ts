/**
 * The life of one build: inputs → key → decision → (build → push → tags) → record. The context of the run provides everything
 * about other builds.
 */
import type { Built } from '../buildctl/mod.ts';
import {
  computeInputs,
  lastInputs,
  type NodeInputs,
  readDocuments,
  withCurrentParents,
} from '../inputs/mod.ts';
import {
  type BuildRecord,
  formatImageRef,
  type ImageResult,
  isSameRepository,
  type Outcome,
  type PlanNode,
  type Problem,
  parseImageRef,
  problemToJson,
  type Reason,
  type Result,
  repositoriesOf,
  type TagResult,
} from '../model/mod.ts';
import { type Manifest, measureImage } from '../registry/mod.ts';
import type { LastFigures } from '../state/mod.ts';
import { buildNode, isStored, type NodeImage } from './build.ts';
import type { GivenBuild, NodeContext, NodeResult } from './context.ts';
import type { Decision } from './decide.ts';
import { type PlannedRebase, type Weighed, weigh } from './evidence.ts';
import { givenRecord } from './given.ts';
import { wantedTags } from './publish.ts';
import { putRebased } from './put-rebased.ts';
import { remember } from './remember.ts';
import { locationOf } from './store-names.ts';
import { decideWaiting, waitingFor } from './waiting.ts';

/** Receives the evidence of a decision. `depends`: its parents would be built first, and nothing else changed. */
export type Observer = (inputs: NodeInputs, weighed: Weighed, depends: boolean) => void;

/** The specific part of an outcome. */
type End = Omit<Outcome, 'build' | 'durationMs' | 'queuedMs' | 'dryRun'>;

/** Runs one build of the plan to its end. Never rejects for anything expected. */
export async function runNode(context: NodeContext, node: PlanNode, observe?: Observer): Promise<NodeResult> {
  const given = await context.given(node);
  const decideOn = async (inputs: NodeInputs): Promise<Weighed> => {
    const weighed = await weigh(context.deciding, node, inputs);
    const waiting = context.dryRun
      ? await decideWaiting(context.deciding, node, inputs, waitingFor(context.resultOf, node))
      : undefined;
    const decided = waiting === undefined ? weighed : { ...weighed, decision: waiting };
    observe?.(inputs, decided, waiting?.depends === true);
    return decided;
  };
  return liveThrough(context, node, decideOn, given);
}

/** Builds one node of the plan for the given reason, regardless of earlier results. */
export async function rebuildNode(context: NodeContext, node: PlanNode, reason: Reason): Promise<NodeResult> {
  const decision: Decision = { kind: 'build', reason };
  return liveThrough(context, node, async () => ({
    decision,
    record: undefined,
    tags: [],
    isCarriedOver: false,
  }));
}

async function liveThrough(
  context: NodeContext,
  node: PlanNode,
  decideOn: (inputs: NodeInputs) => Promise<Weighed>,
  given?: GivenBuild,
): Promise<NodeResult> {
  const { emit, signal, dryRun } = context;
  const build = node.build.name;
  const finish = (end: End, rest: Omit<NodeResult, 'outcome'> = {}): NodeResult => {
    const outcome: Outcome = {
      build,
      ...context.phases.finish(build),
      ...end,
      ...(dryRun ? { dryRun: true } : {}),
    };
    emit({ type: 'node-finished', build, outcome });
    return { outcome, ...rest };
  };
  if (signal.aborted) return finish({ kind: 'cancelled', tags: [] });

  context.phases.begin(build);
  const inputs = await computeInputs(context.keying, node);
  emit({
    type: 'node-keyed',
    build,
    files: inputs.files,
    bytes: inputs.bytes,
    untracked: inputs.untracked.map(({ text }) => text),
    ...(inputs.key === undefined ? {} : { key: inputs.key }),
  });
  // Inputs that could not be read because the run was cancelled are not a failure.
  if (signal.aborted) return finish({ kind: 'cancelled', tags: [] });
  if (inputs.problems.length > 0) {
    const [first, ...others] = inputs.problems;
    for (const other of others) warn(context, build, other);
    return finish({
      kind: 'failed',
      tags: [],
      ...(first === undefined ? {} : { problem: problemToJson(first) }),
    });
  }
  if (given !== undefined) {
    const { reason, made } = given;
    emit({ type: 'node-decided', build, decision: 'unchanged', reason });
    if (made === undefined) return finish({ kind: 'unchanged', tags: [], reason }, producesOf(inputs));
    const { image } = made;
    const record = dryRun ? undefined : givenRecord(node, made, inputs.key, isoTime(context));
    if (record !== undefined) await context.memory.pass(build, record);
    const known = {
      digest: image.digest,
      platforms: image.platforms.map((one) => one.platform),
      ...(inputs.key === undefined ? {} : { key: inputs.key }),
    };
    return finish({ kind: 'unchanged', tags: [], reason, ...known }, { image, ...producesOf(inputs) });
  }
  const weighed = await decideOn(inputs);
  const { decision, record } = weighed;
  emit({ type: 'node-decided', build, decision: decision.kind, reason: decision.reason });
  if (signal.aborted) return finish({ kind: 'cancelled', tags: [] });

  const produces = producesOf(inputs);
  if (record !== undefined && decision.kind !== 'build') {
    const found: Found = { ...weighed, inputs, record };
    const image = recordedImage(context, node, record);
    if (!dryRun) {
      await confirm(context, node, found);
      await noteResult(context, node, record, record.vouchedBy !== undefined);
    }
    const end = await reuse(context, node, found);
    return finish(end, isDone(end) ? { image, ...produces } : {});
  }
  let { reason } = decision;
  if (decision.kind === 'rebase' && weighed.rebase !== undefined) {
    const image = rebasedImage(context, node, weighed.rebase);
    const end = await rebase(context, node, inputs, { ...weighed.rebase, rebased: image, reason });
    if (end !== undefined) return finish(end, isDone(end) ? { image, ...produces } : {});
    if (signal.aborted) return finish({ kind: 'cancelled', tags: [], reason });
    ({ reason } = weighed.rebase.otherwise);
    emit({ type: 'node-decided', build, decision: 'build', reason });
  }
  if (dryRun) return finish({ kind: 'built', tags: [], reason }, produces);
  const made = await buildNode(context.building, node, inputs);
  if (made.kind !== 'done') {
    const steps = made.steps === undefined ? {} : { steps: withEarly(context, build, made.steps) };
    return made.kind === 'cancelled'
      ? finish({ kind: 'cancelled', tags: [], reason, ...steps })
      : finish({ kind: 'failed', tags: [], reason, ...steps, problem: problemToJson(made.problem) });
  }
  const end = await publish(context, node, inputs, { ...made, reason });
  if (!isDone(end)) return finish(end);
  return finish(end, { ...(made.image === undefined ? {} : { image: made.image }), ...produces });
}

/** Its inputs, and what they mean for builds based on it. */
function producesOf(inputs: NodeInputs): Pick<NodeResult, 'inputs' | 'produces'> {
  return { inputs, ...(inputs.produces === undefined ? {} : { produces: inputs.produces }) };
}

/** Reports additional problems as warnings; the first one is in the outcome. */
function warn({ emit }: NodeContext, build: string, found: Problem): void {
  emit({ type: 'warning', build, problem: problemToJson(found) });
}

function recordedImage(context: NodeContext, node: PlanNode, record: BuildRecord): ImageResult {
  const location = locationOf(context.building.naming, node, record.digest, false);
  return {
    digest: record.digest,
    platforms: record.platforms,
    published: record.refs.flatMap((text) => parseImageRef(text) ?? []),
    ...(location === undefined ? {} : { location }),
  };
}

/** An earlier result that applies. */
interface Found extends Weighed {
  readonly inputs: NodeInputs;
  readonly record: BuildRecord;
}

/** Confirms the record as the build's current result, also under its present key. */
async function confirm(
  { memory, keying }: NodeContext,
  node: PlanNode,
  { inputs, record, isCarriedOver }: Found,
): Promise<void> {
  const last = lastInputs(keying.resultOf, node, inputs);
  if (last === undefined) return;
  if (isCarriedOver) await memory.remember({ ...record, key: last.key }, last);
  else await memory.confirm(node.build.name, last);
}

/** Reuses the recorded result, and puts tags that are not up to date. */
async function reuse(
  context: NodeContext,
  node: PlanNode,
  { inputs, record, decision, tags, source }: Found,
): Promise<End> {
  const build = node.build.name;
  const known = {
    reason: decision.reason,
    digest: record.digest,
    platforms: record.platforms.map((one) => one.platform),
    ...(record.sizeBytes === undefined ? {} : { sizeBytes: record.sizeBytes }),
    ...(inputs.key === undefined ? {} : { key: inputs.key }),
  };
  if (decision.kind === 'unchanged') {
    const inPlace = tags.map((tag): TagResult => ({ ref: tag.ref, digest: record.digest, action: 'there' }));
    return { kind: 'unchanged', tags: inPlace, ...known };
  }
  if (context.dryRun) return { kind: 'retagged', tags: [], ...known };
  if (source === undefined) throw new Error(`${build} is to be tagged, and its manifest cannot be found`);
  context.phases.enter(build, 'tagging');
  const put = await context.publisher.publish({ build, source, refs: wantedTags(node), fresh: false });
  if (!put.ok) return notPublished(build, put.error, known);
  return { kind: 'retagged', tags: put.value, ...known };
}

function rebasedImage(context: NodeContext, node: PlanNode, { image }: PlannedRebase): ImageResult {
  const location = locationOf(context.building.naming, node, image.top.digest, true);
  return {
    digest: image.top.digest,
    platforms: image.platforms,
    ...(location === undefined ? {} : { location }),
  };
}

/** An image derived from the last one, and the reason. */
interface Rebase extends PlannedRebase {
  readonly rebased: ImageResult;
  readonly reason: Reason;
}

/** Puts an image derived from the last one, and its tags; undefined if that fails and it must be built. */
async function rebase(
  context: NodeContext,
  node: PlanNode,
  inputs: NodeInputs,
  { image, rebased, last, source, reason }: Rebase,
): Promise<End | undefined> {
  const { memory, keying, building, publisher, phases, dryRun } = context;
  const build = node.build.name;
  const sizeBytes = last.sizeBytes === undefined ? undefined : last.sizeBytes + image.grownBytes;
  const known = {
    reason,
    digest: rebased.digest,
    platforms: rebased.platforms.map((one) => one.platform),
    ...(sizeBytes === undefined ? {} : { sizeBytes, lastSizeBytes: last.sizeBytes }),
    ...(inputs.key === undefined ? {} : { key: inputs.key }),
  };
  if (dryRun) return { kind: 'built', tags: [], ...known };
  const repositories = repositoriesOf(wantedTags(node));
  // Putting a tag puts the manifest; tags that wait need the manifest to exist already.
  const withTop = publisher.waits || !repositories.every((one) => isSameRepository(one, source));
  phases.enter(build, 'pushing');
  const bytes = await putRebased(building.registry, image, source, repositories, withTop);
  if (!bytes.ok) {
    phases.enter(build, 'checking');
    return undefined;
  }
  phases.enter(build, 'tagging');
  const steps = { total: 0, cached: 0 };
  if (sizeBytes !== undefined)
    memory.noteFigures(build, {
      ...(await memory.lastFigures(build)),
      durationMs: last.durationMs,
      sizeBytes,
    });
  const made = { digest: rebased.digest, finishedAt: isoTime(context) };
  await noteResult(context, node, made, last.vouchedBy !== undefined);
  const put = await putTagsOf(context, node, rebased, withTop ? undefined : image.top);
  if (!put.ok) return notPublished(build, put.error, { ...known, steps });
  const inputsNow = lastInputs(keying.resultOf, node, inputs);
  if (inputsNow !== undefined) {
    // Duration and steps are those of the last build.
    const record: BuildRecord = {
      ...last,
      key: inputsNow.key,
      digest: rebased.digest,
      mediaType: image.top.mediaType,
      platforms: rebased.platforms,
      refs: put.value.map((tag) => tag.ref),
      finishedAt: isoTime(context),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    };
    const [written] = await Promise.all([
      memory.remember(record, inputsNow),
      memory.rememberImage(build, [
        ...image.configs,
        ...[...image.manifests, image.top].map(({ bytes }) => bytes),
      ]),
    ]);
    if (!written.ok) for (const found of written.error) warn(context, build, found);
  }
  return { kind: 'built', tags: put.value, steps, ...known };
}

/** A completed build, and the reason for it. */
interface Made extends NodeImage {
  readonly reason: Reason;
}

/** Puts the tags of a new result, and remembers it. */
async function publish(
  context: NodeContext,
  node: PlanNode,
  inputs: NodeInputs,
  { built, ranMs, image, manifest, readManifest, reason, engine }: Made,
): Promise<End> {
  const build = node.build.name;
  const [platform = context.building.enginePlatform] = node.build.platforms;
  const measures = manifest === undefined ? undefined : await measureImage(manifest, platform, readManifest);
  const sizeBytes = measures?.sizeBytes;
  const lastSizeBytes = image === undefined ? undefined : await context.memory.lastSize(build);
  const early = context.earlyOf(build);
  const steps = withEarly(context, build, built.steps);
  const known = {
    reason,
    steps,
    ...(image === undefined
      ? {}
      : { digest: image.digest, platforms: image.platforms.map((one) => one.platform) }),
    ...(measures === undefined ? {} : measures),
    ...(lastSizeBytes === undefined ? {} : { lastSizeBytes }),
    ...(inputs.key === undefined ? {} : { key: inputs.key }),
  };
  const durationMs = Math.round(ranMs + (early?.ranMs ?? 0));
  const last = await context.memory.lastFigures(build);
  context.memory.noteFigures(build, figuresOf(last, { durationMs, sizeBytes, steps, engine }));
  if (image !== undefined)
    await noteResult(context, node, { digest: image.digest, finishedAt: isoTime(context) });
  const [put] = await Promise.all([putTagsOf(context, node, image), keepDocuments(context, node, image)]);
  if (!put.ok) return notPublished(build, put.error, known);
  const tags = put.value;
  const warnings = await remember(context, node, withCurrentParents(context.keying, node, inputs), {
    image,
    mediaType: manifest?.mediaType ?? built.mediaType ?? '',
    sizeBytes,
    refs: tags.map((tag) => tag.ref),
    durationMs,
    steps,
  });
  for (const found of warnings) warn(context, build, found);
  return { kind: 'built', tags, ...known };
}

/** How many engines are remembered for a build. */
const MOST_ENGINES = 3;

/** Figures of a build, merged with those of earlier runs. */
function figuresOf(
  last: LastFigures | undefined,
  now: {
    readonly durationMs: number;
    readonly sizeBytes: number | undefined;
    readonly steps: Built['steps'];
    readonly engine: string | undefined;
  },
): LastFigures {
  const { durationMs, sizeBytes, steps, engine } = now;
  const { sizeBytes: _, ...kept } = last ?? {};
  const isCold = steps.cached * 2 < steps.total;
  const time = steps.total === 0 ? {} : isCold ? { coldMs: durationMs } : { warmMs: durationMs };
  const engines = engine === undefined ? undefined : [...new Set([engine, ...(last?.builtOn ?? [])])];
  return {
    ...kept,
    ...time,
    durationMs,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(engines === undefined ? {} : { builtOn: engines.slice(0, MOST_ENGINES) }),
  };
}

/** The steps of a build, corrected for those that ran early and are cached in its own call. */
function withEarly(
  { earlyOf }: NodeContext,
  build: string,
  { total, cached }: Built['steps'],
): Built['steps'] {
  return { total, cached: Math.min(cached, earlyOf(build)?.steps.cached ?? cached) };
}

/** From now on this is the image to push, whatever happens to its tags in this run and even if its inputs are not known. */
async function noteResult(
  { memory }: NodeContext,
  node: PlanNode,
  { digest, finishedAt }: Pick<BuildRecord, 'digest' | 'finishedAt'>,
  isVouched = false,
): Promise<void> {
  const isNamed = node.pushes || (node.role === 'asked' && isStored(node));
  await memory.noteResult(node.build.name, {
    digest,
    finishedAt,
    tags: isNamed ? wantedTags(node).map(formatImageRef) : [],
    ...(node.pushes ? { pushed: true } : {}),
    ...(isVouched ? { vouched: true } : {}),
  });
}

function isoTime({ clock }: NodeContext): string {
  return new Date(clock()).toISOString();
}

/** Stores the documents for deriving the next image while they are at hand, so that a change of labels need not fetch them. */
async function keepDocuments(
  { deciding, memory }: NodeContext,
  node: PlanNode,
  image: ImageResult | undefined,
): Promise<void> {
  const [first] = wantedTags(node);
  if (!node.pushes || image === undefined || first === undefined) return;
  const source = { registry: first.registry, repository: first.repository, digest: image.digest };
  const documents = await readDocuments(deciding.configs, node, { record: image, source });
  if (documents !== undefined) await memory.rememberImage(node.build.name, documents);
}

async function putTagsOf(
  { publisher }: NodeContext,
  node: PlanNode,
  image: ImageResult | undefined,
  manifest?: Manifest,
): Promise<Result<readonly TagResult[]>> {
  const refs = wantedTags(node);
  const [first] = refs;
  if (!node.pushes || image === undefined || first === undefined) return { ok: true, value: [] };
  const source = { registry: first.registry, repository: first.repository, digest: image.digest };
  return publisher.publish({
    build: node.build.name,
    source,
    refs,
    fresh: true,
    ...(manifest === undefined ? {} : { manifest }),
  });
}

function isDone({ kind }: End): boolean {
  return kind !== 'failed' && kind !== 'cancelled';
}

/** Some tags could not be put: a failure, unless the requests were stopped because the run was cancelled. */
function notPublished(
  build: string,
  problems: readonly Problem[],
  known: Omit<End, 'kind' | 'tags' | 'problem'> & { readonly reason: Reason },
): End {
  if (problems.every(({ code }) => code === 'run/cancelled')) {
    const { reason, steps } = known;
    return { kind: 'cancelled', tags: [], reason, ...(steps === undefined ? {} : { steps }) };
  }
  const [first, ...rest] = problems;
  const also = rest.map((one) => one.message).join('\n');
  const problem =
    first === undefined
      ? {}
      : { problem: problemToJson({ ...first, build, ...(also === '' ? {} : { detail: also }) }) };
  return { kind: 'failed', tags: [], ...known, ...problem };
}
