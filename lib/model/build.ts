/**
 * What one build is once the language is behind us: every value final, every path absolute, nothing late-bound.
 * The packages after `config` see this and never YAML.
 */
import type { Grants } from './grants.ts';
import type { ImageRef } from './image-ref.ts';
import type { Problem } from './problem.ts';
import type { Span } from './source.ts';

/** JSON as CEL and YAML know it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where files come from: the main context, or a named one. */
export type ContextRef =
  | { readonly kind: 'local' /** Absolute. */; readonly path: string }
  | { readonly kind: 'build'; readonly build: string }
  | { readonly kind: 'image' /** Without `docker-image://`. */; readonly ref: string }
  | { readonly kind: 'git' /** As BuildKit takes it, `#ref:subdir` included. */; readonly url: string }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'oci-layout' /** Absolute. */; readonly path: string; readonly ref: string };

/** A context with the text it was written as (for messages and `print`) and its place. */
export interface ContextSource {
  readonly ref: ContextRef;
  readonly written: string;
  readonly span?: Span;
}

/** The file that the frontend reads, a Dockerfile mostly: below (or beside) the context, or text in builds.yaml. */
export type DockerfileSource =
  | {
      readonly kind: 'file';
      /** Absolute for a local context; relative to the root of a git or http context. */
      readonly path: string;
      readonly written: string;
      readonly span?: Span;
    }
  | { readonly kind: 'inline'; readonly text: string; readonly span?: Span };

/** A flag of buildctl that is a type and attributes: an output, a cache import or export, an attestation. */
export interface TypedAttributes {
  readonly type: string;
  /** In the order written, without `type`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** The path among the attributes (`dest`, `src`) as `print` shows it: relative to the root; absent: there is none. */
  readonly writtenPath?: string;
  readonly span?: Span;
}

/** The image of `frontend: gateway.v0`. */
export interface FrontendImage {
  /** As written. */
  readonly image: string;
  readonly span?: Span;
}

/** An option of `buildctl build` that is handed on as it is. */
export interface BuildctlOption {
  /** With its dashes: `--trace`. */
  readonly name: string;
  /** As buildctl gets it, paths absolute. */
  readonly words: readonly string[];
  /** As `print` shows it, paths relative to the root. */
  readonly written: readonly string[];
  /** The result is known to be the same with and without it. */
  readonly isHarmless: boolean;
  /** What it reads and writes; undefined: the option is not known, so that nobody can tell. */
  readonly files?: readonly {
    /** Absolute. */
    readonly path: string;
    readonly written: string;
    readonly use: 'written' | 'certificate';
  }[];
  readonly span?: Span;
}

/** A secret handed to RUN; only its id ever appears in a plan, a key or a log. */
export interface SecretSource {
  readonly id: string;
  readonly from:
    | { readonly kind: 'file' /** Absolute. */; readonly path: string }
    | { readonly kind: 'env'; readonly variable: string }
    | { readonly kind: 'command'; readonly argv: readonly string[] };
  /** Only the id was written: the variable of that name if it is set, else the file of that name (as buildctl does). */
  readonly bare?: true;
  /** The file as `print` shows it. */
  readonly writtenPath?: string;
  readonly span?: Span;
}

/** An SSH agent socket or keys handed to RUN. */
export interface SshSource {
  readonly id: string;
  /** Absolute paths of keys, or of one agent socket; empty: the agent of `SSH_AUTH_SOCK`. */
  readonly paths: readonly string[];
  /** The paths as `print` shows them. */
  readonly writtenPaths?: readonly string[];
  readonly span?: Span;
}

/** A resource limit of RUN. */
export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/**
 * `never`: not pushed. `selected`: pushed when the user asked for this build. `always`: pushed even where it is
 * built only because another build needs it.
 */
export type PushMode = 'never' | 'selected' | 'always';

/** A name that an image is published under. */
export interface Tag {
  /** As written. */
  readonly text: string;
  /** Parsed, `:latest` where no tag is written; undefined where the text is not a valid tag (which is a problem of its own). */
  readonly ref?: ImageRef;
  readonly span?: Span;
}

/** One concrete build (a matrix gives one of these for each row). */
export interface Build {
  readonly name: string;
  /** The build's key in builds.yaml. */
  readonly span?: Span;
  readonly description?: string;
  /** The matrix build it is a row of, with the row's values. */
  readonly matrix?: { readonly name: string; readonly row: { readonly [axis: string]: Json } };

  readonly context: ContextSource;
  readonly dockerfile: DockerfileSource;
  /** The image of `gateway.v0`; undefined: BuildKit's own Dockerfile frontend. */
  readonly frontendImage?: FrontendImage;
  /** Options for the frontend that no other property is for, by name. */
  readonly opts: ReadonlyMap<string, string>;
  /** Further options of `buildctl build`. */
  readonly buildctlOptions: readonly BuildctlOption[];
  /** The stage to build; undefined: the last one. */
  readonly target?: string;
  readonly args: ReadonlyMap<string, string>;
  /** Where their values stand, as far as they stand in a file. */
  readonly argSpans?: ReadonlyMap<string, Span>;
  /** Named contexts, by the name the Dockerfile uses for them. */
  readonly contexts: ReadonlyMap<string, ContextSource>;
  /** Builds that must come first though no file passes. */
  readonly needs: readonly { readonly build: string; readonly span?: Span }[];

