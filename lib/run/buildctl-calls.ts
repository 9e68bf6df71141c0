/** Calls buildctl for one build, with retries. The caller decides what is built and handles the result. */
import { rm } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { type BuildCall, type BuildOutput, type Built, type Link, runBuild } from '../buildctl/mod.ts';
import { type NodeInputs, withLayouts } from '../inputs/mod.ts';
import {
  type Build,
  type EventBody,
  fail,
  ok,
  type Phase,
  type PlanNode,
  type Problem,
  problem,
  problemToJson,
  type Result,
} from '../model/mod.ts';
import { CallWatch } from './call-watch.ts';
import type { Calling } from './context.ts';
import { KEPT_WORDS } from './emitter.ts';
import type { AfterLoss, ReadyEngine, Turn } from './engine-slots.ts';
import { isForeign, nameSources, offerFile, stageMain } from './local-sources.ts';
import { makeOutputPlaces } from './output-places.ts';
import { tempProblem } from './work-dir.ts';

const MAX_ATTEMPTS = 3;
const RETRY_MS = [1_000, 4_000];
/** How often a build is restarted after its engine was lost, so that a build that crashes engines does not crash all of them. */
const MAX_MOVES = 3;
/** Failures that a missing image can cause. */
const OVER_IMAGES: ReadonlySet<string> = new Set([
  'build/base-missing',
  'build/base-unreachable',
  'build/failed',
  'build/file-missing',
]);

/** The input of one call. */
export interface Attempt {
  readonly build: Build;
  readonly links: readonly Link[];
  readonly outputs: readonly BuildOutput[];
  /** From `Calling.newWorkDir`; removed if the call fails, otherwise by the caller. */
  readonly workDir: string;
}

/** Why there is no result, with the steps of the last call so far. */
export type NotBuilt = (
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem }
) & { readonly steps?: Built['steps'] };

/** The result of calling buildctl. */
export type Called =
  | NotBuilt
  | {
      readonly kind: 'done';
      readonly built: Built;
      /** The engine that built it. */
      readonly engine: ReadyEngine;
      readonly attempt: Attempt;
      /** Duration of the successful call in milliseconds, without waiting for a slot. */
      readonly ranMs: number;
    };

/** How the attempts at a build are prepared and repaired. */
export interface Attempts {
  readonly node: PlanNode;
  readonly inputs: NodeInputs;
  /** Sends all local files again even if the engine has them, for builds that verify something. */
  readonly sendsAnew?: boolean;
  /** Prepares the next attempt. */
  readonly prepare: () => Promise<Result<Attempt, NotBuilt>>;
  /**
   * Repairs the cause of a failure so that the next attempt can start at once. Returns the cause as text, or undefined if it
   * cannot be repaired.
   */
  readonly mend?: (failure: Problem, attempt: Attempt) => string | undefined;
}

/**
 * Calls buildctl until it succeeds, fails for good, or is cancelled. Temporary failures are retried after a delay. A build
 * without its secrets is not started.
 */
export async function callUntilDone(calling: Calling, attempts: Attempts): Promise<Called> {
  try {
    const called = await attemptUntilDone(calling, attempts);
    if (called.kind !== 'failed') return called;
    return { ...called, problem: calling.credentials.hideInProblem(called.problem) };
  } catch (error) {
    const found = await tempProblem(error);
    if (found === undefined) throw error;
    return { kind: 'failed', problem: { ...found, build: attempts.node.build.name } };
  }
}

