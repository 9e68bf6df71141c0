/** Types that describe what a Dockerfile reads. */
import type { Span, UnknownInput } from '../model/mod.ts';

/** Key of the main context in all maps by context. */
export const MAIN_CONTEXT = 'context';

/** The part of an image's config that affects what a build based on it reads. */
export interface BaseConfig {
  /** `NAME=value`, as in the config. */
  readonly env: readonly string[];
  /** Triggers, in order. */
  readonly onbuild: readonly string[];
}

/** Options of the inspection. */
export interface InspectOptions {
  /** Undefined: the last stage. */
  readonly target?: string;
  readonly args: ReadonlyMap<string, string>;
  /** The frontend image of builds.yaml, which reads the file before any that the file itself names. */
  readonly frontend?: string;
  /** Options of builds.yaml whose effect on the frontend's inputs is not known. */
  readonly unknownOptions?: readonly string[];
  /** Normalised; empty: the engine's own. */
  readonly platforms: readonly string[];
  /** Names of the build's named contexts; they take precedence over stages and images of the same name. */
  readonly contextNames: ReadonlySet<string>;
  /** `os/arch` of the engine; if absent, everything that depends on it is unknown. */
  readonly enginePlatform?: string;
  /** Configs of base images, by {@link BaseUse.name}. */
  readonly bases?: ReadonlyMap<string, BaseConfig>;
  /**
   * How to treat a base whose config is not in `bases`. `whole-context` (the default, for keys): all files are read,
   * since a trigger may copy them. `plain` (for planning): it has no triggers.
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

/** A reference that resolves to a named context. */
export interface ContextUse {
  /** The name in the build. */
  readonly name: string;
  /** As written in the Dockerfile, arguments expanded. */
  readonly written: string;
  readonly use: 'from' | 'copy' | 'mount';
  readonly span: Span;
}

/** An image or named context that a reachable stage is based on; its config may have triggers and variables. */
export interface BaseUse {
  /** The image as written, or the name of the context: the key of {@link InspectOptions.bases}. */
  readonly name: string;
  readonly kind: 'image' | 'context';
  readonly platform?: string;
  readonly span: Span;
}

/** What the target's chain of stages is based on. */
export interface TargetBase {
  readonly kind: 'image' | 'context' | 'scratch';
  /** The image as written, or the name of the context. */
  readonly name: string;
}

/** Files of a context that one instruction reads. */
export interface PathRead {
  /** Relative to the context, `.` for all of it; `*`, `?` and `[…]` are wildcards of Go's `filepath.Match`. */
  readonly source: string;
  /** `--parents`: only paths below `source` that match one of these. */
  readonly include: readonly string[];
  /** `--exclude`: no paths below `source` that match one of these. */
  readonly exclude: readonly string[];
  readonly span: Span;
}

/** The paths that are read from a context, or all of it. */
export type ContextReads = 'all' | readonly PathRead[];

/** A source of ADD that the engine downloads. */
export interface RemoteSource {
  readonly kind: 'git' | 'http';
  /** Without credentials. */
  readonly url: string;
  /** True if a checksum or a full commit id determines its content. */
  readonly pinned: boolean;
  readonly span: Span;
}

/** A secret or SSH agent that RUN mounts. */
export interface Handed {
  readonly id: string;
  readonly required: boolean;
  readonly span: Span;
}

/** One stage of the file. */
export interface StageFacts {
  readonly index: number;
  readonly name?: string;
  /** As written in FROM, arguments expanded if known. */
  readonly base: string;
  readonly platform?: string;
  /** True if the target needs it. */
  readonly reachable: boolean;
  readonly span: Span;
}

/** Everything that a Dockerfile reads for one target. */
export interface DockerfileFacts {
  readonly stages: readonly StageFacts[];
  /** Index of the stage that is built. */
  readonly target: number;
  /** External images of the reachable stages and the frontend, once for each place. */
  readonly images: readonly ImageUse[];
  readonly contexts: readonly ContextUse[];
  readonly bases: readonly BaseUse[];
  /** Bases whose config was needed but not passed. */
  readonly unreadBases: readonly string[];
  /** Context name (`context`: the main one) → what is read from it; contexts that are not read are absent. */
  readonly reads: ReadonlyMap<string, ContextReads>;
  /** Names of build arguments that can change the result if they are set. */
  readonly declaredArgs: ReadonlySet<string>;
  /** True if the engine's own platform matters although `platforms` is given. */
  readonly usesEnginePlatform: boolean;
  readonly remoteSources: readonly RemoteSource[];
  readonly secrets: readonly Handed[];
  readonly ssh: readonly Handed[];
  /** As in EXPOSE, arguments expanded. */
  readonly ports: readonly string[];
  /** Why inputs cannot be known from here. If there are any, the build is never skipped. */
  readonly unknowns: readonly UnknownInput[];
  /** Triggers that the target passes on to images based on it, in the form of image configs. */
  readonly onbuild: readonly string[];
  /** What the result passes on to builds based on it; undefined if not known. */
  readonly produces?: BaseConfig;
  /** Whose config the result inherits; undefined if it is not known, or is an image of another platform. */
  readonly targetBase?: TargetBase;
  /** The reachable stages without comments and layout: files with equal text build the same. */
  readonly text: string;
}
