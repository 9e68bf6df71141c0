/** The content of bake files before targets are requested: what can be listed, and what `resolveBake` resolves. */
import type { Json, Problem, SourceFile, Span } from '../model/mod.ts';
import type { BakeGroup } from './target.ts';

/** A bake or Compose file. */
export interface BakeFile {
  readonly source: SourceFile;
  /** Absolute: base of the paths in a Compose file's `include` and `extends`. */
  readonly dir: string;
}

/** Environment of an evaluation. */
export interface ReadBakeOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--var NAME=VALUE` */
  readonly vars: ReadonlyMap<string, string>;
  /** `BAKE_CMD_CONTEXT` */
  readonly cmdContext: string;
  /** `BAKE_LOCAL_PLATFORM` */
  readonly localPlatform: string;
  /** Result of `timestamp()`. */
  readonly now: Date;
  /**
   * Reads a file that a Compose file names (absolute path); undefined: it does not exist; null: it cannot be read, and a
   * problem was reported.
   */
  readonly readFile: (path: string) => Promise<string | undefined | null>;
  /** Whether a path in a Compose file is a directory. If absent, paths that must be directories are assumed to be. */
  readonly isDirectory?: (path: string) => Promise<boolean>;
  /** Called for variables that Compose files use and that are not set, possibly several times. */
  readonly onUnset?: (name: string) => void;
  /** Random bytes for `uuidv4()`; default: those of the runtime. */
  readonly random?: (size: number) => Uint8Array;
}

/** A variable of the files. */
export interface BakeVariable {
  readonly name: string;
  /** Its value; null if it has none. */
  readonly value: Json;
  /** The value of its default, converted to its type; absent if it has none. */
  readonly default?: Json;
  /** Its declared type as text: `list of string`. */
  readonly type?: string;
  readonly description?: string;
  /** Its value is not the default but from `vars` or the environment. */
  readonly isGiven: boolean;
  readonly place?: Span;
}

/** A target; each row of a matrix is one. */
export interface BakeTargetHead {
  readonly name: string;
  readonly description?: string;
  readonly place?: Span;
  /** Targets from which it inherits directly. */
  readonly inherits: readonly string[];
  /** What bake silently ignores in it: unknown attributes. */
  readonly warnings?: readonly Problem[];
  /** The matrix of a row: the name of its block and the values of the axes. */
  readonly matrix?: { readonly name: string; readonly row: Readonly<Record<string, Json>> };
}

/** Everything that the files define. */
export interface BakeDefinition {
  readonly variables: ReadonlyMap<string, BakeVariable>;
  /** In the written order. */
  readonly targets: ReadonlyMap<string, BakeTargetHead>;
  /** A matrix is also a group of its rows. */
  readonly groups: ReadonlyMap<string, BakeGroup>;
  /** Targets whose matrices have no rows: nothing is built for them. */
  readonly withoutRows: readonly string[];
  /** Some of the files are Compose's. */
  readonly hasCompose: boolean;
  /** What bake silently ignores outside of targets and groups: unknown blocks, and attributes of variables. */
  readonly warnings: readonly Problem[];
}

/** What is requested. */
export interface ResolveBakeOptions {
  /** Names of targets and groups, and patterns. */
  readonly targets: readonly string[];
  /** The texts of `--set`. */
  readonly overrides: readonly string[];
}
