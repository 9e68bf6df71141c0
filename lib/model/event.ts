/**
 * The one event stream that all displays read: the live view, plain lines, `--progress=json` and the library's `onEvent`.
 * It is additive only: fields and types may be added, none is removed or changes its meaning
 * (schemas/events.schema.json). Times are milliseconds since 1970.
 */
import type { Digest } from './image-ref.ts';
import type { ProblemJson } from './problem.ts';

/** The decision about a build, before (or instead of) running buildctl. */
export type DecisionKind =
  /** buildctl runs. */
  | 'build'
  /** Nothing changed and all tags are up to date: the build is skipped. */
  | 'unchanged'
  /** Nothing changed, but tags are missing or point elsewhere: they are put on the same manifest. */
  | 'retag'
  /**
   * Only configs of parents or the build's own labels changed: it gets a new config and manifest over its existing layers.
   * No step runs, and no engine is needed.
   */
  | 'rebase';

/** Why bake-ts decided as it did: a stable code, a text, and (for changes) the items that changed. */
export interface Reason {
  /** Stable code. Later versions may add codes. */
  readonly code:
    | 'forced'
    | 'first-build'
    | 'changed'
    | 'untracked'
    | 'registry-unknown'
    | 'image-gone'
    | 'not-pushed'
    | 'not-recorded-output'
    | 'parent-lost'
    | 'parent-config'
    | 'own-labels'
    | 'own-config'
    | 'inputs-same'
    | 'tags-missing'
    | 'tags-moved'
    | 'not-needed'
    | 'given';
  /** The same as text. */
  readonly text: string;
  /** Each changed, missing or unknown thing: `context: src/main.c changed`, `arg VERSION: 1 → 2`. */
  readonly items?: readonly string[];
}

/** The result for one tag. */
export interface TagResult {
  /** The full reference. */
  readonly ref: string;
  /** What it points at now. */
  readonly digest: Digest;
  /** `pushed`: bytes or a manifest were sent. `retagged`: only the tag was put. `there`: it was up to date, nothing was sent. */
  readonly action: 'pushed' | 'retagged' | 'there';
}

/** Result of the audit of a build that was up to date. */
export interface AuditResult {
  /** `same-files`: only times or compression differ. `not-compared`: the comparison was not possible and proves nothing. */
  readonly result: 'same-bytes' | 'same-files' | 'different' | 'not-compared';
  /** `files`: the digests differ, so paths, modes, links and contents were compared. */
  readonly compared: 'digests' | 'files' | 'nothing';
  /** Every step came from the engine's cache. */
  readonly cached: boolean;
  /** With `different`: each difference. */
  readonly differences?: readonly string[];
  /** With `not-compared`: the reason. */
  readonly why?: string;
}

/** What was audited in a run. */
export interface AuditSummary {
  /** Pass it as `--audit-seed` to choose the same builds again. */
  readonly seed: number;
  /** How many builds were up to date. */
  readonly candidates: number;
  /** The builds that were chosen. */
  readonly builds: readonly string[];
}

/** What is being done for a build. A build that waits for its dependencies is in no phase. */
export type Phase =
  /** Its inputs are read and hashed, and registries are queried; after a failure once more. */
  | 'checking'
  /**
   * It waits: for a slot; for the engine to start or to come back; for its next attempt; for a build that must not run at the
   * same time; for a build whose image it reads and that must be built again first.
   */
  | 'queued'
  /** buildctl runs, in a slot. */
  | 'building'
  /** Its steps are done. Layers are compressed and the image is assembled; without a slot, the image is read and recorded. */
  | 'exporting'
  /** Its bytes go to registries. */
  | 'pushing'
  /** What was pushed is read and recorded, and its tags are put. */
  | 'tagging';

/** Layers of one platform of an image. */
export interface PlatformLayers {
  /** Normalised: `linux/amd64`. */
  readonly platform: string;
  /** Compressed size of each layer in bytes, lowest layer first. */
  readonly sizes: readonly number[];
}

