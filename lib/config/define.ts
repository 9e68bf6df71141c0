/** The type of a builds file for those who write it as a module (`builds.ts`). */
import type { Json } from '../model/mod.ts';

/** Text, or what becomes text as it is written; may hold expressions `${{ … }}`. null: as if it were not written. */
export type Text = string | number | boolean | null | undefined;
/** Any text, such as `${{ … }}`, where a key also has words of its own, which editors complete. */
export type Expression = string & {};

/** A list, or one expression (`${{ … }}`) that gives it. */
export type TextList = readonly Text[] | string | null;
/** A map of texts, or one expression (`${{ … }}`) that gives it. */
export type TextMap = Readonly<Record<string, Text>> | string | null;
/** `type=local,dest=out`, `type=…,KEY=VALUE,…`, or a map with `type` and attributes. */
export type TypedText = string | Readonly<Record<string, Text>> | null;

/**
 * The keys that templates and builds have in common; docs/language.md has the rules. Paths are relative to the file; `null` counts as not written.
 */
export interface TemplateDefinition {
  /** What it is for; `bake-ts list` shows it. Not inherited. */
  readonly description?: Text;
  /**
   * Templates or other builds whose keys this one takes over: a name or a list, from left to right, own keys last.
   */
  readonly extends?: string | readonly Text[] | null;
  /**
   * Directory whose files the Dockerfile sees, relative to the file this is written in (default: its directory);
   * or a git or http(s) URL.
   */
  readonly context?: Text;
  /** Path of the Dockerfile, relative to the context; default: `Dockerfile`. */
  readonly dockerfile?: Text;
  /** The text of the Dockerfile itself, in place of a file. `${VAR}` is left to it; only `${{ … }}` is ours. */
  readonly 'dockerfile-inline'?: Text;
  /** What reads the Dockerfile: `dockerfile.v0`, BuildKit's own (default), or `gateway.v0`, the image of `source`. */
  readonly frontend?: string | null;
  /** Image of the frontend, with `frontend: gateway.v0`: looked up once, pinned, part of the key. */
  readonly source?: Text;
  /** Options for the frontend that there is no key for: `{ hostname: 'x' }`. Merged by name. */
  readonly opts?: TextMap;
  /** Further words for `buildctl build`, for what there is no key for: `['--trace', 'build.json']`. */
  readonly 'buildctl-options'?: TextList;
  /** Stage of the Dockerfile to build; default: the last one. */
  readonly target?: Text;
  /** Build arguments (`ARG`). Merged by name; null leaves one out. */
  readonly args?: TextMap;
  /**
   * Named contexts, by the name in `FROM`, `COPY --from` or `RUN --mount=from`: `build:NAME`, a directory,
   * `docker-image://REF`, `oci-layout://DIR[:TAG]`, a git or http(s) URL. Merged by name.
   */
  readonly contexts?: TextMap;
  /** Builds that come first although no file passes. What passes files is found in the Dockerfile. */
  readonly needs?: TextList;
  /** Platforms to build for: `linux/amd64`; `local` is the engine's own, which is the default. */
  readonly platforms?: TextList;
  /** Full names of the image: `ghcr.io/acme/api:1.2`. Empty and null items are left out. */
  readonly tags?: TextList;
  /**
   * Whether tags are pushed: true (where the build is asked for), false, or `always` (also where only another
   * build needs it); default: false.
   */
  readonly push?: boolean | 'always' | Expression | null;
  /** Labels of the image's config. Merged by name. */
  readonly labels?: TextMap;
  /**
   * Annotations of the manifest. A name may begin with a level: `index:`, `manifest[linux/arm64]:`,
   * `index,manifest:`. Merged by name.
   */
  readonly annotations?: TextMap;
  /**
   * Results besides the pushed image: `type=local,dest=out`, `type=oci,dest=app.tar`, a lone directory; `dest` is
   * relative to this file. `[]` clears.
   */
  readonly outputs?: readonly TypedText[] | string | null;
  /** Attestations: `provenance`, `sbom`, `type=provenance,mode=max`. Added to what is inherited; `[]` clears. */
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
        /** Level of the algorithm. */
        readonly level?: number | string;
        /** Compresses layers again that have another compression. */
        readonly force?: boolean | string;
      }
    | null;
  /**
   * One value for all timestamps of the image (`source-date-epoch`, else the last commit's time, else 0), so that
   * equal inputs make equal bytes.
   */
  readonly reproducible?: boolean | string | null;
  /** `SOURCE_DATE_EPOCH` of the build: seconds since 1970. */
  readonly 'source-date-epoch'?: number | string | null;
  /**
   * Remote cache, a tag of its own for each build and set of platforms: `auto` (beside the image of the first
   * tag), a repository, or a map; empty: none.
   */
  readonly cache?:
    | 'auto'
    | Expression
    | {
        /** Repository of the cache images; default: that of the first tag. */
        readonly repository?: Text;
        /** `max` (all stages, the default) or `min` (only the last one). */
        readonly mode?: 'max' | 'min' | Expression;
        /** Whether the cache is also written; default: true. */
        readonly export?: boolean | string;
      }
    | null;
  /**
   * Where cache is read from: `type=registry,ref=…`, `type=gha`, …; a lone reference is a registry's. Added to
   * what is inherited; `[]` clears.
   */
  readonly 'cache-from'?: readonly TypedText[] | string | null;
  /**
   * Where cache is written to: `type=registry,ref=…,mode=max`, `type=inline`, …; a lone reference is a registry's.
   * `[]` clears.
   */
  readonly 'cache-to'?: readonly TypedText[] | string | null;
  /** Every step runs anew, in each run, for what nobody can see. */
  readonly 'no-cache'?: boolean | string | null;
  /** Stages whose steps run anew, in each run. Added to what is inherited; `[]` clears. */
  readonly 'no-cache-filter'?: TextList;
  /** Asks the registry for base images even where the engine has one by that name. */
  readonly pull?: boolean | string | null;
  /**
   * Secrets for `RUN --mount=type=secret`: `id=token,env=TOKEN`, `id=key,src=key.pem`, a lone id, or a map. Values
   * are in no plan, log or key. Added to what is inherited.
   */
  readonly secrets?:
    | readonly (
        | string
        | {
            /** What `RUN --mount=type=secret,id=…` asks for. */
            readonly id: Text;
            /** File with the value, relative to this file. */
            readonly file?: Text;
            /** Environment variable with the value. */
            readonly env?: Text;
            /** Program and arguments, without a shell; what it prints is the value. */
            readonly command?: TextList;
          }
        | null
      )[]
    | string
    | null;
  /**
   * SSH agents or keys for `RUN --mount=type=ssh`: `default`, `id=PATH,PATH`, or a map. Added to what is
   * inherited.
   */
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
   * Limits of RUN steps: `{ nofile: '1024:2048' }` (soft:hard), one number for both, a map, or `name=soft:hard`.
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
   * Rights that RUN steps may ask for: `network.host`, `security.insecure`, `device`. Added to what is inherited;
   * `[]` clears.
   */
  readonly entitlements?: TextList;
  /**
   * How long the build may take, its push and commands for secrets included: seconds, or `90s`, `20m`, `1h30m`;
   * default: for ever.
   */
  readonly timeout?: number | string | null;
  /** Which engines of a pool may build it: those that have all of these labels. */
  readonly engine?: { readonly labels?: TextList } | Expression | null;
}

