/** What every node of a run shares: clients, limits, memory, results. */
import type { Buildctl } from '../buildctl/mod.ts';
import type { ContextHasher, SentLedger } from '../fingerprint/mod.ts';
import type { Digest, PlanNode, Result } from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import type { StateStore } from '../state/mod.ts';
import type { DockerfileLibrary } from './dockerfiles.ts';
import type { Emit } from './emitter.ts';
import type { ImageDirectory } from './images.ts';
import type { NodeResult } from './node.ts';
import type { Semaphore } from './scheduler.ts';

/** An engine that answers. */
export interface ReadyEngine {
  readonly buildctl: Buildctl;
  /** What it was sent of local directories. */
  readonly sent: SentLedger;
}

/** The shared side of a run. */
export interface RunContext {
  readonly root: string;
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
  readonly state: StateStore;
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

  readonly resultOf: (build: string) => NodeResult | undefined;
  /** Builds a node that was left alone, because somebody wants to read it after all; once. */
  readonly rebuild: (build: string) => Promise<NodeResult>;
  /** Outside images of a build → digest that they are held to. */
  readonly pinsOf: (node: PlanNode) => Promise<ReadonlyMap<string, Digest>>;
}