async function attemptUntilDone(calling: Calling, attempts: Attempts): Promise<Called> {
  const { node, inputs, prepare, mend, sendsAnew = false } = attempts;
  const build = node.build.name;
  const [lacking, ...others] = await calling.missingSecrets(node.build);
  if (lacking !== undefined) {
    for (const other of others) calling.emit({ type: 'warning', build, problem: problemToJson(other) });
    return { kind: 'failed', problem: lacking };
  }
  const { phases } = calling;
  const engine = await phases.waiting(build, calling.engine(), 'engine');
  phases.enter(build, 'checking');
  // The search failed because it was cancelled.
  if (calling.signal.aborted) return { kind: 'cancelled' };
  if (!engine.ok) return { kind: 'failed', problem: { ...(engine.error[0] ?? noEngine()), build } };
  const { proxies } = inputs;
  if (proxies?.withheld !== undefined)
    calling.emit({ type: 'warning', build, problem: problemToJson(proxies.withheld) });
  const named = nameSources(node, inputs, sendsAnew);
  let isStaged = false;
  /** Engines of a pool that were lost. An engine may be listed repeatedly if there is no other. */
  const lost: string[] = [];
  let waits = 0;
  for (let attempt = 1; ; attempt++) {
    const prepared = await prepare();
    if (!prepared.ok) return prepared.error;
    const { workDir, ...rest } = prepared.value;
    const sources = isStaged ? await stageMain(node, inputs, workDir, named) : ok(named);
    const locals = sources.ok ? await offerFile({ node, inputs, workDir }, sources.value, isStaged) : sources;
    if (!locals.ok) return { kind: 'failed', problem: locals.error };
    const dockerfile = calling.dockerfiles.sourceOf(node.build);
    const call: BuildCall = {
      ...rest,
      build: withLayouts(rest.build, inputs.layouts),
      locals: locals.value,
      workDir,
      root: calling.root,
      ...(proxies === undefined ? {} : { proxies: proxies.args }),
      pins: await calling.images.pinsOf(node),
      attempt,
      signal: calling.signal,
      emit: (event) => calling.emit(withoutCredentials(calling, event)),
      ...(dockerfile === undefined ? {} : { dockerfile }),
    };
    const one = await inTurn(calling, build, inputs, isStaged, () => callOnce(calling, call, inputs, lost));
    const { result, ranMs, after } = one;
    const used = one.engine ?? engine.value;
    if (result.ok) return { kind: 'done', built: result.value, engine: used, attempt: prepared.value, ranMs };
    await rm(workDir, { recursive: true, force: true });
    const steps = result.error.steps === undefined ? {} : { steps: result.error.steps };
    if (result.error.kind === 'cancelled' || calling.signal.aborted) return { kind: 'cancelled', ...steps };
    const failure = result.error.problem;
    if (after?.kind === 'gone') return { kind: 'failed', problem: { ...after.problem, build }, ...steps };
    const isMoved = after?.kind === 'elsewhere' && lost.length < MAX_MOVES;
    if (after?.kind === 'elsewhere') lost.push(used.buildctl.address);
    // Temporary failures are retried in the usual way.
    const isBack = after?.kind === 'back' && failure.temporary !== true && waits === 0;
    if (isBack || isMoved) waits++;
    const isUnnamed = failure.code === 'build/source-name' && !isStaged;
    if (isUnnamed) isStaged = true;
    const mended = isUnnamed || isBack || isMoved ? failure.message : mend?.(failure, prepared.value);
    const isOver =
      failure.temporary !== true || attempt - waits >= MAX_ATTEMPTS || after?.kind === 'elsewhere';
    if (mended === undefined && isOver) {
      const again = after === undefined || waits === 0 ? failure : onceMore(failure, lost);
      const hinted = await withRegistryHint(calling, node, again, used);
      return { kind: 'failed', problem: await explainLocked(calling, node, hinted), ...steps };
    }
    const delayMs = mended === undefined ? (RETRY_MS[attempt - waits - 1] ?? 0) : 0;
    const why = calling.credentials.hideCredentials(mended ?? failure.message);
    calling.emit({ type: 'retry', build, attempt, delayMs, why });
    if (mended === undefined) {
      phases.enter(build, 'queued');
      await calling.sleep(delayMs);
      phases.enter(build, 'checking');
    }
    if (calling.signal.aborted) return { kind: 'cancelled', ...steps };
  }
}

/** buildctl shows registries' answers to the engine, and some registries quote the request. */
function withoutCredentials({ credentials }: Calling, event: EventBody): EventBody {
  const isWords = event.type === 'log' || event.type === 'vertex';
  return isWords ? credentials.hideCredentials(event, KEPT_WORDS) : event;
}

