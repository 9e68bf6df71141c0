/** What Compose files are read with. */

/** Surroundings of Compose files. */
export interface ComposeOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--var NAME=VALUE`: over the environment and `.env`. */
  readonly vars: ReadonlyMap<string, string>;
  /** Reads a file; relative paths start where bake runs. Undefined: it does not exist or is a directory; null: reading failed, and that was reported. */
  readonly readFile: (path: string) => Promise<string | undefined | null>;
  /** Whether a path is a directory. Without it, the `project_directory` of an `include` is taken to be one. */
  readonly isDirectory?: (path: string) => Promise<boolean>;
  /** Called for variables that are used and not set, possibly several times. */
  readonly onUnset?: (name: string) => void;
}
