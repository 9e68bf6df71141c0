/** What the files say, ready to be resolved: targets whose rows and blocks are one each, groups, and the surroundings. */
import type { Draft } from './draft.ts';
import type { BakeGroup } from './target.ts';

export interface Config {
  /** In the order written; those of Compose files first. */
  readonly targets: ReadonlyMap<string, Draft>;
  /** Of several with one name the first counts. */
  readonly groups: readonly BakeGroup[];
  /** A variable of the environment, for build arguments that are set without a value. */
  readonly lookup: (name: string) => string | undefined;
  /** Build argument of every target that does not set it itself. */
  readonly sourceDateEpoch?: string;
}

/** A directory that a context starts at, and the context (buildx bake/bake.go, `rebaseContextPath`). */
export type Rebase = (base: string, path: string) => string;