/** The result of a build. */
export interface Outcome {
  /** Name of the build. */
  readonly build: string;
  /** `retagged`: nothing was built, only tags were put. `blocked`: a dependency failed. A build whose image was re-based is `built`. */
  readonly kind: 'built' | 'retagged' | 'unchanged' | 'failed' | 'cancelled' | 'blocked';
  /** Why it was built or skipped; absent if there was no decision. */
  readonly reason?: Reason;
  /** Of the manifest or index; absent if there is no result or its digest is not known. */
  readonly digest?: Digest;
  /** Size of the image (bytes, compressed, all platforms); absent: not known. */
  readonly sizeBytes?: number;
  /** Normalised: `linux/amd64`; absent: not known. */
  readonly platforms?: readonly string[];
  /** The result for each tag that is pushed; empty if it has none, or the build did not get that far. */
  readonly tags: readonly TagResult[];
  /** sha256 (hexadecimal) of its inputs; absent if they cannot be known. */
  readonly key?: string;
  /** Milliseconds in all phases except `queued`; 0 if the build never began. */
  readonly durationMs: number;
  /** Milliseconds in the phase `queued`; absent if it never waited. */
  readonly queuedMs?: number;
  /** Steps of the Dockerfile, without FROM. If the build did not end: those known by then. Absent: buildctl was not called. */
  readonly steps?: { readonly total: number; readonly cached: number };
  /** Layers of the image, if its manifest was read. */
  readonly layers?: readonly PlatformLayers[];
  /** Size (as `sizeBytes`) of the previous result, if known. */
  readonly lastSizeBytes?: number;
  /** If it was up to date and chosen by `--audit`. */
  readonly audit?: AuditResult;
  /** With `failed`: why. */
  readonly problem?: ProblemJson;
  /** With `blocked`: the build whose failure prevents it from running. */
  readonly blockedBy?: string;
  /** True in a dry run: `built` and `retagged` say what would be done. */
  readonly dryRun?: boolean;
}

/** A build in the plan. */
export interface PlannedNode {
  /** Name of the build. */
  readonly build: string;
  /** `asked`: it was selected. `needed`: it is only a dependency of another build. */
  readonly role: 'asked' | 'needed';
  /** 0: no dependencies. Otherwise one more than the highest level of its dependencies. */
  readonly level: number;
  /** Names of its dependencies. */
  readonly needs: readonly string[];
  /** Its tags as written. */
  readonly tags: readonly string[];
  /** Whether this run pushes its tags. */
  readonly pushes: boolean;
  /** Milliseconds that it took when it was last built on this machine; absent: not known. */
  readonly usualMs?: number;
}

/** Files whose changes started a run. */
export interface ChangedFiles {
  /** Absolute paths, 20 at most. Empty: it is not known what changed. */
  readonly files: readonly string[];
  /** How many there are. */
  readonly total: number;
}

