/**
 * Tags that move together when the run that moved them was killed in between. Such a run notes its intent first
 * (`lib/state/intents.ts`), and the next run of the project completes it, or reports where the tags point.
 */
import {
  type Digest,
  type DigestRef,
  formatImageRef,
  type ImageRef,
  type Plan,
  type Problem,
  problem,
  problemToJson,
} from '../model/mod.ts';
import type { Presence, RegistryClient } from '../registry/mod.ts';
import type { IntendedMove, PublishIntent, PublishIntents } from '../state/mod.ts';
import { shorten } from './decide.ts';
import type { Emit } from './emitter.ts';
import { immutableTags } from './publisher.ts';

/** What completing an interrupted run needs. */
export interface Finishing {
  readonly registry: RegistryClient;
  readonly intents: PublishIntents;
}

/**
 * Notes which tags are about to move. Names with sensitive values are not written: such tags are moved, but not completed after a
 * killed run.
 *
 * @returns a function to call when the move is done
 */
export async function noteMoves(
  intents: PublishIntents,
  moves: readonly IntendedMove[],
  { emit, isSecret }: { readonly emit: Emit; readonly isSecret: (text: string) => boolean },
): Promise<() => Promise<void>> {
  if (moves.some(({ ref }) => isSecret(formatImageRef(ref)))) return async () => undefined;
  const { identifyProcess, ownPid } = await import('../engine/mod.ts');
  const noted = await intents.write(moves, await identifyProcess(ownPid()), new Date().toISOString());
  if ('file' in noted) return () => intents.remove(noted);
  emit({ type: 'warning', problem: problemToJson(noted) });
  return async () => undefined;
}

/**
 * Completes the moves of an interrupted run if nothing has changed since: each tag points at the old or the new image, and the
 * new images exist.
 *
 * @returns warnings: `run/publish-finished`, `run/publish-interrupted`
 */
export async function finishInterrupted(
  { registry, intents }: Finishing,
  { plan, dryRun = false }: { readonly plan: Plan; readonly dryRun?: boolean },
): Promise<readonly Problem[]> {
  const found: Problem[] = [];
  // A run that pushes nothing must not move tags.
  const onlyLooks = dryRun || ![...plan.nodes.values()].some(({ pushes }) => pushes);
  for (const intent of await intents.read()) {
    if (await isUnderWay(intent)) continue;
    const { problems, isSettled } = await finish(registry, intent, { plan, dryRun: onlyLooks });
    found.push(...problems);
    if (isSettled && !onlyLooks) await intents.remove(intent);
  }
  return found;
}

/** Whether the run that wrote the intent still runs. */
async function isUnderWay({ owner }: PublishIntent): Promise<boolean> {
  if (owner === undefined) return false;
  const { isAlive } = await import('../engine/mod.ts');
  return isAlive(owner);
}

interface Standing {
  readonly move: IntendedMove;
  readonly now: Presence;
  readonly place: 'old' | 'new' | 'elsewhere' | 'unknown';
}

interface Finished {
  readonly problems: readonly Problem[];
  /** Nothing is left to do for a later run. */
  readonly isSettled: boolean;
}

async function finish(
  registry: RegistryClient,
  { moves, startedAt }: PublishIntent,
  { plan, dryRun }: { readonly plan: Plan; readonly dryRun: boolean },
): Promise<Finished> {
  const standing = await Promise.all(moves.map((move) => look(registry, move)));
  const at = (place: Standing['place']) => standing.filter((one) => one.place === place);
  const [old, moved] = [at('old'), at('new')];
  // None or all were moved: nothing is incomplete.
  if (moved.length === 0 || moved.length === moves.length)
    return { problems: [], isSettled: at('unknown').length === 0 };
  const isLost = await isAnyLost(registry, old);
  const isImmutable = immutableTags(plan.set.immutable ?? []);
  const fixed = old.filter(({ move, now }) => now.kind === 'present' && isImmutable(move.ref));
  if (old.length + moved.length < moves.length || isLost !== false || fixed.length > 0) {
    const why =
      at('unknown').length > 0 || isLost === undefined
        ? 'a registry does not say what it holds'
        : at('elsewhere').length > 0
          ? 'some of them were moved by somebody else since'
          : isLost === true
            ? 'not every image is still there'
            : 'some of them are immutable';
    const isSettled = at('unknown').length === 0 && isLost !== undefined;
    return { problems: [interrupted(startedAt, standing, why)], isSettled };
  }
  if (dryRun)
    return {
      problems: [interrupted(startedAt, standing, 'the next run will move the others')],
      isSettled: false,
    };
  for (const [index, { move }] of old.entries()) {
    // Check again: a tag that somebody else moved meanwhile is not changed.
    const { place } = await look(registry, move);
    const put = place === 'old' ? await registry.tagManifest(move.source, move.ref) : undefined;
    if (put?.ok === true || place === 'new') continue;
    const now = await Promise.all(moves.map((one) => look(registry, one)));
    const why =
      place === 'elsewhere'
        ? 'some of them were moved by somebody else since'
        : `${index === 0 ? 'none' : 'not all'} of the others could be moved now: ${put?.error[0]?.message ?? 'a registry does not say what it holds'}`;
    return { problems: [interrupted(startedAt, now, why)], isSettled: place === 'elsewhere' };
  }
  const names = old.map(({ move }) => `${formatImageRef(move.ref)} → ${shorten(move.source.digest)}`);
  const many = names.length === 1 ? 'a tag was' : `${names.length} tags were`;
  return {
    problems: [
      problem(
        'run/publish-finished',
        `the run of ${startedAt} ended while its tags moved together: ${many} moved now to finish it`,
        { severity: 'warning', detail: names.join('\n') },
      ),
    ],
    isSettled: true,
  };
}

async function look(registry: RegistryClient, move: IntendedMove): Promise<Standing> {
  registry.forget(move.ref);
  const now = await registry.head(move.ref);
  const digest = now.kind === 'present' ? now.digest : undefined;
  if (now.kind === 'unknown') return { move, now, place: 'unknown' };
  if (digest === move.source.digest) return { move, now, place: 'new' };
  return { move, now, place: digest === move.from ? 'old' : 'elsewhere' };
}

/** Whether a target image is gone; undefined: not known. */
async function isAnyLost(
  registry: RegistryClient,
  standing: readonly Standing[],
): Promise<boolean | undefined> {
  const states = await Promise.all(standing.map(({ move }) => registry.head(bare(move.source))));
  if (states.some(({ kind }) => kind === 'absent')) return true;
  return states.some(({ kind }) => kind === 'unknown') ? undefined : false;
}

function bare({ registry, repository, digest }: DigestRef): ImageRef & { readonly digest: Digest } {
  return { registry, repository, digest };
}

function interrupted(startedAt: string, standing: readonly Standing[], why: string): Problem {
  const lines = standing.map(({ move, now, place }) => {
    const name = formatImageRef(move.ref);
    if (now.kind === 'unknown') return `${name}: not known (${now.problem.message})`;
    const is = now.kind === 'absent' ? 'not there' : shorten(now.digest);
    if (place === 'new') return `${name}: moved (${is})`;
    return `${name}: ${is}, ${place === 'old' ? 'not moved' : 'moved by somebody else'}; should be ${shorten(move.source.digest)}`;
  });
  return problem(
    'run/publish-interrupted',
    `the run of ${startedAt} ended while its tags moved together, and ${why}`,
    {
      severity: 'warning',
      detail: lines.join('\n'),
      hint: 'Run all of these builds again: a successful run moves the tags of the builds in it, and no others.',
    },
  );
}
