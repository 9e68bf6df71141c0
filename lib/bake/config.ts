/**
 * The content of the files, ready to be resolved: targets with their rows and blocks merged, groups, and the environment.
 */
import type { Draft } from './draft.ts';
import type { BakeGroup } from './target.ts';

export interface Config {
  /** In the written order, those of Compose files first. */
  readonly targets: ReadonlyMap<string, Draft>;
  /** Of several groups with one name, the first is used. */
  readonly groups: readonly BakeGroup[];
  /** Environment variables, for build arguments without a value. */
  readonly lookup: (name: string) => string | undefined;
  /** Build argument of all targets that do not set it. */
  readonly sourceDateEpoch?: string;
}

/** Joins the base directory of a context and its path (buildx bake/bake.go, `rebaseContextPath`). */
export type Rebase = (base: string, path: string) => string;
