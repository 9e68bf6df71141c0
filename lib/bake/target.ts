/**
 * Bake's own model: targets and groups as `docker buildx bake --print` shows them, with the place of each attribute
 * (buildx bake/bake.go, `Target`).
 */
import type { Problem, Span } from '../model/mod.ts';

/**
 * An entry of `output`, `cache-to`, `attest`, …: `type` and the rest, in the order in which bake writes it. `disabled` of
 * `attest` is `true` where it is there.
 */
export type Fields = Readonly<Record<string, string>>;

/** Values of a target that is final: no parents, no matrix, nothing to evaluate. Keys are those of bake's JSON. */
export interface TargetValues {
  readonly description?: string;
  readonly annotations?: readonly string[];
  readonly attest?: readonly Fields[];
  readonly context?: string;
  readonly contexts?: Readonly<Record<string, string>>;
  readonly dockerfile?: string;
  readonly 'dockerfile-inline'?: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly 'cache-from'?: readonly Fields[];
  readonly 'cache-to'?: readonly Fields[];
  readonly target?: string;
  readonly secret?: readonly Fields[];
  readonly ssh?: readonly { readonly id?: string; readonly paths?: readonly string[] }[];
  readonly platforms?: readonly string[];
  readonly output?: readonly Fields[];
  readonly pull?: boolean;
  readonly 'no-cache'?: boolean;
  readonly network?: string;
  readonly 'no-cache-filter'?: readonly string[];
  readonly 'shm-size'?: string;
  readonly ulimits?: readonly string[];
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly call?: string;
  readonly entitlements?: readonly string[];
  readonly 'extra-hosts'?: Readonly<Record<string, string>>;
  readonly policy?: readonly Readonly<Record<string, unknown>>[];
}

/** Names of the attributes of a target. */
export type TargetKey = keyof TargetValues;

/** A target that is final. */
export interface BakeTarget {
  readonly name: string;
  readonly values: TargetValues;
  /** Where each attribute was written: in this target, in one it inherits from, or nowhere (defaults, `--set`). */
  readonly places: ReadonlyMap<TargetKey, Span>;
  /** Where the target was. */
  readonly place?: Span;
  /** It is there since another one's `contexts` name it: bake gives it the output `cacheonly`. */
  readonly linked: boolean;
}

/** A group. */
export interface BakeGroup {
  readonly name: string;
  readonly targets: readonly string[];
  /** There is no list at all (`targets = null`, a Compose file without builds), which bake prints as null. */
  readonly hasNoList?: true;
  readonly description?: string;
  readonly place?: Span;
  /** Where its list is. */
  readonly listPlace?: Span;
  /** What bake passes over without a word. */
  readonly warnings?: readonly Problem[];
}

/** What was asked for, resolved. */
export interface BakeResult {
  /** All that are to be built, those that are linked too. */
  readonly targets: ReadonlyMap<string, BakeTarget>;
  readonly groups: ReadonlyMap<string, BakeGroup>;
}

/** A group, with what is wrong with it. */
export interface ResolvedGroup {
  /** All that it and the groups in it come to, those that are not there among them. */
  readonly targets: readonly string[];
  readonly mistakes: readonly Problem[];
}

/** All targets and groups, each by itself. */
export interface ResolvedTargets {
  /** Those that can be put together, also where something is wrong with their values. */
  readonly targets: ReadonlyMap<string, BakeTarget>;
  /** By target: what is wrong with it. */
  readonly mistakes: ReadonlyMap<string, readonly Problem[]>;
  readonly groups: ReadonlyMap<string, ResolvedGroup>;
}
