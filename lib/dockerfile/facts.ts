/** The records that say what a Dockerfile reads. */
import type { Span, UnknownInput } from '../model/mod.ts';

/** The name of the main context in everything that is keyed by context. */
export const MAIN_CONTEXT = 'context';

/** What of an image's configuration decides what a build on top of it reads. */
export interface BaseConfig {
  /** `NAME=value`, as the config has them. */
  readonly env: readonly string[];
  /** Triggers, in order. */
  readonly onbuild: readonly string[];
}

/** What the facts are asked for. */
export interface InspectOptions {
  /** Undefined: the last stage. */
  readonly target?: string;
  readonly args: ReadonlyMap<string, string>;
  /** The frontend's image of builds.yaml, which reads the file before any that the file itself names. */
  readonly frontend?: string;
  /** Options of builds.yaml of which it is not known what they make the frontend read. */
  readonly unknownOptions?: readonly string[];
  /** Normalised; empty: the engine's own. */
  readonly platforms: readonly string[];
  /** Names of the build's named contexts; they stand before stages and images of the same name. */
  readonly contextNames: ReadonlySet<string>;
  /** `os/arch` of the engine; without it everything that depends on it counts as not known. */
  readonly enginePlatform?: string;
  /** Configs of base images, by {@link BaseUse.name}. */
  readonly bases?: ReadonlyMap<string, BaseConfig>;
  /**
   * A base whose config is not in `bases`: `whole-context` (the default, for keys) counts every file because a trigger
   * may copy it; `plain` (for planning) takes it to have no triggers.
   */
  readonly unknownBases?: 'whole-context' | 'plain';
}

/** An external image. */
export interface ImageUse {
  /** Arguments expanded. */
  readonly written: string;
  readonly use: 'from' | 'copy' | 'mount' | 'syntax';
  /** Fixed by `FROM --platform`, if known. */
  readonly platform?: string;
  readonly span: Span;
}

/** A reference that a named context answers. */
export interface ContextUse {
  /** As the build names it. */
  readonly name: string;
  /** What the Dockerfile says there, arguments expanded. */
  readonly written: string;
  readonly use: 'from' | 'copy' | 'mount';
  readonly span: Span;
}

/** An image or named context a reachable stage starts from; its config may hold triggers and variables. */
export interface BaseUse {
  /** The image as written, or the name of the context: the key of {@link InspectOptions.bases}. */
  readonly name: string;
  readonly kind: 'image' | 'context';
  readonly platform?: string;
  readonly span: Span;
}

/** What the chain of stages starts from that the target is the end of. */
export interface TargetBase {
  readonly kind: 'image' | 'context' | 'scratch';
  /** The image as written, or the name of the context. */
  readonly name: string;
}

/** Files of a context that one instruction reads. */
export interface PathRead {
  /** Relative to the context, `.` for all of it; `*`, `?` and `[…]` are wildcards of Go's `filepath.Match`. */
  readonly source: string;
  /** `--parents`: only what matches one of these, below `source`. */
  readonly include: readonly string[];
  /** `--exclude`: not what matches one of these, below `source`. */
  readonly exclude: readonly string[];
  readonly span: Span;
}

/** All files of a context that are read, or the paths. */
export type ContextReads = 'all' | readonly PathRead[];

/** A source of ADD that the engine fetches. */
export interface RemoteSource {
  readonly kind: 'git' | 'http';
  /** Without credentials. */
  readonly url: string;
  /** True where a checksum or a full commit fixes its content. */
  readonly pinned: boolean;
  readonly span: Span;
}

/** A secret or agent that RUN asks for. */
export interface Handed {
  readonly id: string;
  readonly required: boolean;
  readonly span: Span;
}

/** One stage of the file. */
export interface StageFacts {
  readonly index: number;
  readonly name?: string;
  /** What FROM says, arguments expanded where they are known. */
  readonly base: string;
  readonly platform?: string;
  /** True where the target needs it. */
  readonly reachable: boolean;
  readonly span: Span;
}

/** Everything a Dockerfile says about what a build of one target reads. */
export interface DockerfileFacts {
  readonly stages: readonly StageFacts[];
  /** Index of the stage that is built. */
  readonly target: number;
  /** External images of the reachable stages and the frontend, each once for each place. */
  readonly images: readonly ImageUse[];
  readonly contexts: readonly ContextUse[];
  readonly bases: readonly BaseUse[];
  /** Bases whose config was needed and not given. */
  readonly unreadBases: readonly string[];
  /** Context name (`context`: the main one) → what is read of it; a context that is not read is absent. */
  readonly reads: ReadonlyMap<string, ContextReads>;
  /** Names of build arguments that can change the result if they are set. */
  readonly declaredArgs: ReadonlySet<string>;
  /** True where the engine's own platform decides something though `platforms` is given. */
  readonly usesEnginePlatform: boolean;
  readonly remoteSources: readonly RemoteSource[];
  readonly secrets: readonly Handed[];
  readonly ssh: readonly Handed[];
  /** As EXPOSE writes them, arguments expanded. */
  readonly ports: readonly string[];
  /** Why inputs cannot be known from here; not empty: never to be skipped. */
  readonly unknowns: readonly UnknownInput[];
  /** Triggers that the target leaves to what is based on it, as an image's config holds them. */
  readonly onbuild: readonly string[];
  /** What the result says to a build on top of it; undefined where that cannot be known. */
  readonly produces?: BaseConfig;
  /** Whose config the result inherits; undefined where that cannot be known, or is an image of another platform. */
  readonly targetBase?: TargetBase;
  /** The reachable stages without comments and layout: two files with equal text build the same thing. */
  readonly text: string;
}
