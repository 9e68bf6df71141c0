/** What bake files say before anything of it is asked for: what can be listed, and what `resolveBake` resolves. */
import type { Json, Problem, SourceFile, Span } from '../model/mod.ts';
import type { BakeGroup } from './target.ts';

/** A bake or Compose file. */
export interface BakeFile {
  readonly source: SourceFile;
  /** Absolute: where the paths of a Compose file's `include` and `extends` start. */
  readonly dir: string;
}

/** Surroundings of an evaluation. */
export interface ReadBakeOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--var NAME=VALUE` */
  readonly vars: ReadonlyMap<string, string>;
  /** `BAKE_CMD_CONTEXT` */
  readonly cmdContext: string;
  /** `BAKE_LOCAL_PLATFORM` */
  readonly localPlatform: string;
  /** What `timestamp()` gives. */
  readonly now: Date;
  /** Reads a file that a Compose file names (absolute path); undefined: there is none; null: why it is not read is told. */
  readonly readFile: (path: string) => Promise<string | undefined | null>;
  /** Whether a path that a Compose file names is a directory. Without it, those that have to be are taken to be. */
  readonly isDirectory?: (path: string) => Promise<boolean>;
  /** Called for variables that Compose files ask for and that are not set, maybe more than once. */
  readonly onUnset?: (name: string) => void;
  /** What `uuidv4()` is made of: as many random bytes as asked for. Without it, those of the runtime. */
  readonly random?: (size: number) => Uint8Array;
}

/** A variable of the files. */
export interface BakeVariable {
  readonly name: string;
  /** The value that it has; null where it has none. */
  readonly value: Json;
  /** The value of its default, of its type; absent where it has none. */
  readonly default?: Json;
  /** The type that it says it has, in words: `list of string`. */
  readonly type?: string;
  readonly description?: string;
  /** The value is not its default: `vars`, or the environment has it. */
  readonly isGiven: boolean;
  readonly place?: Span;
}

/** A target, rows of a matrix one by one. */
export interface BakeTargetHead {
  readonly name: string;
  readonly description?: string;
  readonly place?: Span;
  /** Targets that it inherits from directly. */
  readonly inherits: readonly string[];
  /** What bake passes over in it without a word: unknown attributes. */
  readonly warnings?: readonly Problem[];
  /** The matrix that it is a row of: the name of its block and the values of the axes. */
  readonly matrix?: { readonly name: string; readonly row: Readonly<Record<string, Json>> };
}

/** All that the files say. */
export interface BakeDefinition {
  readonly variables: ReadonlyMap<string, BakeVariable>;
  /** In the order written. */
  readonly targets: ReadonlyMap<string, BakeTargetHead>;
  /** A matrix is a group of its rows, too. */
  readonly groups: ReadonlyMap<string, BakeGroup>;
  /** Targets whose matrices have no rows: nothing is built of them, whatever their names are. */
  readonly withoutRows: readonly string[];
  /** Some of the files are Compose's. */
  readonly hasCompose: boolean;
  /** What bake passes over without a word beside targets and groups: unknown blocks, and attributes of variables. */
  readonly warnings: readonly Problem[];
}

/** What is asked for. */
export interface ResolveBakeOptions {
  /** Names of targets and groups, and patterns. */
  readonly targets: readonly string[];
  /** The texts of `--set`. */
  readonly overrides: readonly string[];
}
