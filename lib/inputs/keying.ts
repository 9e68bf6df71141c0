/** What computing the inputs of builds needs from a run and from other builds. */
import type { ContextHasher } from '../fingerprint/mod.ts';
import type { ImageResult, StepProxies } from '../model/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';
import type { ImageConfigFacts, SealParts } from '../state/mod.ts';
import type { ExternalImages } from './external-images.ts';

/** What builds that read a finished build need from it. */
export interface BuildResult {
  /** Undefined if the result has no digest (only files), or if a dry run would build it. */
  readonly image?: ImageResult;
  /** Variables and triggers of its image, for builds based on it; undefined if not known. */
  readonly produces?: ImageConfigFacts;
}

/** Input for computing keys. */
export interface Keying {
  readonly dockerfiles: DockerfileLibrary;
  readonly hasher: ContextHasher;
  readonly images: ExternalImages;
  /** `os/arch` that the engine builds for if a build has no platforms. */
  readonly enginePlatform: string;
  /** Proxies for RUN, unless the build sets others. */
  readonly proxies: StepProxies;
  readonly signal: AbortSignal;
  /** The result of another build; undefined if it is not finished. */
  readonly resultOf: (build: string) => BuildResult | undefined;
  /** True if a text contains the value of a sensitive variable. */
  readonly isSecret: (text: string) => boolean;
  /** Replaces sensitive values in the parts of a key before it is computed. */
  readonly seal: SealParts;
}
