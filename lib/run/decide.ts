/**
 * The decision about one build: a pure function of what is known. A build is skipped only with full proof; anything unknown means
 * that it is built.
 */
import {
  type BuildRecord,
  type DecisionKind,
  type Digest,
  formatImageRef,
  type Problem,
  parseImageRef,
  type Reason,
} from '../model/mod.ts';

/** The state of a wanted tag in its registry. */
export interface TagState {
  readonly ref: string;
  readonly state:
    | { readonly kind: 'digest'; readonly digest: Digest }
    | { readonly kind: 'absent' }
    /** `denied`: the runtime does not permit the request. */
    | { readonly kind: 'unknown'; readonly why: string; readonly denied?: Problem };
}

/** Whether the image is in the engine's own store under every wanted name; `keeps-none`: such engines have no store. */
export type StoreState = 'there' | 'gone' | 'unknown' | 'not-wanted' | 'keeps-none';

/** Everything that a decision is based on. */
export interface Evidence {
  readonly forced: boolean;
  /**
   * The build requests that steps run again because of invisible inputs (a changed mirror, for example), so earlier results prove
   * nothing.
   */
  readonly noCache: boolean;
  /** Why inputs are not known; if not empty, there is no valid key. */
  readonly untracked: readonly string[];
  /** The earlier result with the same key. */
  readonly record: BuildRecord | undefined;
  /** Changes since the last run; undefined: there was none. */
  readonly changes: readonly string[] | undefined;
  /** Outputs (files, archives) whose state is not tracked. */
  readonly untrackedOutputs: readonly string[];
  /** Directories for local caches (`type=local`) that have no cache yet, as shown to users. */
  readonly missingCaches: readonly string[];
  /** Empty where nothing is pushed. */
  readonly tags: readonly TagState[];
  /** Whether the recorded manifest is available to fix tags. */
  readonly manifestAvailable: boolean;
  readonly store: StoreState;
  /** Whether the image is not pushed and is read only by other builds, if one of them runs. */
  readonly onlyNeeded: boolean;
  /** If the record is of the previous inputs, which differ only in ways that do not affect the result: the reason, as text. */
  readonly carriedOver: string | undefined;
}

const FILE_OUTPUTS: ReadonlySet<string> = new Set(['local', 'tar', 'oci', 'docker']);

/** What to do, and why. */
export interface Decision {
  readonly kind: DecisionKind;
  readonly reason: Reason;
}

/** Decides about one build. */
export function decide(evidence: Evidence): Decision {
  const build = (code: Reason['code'], text: string, items: readonly string[] = []): Decision => ({
    kind: 'build',
    reason: { code, text, ...(items.length === 0 ? {} : { items }) },
  });
  if (evidence.forced) return build('forced', 'rebuild requested');
  if (evidence.noCache) return build('forced', 'its steps must run again (no-cache)');
  if (evidence.untracked.length > 0) {
    return build('untracked', 'not all of its inputs can be known', evidence.untracked);
  }
  const { record } = evidence;
  if (record === undefined) return decideByChanges(evidence.changes);
  if (evidence.untrackedOutputs.length > 0) {
    const isFiles = evidence.untrackedOutputs.every((type) => FILE_OUTPUTS.has(type));
    const text = isFiles
      ? 'it writes files, which are not tracked'
      : 'the results of its outputs are not tracked';
    return build('not-recorded-output', text, evidence.untrackedOutputs);
  }
  if (evidence.missingCaches.length > 0)
    return build('not-recorded-output', 'the cache that it exports is missing', evidence.missingCaches);
  const unknown = evidence.tags.flatMap(({ ref, state }) =>
    state.kind === 'unknown' ? `${ref}: ${state.why}` : [],
  );
  if (unknown.length > 0) return build('registry-unknown', 'a registry did not say what it holds', unknown);
  if (evidence.store === 'gone')
    return build('image-gone', "its image is not in the engine's store under its names");
  if (evidence.store === 'unknown') {
    return build('image-gone', 'the engine does not list its images');
  }
  const missing = evidence.tags.filter((tag) => tag.state.kind === 'absent');
  const moved = evidence.tags.flatMap(({ ref, state }) =>
    state.kind === 'digest' && state.digest !== record.digest ? { ref, digest: state.digest } : [],
  );
  if (missing.length + moved.length === 0) {
    if (evidence.onlyNeeded)
      return {
        kind: 'unchanged',
        reason: {
          code: 'not-needed',
          text: `${sameText(evidence)}; built only if a build that needs it runs`,
        },
      };
    return { kind: 'unchanged', reason: { code: 'inputs-same', text: unchangedText(evidence) } };
  }
  const items = [
    ...missing.map((tag) => `${tag.ref} is missing`),
    ...moved.map(({ ref, digest }) => `${ref} points at ${shorten(digest)}`),
  ];
  if (!evidence.manifestAvailable) {
    const wanted = repositoriesIn([...missing, ...moved].map(({ ref }) => ref));
    const known = repositoriesIn(record.refs);
    if ([...wanted].some((one) => known.has(one)))
      return build('image-gone', 'its image is no longer in the registry', items);
    const [first = '', ...others] = wanted;
    const where = others.length === 0 ? first : `${first} and ${others.length} more`;
    return build('not-pushed', `its image was not pushed to ${where} before`, items);
  }
  if (moved.length > 0 && record.vouchedBy !== undefined) {
    const text = `${sameText(evidence)}, but a tag was moved, and the result is only known from a registry`;
    return build('tags-moved', text, items);
  }
  const code = missing.length > 0 ? 'tags-missing' : 'tags-moved';
  return {
    kind: 'retag',
    reason: { code, text: `${sameText(evidence)}, but its tags are missing or moved`, items },
  };
}

/** Decides to build because of the changes since the last run; undefined: there was none. */
export function decideByChanges(changes: readonly string[] | undefined): Decision {
  const reason: Reason =
    changes === undefined
      ? { code: 'first-build', text: 'not built here before' }
      : { code: 'changed', text: changeText(changes), ...(changes.length === 0 ? {} : { items: changes }) };
  return { kind: 'build', reason };
}

function changeText(changes: readonly string[]): string {
  const [first] = changes;
  if (first === undefined) return 'inputs unchanged, but no result is remembered';
  return changes.length === 1 ? first : `${first}, and ${changes.length - 1} more`;
}

function repositoriesIn(refs: readonly string[]): ReadonlySet<string> {
  return new Set(
    refs.flatMap((text) => {
      const ref = parseImageRef(text);
      return ref === undefined ? [] : formatImageRef({ registry: ref.registry, repository: ref.repository });
    }),
  );
}

function sameText({ carriedOver }: Evidence): string {
  return carriedOver ?? 'inputs unchanged';
}

function unchangedText(evidence: Evidence): string {
  const same = sameText(evidence);
  const isByDigest = evidence.tags.length > 0 && evidence.tags.every(({ ref }) => ref.includes('@'));
  if (isByDigest) return `${same}, its image is in the registry`;
  if (evidence.tags.length === 1) return `${same}, its tag is up to date`;
  if (evidence.tags.length > 1) return `${same}, all ${evidence.tags.length} tags are up to date`;
  if (evidence.store === 'keeps-none') return `${same}; its engine keeps no images`;
  return `${same}, its image is in the engine's store`;
}

/** Shortens a digest to `sha256:0123456789ab`, enough to distinguish two. */
export function shorten(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
