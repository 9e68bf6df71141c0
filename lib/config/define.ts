/** Types for builds files that are modules (`builds.ts`). */
import type { Json } from '../model/mod.ts';

/** A text, or a value that is converted to one; may contain expressions `${{ … }}`. null: not set. */
export type Text = string | number | boolean | null | undefined;
/** Any text, such as `${{ … }}`, for keys that also have keywords, which editors complete. */
export type Expression = string & {};

/** A list, or one expression (`${{ … }}`) that returns one. */
export type TextList = readonly Text[] | string | null;
/** A map of texts, or one expression (`${{ … }}`) that returns one. */
export type TextMap = Readonly<Record<string, Text>> | string | null;
/** `type=local,dest=out`, `type=…,KEY=VALUE,…`, or a map with `type` and attributes. */
export type TypedText = string | Readonly<Record<string, Text>> | null;

/**
 * The keys that templates and builds have in common; docs/language.md has the rules. Paths are relative to the file;
 * `null` means not set.
 */
export interface TemplateDefinition {
  /** A description; `bake-ts list` shows it. Not inherited. */
  readonly description?: Text;
  /**
   * Templates or other builds whose keys are inherited: a name or a list. Later ones take precedence, and own keys
   * override all.
   */
  readonly extends?: string | readonly Text[] | null;
  /**
   * Directory with the files that the Dockerfile can read, relative to the file with this key (default: that file's
   * directory); or a git or http(s) URL.
   */
  readonly context?: Text;
  /** Path of the Dockerfile, relative to the context; default: `Dockerfile`. */
  readonly dockerfile?: Text;
  /** The text of the Dockerfile, instead of a file. `${VAR}` is passed through to it; only `${{ … }}` is evaluated. */
  readonly 'dockerfile-inline'?: Text;
  /**
   * The frontend: `dockerfile.v0`, BuildKit's own Dockerfile frontend (default), or `gateway.v0`, the image of `source`.
   */
  readonly frontend?: string | null;
  /** Image of the frontend, with `frontend: gateway.v0`. It is resolved once, pinned, and part of the key. */
  readonly source?: Text;
  /** Frontend options that have no key of their own: `{ hostname: 'x' }`. Merged by name. */
  readonly opts?: TextMap;
  /** Further options of `buildctl build` that have no key of their own: `['--trace', 'build.json']`. */
  readonly 'buildctl-options'?: TextList;
  /** Stage of the Dockerfile to build; default: the last one. */
  readonly target?: Text;
  /** Build arguments (`ARG`). Merged by name; null removes one. */
  readonly args?: TextMap;
  /**
   * Named contexts, by the name in `FROM`, `COPY --from` or `RUN --mount=from`: `build:NAME`, a directory,
   * `docker-image://REF`, `oci-layout://DIR[:TAG]`, a git or http(s) URL. Merged by name.
   */
  readonly contexts?: TextMap;
  /** Builds that must run first although this build reads no files from them. Others are found in the Dockerfile. */
  readonly needs?: TextList;
  /** Platforms to build for: `linux/amd64`; `local` is the engine's own platform, which is the default. */
  readonly platforms?: TextList;
  /** Full names of the image: `ghcr.io/acme/api:1.2`. Empty and null items are ignored. */
  readonly tags?: TextList;
  /**
   * Whether tags are pushed: true (if the build is requested), false, or `always` (also if it is only a dependency of
   * another build); default: false.
   */
  readonly push?: boolean | 'always' | Expression | null;
  /** Labels in the image config. Merged by name. */
  readonly labels?: TextMap;
  /**
   * Annotations of the manifest. A name may begin with a level: `index:`, `manifest[linux/arm64]:`,
   * `index,manifest:`. Merged by name.
   */
  readonly annotations?: TextMap;
  /**
   * Outputs in addition to the pushed image: `type=local,dest=out`, `type=oci,dest=app.tar`, or a directory; `dest` is
   * relative to this file. `[]` removes inherited ones.
   */
  readonly outputs?: readonly TypedText[] | string | null;
  /** Attestations: `provenance`, `sbom`, `type=provenance,mode=max`. Added to inherited ones; `[]` removes those. */
  readonly attest?: readonly TypedText[] | string | null;
  /** How exported layers are compressed: `gzip`, `zstd`, `estargz`, `uncompressed`, or a map; default: gzip. */
  readonly compression?:
    | 'gzip'
    | 'zstd'
    | 'estargz'
    | 'uncompressed'
    | Expression
    | {
        /** `gzip`, `zstd`, `estargz` or `uncompressed`. */
        readonly type?: 'gzip' | 'zstd' | 'estargz' | 'uncompressed' | Expression;
        /** Compression level of the algorithm. */
        readonly level?: number | string;
        /** Recompress existing layers that have another compression. */
        readonly force?: boolean | string;
      }
    | null;
  /**
   * Sets all timestamps of the image to one value (`source-date-epoch`, otherwise the time of the last commit, otherwise
   * 0), so that the same inputs produce the same bytes.
   */
  readonly reproducible?: boolean | string | null;
  /** `SOURCE_DATE_EPOCH` of the build: seconds since 1970. */
  readonly 'source-date-epoch'?: number | string | null;
  /**
   * Remote cache, with a separate tag for each build and set of platforms: `auto` (next to the image of the first tag), a
   * repository, or a map; empty: none.
   */
  readonly cache?:
    | 'auto'
    | Expression
    | {
        /** Repository of the cache images; default: the repository of the first tag. */
        readonly repository?: Text;
        /** `max` (all stages, the default) or `min` (only the last one). */
        readonly mode?: 'max' | 'min' | Expression;
        /** Whether the cache is also written; default: true. */
        readonly export?: boolean | string;
      }
    | null;
  /**
   * Cache imports: `type=registry,ref=…`, `type=gha`, …; a plain reference means `type=registry`. Added to inherited
   * ones; `[]` removes those.
   */
  readonly 'cache-from'?: readonly TypedText[] | string | null;
  /**
   * Cache exports: `type=registry,ref=…,mode=max`, `type=inline`, …; a plain reference means `type=registry`. `[]`
   * removes inherited ones.
   */
  readonly 'cache-to'?: readonly TypedText[] | string | null;
  /** Runs every step in each run, for steps that depend on something outside of their inputs. */
  readonly 'no-cache'?: boolean | string | null;
  /** Stages whose steps run in each run. Added to inherited ones; `[]` removes those. */
  readonly 'no-cache-filter'?: TextList;
  /** Resolves base images in the registry even if the engine has an image of that name. */
  readonly pull?: boolean | string | null;
  /**
   * Secrets for `RUN --mount=type=secret`: `id=token,env=TOKEN`, `id=key,src=key.pem`, an id, or a map. Values never
   * appear in plans, logs or keys. Added to inherited ones.
   */
  readonly secrets?:
    | readonly (
        | string
        | {
            /** The id of `RUN --mount=type=secret,id=…`. */
            readonly id: Text;
            /** File with the value, relative to this file. */
            readonly file?: Text;
            /** Environment variable with the value. */
            readonly env?: Text;
            /** Program and arguments, run without a shell; its output is the value. */
            readonly command?: TextList;
          }
        | null
      )[]
    | string
    | null;
  /** SSH agents or keys for `RUN --mount=type=ssh`: `default`, `id=PATH,PATH`, or a map. Added to inherited ones. */
  readonly ssh?:
    | readonly (
        | string
        | {
            /** The id; default: `default`. */
            readonly id?: Text;
            /** Key files or one agent socket, relative to this file; default: the agent of `SSH_AUTH_SOCK`. */
            readonly paths?: TextList;
          }
        | null
      )[]
    | string
    | null;
  /** Network of RUN steps: `default`, `none` or `host`. */
  readonly network?: 'default' | 'none' | 'host' | Expression | null;
  /** Lines of /etc/hosts in RUN steps: a map of name to IP address, or `name=address`. Merged by name. */
  readonly 'extra-hosts'?: TextMap | readonly Text[];
  /**
   * Resource limits of RUN steps: `{ nofile: '1024:2048' }` (soft:hard), one number for both, a map, or `name=soft:hard`.
   * Merged by name.
   */
  readonly ulimits?:
    | Readonly<Record<string, number | string | { readonly soft: number; readonly hard: number } | null>>
    | readonly Text[]
    | string
    | null;
  /** Size of /dev/shm in RUN steps: bytes, or a number with `k`, `m` or `g` (powers of 1024). */
  readonly 'shm-size'?: number | string | null;
  /** The cgroup that RUN steps run below. */
  readonly 'cgroup-parent'?: Text;
  /**
   * Entitlements that RUN steps may use: `network.host`, `security.insecure`, `device`. Added to inherited ones; `[]`
   * removes those.
   */
  readonly entitlements?: TextList;
  /**
   * Time limit for the build, including its push and commands for secrets: seconds, or `90s`, `20m`, `1h30m`; default:
   * none.
   */
  readonly timeout?: number | string | null;
  /** Restricts the build to engines of a pool that have all of these labels. */
  readonly engine?: { readonly labels?: TextList } | Expression | null;
}

