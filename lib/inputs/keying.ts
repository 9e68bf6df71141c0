/** What finding out the inputs of builds takes of a run, and what it takes of other builds. */
import type { ContextHasher } from '../fingerprint/mod.ts';
import type { ImageResult, StepProxies } from '../model/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';
import type { ImageConfigFacts, SealParts } from '../state/mod.ts';
import type { ExternalImages } from './external-images.ts';

/** What a finished build is to the builds that read it. */
export interface BuildResult {
  /** Undefined where nothing with a digest came out (only files), or where a dry run would build it. */
  readonly image?: ImageResult;
  /** Variables and triggers of its image, for builds based on it; undefined where they cannot be known. */
  readonly produces?: ImageConfigFacts;
}

/** What computing keys needs. */
export interface Keying {
  readonly dockerfiles: DockerfileLibrary;
  readonly hasher: ContextHasher;
  readonly images: ExternalImages;
  /** `os/arch` that the engine builds for where a build names no platform. */
  readonly enginePlatform: string;
  /** What RUN gets where a build says nothing else. */
  readonly proxies: StepProxies;
  readonly signal: AbortSignal;
  /** The result of another build; undefined before it is done. */
  readonly resultOf: (build: string) => BuildResult | undefined;
  /** True for a text that holds the value of a sensitive variable. */
  readonly isSecret: (text: string) => boolean;
  /** Replaces sensitive values in the parts of a key before the key is made of them. */
  readonly seal: SealParts;
}
