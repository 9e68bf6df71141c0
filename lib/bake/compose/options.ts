/** What Compose files are read with. */

/** Surroundings of Compose files. */
export interface ComposeOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--var NAME=VALUE`: over the environment and `.env`. */
  readonly vars: ReadonlyMap<string, string>;
  /** Reads a file; a path that is not absolute starts where bake runs. Undefined: there is none, or it is a directory; null: why it is not read is told. */
  readonly readFile: (path: string) => Promise<string | undefined | null>;
  /** Whether a path is a directory. Without it, the `project_directory` of an `include` is taken to be one. */
  readonly isDirectory?: (path: string) => Promise<boolean>;
  /** Called for variables that are asked for and not set, maybe more than once. */
  readonly onUnset?: (name: string) => void;
}
