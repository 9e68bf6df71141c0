/**
 * The life of one build: inputs → key → decision → (build → push → tags) → record. Everything it needs of the others it
 * gets from the context of the run.
 */
import {
  type BuildRecord,
  type Digest,
  type ImageRef,
  KEY_VERSION,
  type Outcome,
  type PlanNode,
  type Problem,
  problem,
  problemToJson,
  type Reason,
  type TagResult,
} from '../model/mod.ts';
import { imageSize } from '../registry/mod.ts';
import { buildNode } from './build-node.ts';
import type { ImageResult, NodeResult, RunContext } from './context.ts';
import { type Decision, decide, type StoreState, type TagState } from './decide.ts';
import { changesSince, computeInputs, type NodeInputs, touchedSince, withParentsOfNow } from './inputs.ts';
import { locationOf, storeNames } from './places.ts';
import { alikeTags, askTags, findManifest, wantedTags } from './publish.ts';
import { findSameTaken, lastInputs } from './taken.ts';
import { decideWaiting } from './waiting.ts';

/** Sees what a decision rests on; `depends`: what it stands on would be built first, and nothing else changed. */
export type Observer = (inputs: NodeInputs, weighed: Weighed, depends: boolean) => void;

/** Runs one build of the plan to its end. Never rejects for anything expected. */
export async function runNode(
  context: RunContext,
  node: PlanNode,
  why?: Reason,
  observe?: Observer,
): Promise<NodeResult> {
  const startedAt = context.clock();
  const name = node.build.name;
  const finish = (outcome: Omit<Outcome, 'build' | 'durationMs'>, rest: Omit<NodeResult, 'outcome'> = {}) => {
    const whole: Outcome = {
      build: name,
      durationMs: context.clock() - startedAt,
      ...outcome,
      ...(context.dryRun ? { dryRun: true } : {}),
    };
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
    untracked: inputs.untracked.map(({ text }) => text),
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
  const waiting = context.dryRun ? await decideWaiting(context, node, inputs) : undefined;
  const decision = waiting ?? weighed.decision;
  const { record } = weighed;
  observe?.(inputs, { ...weighed, decision }, waiting?.depends === true);
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
      published: record.refs,
      ...(location === undefined ? {} : { location }),
    };
    const last = lastInputs(context, node, inputs);
    if (!context.dryRun && last !== undefined) {
      if (weighed.isCarriedOver) await context.memory.remember({ ...record, key: last.key }, last);
      else await context.memory.settle(name, last);
    }
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
      const put = await context.publisher.place({
        build: name,
        source: weighed.source,
        refs: wantedTags(node),
        fresh: false,
      });
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
      const put = await context.publisher.place({ build: name, source, refs, fresh: true });
      if (!put.ok) return finish({ kind: 'failed', tags: [], ...common, ...problemOf(name, put.error) });
      tags = put.value;
    }
  }
  await remember(context, node, withParentsOfNow(context, node, inputs), {
    image,
    mediaType: manifest?.mediaType ?? built.mediaType ?? '',
    sizeBytes,
    refs: tags.map((tag) => tag.ref),
    durationMs: context.clock() - startedAt,
    steps: built.steps,
  });
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

/** A decision with its evidence. */
export interface Weighed {
  readonly decision: Decision;
  readonly record: BuildRecord | undefined;
  readonly tags: readonly TagState[];
  /** The record is that of the last inputs: others, but what is taken of parents is the same. */
  readonly isCarriedOver: boolean;
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
  if (why !== undefined)
    return { decision: { kind: 'build', reason: why }, record: undefined, tags: [], isCarriedOver: false };
  const untrackedOutputs = node.role === 'asked' ? node.build.outputs.map((output) => output.type) : [];
  const base = {
    forced: context.force,
    untracked: inputs.untracked.map(({ text }) => text),
    untrackedOutputs,
    tags: [],
    manifestAvailable: false,
    store: 'not-wanted' as StoreState,
    onlyNeeded: node.role === 'needed' && !node.pushes,
    sameTaken: [],
  };
  if (context.force || inputs.key === undefined) {
    return {
      decision: decide({ ...base, record: undefined, changes: undefined }),
      record: undefined,
      tags: [],
      isCarriedOver: false,
    };
  }
  const own = await context.memory.recall(inputs.key);
  const last = own === undefined ? await context.memory.latest(node.build.name) : undefined;
  const sameTaken = last === undefined ? undefined : await findSameTaken(context, node, inputs, last);
  const isCarriedOver = last !== undefined && sameTaken !== undefined;
  const record = isCarriedOver ? await context.memory.recall(last.key) : own;
  if (record === undefined) {
    const changes = last === undefined ? undefined : changesSince(context, inputs, last.parts);
    return { decision: decide({ ...base, record, changes }), record, tags: [], isCarriedOver: false };
  }
  const refs = node.pushes ? wantedTags(node) : [];
  const asked = untrackedOutputs.length > 0 ? [] : await askTags(context.registry, refs);
  const isAttested = node.build.attest.some((one) => one.attributes.get('disabled') !== 'true');
  const tags = isAttested ? await alikeTags(context.registry, refs, asked, record) : asked;
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
    sameTaken: sameTaken ?? [],
  });
  return {
    decision,
    record,
    tags,
    isCarriedOver,
    ...(source === undefined ? {} : { source: { ...source, digest: record.digest } }),
  };
}

async function askStore(context: RunContext, node: PlanNode, digest: Digest): Promise<StoreState> {
  const images = await context.storedImages();
  if (images === undefined) return 'unknown';
  return storeNames(context, node).every((name) => images.get(name) === digest) ? 'there' : 'gone';
}

/** Changed paths that a warning shows; the rest is counted. */
const TOUCHED_SHOWN = 10;

interface Memorable {
  readonly image: ImageResult | undefined;
  readonly mediaType: string;
  readonly sizeBytes: number | undefined;
  readonly refs: readonly string[];
  readonly durationMs: number;
  readonly steps: BuildRecord['steps'];
}

/** Remembers a result under its key, if its inputs are still what the key says they were. */
async function remember(
  context: RunContext,
  node: PlanNode,
  inputs: NodeInputs,
  { image, sizeBytes, ...rest }: Memorable,
): Promise<void> {
  const build = node.build.name;
  const warn = (found: Problem) => context.emit({ type: 'warning', build, problem: problemToJson(found) });
  const last = lastInputs(context, node, inputs);
  if (last === undefined || image === undefined) return;
  const touched = await touchedSince(context, node, inputs);
  if (touched.length > 0) {
    const more = touched.length - TOUCHED_SHOWN;
    warn(
      problem(
        'run/changed-while-building',
        'files changed while it was built, so the result is not remembered',
        {
          severity: 'warning',
          build,
          detail: [...touched.slice(0, TOUCHED_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join('\n'),
          hint: 'The next run builds it again. What changes all the time belongs into .dockerignore.',
        },
      ),
    );
    return;
  }
  const record: BuildRecord = {
    version: KEY_VERSION,
    key: last.key,
    build,
    digest: image.digest,
    platforms: image.platforms,
    finishedAt: new Date(context.clock()).toISOString(),
    ...rest,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
  const written = await context.memory.remember(record, last);
  if (!written.ok) for (const one of written.error) warn(one);
}