  /** Normalised (`linux/amd64`); empty: whatever the engine's own platform is. */
  readonly platforms: readonly string[];
  /** The platforms as written (`local` included), where that differs. */
  readonly platformsWritten?: readonly string[];
  /** In order, without duplicates. */
  readonly tags: readonly Tag[];
  /** `tags` are written, and none is left of them. */
  readonly hasNoTags?: true;
  readonly push: PushMode;
  /** Where that it is pushed stands. */
  readonly pushSpan?: Span;
  readonly labels: ReadonlyMap<string, string>;
  /** Key is `[level:]name`; level is manifest, index, manifest-descriptor or index-descriptor, `[os/arch]` allowed. */
  readonly annotations: ReadonlyMap<string, string>;
  /** Outputs besides the image that `tags` and `push` describe. */
  readonly outputs: readonly TypedAttributes[];
  readonly attest: readonly TypedAttributes[];
  readonly compression?: {
    readonly type: 'uncompressed' | 'gzip' | 'zstd' | 'estargz';
    readonly level?: number;
    readonly force: boolean;
  };
  /** Every timestamp set from one epoch and layers rewritten to it, so that equal inputs give equal bytes. */
  readonly reproducible: boolean;
  /** Seconds since 1970 handed down as SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch?: number;

  readonly cacheFrom: readonly TypedAttributes[];
  readonly cacheTo: readonly TypedAttributes[];
  readonly noCache: boolean;
  /** Stages that are built without cache. */
  readonly noCacheFilter: readonly string[];
  /** Ask the registry for base images even where the engine has one by that name. */
  readonly pull: boolean;

  readonly secrets: readonly SecretSource[];
  readonly ssh: readonly SshSource[];
  readonly network?: 'default' | 'none' | 'host';
  readonly extraHosts: ReadonlyMap<string, string>;
  readonly ulimits: readonly Ulimit[];
  readonly shmSizeBytes?: number;
  readonly cgroupParent?: string;
  /** How long one attempt at it may take, its commands for secrets and its push included; undefined: for ever. */
  readonly timeoutMs?: number;
  readonly entitlements: readonly string[];

  /**
   * No pattern and no "everything" means it, only its name and groups that list it: targets of bake that others inherit from,
   * whose names begin with `_`, or which ask the frontend in place of building.
   */
  readonly byNameOnly?: 'parent' | 'private' | 'call';
  /** What its file asks for and is not done here; it counts where the build is planned. */
  readonly cautions?: readonly Problem[];
  /** A bake or Compose file says it, in whose words it is spoken of. */
  readonly isBake?: true;
  /** What is wrong with what its bake file says of it: with an error it cannot be planned, and others can. */
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
  readonly key?: string;
  /** Accept any certificate. */
  readonly insecure?: boolean;
  /** Hosts to ask first when reading. */
  readonly mirrors?: readonly string[];
  /** Requests at a time to this host. */
  readonly concurrency?: number;
}

/** A variable with where its value came from. Sensitive ones keep their value out of every output. */
export interface Variable {
  readonly name: string;
  readonly value: Json;
  readonly origin: VariableOrigin;
  readonly description?: string;
  readonly sensitive: boolean;
}

/** Where a variable's value came from. */
export type VariableOrigin =
  | { readonly kind: 'default'; readonly span?: Span }
  | { readonly kind: 'env'; readonly variable: string }
  | { readonly kind: 'flag' }
  | { readonly kind: 'file'; readonly path: string };

/** A named list of builds, resolved to concrete build names. */
export interface Group {
  readonly name: string;
  readonly builds: readonly string[];
  readonly description?: string;
  /** What is wrong with what its bake file says of it, which counts where it is selected. */
  readonly mistakes?: readonly Problem[];
}

/** Everything a builds.yaml (with its includes, variables and overrides) says, resolved. */
export interface BuildSet {
  /** Absolute path of the directory that relative paths on the command line and state are keyed by. */
  readonly root: string;
  readonly builds: ReadonlyMap<string, Build>;
  readonly groups: ReadonlyMap<string, Group>;
  /** Matrix builds and the names of their rows, in order. */
  readonly matrices: ReadonlyMap<string, readonly string[]>;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly registries: ReadonlyMap<string, RegistrySettings>;
  /** `engine.address` of the file. */
  readonly engineAddress?: string;
  /**
   * Where results are remembered besides this machine: `registry` (each beside its own image), or the reference given, where
   * records are signed. Undefined: on this machine only.
   */
  readonly record?: string;
  /** `together`: tags move only when every build of the run succeeded. Undefined or `each`: as each build is done. */
  readonly publish?: 'each' | 'together';
  /** Globs over tags (the part after the colon) that must not come to point at something else. */
  readonly immutable?: readonly string[];
  /** What the files may do; see docs/security.md. */
  readonly grants: Grants;
  /** Files that were read, in order, relative to the working directory. */
  readonly files: readonly string[];
  /** Everything in it comes from bake and Compose files. */
  readonly isBake?: true;
  /** Files that would have been read if they were there, relative to the working directory. */
  readonly absentFiles?: readonly string[];
}
