/** What the parts of a run work with: small records, each with what one part needs, so that a test can make them. */
import type { Link } from '../buildctl/mod.ts';
import type {
  BuildResult,
  ConfigReader,
  ExternalImages,
  Keying,
  LayerReader,
  NodeInputs,
} from '../inputs/mod.ts';
import type {
  Build,
  BuildKey,
  BuildRecord,
  DigestRef,
  ImageLocation,
  ImageResult,
  Outcome,
  PlanNode,
  Problem,
  Reason,
  Result,
} from '../model/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import type { Emit } from './emitter.ts';
import type { StoreListing } from './engine-access.ts';
import type { EngineSlots, ReadyEngine } from './engine-slots.ts';
import type { Memory } from './memory.ts';
import type { Phases } from './phases.ts';
import type { Publisher } from './publisher.ts';
import type { Semaphore } from './scheduler.ts';
import type { ScratchRepository } from './scratch-repository.ts';
import type { Turns } from './turns.ts';

/** What others see of a build that is done. */
export interface NodeResult extends BuildResult {
  readonly outcome: Outcome;
  /** What it was made of; undefined where it did not come to that. */
  readonly inputs?: NodeInputs;
}

/** Where results lie in the engine. */
export interface StoreNaming {
  /** Absolute path of the project: each one has names of its own in the store. */
  readonly root: string;
  /** Results of untrusted files have names of their own, apart from all others, and never those of their tags. */
  readonly isolated: boolean;
  /** How the engine keeps images; settled before the first build runs. */
  readonly worker: () => 'containerd' | 'oci';
  /** Whether its store can be listed from here; settled before the first build runs, and before a store is queried. */
  readonly isListed: () => boolean;
}

/** What the engine's image store has: name → digest, of the names that were requested at least. */
export type StoredImages = ({ readonly kind: 'known' } & StoreListing) | { readonly kind: 'keeps-none' };

/** What a decision is made from. */
export interface Deciding {
  readonly force: boolean;
  readonly keying: Keying;
  readonly memory: Memory;
  readonly registry: RegistryClient;
  readonly layers: LayerReader;
  readonly configs: ConfigReader;
  readonly naming: StoreNaming;
  /** What the engine's store has of the names of a build; undefined where that is not known. */
  readonly storedImages: (node: PlanNode) => Promise<StoredImages | undefined>;
}

/** What a call of buildctl takes. */
export interface Calling {
  /** Absolute path of the project. */
  readonly root: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
  /** Finds (and if need be starts) the engine, once; of a pool one that answers. */
  readonly engine: () => Promise<Result<ReadyEngine>>;
  /** Where calls run. */
  readonly slots: EngineSlots;
  /** How long nothing may move in a call before that is said (milliseconds). */
  readonly stallNoticeMs: number;
  /** How long nothing may move in a call before it is ended (milliseconds); undefined: for ever. */
  readonly stallTimeoutMs?: number;
  /**
   * What our own client knows of the credentials that the engine pushes with: keeps them out of what buildctl says, and says
   * how they get there.
   */
  readonly credentials: Pick<RegistryClient, 'hideCredentials' | 'hideInProblem' | 'signInHint'>;
  /** What is done for each build is reported here. */
  readonly phases: Phases;
  /** Limits what is done in the store of the one engine, together with its slots. */
  readonly permits: Semaphore;
  /** Keeps builds of foreign frontends apart where one of them is offered sources by names that all builds share. */
  readonly foreign: Turns;
  /** Higher goes first: milliseconds to the end of the longest way on from this build. */
  readonly priorityOf: (build: string) => Promise<number>;
  /** A push that takes longer than this is a slow one. */
  readonly slowPushMs: number;
  /** The image of a build is made, and its push is a slow one. */
  readonly onSlowPush: (build: string, inputs: NodeInputs) => void;
  /** A slow push is over, well or not. Resolves when nothing else of the build has a slot any more. */
  readonly onPushed: (build: string) => Promise<void>;
  /** The path of a directory that nobody else uses; removed at the end of the run at the latest. */
  readonly newWorkDir: () => string;
  readonly dockerfiles: DockerfileLibrary;
  readonly images: ExternalImages;
  /** The secrets of a build that are not there. */
  readonly missingSecrets: (build: Build) => Promise<readonly Problem[]>;
  /** What a build may not do as the disk is right now. */
  readonly findRefused: (build: Build) => readonly Problem[];
}

