/** What every node of a run shares: clients, limits, memory, results. */
import type { Buildctl } from '../buildctl/mod.ts';
import type { ContextHasher, SentLedger } from '../fingerprint/mod.ts';
import type { Digest, Outcome, PlatformManifest, Result } from '../model/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import type { ImageConfigFacts } from '../state/mod.ts';
import type { Emit } from './emitter.ts';
import type { ImageDirectory } from './images.ts';
import type { Memory } from './memory.ts';
import type { Publisher } from './publisher.ts';
import type { Semaphore } from './scheduler.ts';

/** What others see of a build that is done. */
export interface NodeResult {
  readonly outcome: Outcome;
  /** Undefined where nothing with a digest came out (only files), or in a dry run. */
  readonly image?: ImageResult;
  /** Its variables and triggers, for builds on top of it; undefined where they cannot be known. */
  readonly produces?: ImageConfigFacts;
}

/** A result that other builds can read. */
export interface ImageResult {
  readonly digest: Digest;
  readonly platforms: readonly PlatformManifest[];
  /** Undefined: known by digest only (left alone in this run), and to be built if somebody wants to read it. */
  readonly location?: ImageLocation;
  /** References that an earlier run published it under. */
  readonly published?: readonly string[];
}

/** Where the engine finds a result. */
export type ImageLocation =
  | {
      readonly kind: 'image' /** `HOST/REPOSITORY[:TAG]@DIGEST` */;
      readonly ref: string;
      readonly sure: boolean;
    }
  | { readonly kind: 'layout'; readonly dir: string };

/** An engine that answers. */
export interface ReadyEngine {
  readonly buildctl: Buildctl;
  /** What it was sent of local directories. */
  readonly sent: SentLedger;
  /** What to do where the engine does not trust or understand a registry that our own client does. */
  readonly registryHint?: string;
}

/** The shared side of a run. */
export interface RunContext {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly force: boolean;
  readonly dryRun: boolean;
  /** Scratch of this run, removed at its end. */
  readonly workDir: string;
  /** A number that no other call of this run got. */
  readonly nextId: () => number;

  readonly dockerfiles: DockerfileLibrary;
  readonly hasher: ContextHasher;
  readonly images: ImageDirectory;
  readonly registry: RegistryClient;
  readonly publisher: Publisher;
  readonly memory: Memory;
  /** Limits calls of buildctl. */
  readonly permits: Semaphore;
  readonly priorityOf: (build: string) => number;
  readonly countBuild: () => void;

  /** Finds (and if need be starts) the engine, once. */
  readonly engine: () => Promise<Result<ReadyEngine>>;
  /** How the engine keeps images; settled before the first build runs. */
  readonly worker: 'containerd' | 'oci';
  /** Platform that a build without `platforms` gets. */
  readonly enginePlatform: string;
  /** Name → digest of the images in the engine's store; undefined where it cannot be looked into. */
  readonly storedImages: () => Promise<ReadonlyMap<string, Digest> | undefined>;
  /** True where the engine has to be told to use plain http or any certificate for a registry. */
  readonly isInsecure: (registry: string) => boolean;
  /** True for a text that holds the value of a sensitive variable. */
  readonly isSecret: (text: string) => boolean;

  readonly resultOf: (build: string) => NodeResult | undefined;
  /** Builds a node that was left alone, because somebody wants to read it after all; once. */
  readonly rebuild: (build: string) => Promise<NodeResult>;
}