/**
 * A foreign frontend may request `context` without its session. That is the same vertex in every build, and the engine would give
 * the files of the first one to all concurrent builds.
 */
function inTurn<T>(
  { foreign, phases }: Calling,
  build: string,
  inputs: NodeInputs,
  isStaged: boolean,
  call: () => Promise<T>,
): Promise<T> {
  if (!isForeign(inputs)) return call();
  const onWait = () => phases.enter(build, 'queued');
  return isStaged ? foreign.alone(call, onWait) : foreign.beside(call, onWait);
}

/**
 * Describes a failure that was repeated on the same engine or on others.
 *
 * @param tried engines of a pool that were lost during it, in order
 */
function onceMore(failure: Problem, tried: readonly string[]): Problem {
  if (tried.length < 2) return { ...failure, message: `${failure.message}, again` };
  const { detail } = failure;
  const engines = `Tried on: ${tried.join(', ')}`;
  const different = new Set(tried).size;
  const how = different === 1 ? `${tried.length} times` : `on ${different} engines one after the other`;
  return {
    ...failure,
    message: `${failure.message}, ${how}`,
    detail: detail === undefined ? engines : `${detail}\n${engines}`,
  };
}

/** The result of one call. */
interface OneCall {
  readonly result: Awaited<ReturnType<typeof runBuild>>;
  readonly ranMs: number;
  /** The engine that ran it; undefined: none. */
  readonly engine?: ReadyEngine;
  /** What to do next if the engine went away. */
  readonly after?: AfterLoss;
}

/** Calls buildctl in a slot of an engine. */
async function callOnce(
  calling: Calling,
  call: BuildCall,
  inputs: NodeInputs,
  lost: readonly string[],
): Promise<OneCall> {
  const { phases } = calling;
  const build = call.build.name;
  const called = await calling.slots.with(
    { build: call.build, priority: () => calling.priorityOf(build), avoid: new Set(lost) },
    async (turn): Promise<OneCall> => {
      const made = await callInSlot(calling, turn, call, inputs);
      // Reported before another build gets the slot.
      phases.enter(build, made.result.ok ? phaseAfter(call) : 'checking');
      return { ...made, engine: turn.engine };
    },
    () => phases.enter(build, 'queued'),
  );
  if (called.ok) return called.value;
  const problem = { ...called.error, build };
  const isCancelled = calling.signal.aborted;
  return {
    result: fail(isCancelled ? { kind: 'cancelled' } : { kind: 'failed', problem }),
    ranMs: 0,
    ...(isCancelled ? {} : { after: { kind: 'gone', problem } }),
  };
}

/** The phase after buildctl has ended: reading and remembering the result, and putting tags if there are any. */
function phaseAfter({ outputs }: BuildCall): Phase {
  return outputs.some((one) => one.kind === 'push-by-digest') ? 'tagging' : 'exporting';
}

async function callInSlot(
  calling: Calling,
  turn: Turn,
  call: BuildCall,
  inputs: NodeInputs,
): Promise<OneCall> {
  const { phases } = calling;
  const build = call.build.name;
  await phases.waiting(build, turn.settled(), 'engine', turn.slot);
  const notCalled = (error: NotBuilt): OneCall => ({ result: fail(error), ranMs: 0 });
  if (calling.signal.aborted) return notCalled({ kind: 'cancelled' });
  // An earlier build may have written symlinks.
  const [refused] = calling.findRefused(call.build);
  if (refused !== undefined) return notCalled({ kind: 'failed', problem: { ...refused, build } });
  const unmade = await makeOutputPlaces(call.build, call.outputs);
  if (unmade !== undefined) return notCalled({ kind: 'failed', problem: unmade });
  const startedAt = performance.now();
  phases.enter(build, 'building', turn.slot);
  const { result, held } = await callWatched(calling, turn, call, inputs);
  const ranMs = performance.now() - startedAt;
  const lost = result.ok || result.error.kind !== 'failed' ? undefined : turn.lost(result.error.problem);
  if (lost === undefined) return { result, ranMs };
  return { result, ranMs, after: await phases.waiting(build, lost, 'engine', held) };
}