/** Called when something has to wait, and when it has waited. */
export type OnWait = (isWaiting: boolean) => void;

/** Where layers-only images come from (see `lib/registry/layers-only.ts`): each is made at most once in a run. */
export interface LayersOnlySource {
  /**
   * The layers-only image of the image at a location, which is made where it is not there; undefined where there is none.
   *
   * @param mayPut whether it may be put beside the image; else it is only looked for
   * @param onWait told where a permit is waited for, and when that is over
   */
  readonly of: (location: ImageLocation, mayPut: boolean, onWait?: OnWait) => Promise<DigestRef | undefined>;
  /** Makes these links again when they are needed next: they may be gone. */
  readonly forget: (links: readonly Link[]) => void;
  /** No more of them in this run, because the engine does not treat them as it should. */
  readonly turnOff: (why: Problem) => void;
}

/** What building takes besides calling buildctl. */
export interface Building {
  readonly calling: Calling;
  readonly naming: StoreNaming;
  readonly registry: RegistryClient;
  /** `os/arch` that the engine builds for where a build names no platform. */
  readonly enginePlatform: string;
  /** True where the engine has to be instructed to use plain http or any certificate for a registry. */
  readonly isInsecure: (registry: string) => boolean;
  readonly resultOf: (build: string) => NodeResult | undefined;
  readonly layersOnly: LayersOnlySource;
  /** Where results go that engines of a pool share and nobody pushes; undefined: they are sent along. */
  readonly scratch?: ScratchRepository;
  /**
   * Which platforms of a build go together, where no single engine of a pool has all of them; undefined: one has, or there is
   * one engine.
   */
  readonly split?: (build: Build) => Promise<readonly (readonly string[])[] | undefined>;
  /** Builds a node that was up to date, because another build reads its image, which is gone; once. */
  readonly rebuild: (build: string) => Promise<NodeResult>;
}

/** What was done of a build before its turn; see `EarlyStarts`. */
export interface EarlyBuild {
  readonly steps: BuildRecord['steps'];
  readonly ranMs: number;
}

/** What a needed build is taken as. */
export interface GivenBuild {
  readonly reason: Reason;
  /** Undefined where nothing reads its image, since the builds that read it are given. */
  readonly made?: GivenImage;
}

/** An image that an earlier run made. */
export interface GivenImage {
  readonly image: ImageResult;
  readonly mediaType: string;
  readonly key?: BuildKey;
}

/** What one build of the plan takes from its inputs to its record. */
export interface NodeContext {
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** What is done for each build, and how long that takes. */
  readonly phases: Phases;
  /** Decides, and neither runs nor writes anything. */
  readonly dryRun: boolean;
  readonly keying: Keying;
  readonly deciding: Deciding;
  readonly building: Building;
  readonly publisher: Publisher;
  readonly memory: Memory;
  readonly resultOf: (build: string) => NodeResult | undefined;
  /** What a build is taken as that an earlier run made; undefined: it is decided about. */
  readonly given: (node: PlanNode) => Promise<GivenBuild | undefined>;
  /** What was done of a build before its turn, if anything was. */
  readonly earlyOf: (build: string) => EarlyBuild | undefined;
}

/** A pass over the plan: what nodes work with, and the results they leave. */
export interface NodeRun {
  readonly context: NodeContext;
  readonly results: Map<string, NodeResult>;
}
