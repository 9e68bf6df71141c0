/**
 * What one build is once the language is behind us: every value final, every path absolute, nothing late-bound.
 * The packages after `config` see this and never YAML.
 */
import type { EngineSettings } from './engine-settings.ts';
import type { Grants } from './grants.ts';
import type { ImageRef } from './image-ref.ts';
import type { Problem } from './problem.ts';
import type { Span } from './source.ts';

/** JSON as CEL and YAML know it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where files come from: the main context, or a named one. */
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
      /** As BuildKit takes it, `#ref:subdir` included. */
      readonly url: string;
    }
  | {
      /** A file or an archive behind an address. */
      readonly kind: 'http';
      /** `https://…` or `http://…`. */
      readonly url: string;
    }
  | {
      /** An image in a directory, as the OCI image layout has it. */
      readonly kind: 'oci-layout';
      /** Absolute. */
      readonly path: string;
      /** As written, without a mark; neither of both: the tag `latest`, or the only image. */
      readonly tag?: string;
      /** Counts before the tag. */
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

/** The file that the frontend reads, a Dockerfile mostly: below (or beside) the context, or text in builds.yaml. */
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

/** A flag of buildctl that is a type and attributes: an output, a cache import or export, an attestation. */
export interface TypedAttributes {
  /** `local`, `registry`, `provenance`, … */
  readonly type: string;
  /** In the order written, without `type`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** The path among the attributes (`dest`, `src`) as `print` shows it: relative to the root; absent: there is none. */
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

/** An option of `buildctl build` that is passed on unchanged. */
export interface BuildctlOption {
  /** With its dashes: `--trace`. */
  readonly name: string;
  /** As buildctl gets it, paths absolute. */
  readonly words: readonly string[];
  /** As `print` shows it, paths relative to the root. */
  readonly written: readonly string[];
  /** The option is known not to change the result. */
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
  /** What `RUN --mount=type=secret,id=…` asks for. */
  readonly id: string;
  /** Where its value comes from; it is read when the build begins. */
  readonly from:
    | { readonly kind: 'file' /** Absolute. */; readonly path: string }
    | { readonly kind: 'env'; readonly variable: string }
    | { readonly kind: 'command'; readonly argv: readonly string[] };
  /** Only the id was written: the variable of that name if it is set, else the file of that name (as buildctl does). */
  readonly bare?: true;
  /** Its variable is not set, and its file is of those that are built without it all the same: bake's. */
  readonly isUnset?: true;
  /** The file as `print` shows it. */
  readonly writtenPath?: string;
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** An SSH agent socket or keys for RUN steps. */
export interface SshSource {
  /** What `RUN --mount=type=ssh,id=…` asks for; `default` where none is written. */
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
  /** As in `ulimit`: `nofile`, `nproc`, … */
  readonly name: string;
  /** The soft limit. */
  readonly soft: number;
  /** The hard limit. */
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
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** One concrete build (a matrix gives one of these for each row). */
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
  /** Options for the frontend that no other property is for, by name. */
  readonly opts: ReadonlyMap<string, string>;
  /** Further options of `buildctl build`. */
  readonly buildctlOptions: readonly BuildctlOption[];
  /** The stage to build; undefined: the last one. */
  readonly target?: string;
  /** Build arguments (`ARG`), by name. */
  readonly args: ReadonlyMap<string, string>;
  /** Places of their values, if they are in a file. */
  readonly argSpans?: ReadonlyMap<string, Span>;
  /** Named contexts, by the name the Dockerfile uses for them. */
  readonly contexts: ReadonlyMap<string, ContextSource>;
  /** Builds that must run first although no files are read from them. */
  readonly needs: readonly { readonly build: string; readonly span?: Span }[];

  /** Normalised (`linux/amd64`); empty: whatever the engine's own platform is. */
  readonly platforms: readonly string[];
  /** The platforms as written (`local` included), if that differs. */
  readonly platformsWritten?: readonly string[];
  /** `engine.labels`: it is built only by engines of a pool that have all of them. */
  readonly engineLabels?: readonly string[];
  /** In order, without duplicates. */
  readonly tags: readonly Tag[];
  /** `tags` are given, but all of them are empty. */
  readonly hasNoTags?: true;
  /** Whether its tags are pushed. */
  readonly push: PushMode;
  /** Place of the key that says whether it is pushed. */
  readonly pushSpan?: Span;
  /** Labels of the image's config, by name. */
  readonly labels: ReadonlyMap<string, string>;
  /** Key is `[level:]name`; level is manifest, index, manifest-descriptor or index-descriptor, `[os/arch]` allowed. */
  readonly annotations: ReadonlyMap<string, string>;
  /** Outputs besides the image that `tags` and `push` describe. */
  readonly outputs: readonly TypedAttributes[];
  /** Attestations: `provenance`, `sbom`. */
  readonly attest: readonly TypedAttributes[];
  /** How exported layers are compressed; undefined: as BuildKit does, with gzip. */
  readonly compression?: {
    readonly type: 'uncompressed' | 'gzip' | 'zstd' | 'estargz';
    readonly level?: number;
    readonly force: boolean;
  };
  /** Every timestamp set from one epoch and layers rewritten to it, so that equal inputs give equal bytes. */
  readonly reproducible: boolean;
  /** Seconds since 1970 handed down as SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch?: number;

  /** Where cache is read from. */
  readonly cacheFrom: readonly TypedAttributes[];
  /** Where cache is written to. */
  readonly cacheTo: readonly TypedAttributes[];
  /** Every step runs again in each run. */
  readonly noCache: boolean;
  /** Stages that are built without cache. */
  readonly noCacheFilter: readonly string[];
  /** Look base images up in the registry even if the engine has an image of that name. */
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
  /** How long one attempt at it may take, its commands for secrets and its push included; undefined: for ever. */
  readonly timeoutMs?: number;
  /** Rights that RUN steps may ask for: `network.host`, `security.insecure`, `device`. */
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
  /** PEM file of the client certificate's key. Absolute. */
  readonly key?: string;
  /** Accept any certificate. */
  readonly insecure?: boolean;
  /** Hosts to ask first when reading. */
  readonly mirrors?: readonly string[];
  /** How many requests to this host run at the same time. */
  readonly concurrency?: number;
}

/** A variable, and where its value came from. Values of sensitive variables appear in no output. */
export interface Variable {
  /** As `vars` has it. */
  readonly name: string;
  /** Its final value. */
  readonly value: Json;
  /** Where the value came from. */
  readonly origin: VariableOrigin;
  /** Its description. */
  readonly description?: string;
  /** The value is kept out of every output. */
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
  /** As `groups` has it. */
  readonly name: string;
  /** Names of builds, in order. */
  readonly builds: readonly string[];
  /** Its description. */
  readonly description?: string;
  /** What is wrong with what its bake file says of it, which counts where it is selected. */
  readonly mistakes?: readonly Problem[];
}

/** A builds.yaml with its includes, variables and overrides, resolved to final values. */
export interface BuildSet {
  /** Absolute path of the directory that relative paths on the command line and state are keyed by. */
  readonly root: string;
  /** By name, in the order of the file. */
  readonly builds: ReadonlyMap<string, Build>;
  /** By name, in the order of the file. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Matrix builds and the names of their rows, in order. */
  readonly matrices: ReadonlyMap<string, readonly string[]>;
  /** By name, in the order of the file. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** Settings by host, as references write it: `localhost:5000`. */
  readonly registries: ReadonlyMap<string, RegistrySettings>;
  /** `engine:` of the file; undefined: it has none. */
  readonly engine?: EngineSettings;
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