/** All events, distinguished by their `type`, without number and time. docs/events.md explains their order. */
export type EventBody =
  | {
      /** The first event of every run. */
      readonly type: 'run-started';
      /** Identifies this run. */
      readonly runId: string;
      /** Version of bake-ts. */
      readonly version: string;
      /** The runtime with its version: `node 24.1.0`. */
      readonly runtime: string;
      /** Files that the builds were read from. */
      readonly files: readonly string[];
      /** How many builds may run at the same time: the number of slots. */
      readonly concurrency: number;
      /** Absolute path of the directory of the first builds file. */
      readonly root?: string;
      /** Command-line arguments after the program's name, without sensitive values. Absent if the library was called. */
      readonly command?: readonly string[];
      /** Nothing is built and nothing is pushed. */
      readonly dryRun?: boolean;
      /** For a round of a watch, the changes that led to it. Absent: the run was not started by a change. */
      readonly changed?: ChangedFiles;
    }
  | {
      /** The builds of the run. */
      readonly type: 'planned';
      /** Each build after its dependencies. */
      readonly nodes: readonly PlannedNode[];
    }
  | {
      /** bake-ts is looking for an engine or starting one. */
      readonly type: 'engine-starting';
      /** What is being done, as text. */
      readonly text: string;
    }
  | {
      /** An engine was found. */
      readonly type: 'engine-ready';
      /** Address of the engine, in the form that buildctl uses. */
      readonly address: string;
      /** How it was found, as text: a flag, the environment, builds.yaml, a well-known socket, the embedded engine. */
      readonly source: string;
      /** Path of the buildctl that is used. */
      readonly buildctl: string;
      /** Version of buildkitd. Absent if it was not requested: for the embedded engine, and if every result is pushed. */
      readonly version?: string;
    }
  | {
      /** A call failed because the engine went away; builds wait until it is back. */
      readonly type: 'engine-waiting';
      /** Address of the engine, in the form that buildctl uses. */
      readonly address: string;
      /** What was noticed, as text. */
      readonly why: string;
      /** Longest time to wait (milliseconds). */
      readonly waitMs: number;
    }
  | {
      /** The wait is over. */
      readonly type: 'engine-waited';
      /** Address of the engine, in the form that buildctl uses. */
      readonly address: string;
      /** How long the wait took (milliseconds). */
      readonly waitedMs: number;
      /** Whether the engine is back; if not, builds that need it fail. */
      readonly back: boolean;
    }
  | {
      /** An engine of a pool went away or cannot continue. It is paused for a while, and its builds go to other engines. */
      readonly type: 'engine-aside';
      /** Identifies the engine: its address, or the namespace and name of a pod. */
      readonly address: string;
      /** What was noticed, as text. */
      readonly why: string;
    }
  | {
      /** An engine of a pool that was paused answers again and gets builds. */
      readonly type: 'engine-returned';
      /** Identifies the engine, as in `engine-aside`. */
      readonly address: string;
    }
  | {
      /** A registry did not answer properly. The request is repeated after a while. */
      readonly type: 'registry-waiting';
      /** Host of the registry. */
      readonly registry: string;
      /** What was noticed, as text. */
      readonly why: string;
      /** Number of the attempt that failed, from 1. */
      readonly attempt: number;
      /** Milliseconds until the next attempt. */
      readonly delayMs: number;
    }
  | {
      /** A build entered a phase, and its previous phase is over. */
      readonly type: 'node-phase';
      /** Name of the build. */
      readonly build: string;
      /** The phase. */
      readonly phase: Phase;
      /**
       * The slot that the build has in this phase, from 0. Always present with `building`; with `exporting` and `pushing` while
       * buildctl runs; with `queued` while the engine is away. A slot belongs to one build at a time. When a slow push gives its
       * slot back, another `pushing` event without `slot` follows.
       */
      readonly slot?: number;
      /** With `queued`: it waits for the engine to start or to come back. Absent: it waits for something else. */
      readonly waitsFor?: 'engine';
    }
  | {
      /** The inputs of a build are known. */
      readonly type: 'node-keyed';
      /** Name of the build. */
      readonly build: string;
      /** sha256 (hexadecimal) of its inputs; absent if they cannot be known. */
      readonly key?: string;
      /** Number of files in its contexts. */
      readonly files: number;
      /** Their total size in bytes. */
      readonly bytes: number;
      /** Inputs that cannot be known, as text. If there are any, the build is never skipped. */
      readonly untracked: readonly string[];
    }
  | {
      /** bake-ts decided what to do with a build. If that turns out to be impossible, another such event follows. */
      readonly type: 'node-decided';
      /** Name of the build. */
      readonly build: string;
      /** What will be done. */
      readonly decision: DecisionKind;
      /** Why. */
      readonly reason: Reason;
    }
  | {
      /** A build starts early, while images that it reads are still being pushed. The decision about it follows when that is done. */
      readonly type: 'early-started';
      /** Name of the build. */
      readonly build: string;
      /** The builds that are still being pushed. */
      readonly waitsFor: readonly string[];
      /** Why it will be built. */
      readonly reason: Reason;
    }
  | {
      /** The early part of a build is done. */
      readonly type: 'early-finished';
      /** Name of the build. */
      readonly build: string;
      /** Steps of the Dockerfile, without FROM: how many were done, and how many of them came from the cache. */
      readonly steps: { readonly total: number; readonly cached: number };
    }
  | {
      /** buildctl was started for a build. One event for each attempt. */
      readonly type: 'node-started';
      /** Name of the build. */
      readonly build: string;
      /** Counts from 1. */
      readonly attempt: number;
      /** Command line of buildctl, with sensitive values hidden. */
      readonly argv: readonly string[];
      /** The engine of a pool on which it runs. Absent: there is only one engine. */
      readonly engine?: string;
      /** The platforms that this call builds. Absent: all platforms of the build. */
      readonly platforms?: readonly string[];
      /** Another call for the same build is already running, for platforms that another engine builds. */
      readonly beside?: true;
    }
  | {
      /** A BuildKit step changed its state. There may be several events for one digest; the last one is valid. */
      readonly type: 'vertex';
      /** Name of the build. */
      readonly build: string;
      /** Identifies the step within its build. */
      readonly digest: string;
      /** As BuildKit prints it: `[build 2/5] COPY src/ src/`. */
      readonly name: string;
      /** State of the step. */
      readonly state: 'pending' | 'running' | 'done' | 'cached' | 'failed';
      /** How long it ran (milliseconds); absent: it has not ended. */
      readonly durationMs?: number;
      /** Why it failed, in BuildKit's words. */
      readonly error?: string;
    }
  | {
      /** Bytes of a transfer: context, pull, extraction, push. */
      readonly type: 'transfer';
      /** Name of the build. */
      readonly build: string;
      /** Digest of the step. */
      readonly vertex: string;
      /** What is transferred, in BuildKit's words. */
      readonly id: string;
      /** Bytes so far; 0 for pushes, for which BuildKit does not report it. */
      readonly current: number;
      /** All bytes; absent: not known. */
      readonly total?: number;
      /** True for the last event of a transfer. */
      readonly done: boolean;
    }
  | {
      /** A step printed something. */
      readonly type: 'log';
      /** Name of the build. */
      readonly build: string;
      /** Digest of the step. */
      readonly vertex: string;
      /** Where the step printed it. */
      readonly stream: 'stdout' | 'stderr';
      /** A piece of output as BuildKit sent it: several lines or part of a line. */
      readonly text: string;
    }
  | {
      /** Something is wrong but does not stop the run. */
      readonly type: 'warning';
      /** Name of the build; absent: it is about the run. */
      readonly build?: string;
      /** What is wrong. */
      readonly problem: ProblemJson;
    }
  | {
      /** An attempt failed for a reason that may be temporary. Another one follows. */
      readonly type: 'retry';
      /** Name of the build. */
      readonly build: string;
      /** Number of the attempt that failed, from 1. */
      readonly attempt: number;
      /** Milliseconds until the next attempt. */
      readonly delayMs: number;
      /** Why it failed, as text. */
      readonly why: string;
    }
  | {
      /** A call of buildctl showed no progress for a while. The event is repeated after twice the time, and so on. */
      readonly type: 'stalled';
      /** Name of the build. */
      readonly build: string;
      /** How long there was no progress (milliseconds). */
      readonly quietMs: number;
      /** What the build waits for, as text: a step, a push, a command for a secret, an engine that does not answer. */
      readonly waitsFor: string;
      /** Whether the engine answers a short request. */
      readonly engineAnswers: boolean;
      /** Milliseconds until the call is stopped if there is still no progress. Absent: there is no limit. */
      readonly endsInMs?: number;
    }
  | {
      /** A stalled call makes progress again. */
      readonly type: 'resumed';
      /** Name of the build. */
      readonly build: string;
      /** How long there was no progress (milliseconds). */
      readonly quietMs: number;
    }
  | {
      /** A tag of a build is up to date. */
      readonly type: 'tag';
      /** Name of the build. */
      readonly build: string;
      /** The tag and its result. */
      readonly tag: TagResult;
    }
  | {
      /** A build has ended. If an audit checks it afterwards, there is a second event, and the last one is valid. */
      readonly type: 'node-finished';
      /** Name of the build. */
      readonly build: string;
      /** The result of the build. */
      readonly outcome: Outcome;
    }
  | {
      /** A signal asked the run to stop. There is at most one such event, and none if the run stops by itself. */
      readonly type: 'interrupted';
      /** Name of the system's signal. For an `AbortSignal`: its reason, or the name of the error that is its reason. */
      readonly signal: string;
    }
  | {
      /** The last event of every run. */
      readonly type: 'run-finished';
      /** Totals. */
      readonly summary: RunSummary;
    };

