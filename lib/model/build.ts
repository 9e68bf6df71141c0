/**
 * One build after the file is evaluated: every value is final, every path absolute. The packages after `config` read this
 * and never YAML.
 */
import type { EngineSettings } from './engine-settings.ts';
import type { Grants } from './grants.ts';
import type { ImageRef } from './image-ref.ts';
import type { Problem } from './problem.ts';
import type { Span } from './source.ts';

/** A JSON value, as CEL and YAML have it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where files come from: the main context or a named one. */
export type ContextRef =
  | {
      /** A directory. */
      readonly kind: 'local';
      /** Absolute. */
      readonly path: string;
    }
  | {
      /** The result of another build. */
      readonly kind: 'build';
      /** Its name. */
      readonly build: string;
    }
  | {
      /** An image in a registry. */
      readonly kind: 'image';
      /** Without `docker-image://`. */
      readonly ref: string;
    }
  | {
      /** A git repository. */
      readonly kind: 'git';
      /** In BuildKit's form, `#ref:subdir` included. */
      readonly url: string;
    }
  | {
      /** A file or an archive at a URL. */
      readonly kind: 'http';
      /** `https://…` or `http://…`. */
      readonly url: string;
    }
  | {
      /** An image in a directory in OCI image layout. */
      readonly kind: 'oci-layout';
      /** Absolute. */
      readonly path: string;
      /** As written, without the leading `:`. If there is neither tag nor digest: the tag `latest`, or the only image. */
      readonly tag?: string;
      /** Takes precedence over the tag. */
      readonly digest?: string;
    };

/** A context, with its text as written (for messages and `print`) and its place. */
export interface ContextSource {
  /** What it is, and where. */
  readonly ref: ContextRef;
  /** As written in the file. */
  readonly written: string;
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** The file that the frontend reads, usually a Dockerfile: inside or outside the context, or inline in builds.yaml. */
export type DockerfileSource =
  | {
      /** A file. */
      readonly kind: 'file';
      /** Absolute for a local context; relative to the root of a git or http context. */
      readonly path: string;
      /** As written in the file. */
      readonly written: string;
      /** Its place; absent if it is in no file. */
      readonly span?: Span;
    }
  | {
      /** Text in builds.yaml. */
      readonly kind: 'inline';
      /** The whole Dockerfile. */
      readonly text: string;
      /** Its place; absent if it is in no file. */
      readonly span?: Span;
    };

/** A buildctl option with a type and attributes: an output, a cache import or export, an attestation. */
export interface TypedAttributes {
  /** `local`, `registry`, `provenance`, … */
  readonly type: string;
  /** In the order written, without `type`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** The path among the attributes (`dest`, `src`) as `print` shows it, relative to the root; absent: there is no path. */
  readonly writtenPath?: string;
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** The image of `frontend: gateway.v0`. */
export interface FrontendImage {
  /** As written. */
  readonly image: string;
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** An option of `buildctl build` that is passed through unchanged. */
export interface BuildctlOption {
  /** With its dashes: `--trace`. */
  readonly name: string;
  /** As passed to buildctl, with absolute paths. */
  readonly words: readonly string[];
  /** As `print` shows it, paths relative to the root. */
  readonly written: readonly string[];
  /** Whether the option is known not to change the result. */
  readonly isHarmless: boolean;
  /** Files that it reads and writes; undefined if the option is not known. */
  readonly files?: readonly {
    /** Absolute. */
    readonly path: string;
    readonly written: string;
    readonly use: 'written' | 'certificate';
  }[];
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** A secret for RUN steps. Only its id appears in a plan, a key or a log. */
export interface SecretSource {
  /** The id of `RUN --mount=type=secret,id=…`. */
  readonly id: string;
  /** Where its value comes from. It is read when the build starts. */
  readonly from:
    | { readonly kind: 'file' /** Absolute. */; readonly path: string }
    | { readonly kind: 'env'; readonly variable: string }
    | { readonly kind: 'command'; readonly argv: readonly string[] };
  /** Only the id was written: the variable of that name if it is set, otherwise the file of that name (as in buildctl). */
  readonly bare?: true;
  /** Its variable is not set, and it comes from a bake file, which is built without the secret in that case. */
  readonly isUnset?: true;
  /** The file's path as `print` shows it. */
  readonly writtenPath?: string;
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** An SSH agent socket or keys for RUN steps. */
export interface SshSource {
  /** The id of `RUN --mount=type=ssh,id=…`; default: `default`. */
  readonly id: string;
  /** Absolute paths of keys, or of one agent socket; empty: the agent of `SSH_AUTH_SOCK`. */
  readonly paths: readonly string[];
  /** The paths as `print` shows them. */
  readonly writtenPaths?: readonly string[];
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** A resource limit of RUN. */
export interface Ulimit {
  /** Name as in `ulimit`: `nofile`, `nproc`, … */
  readonly name: string;
  /** The soft limit. */
  readonly soft: number;
  /** The hard limit. */
  readonly hard: number;
}

/**
 * `never`: not pushed. `selected`: pushed if the user requested this build. `always`: also pushed if it is only a
 * dependency of another build.
 */
export type PushMode = 'never' | 'selected' | 'always';

/** A name that an image is published under. */
export interface Tag {
  /** As written. */
  readonly text: string;
  /**
   * Parsed, with `:latest` if no tag is written; undefined if the text is not a valid tag (which is reported as a
   * problem).
   */
  readonly ref?: ImageRef;
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** One concrete build. A matrix has one for each row. */
export interface Build {
  /** In lower case, unique in its set: `api-3.13`. */
  readonly name: string;
  /** The build's key in builds.yaml. */
  readonly span?: Span;
  /** Its description. */
  readonly description?: string;
  /** The matrix build it is a row of, with the row's values. */
  readonly matrix?: { readonly name: string; readonly row: { readonly [axis: string]: Json } };