/** A build: the keys of a template, and those that are a build's alone. */
export interface BuildDefinition extends TemplateDefinition {
  /**
   * One build for each combination of the axes: every other key is an axis, with its list of values: `{ python:
   * ['3.12', '3.13'] }`.
   */
  readonly matrix?: {
    /** Further rows, each a map of axis to value. */
    readonly include?: readonly Readonly<Record<string, Json>>[] | string;
    /** Rows to leave out: those that have all the values given. */
    readonly exclude?: readonly Readonly<Record<string, Json>>[] | string;
    /** Expression that says for each row whether it stays: `${{ matrix.python != '3.12' }}`. */
    readonly when?: string | boolean;
    /** An axis: its values, texts, numbers or maps; or one expression that gives them. */
    readonly [axis: string]: Json | undefined;
  } | null;
  /** Names of the rows: `api-${{ matrix.python }}`; default: the build's name and the values. */
  readonly name?: Text;
}

/** A variable: a default, or a map that says more. */
export type VariableDefinition =
  | string
  | number
  | boolean
  | readonly Json[]
  | {
      /** Value where nothing else sets it; may hold expressions over other variables, `env` and `git`. */
      readonly default?: Json;
      /** What it is, and how values from outside are read; default: that of `default`, else `string`. */
      readonly type?: 'string' | 'bool' | 'int' | 'number' | 'list' | 'map';
      /** Environment variables that it is taken from, the first that is set; default: its own name; false: none. */
      readonly env?: string | readonly string[] | false;
      /** That it is not set is an error. */
      readonly required?: boolean;
      /** Where nobody sets it, it is null: what would be its value is left out. */
      readonly optional?: boolean;
      /** The values that it may have. */
      readonly oneOf?: readonly (string | number | boolean)[];
      /** Regular expression (RE2) that the whole text must match. */
      readonly pattern?: string;
      /** Least number, or least length of a text or list. */
      readonly minimum?: number;
      /** Greatest number, or greatest length of a text or list. */
      readonly maximum?: number;
      /** Expression over `value` and `vars` that must be true. */
      readonly check?: string;
      /** JSON Schema (draft 2020-12, without expressions) that the value must fit; gives the type where there is none. */
      readonly schema?: Readonly<Record<string, Json>>;
      /**
       * Keeps the value out of every output. For secrets of a build use `secrets`: arguments and labels end up in
       * the image.
       */
      readonly sensitive?: boolean;
      /** What it is for; shown by `bake-ts list` and in errors. */
      readonly description?: string;
    };