/** A build: the keys of a template, and keys that only builds have. */
export interface BuildDefinition extends TemplateDefinition {
  /**
   * One build for each combination of the axes. Every other key is an axis with its list of values: `{ python: ['3.12',
   * '3.13'] }`.
   */
  readonly matrix?: {
    /** Additional rows, each a map of axis to value. */
    readonly include?: readonly Readonly<Record<string, Json>>[] | string;
    /** Rows to leave out: those that match all given values. */
    readonly exclude?: readonly Readonly<Record<string, Json>>[] | string;
    /** Expression that decides for each row whether it is kept: `${{ matrix.python != '3.12' }}`. */
    readonly when?: string | boolean;
    /** An axis: its values (texts, numbers or maps), or one expression that returns them. */
    readonly [axis: string]: Json | undefined;
  } | null;
  /** Names of the rows: `api-${{ matrix.python }}`; default: the build's name and the values. */
  readonly name?: Text;
}

/** A variable: its default, or a map with further keys. */
export type VariableDefinition =
  | string
  | number
  | boolean
  | readonly Json[]
  | {
      /** Value if nothing else sets it; may contain expressions with other variables, `env` and `git`. */
      readonly default?: Json;
      /** Its type, by which values from outside are parsed; default: the type of `default`, otherwise `string`. */
      readonly type?: 'string' | 'bool' | 'int' | 'number' | 'list' | 'map';
      /** Environment variables that can set it, the first one that is set; default: its own name; false: none. */
      readonly env?: string | readonly string[] | false;
      /** It is an error if it is not set. */
      readonly required?: boolean;
      /** It is null if it is not set; keys with that value are then left out. */
      readonly optional?: boolean;
      /** The allowed values. */
      readonly oneOf?: readonly (string | number | boolean)[];
      /** Regular expression (RE2) that the whole text must match. */
      readonly pattern?: string;
      /** Minimum of a number, or of the length of a text or list. */
      readonly minimum?: number;
      /** Maximum of a number, or of the length of a text or list. */
      readonly maximum?: number;
      /** Expression over `value` and `vars` that must be true. */
      readonly check?: string;
      /** JSON Schema (draft 2020-12, without expressions) for the value; sets the type if there is no `type`. */
      readonly schema?: Readonly<Record<string, Json>>;
      /**
       * Hides the value in every output. For secrets of a build use `secrets`: arguments and labels are stored in the
       * image.
       */
      readonly sensitive?: boolean;
      /** A description, shown by `bake-ts list` and in errors. */
      readonly description?: string;
    };

