/** Dependencies of the parts of a run: small records with what one part needs, so that tests can create them. */
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

/** The result of a finished build for other builds. */
export interface NodeResult extends BuildResult {
  readonly outcome: Outcome;
  /** Its inputs; undefined if they were not computed. */
  readonly inputs?: NodeInputs;
}

/** How results are named in the engine's store. */
export interface StoreNaming {
  /** Absolute path of the project, which has its own names in the store. */
  readonly root: string;
  /** Whether files are untrusted: their results have separate names and never those of their tags. */
  readonly isolated: boolean;
  /** How the engine keeps images; settled before the first build runs. */
  readonly worker: () => 'containerd' | 'oci';
  /** Whether its store can be listed from here; settled before the first build runs, and before a store is queried. */
  readonly isListed: () => boolean;
}

/** The content of the engine's image store: name → digest, at least for the requested names. */
export type StoredImages = ({ readonly kind: 'known' } & StoreListing) | { readonly kind: 'keeps-none' };

/** What decisions need. */
export interface Deciding {
  readonly force: boolean;
  readonly keying: Keying;
  readonly memory: Memory;
  readonly registry: RegistryClient;
  readonly layers: LayerReader;
  readonly configs: ConfigReader;
  readonly naming: StoreNaming;
  /** The store's content for the names of a build; undefined if not known. */
  readonly storedImages: (node: PlanNode) => Promise<StoredImages | undefined>;
}

/** What calls of buildctl need. */
export interface Calling {
  /** Absolute path of the project. */
  readonly root: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
  /** Finds (and if necessary starts) the engine once; with a pool, one that answers. */
  readonly engine: () => Promise<Result<ReadyEngine>>;
  /** The slots in which calls run. */
  readonly slots: EngineSlots;
  /** Time without progress after which a stall is reported (milliseconds). */
  readonly stallNoticeMs: number;
  /** Time without progress after which a call is ended (milliseconds); undefined: never. */
  readonly stallTimeoutMs?: number;
  /**
   * Our client's knowledge of the credentials that the engine uses: hides them in buildctl's output, and explains how to sign in.
   */
  readonly credentials: Pick<RegistryClient, 'hideCredentials' | 'hideInProblem' | 'signInHint'>;
  /** Reports the phase of each build. */
  readonly phases: Phases;
  /** Limits operations in the engine's store together with its slots. */
  readonly permits: Semaphore;
  /** Serialises builds of foreign frontends while one uses shared names for local sources. */
  readonly foreign: Turns;
  /** Higher runs first: milliseconds to the end of the longest path from this build. */
  readonly priorityOf: (build: string) => Promise<number>;
  /** A push that takes longer than this is slow. */
  readonly slowPushMs: number;
  /** Called when an image is built and its push is slow. */
  readonly onSlowPush: (build: string, inputs: NodeInputs) => void;
  /** Called when a slow push has ended. Resolves when no other call of the build has a slot. */
  readonly onPushed: (build: string) => Promise<void>;
  /** Returns the path of a new private directory; removed at the end of the run at the latest. */
  readonly newWorkDir: () => string;
  readonly dockerfiles: DockerfileLibrary;
  readonly images: ExternalImages;
  /** Problems of a build's missing secrets. */
  readonly missingSecrets: (build: Build) => Promise<readonly Problem[]>;
  /** What a build may not do with the current state of the disk. */
  readonly findRefused: (build: Build) => readonly Problem[];
}

/** Called when waiting starts and when it ends. */
export type OnWait = (isWaiting: boolean) => void;

/** Source of layers-only images (see `lib/registry/layers-only.ts`); each is created at most once in a run. */
export interface LayersOnlySource {
  /**
   * Returns the layers-only image of the image at a location, and creates it if necessary; undefined if there is none.
   *
   * @param mayPut whether it may be put beside the image; otherwise it is only looked up
   * @param onWait called when waiting for a permit starts and ends
   */
  readonly of: (location: ImageLocation, mayPut: boolean, onWait?: OnWait) => Promise<DigestRef | undefined>;
  /** Creates these images again when they are needed next, since they may be gone. */
  readonly forget: (links: readonly Link[]) => void;
  /** Disables them for this run, because the engine does not handle them correctly. */
  readonly turnOff: (why: Problem) => void;
}

/** What building needs besides calling buildctl. */
export interface Building {
  readonly calling: Calling;
  readonly naming: StoreNaming;
  readonly registry: RegistryClient;
  /** `os/arch` that the engine builds for by default. */
  readonly enginePlatform: string;
  /** Whether the engine must be told to use plain http or accept any certificate for a registry. */
  readonly isInsecure: (registry: string) => boolean;
  readonly resultOf: (build: string) => NodeResult | undefined;
  readonly layersOnly: LayersOnlySource;
  /** Repository for results that engines of a pool share and that are not pushed; undefined: they are sent as local layouts. */
  readonly scratch?: ScratchRepository;
  /**
   * Groups of platforms that are built together if no single engine of a pool has all of them; undefined: one engine builds all.
   */
  readonly split?: (build: Build) => Promise<readonly (readonly string[])[] | undefined>;
  /** Rebuilds an up-to-date node, once, because another build reads its image, which is gone. */
  readonly rebuild: (build: string) => Promise<NodeResult>;
}

/** What was built before a build's turn; see `EarlyStarts`. */
export interface EarlyBuild {
  readonly steps: BuildRecord['steps'];
  readonly ranMs: number;
}

/** A dependency that is used from an earlier run. */
export interface GivenBuild {
  readonly reason: Reason;
  /** Undefined if nothing reads its image, since the builds that read it are also reused. */
  readonly made?: GivenImage;
}

/** An image of an earlier run. */
export interface GivenImage {
  readonly image: ImageResult;
  readonly mediaType: string;
  readonly key?: BuildKey;
}

/** What a build of the plan needs, from its inputs to its record. */
export interface NodeContext {
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** The phase of each build and their durations. */
  readonly phases: Phases;
  /** Only decides, without running or writing anything. */
  readonly dryRun: boolean;
  readonly keying: Keying;
  readonly deciding: Deciding;
  readonly building: Building;
  readonly publisher: Publisher;
  readonly memory: Memory;
  readonly resultOf: (build: string) => NodeResult | undefined;
  /** The result of an earlier run to use for a build; undefined: it is decided about. */
  readonly given: (node: PlanNode) => Promise<GivenBuild | undefined>;
  /** What was built before a build's turn, if anything. */
  readonly earlyOf: (build: string) => EarlyBuild | undefined;
}

/** A pass over the plan: the context of nodes and their results. */
export interface NodeRun {
  readonly context: NodeContext;
  readonly results: Map<string, NodeResult>;
}
