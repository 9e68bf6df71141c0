/** Calling buildctl for one build, again where that can help. What is built, and what comes of it, is the caller's. */
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
/** As often a build is begun again after its engine was lost: one that takes engines down with it is not to take them all. */
const MAX_MOVES = 3;
/** Failures that an image which is gone can cause. */
const OVER_IMAGES: ReadonlySet<string> = new Set([
  'build/base-missing',
  'build/base-unreachable',
  'build/failed',
  'build/file-missing',
]);

/** What one call is to build. */
export interface Attempt {
  readonly build: Build;
  readonly links: readonly Link[];
  readonly outputs: readonly BuildOutput[];
  /** From `Calling.newWorkDir`; removed where the call fails, else the caller's to remove. */
  readonly workDir: string;
}

/** Why nothing came of it, and the steps of the last call so far. */
export type NotBuilt = (
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem }
) & { readonly steps?: Built['steps'] };

/** What came of calling buildctl. */
export type Called =
  | NotBuilt
  | {
      readonly kind: 'done';
      readonly built: Built;
      /** Where it was made. */
      readonly engine: ReadyEngine;
      readonly attempt: Attempt;
      /** Milliseconds that the call took which succeeded, without waiting for its turn. */
      readonly ranMs: number;
    };

/** How the attempts at one build are made. */
export interface Attempts {
  readonly node: PlanNode;
  readonly inputs: NodeInputs;
  /** Sends everything again, whatever the engine has of it: what is built is to prove something. */
  readonly sendsAnew?: boolean;
  /** Prepares the next attempt. */
  readonly prepare: () => Promise<Result<Attempt, NotBuilt>>;
  /** Mends what made an attempt fail, so that the next one can be made at once; says what it was, else undefined. */
  readonly mend?: (failure: Problem, attempt: Attempt) => string | undefined;
}

/**
 * Calls buildctl until it succeeds, fails for good, or is cancelled: a temporary fault is waited out. Without its secrets
 * a build is not begun.
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
  // Why it could not be found then is that somebody stopped looking.
  if (calling.signal.aborted) return { kind: 'cancelled' };
  if (!engine.ok) return { kind: 'failed', problem: { ...(engine.error[0] ?? noEngine()), build } };
  const { proxies } = inputs;
  if (proxies?.withheld !== undefined)
    calling.emit({ type: 'warning', build, problem: problemToJson(proxies.withheld) });
  const named = nameSources(node, inputs, sendsAnew);
  let isStaged = false;
  /** Engines of a pool that were lost: one may be here more than once where there is no other. */
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
    // What may pass by itself is tried again in the ordinary way.
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

/** buildctl shows what a registry answered the engine, and some registries quote what they were sent. */
function withoutCredentials({ credentials }: Calling, event: EventBody): EventBody {
  const isWords = event.type === 'log' || event.type === 'vertex';
  return isWords ? credentials.hideCredentials(event, KEPT_WORDS) : event;
}

/**
 * A foreign frontend may ask for `context` without its session. That is the same vertex in every build, and the engine would
 * give all those that run at a time what the first of them was sent.
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
 * A failure that came again, on the same engine or on others.
 *
 * @param tried engines of a pool that were lost under it, in order
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

/** What came of one call. */
interface OneCall {
  readonly result: Awaited<ReturnType<typeof runBuild>>;
  readonly ranMs: number;
  /** Where it ran; undefined: nowhere. */
  readonly engine?: ReadyEngine;
  /** Where the engine went away: what became of that. */
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
      // Said before another build gets the slot.
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

/** What is left to do when buildctl is done: to read what came of it, to remember that, and to put tags where there are some. */
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
  // Symlinks may have come with what an earlier build wrote.
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

/** A push that takes long needs little of this machine and of the engine, so it gives the permit back. */
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
 * What `registries:` says about a registry is not known to the engine: how it is spoken to, or that it has mirrors, through
 * which our own client finds the image that the engine does not.
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

/** A failure over a base image whose locked digest its registry has no more is reported as that. */
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