/** Totals at the end of a run. */
export interface RunSummary {
  /** Every build succeeded or is up to date, and the run has no problem of its own. */
  readonly ok: boolean;
  /** It was stopped from outside. */
  readonly cancelled: boolean;
  /** The result of each build that came to an end, in the order of the plan. */
  readonly outcomes: readonly Outcome[];
  /** Problems of the run as a whole. */
  readonly problems: readonly ProblemJson[];
  /** How long the run took (milliseconds). */
  readonly durationMs: number;
  /**
   * How often `buildctl build` was started. This includes short calls that build nothing, for example to look up, give or
   * remove names in an engine's store.
   */
  readonly buildctlCalls: number;
  /** Requests sent to registries by bake-ts itself: reads (HEAD, GET) and writes (PUT, POST, PATCH). */
  readonly registryRequests: { readonly reads: number; readonly writes: number };
  /** With `--audit`. */
  readonly audit?: AuditSummary;
}

/** An event with its number and time. */
export type BakeEvent = EventBody & {
  /** Counts the events of a run from 1. */
  readonly seq: number;
  /** When it happened (milliseconds since 1970). */
  readonly atMs: number;
};

/**
 * Gets events as they happen. If it throws, or returns a promise that is rejected before the run has ended, it gets no more
 * events. The run is stopped as by its signal and rejects with that error.
 */
export type EventSink = (event: BakeEvent) => void;