  /** The main context. */
  readonly context: ContextSource;
  /** What the frontend reads. */
  readonly dockerfile: DockerfileSource;
  /** The image of `gateway.v0`; undefined: BuildKit's own Dockerfile frontend. */
  readonly frontendImage?: FrontendImage;
  /** Options for the frontend that have no property of their own, by name. */
  readonly opts: ReadonlyMap<string, string>;
  /** Further options of `buildctl build`. */
  readonly buildctlOptions: readonly BuildctlOption[];
  /** The stage to build; undefined: the last one. */
  readonly target?: string;
  /** Build arguments (`ARG`), by name. */
  readonly args: ReadonlyMap<string, string>;
  /** Places of their values, if they are in a file. */
  readonly argSpans?: ReadonlyMap<string, Span>;
  /** Named contexts, by the name that the Dockerfile uses. */
  readonly contexts: ReadonlyMap<string, ContextSource>;
  /** Builds that must run first although this build reads no files from them. */
  readonly needs: readonly { readonly build: string; readonly span?: Span }[];

  /** Normalised (`linux/amd64`); empty: the engine's own platform. */
  readonly platforms: readonly string[];
  /** The platforms as written (`local` included), if that differs. */
  readonly platformsWritten?: readonly string[];
  /** `engine.labels`: only engines of a pool that have all of these labels build it. */
  readonly engineLabels?: readonly string[];
  /** In order, without duplicates. */
  readonly tags: readonly Tag[];
  /** `tags` is set, but all of them are empty. */
  readonly hasNoTags?: true;
  /** Whether its tags are pushed. */
  readonly push: PushMode;
  /** Place of the key that sets it. */
  readonly pushSpan?: Span;
  /** Labels in the image config, by name. */
  readonly labels: ReadonlyMap<string, string>;
  /** Key is `[level:]name`; level is manifest, index, manifest-descriptor or index-descriptor, `[os/arch]` allowed. */
  readonly annotations: ReadonlyMap<string, string>;
  /** Outputs in addition to the image that `tags` and `push` describe. */
  readonly outputs: readonly TypedAttributes[];
  /** Attestations: `provenance`, `sbom`. */
  readonly attest: readonly TypedAttributes[];
  /** How exported layers are compressed; undefined: BuildKit's default, gzip. */
  readonly compression?: {
    readonly type: 'uncompressed' | 'gzip' | 'zstd' | 'estargz';
    readonly level?: number;
    readonly force: boolean;
  };
  /** All timestamps are set to one epoch and layers are rewritten, so that the same inputs produce the same bytes. */
  readonly reproducible: boolean;
  /** Seconds since 1970, passed as SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch?: number;

  /** Where cache is read from. */
  readonly cacheFrom: readonly TypedAttributes[];
  /** Where cache is written to. */
  readonly cacheTo: readonly TypedAttributes[];
  /** Every step runs again in each run. */
  readonly noCache: boolean;
  /** Stages that are built without cache. */
  readonly noCacheFilter: readonly string[];
  /** Resolve base images in the registry even if the engine has an image of that name. */
  readonly pull: boolean;

  /** Secrets of RUN steps. */
  readonly secrets: readonly SecretSource[];
  /** SSH agents and keys of RUN steps. */
  readonly ssh: readonly SshSource[];
  /** Network of RUN steps; undefined: the engine's default. */
  readonly network?: 'default' | 'none' | 'host';
  /** Lines of /etc/hosts in RUN steps: name → IP address. */
  readonly extraHosts: ReadonlyMap<string, string>;
  /** Resource limits of RUN steps. */
  readonly ulimits: readonly Ulimit[];
  /** Size of /dev/shm in RUN steps (bytes); undefined: the engine's default. */
  readonly shmSizeBytes?: number;
  /** The cgroup that RUN steps run below. */
  readonly cgroupParent?: string;
  /** Time limit for one attempt, including its commands for secrets and its push; undefined: none. */
  readonly timeoutMs?: number;
  /** Entitlements that RUN steps may use: `network.host`, `security.insecure`, `device`. */
  readonly entitlements: readonly string[];