/** An entry of a pool: an engine by its `address`, or the pods that `kubernetes` finds. */
export interface PoolDefinition {
  /** Its address: `tcp://…`, `unix://…`, `ssh://…`, `docker-container://…`, `kube-pod://…`. */
  readonly address?: Text;
  /** Pods that run buildkitd, found by kubectl. */
  readonly kubernetes?:
    | {
        /** Kubernetes label selector: `app=buildkitd`. */
        readonly selector: Text;
        /** Default: the namespace of the kubectl context. */
        readonly namespace?: Text;
        /** The container that runs buildkitd; default: the pod's first. */
        readonly container?: Text;
        /** Context of the kubectl configuration; default: the current one. */
        readonly context?: Text;
      }
    | Expression
    | null;
  /** Platforms that are built there, emulated or not; default: what the engine's architecture runs natively. */
  readonly platforms?: TextList;
  /** How many builds may run at the same time, 1 to 999; default: 4. */
  readonly jobs?: number | string | null;
  /** Labels that builds may require. */
  readonly labels?: TextList;
}

/** A whole builds file, as written in `builds.yaml` or exported by `builds.ts`. */
export interface BuildsDefinition {
  /** A description of this file. */
  readonly description?: Text;
  /** Other builds files, relative to this one. They are read first, and this file overrides them. */
  readonly include?: readonly string[];
  /** Variables. Their values come from (in order of precedence) `--var`, `--var-file`, the environment, their default. */
  readonly vars?: Readonly<Record<string, VariableDefinition>>;
  /** Functions for expressions: `name(parameters)` → the result, a value that can use the parameters as names. */
  readonly functions?: Readonly<Record<string, Json>>;
  /** Settings of registries, by `host[:port]`. Credentials come from the Docker config, never from here. */
  readonly registries?: Readonly<
    Record<
      string,
      {
        /** Plain http; default: https, except on loopback, where http is tried. */
        readonly http?: boolean | string;
        /** PEM file of the CA certificate that signed the registry's certificate. */
        readonly ca?: Text;
        /** PEM file of a client certificate. */
        readonly cert?: Text;
        /** PEM file of the client certificate's private key. */
        readonly key?: Text;
        /** Accept any certificate. */
        readonly insecure?: boolean | string;
        /** Hosts (`host[:port]`) to try first when reading. */
        readonly mirrors?: TextList;
        /** How many requests to this host may run at the same time. */
        readonly concurrency?: number | string;
      }
    >
  >;
  /** The BuildKit engine or engines. */
  readonly engine?: {
    /** Its address: `unix://…`, `tcp://…`, `docker-container://…`; `--addr` and `BUILDKIT_HOST` take precedence. */
    readonly address?: Text;
    /** Several engines, instead of `address`: addresses or maps. */
    readonly pool?: readonly (Text | PoolDefinition)[] | Expression | null;
    /** Files for TLS connections to `tcp://` engines. */
    readonly tls?: {
      /** PEM file of the CA certificates that signed the engines' certificates. */
      readonly ca?: Text;
      /** PEM file of the client certificate. */
      readonly cert?: Text;
      /** PEM file of its key. */
      readonly key?: Text;
      /** The server name that the engines' certificates must have; default: the host of each address. */
      readonly serverName?: Text;
    } | null;
    /** A repository for passing results that are not pushed from one engine of a pool to another. */
    readonly scratch?: Text;
  } | null;
  /**
   * Where results are recorded in addition to this machine: `registry` (next to the first image that is pushed), a
   * reference, or `local` (default: only this machine).
   */
  readonly record?: string;
  /** When tags move: `each` after each build (default), or `together` when all builds of the run have succeeded. */
  readonly publish?: 'each' | 'together';
  /**
   * Globs for tags that must never be moved to another image: `v*`. A glob with a `/` is compared with the whole
   * reference.
   */
  readonly immutable?: TextList;
  /** Sets of keys that builds inherit with `extends`, by name; never built. */
  readonly templates?: Readonly<Record<string, TemplateDefinition>>;
  /** Builds, by name. */
  readonly builds?: Readonly<Record<string, BuildDefinition>>;
  /**
   * Named lists of builds: names, globs such as `api-*`; `!name` removes one. `default` is built if no builds are named.
   */
  readonly groups?: Readonly<
    Record<
      string,
      | TextList
      | {
          /** Names, globs, and `!` in front of what is removed. */
          readonly builds: TextList;
          /** A description of the group. */
          readonly description?: Text;
        }
    >
  >;
}

/** The argument of a function that `builds.ts` exports. */
export interface ModuleContext {
  /** The environment of bake-ts, or the one that was passed to it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The default export of `builds.ts`. */
export type BuildsModule =
  | BuildsDefinition
  | ((context: ModuleContext) => BuildsDefinition | Promise<BuildsDefinition>);

/**
 * Gives a `builds.ts` its type, for editors and the compiler.
 *
 * @param definition a builds file, or a function that returns one
 * @returns the argument
 * @example
 * ```ts
 * import { defineBuilds } from 'bake-ts';
 *
 * export default defineBuilds(({ env }) => ({
 *   vars: { TAG: env['CI'] === undefined ? 'dev' : 'ci' },
 *   builds: { app: { context: 'app', tags: ['localhost:5000/app:${{ vars.TAG }}'] } },
 * }));
 * ```
 */
export function defineBuilds<T extends BuildsModule>(definition: T): T {
  return definition;
}