/** A slow push needs few resources of this machine and the engine, so its permit is released. */
async function callWatched(
  calling: Calling,
  { engine, slot, giveBack, answers, isLeft }: Turn,
  call: BuildCall,
  inputs: NodeInputs,
): Promise<Pick<OneCall, 'result'> & { readonly held: number | undefined }> {
  const { phases } = calling;
  const build = call.build.name;
  const watch = new CallWatch({
    build: call.build,
    emit: call.emit,
    signal: calling.signal,
    noticeMs: calling.stallNoticeMs,
    answers,
    isLeft,
    ...(calling.stallTimeoutMs === undefined ? {} : { stallTimeoutMs: calling.stallTimeoutMs }),
  });
  let held: number | undefined = slot;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ended = await runBuild(engine.buildctl, {
    ...call,
    ...(engine.member === undefined ? {} : { engine: engine.member }),
    onExport: () => phases.enter(build, 'exporting', held),
    onPush: () => {
      phases.enter(build, 'pushing', held);
      timer = setTimeout(() => {
        held = undefined;
        phases.enter(build, 'pushing');
        giveBack();
        calling.onSlowPush(build, inputs);
      }, calling.slowPushMs);
    },
    signal: watch.signal,
    onProgress: () => watch.sign(),
    emit: (event) => {
      watch.see(event);
      call.emit(event);
    },
  }).finally(() => {
    clearTimeout(timer);
    watch.close();
  });
  if (held === undefined) await calling.onPushed(build);
  const { failure } = watch;
  const isEnded = !ended.ok && ended.error.kind === 'cancelled' && failure !== undefined;
  return { result: isEnded ? fail({ ...ended.error, kind: 'failed', problem: failure }) : ended, held };
}

/**
 * Adds a hint if the engine may lack settings of `registries:`, such as plain http, or mirrors through which our own client finds
 * an image that the engine does not.
 */
async function withRegistryHint(
  { images, credentials }: Calling,
  node: PlanNode,
  failure: Problem,
  { registryHint, mirrored }: ReadyEngine,
): Promise<Problem> {
  if (failure.code === 'registry/unauthorized') {
    const refused = node.build.tags
      .map(({ ref }) => ref)
      .find((ref) => ref !== undefined && failure.message.includes(`${ref.registry}/${ref.repository}`));
    return refused === undefined ? failure : { ...failure, hint: await credentials.signInHint(refused) };
  }
  if (registryHint === undefined) return failure;
  const hinted = { ...failure, hint: registryHint };
  if (failure.code === 'registry/http' || failure.code === 'registry/tls') return hinted;
  if (!OVER_IMAGES.has(failure.code)) return failure;
  const text = `${failure.message}\n${failure.detail ?? ''}`;
  const isThere = await images.isAnyThere(
    node,
    ({ registry, repository }) =>
      mirrored?.has(registry) === true && text.includes(`${registry}/${repository}`),
  );
  return isThere ? hinted : failure;
}

/** Reports a failure as a missing locked digest if the registry no longer has the base image. */
async function explainLocked({ images }: Calling, node: PlanNode, failure: Problem): Promise<Problem> {
  if (!OVER_IMAGES.has(failure.code)) return failure;
  const gone = await images.findGone(node);
  const [first] = gone;
  if (first === undefined) return failure;
  return problem(
    'run/locked-image-gone',
    `builds.lock pins \`${first.written}\` to ${first.digest}, which its registry no longer has`,
    {
      build: node.build.name,
      hint: `Lock the current digest of the tag: bake-ts update ${gone.map((one) => `'${one.written}'`).join(' ')}`,
      ...(failure.detail === undefined ? {} : { detail: failure.detail }),
    },
  );
}

function noEngine(): Problem {
  return problem('engine/unreachable', 'there is no engine to build with');
}