  /**
   * Only its name and groups that list it select it, not patterns or "everything": bake targets that others inherit from,
   * targets whose names begin with `_`, and targets with `call`, which query the frontend instead of building.
   */
  readonly byNameOnly?: 'parent' | 'private' | 'call';
  /** Settings of its file that bake-ts does not support; reported when the build is planned. */
  readonly cautions?: readonly Problem[];
  /** It comes from a bake or Compose file, and messages use the terms of those files. */
  readonly isBake?: true;
  /** Problems in its bake file's definition. If one is an error, this build cannot be planned; others can. */
  readonly mistakes?: readonly Problem[];
}

/** How to talk to one registry; from `registries:` in builds.yaml. Credentials are never here. */
export interface RegistrySettings {
  /** Plain http. Undefined: https, except on loopback, where http is tried. */
  readonly http?: boolean;
  /** PEM file of the authority that signed the registry's certificate. Absolute. */
  readonly ca?: string;
  /** PEM files of a client certificate. Absolute. */
  readonly cert?: string;
  /** PEM file of the client certificate's private key. Absolute. */
  readonly key?: string;
  /** Accept any certificate. */
  readonly insecure?: boolean;
  /** Hosts to try first when reading. */
  readonly mirrors?: readonly string[];
  /** How many requests to this host may run at the same time. */
  readonly concurrency?: number;
}

/** A variable and where its value came from. Values of sensitive variables appear in no output. */
export interface Variable {
  /** Its key in `vars`. */
  readonly name: string;
  /** Its final value. */
  readonly value: Json;
  /** Where the value came from. */
  readonly origin: VariableOrigin;
  /** Its description. */
  readonly description?: string;
  /** Whether the value is hidden in every output. */
  readonly sensitive: boolean;
}

/** Where a variable's value came from. */
export type VariableOrigin =
  | {
      /** From `vars` of the file. */
      readonly kind: 'default';
      /** Its place; absent if it is in no file. */
      readonly span?: Span;
    }
  | {
      /** From the environment. */
      readonly kind: 'env';
      /** Name of the environment variable. */
      readonly variable: string;
    }
  | {
      /** From `--var`, or the option `vars`. */
      readonly kind: 'flag';
    }
  | {
      /** From `--var-file`, or the option `varFiles`. */
      readonly kind: 'file';
      /** Path of the file. */
      readonly path: string;
    };

/** A named list of builds, resolved to concrete build names. */
export interface Group {
  /** Its key in `groups`. */
  readonly name: string;
  /** Names of builds, in order. */
  readonly builds: readonly string[];
  /** Its description. */
  readonly description?: string;
  /** Problems in its bake file's definition; reported when the group is selected. */
  readonly mistakes?: readonly Problem[];
}

/** A builds.yaml with its includes, variables and overrides, resolved to final values. */
export interface BuildSet {
  /**
   * Absolute path of the directory that relative paths on the command line are based on, and that state is stored under.
   */
  readonly root: string;
  /** By name, in the order of the file. */
  readonly builds: ReadonlyMap<string, Build>;
  /** By name, in the order of the file. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Matrix builds and the names of their rows, in order. */
  readonly matrices: ReadonlyMap<string, readonly string[]>;
  /** By name, in the order of the file. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** Settings by host, as references spell it: `localhost:5000`. */
  readonly registries: ReadonlyMap<string, RegistrySettings>;
  /** `engine:` of the file; undefined: not set. */
  readonly engine?: EngineSettings;
  /**
   * Where results are recorded in addition to this machine: `registry` (each next to its own image), or a reference where
   * signed records are stored. Undefined: only on this machine.
   */
  readonly record?: string;
  /** `together`: tags move only when every build of the run has succeeded. Undefined or `each`: after each build. */
  readonly publish?: 'each' | 'together';
  /** Globs for tags (the part after the colon) that must not be moved to a different image. */
  readonly immutable?: readonly string[];
  /** What the files may do; see docs/security.md. */
  readonly grants: Grants;
  /** Files that were read, in order, relative to the working directory. */
  readonly files: readonly string[];
  /** Everything in it comes from bake and Compose files. */
  readonly isBake?: true;
  /** Files that would be read if they existed, relative to the working directory. */
  readonly absentFiles?: readonly string[];
}