/** An engine of a pool: one by its `address`, or the pods that `kubernetes` finds. */
export interface PoolDefinition {
  /** Its address: `tcp://…`, `unix://…`, `ssh://…`, `docker-container://…`, `kube-pod://…`. */
  readonly address?: Text;
  /** Pods in which buildkitd runs; kubectl finds them. */
  readonly kubernetes?:
    | {
        /** Kubernetes' selector of labels: `app=buildkitd`. */
        readonly selector: Text;
        /** Default: that of the context. */
        readonly namespace?: Text;
        /** The container of buildkitd; default: the pod's first. */
        readonly container?: Text;
        /** Of kubectl's configuration; default: the current one. */
        readonly context?: Text;
      }
    | Expression
    | null;
  /** What is built there, emulated or not; default: what the engine's own architecture runs. */
  readonly platforms?: TextList;
  /** Builds at a time, 1 to 999; default: 4. */
  readonly jobs?: number | string | null;
  /** Words that builds may ask for. */
  readonly labels?: TextList;
}

/** A whole builds file, as `builds.yaml` writes it or a `builds.ts` exports it. */
export interface BuildsDefinition {
  /** What this file is about. */
  readonly description?: Text;
  /** Other builds files, relative to this one, read before it; what this file says wins. */
  readonly include?: readonly string[];
  /** Variables: set by `--var`, `--var-file`, the environment, or their default, in this order. */
  readonly vars?: Readonly<Record<string, VariableDefinition>>;
  /** Functions for expressions: `name(parameters)` → what a call gives, a value in which the parameters are names. */
  readonly functions?: Readonly<Record<string, Json>>;
  /** How registries are reached, by `host[:port]`. Credentials come from the Docker config, never from here. */
  readonly registries?: Readonly<
    Record<
      string,
      {
        /** Plain http; default: https, but on loopback, where http is tried. */
        readonly http?: boolean | string;
        /** PEM file of the authority that signed its certificate. */
        readonly ca?: Text;
        /** PEM file of a client certificate. */
        readonly cert?: Text;
        /** PEM file of the client certificate's key. */
        readonly key?: Text;
        /** Any certificate will do. */
        readonly insecure?: boolean | string;
        /** Hosts (`host[:port]`) to ask first when reading. */
        readonly mirrors?: TextList;
        /** Requests at a time to this host. */
        readonly concurrency?: number | string;
      }
    >
  >;
  /** The BuildKit that builds, or several of them. */
  readonly engine?: {
    /** Its address: `unix://…`, `tcp://…`, `docker-container://…`; `--addr` and `BUILDKIT_HOST` win over it. */
    readonly address?: Text;
    /** Several of them, in place of `address`: addresses, or maps. */
    readonly pool?: readonly (Text | PoolDefinition)[] | Expression | null;
    /** Files for connections to `tcp://` engines. */
    readonly tls?: {
      /** PEM file of the authority that signed the certificates of the engines. */
      readonly ca?: Text;
      /** PEM file of the client certificate. */
      readonly cert?: Text;
      /** PEM file of its key. */
      readonly key?: Text;
      /** The name that the certificates of the engines must have; default: the host of each address. */
      readonly serverName?: Text;
    } | null;
    /** A repository through which results that are not pushed go from engine to engine of a pool. */
    readonly scratch?: Text;
  } | null;
  /**
   * Where results are remembered besides this machine: `registry` (beside the first image that is pushed), a
   * reference of your own, or `local` (default: this machine only).
   */
  readonly record?: string;
  /**
   * When tags move: `each` as soon as its build is done (default), `together` when all builds of the run
   * succeeded.
   */
  readonly publish?: 'each' | 'together';
  /**
   * Globs over tags that must never come to point at another image: `v*`. One with a `/` is compared with the
   * whole reference.
   */
  readonly immutable?: TextList;
  /** Keys that builds take over with `extends`, by name; never built. */
  readonly templates?: Readonly<Record<string, TemplateDefinition>>;
  /** Builds, by name. */
  readonly builds?: Readonly<Record<string, BuildDefinition>>;
  /**
   * Named lists of builds: names, globs such as `api-*`, `!name` takes out again. `default` is built where nothing
   * is named.
   */
  readonly groups?: Readonly<
    Record<
      string,
      | TextList
      | {
          /** Names, globs, and `!` before what is taken out. */
          readonly builds: TextList;
          /** What the group is for. */
          readonly description?: Text;
        }
    >
  >;
}

/** What a `builds.ts` that exports a function is called with. */
export interface ModuleContext {
  /** The environment that bake-ts runs in, or was handed. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a `builds.ts` exports by default. */
export type BuildsModule =
  | BuildsDefinition
  | ((context: ModuleContext) => BuildsDefinition | Promise<BuildsDefinition>);

/**
 * Gives a `builds.ts` its type, for the editor and the compiler.
 *
 * @param definition a builds file, or a function that gives one
 * @returns what it is given
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
