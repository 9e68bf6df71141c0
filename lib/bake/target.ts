/**
 * Bake's own model: targets and groups as `docker buildx bake --print` shows them, with the place of each attribute
 * (buildx bake/bake.go, `Target`).
 */
import type { Problem, Span } from '../model/mod.ts';

/**
 * An entry of `output`, `cache-to`, `attest`, …: `type` and the other fields in bake's order. `disabled` of `attest`, if
 * present, is `true`.
 */
export type Fields = Readonly<Record<string, string>>;

/** Final values of a target: no parents, no matrix, nothing to evaluate. Keys are those of bake's JSON. */
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

/** A final target. */
export interface BakeTarget {
  readonly name: string;
  readonly values: TargetValues;
  /** Where each attribute was written: in this target, in one it inherits from, or nowhere (defaults, `--set`). */
  readonly places: ReadonlyMap<TargetKey, Span>;
  /** Place of the target. */
  readonly place?: Span;
  /** It was only added because `contexts` of another target refers to it: bake gives it the output `cacheonly`. */
  readonly linked: boolean;
}

/** A group. */
export interface BakeGroup {
  readonly name: string;
  readonly targets: readonly string[];
  /** It has no list at all (`targets = null`, a Compose file without builds); bake prints null. */
  readonly hasNoList?: true;
  readonly description?: string;
  readonly place?: Span;
  /** Place of its list. */
  readonly listPlace?: Span;
  /** What bake silently ignores. */
  readonly warnings?: readonly Problem[];
}

/** The requested targets, resolved. */
export interface BakeResult {
  /** All targets to build, including those that contexts refer to. */
  readonly targets: ReadonlyMap<string, BakeTarget>;
  readonly groups: ReadonlyMap<string, BakeGroup>;
}

/** A group and its problems. */
export interface ResolvedGroup {
  /** All its direct and indirect members, including missing ones. */
  readonly targets: readonly string[];
  readonly mistakes: readonly Problem[];
}

/** All targets and groups, resolved separately. */
export interface ResolvedTargets {
  /** Targets that can be merged, even if some of their values are invalid. */
  readonly targets: ReadonlyMap<string, BakeTarget>;
  /** Problems by target. */
  readonly mistakes: ReadonlyMap<string, readonly Problem[]>;
  readonly groups: ReadonlyMap<string, ResolvedGroup>;
}
