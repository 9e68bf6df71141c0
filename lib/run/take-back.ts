/** Restores tags after a later one could not be moved. Tags that somebody else moved meanwhile are not changed. */
import { type Digest, formatImageRef, type ImageRef, type Problem, problem } from '../model/mod.ts';
import type { Presence, RegistryClient } from '../registry/mod.ts';
import { shorten } from './decide.ts';

/** A tag that moved, or may have. */
export interface Move {
  readonly ref: ImageRef;
  readonly before: Presence;
  readonly to: Digest;
  /** False: the registry did not confirm the move, which may have happened nevertheless. */
  readonly confirmed: boolean;
}

/** The result for a tag; undefined: it is unchanged. */
type Fate = { readonly kind: 'back' | 'left' | 'others'; readonly line: string } | undefined;

/**
 * Restores tags, the last moved one first.
 *
 * @param registry one that remembers nothing of them
 * @returns what was done: `run/publish-rolled-back`, and what could not be or was not: `run/publish-left`
 */
export async function takeBack(
  registry: RegistryClient,
  moves: readonly Move[],
): Promise<readonly Problem[]> {
  const fates: Fate[] = [];
  for (const move of [...moves].reverse()) fates.push(await takeOneBack(registry, move));
  const linesOf = (kind: 'back' | 'left' | 'others') =>
    fates.flatMap((fate) => (fate?.kind === kind ? [fate.line] : []));
  const say = (kind: 'back' | 'left' | 'others', make: (many: string, detail: string) => Problem) => {
    const lines = linesOf(kind);
    const many = lines.length === 1 ? 'a tag was' : `${lines.length} tags were`;
    return lines.length === 0 ? [] : [make(many, lines.join('\n'))];
  };
  return [
    ...say('back', (many, detail) =>
      problem('run/publish-rolled-back', `${many} moved back to the previous image`, {
        severity: 'warning',
        detail,
      }),
    ),
    ...say('left', (many, detail) =>
      problem('run/publish-left', `${many} moved and could not be moved back`, {
        detail,
        hint: 'Correct these tags by hand, or run again. As far as is known they point to results of this run.',
      }),
    ),
    ...say('others', (many, detail) =>
      problem('run/publish-left', `${many} moved by somebody else meanwhile and not moved back`, {
        detail,
        hint: 'Check whether these tags are right; none points to a result of this run.',
      }),
    ),
  ];
}

async function takeOneBack(registry: RegistryClient, { ref, before, to, confirmed }: Move): Promise<Fate> {
  const name = formatImageRef(ref);
  const left = (why: string): Fate => ({ kind: 'left', line: `${name} (${why})` });
  registry.forget(ref);
  const now = await registry.head(ref);
  if (now.kind === 'unknown') {
    return left(
      `${confirmed ? 'moved; what it points to now is unknown' : 'may have moved'}: ${now.problem.message}`,
    );
  }
  const digest = now.kind === 'present' ? now.digest : undefined;
  if (digest !== to) {
    const old = before.kind === 'present' ? before.digest : undefined;
    // Of what nobody is known to have moved there is nothing to say.
    if (before.kind === 'unknown' ? !confirmed : digest === old) return undefined;
    const is = digest === undefined ? 'it is gone' : `it is ${shorten(digest)}`;
    return { kind: 'others', line: `${name} (${is}${old === undefined ? '' : `, was ${shorten(old)}`})` };
  }
  if (before.kind !== 'present') {
    return left(before.kind === 'absent' ? 'it did not exist before' : 'what it pointed to is unknown');
  }
  const { registry: host, repository } = ref;
  const put = await registry.tagManifest({ registry: host, repository, digest: before.digest }, ref);
  return put.ok
    ? { kind: 'back', line: name }
    : left(`was ${before.digest}: ${put.error[0]?.message ?? 'unknown'}`);
}
