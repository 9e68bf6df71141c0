/**
 * The one stream that everybody who shows something reads: the live view, plain lines, `--progress=json` and the
 * library's `onEvent`. Additive only: fields and types may come, none goes or changes its meaning
 * (schemas/events.schema.json). Times are milliseconds since 1970.
 */
import type { Digest } from './image-ref.ts';
import type { ProblemJson } from './problem.ts';

/** What was decided for a build before (or instead of) running buildctl. */
export type DecisionKind =
  /** buildctl runs. */
  | 'build'
  /** Nothing changed and everything is where it should be: skipped. */
  | 'unchanged'
  /** Nothing changed, but tags are missing or point elsewhere: the same manifest is put there. */
  | 'retag'
  /**
   * Only configs of what it is based on changed, or its own labels: a config and a manifest are put over the layers that
   * it has, and tagged. No step runs, and no engine is needed.
   */
  | 'rebase';

/** Why: a stable slug, words for people, and (for changes) the items that changed. */
export interface Reason {
  /** Stable; new ones may come. `text` says it in words. */
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
  /** The same in words. */
  readonly text: string;
  /** Each changed, missing or unknown thing: `context: src/main.c changed`, `arg VERSION: 1 → 2`. */
  readonly items?: readonly string[];
}

/** What became of one reference. */
export interface TagResult {
  /** The full reference. */
  readonly ref: string;
  /** What it points at now. */
  readonly digest: Digest;
  /** `pushed`: bytes or manifest sent. `retagged`: the manifest was there, only the tag was put. `there`: nothing sent. */
  readonly action: 'pushed' | 'retagged' | 'there';
}

/** What the audit of a build that was up to date found. */
export interface AuditResult {
  /** `same-files`: only times or compression differ. `not-compared`: it could not be done, and nothing is proved. */
  readonly result: 'same-bytes' | 'same-files' | 'different' | 'not-compared';
  /** `files`: digests differ, so paths, modes, links and contents were compared. */
  readonly compared: 'digests' | 'files' | 'nothing';
  /** Every step came from the engine's cache. */
  readonly cached: boolean;
  /** For `different`: each difference. */
  readonly differences?: readonly string[];
  /** For `not-compared`. */
  readonly why?: string;
}

/** What was audited in a run. */
export interface AuditSummary {
  /** Given as `--audit-seed`, the same builds are drawn again. */
  readonly seed: number;
  /** How many builds were up to date. */
  readonly candidates: number;
  /** Those that were drawn. */
  readonly builds: readonly string[];
}

/** What is being done for a build. What it waits for before that, other builds, the plan says. */
export type Phase =
  /** Its inputs are read and hashed, and registries are asked what is there; after a failure, once more. */
  | 'checking'
  /**
   * It waits, and nothing is done for it: for a slot, since as many builds run as may at a time; for the engine to start or to
   * come back; for its next attempt; for a build that must not run beside it; for one whose image it reads and that was lost.
   */
  | 'queued'
  /** buildctl runs, in a slot. */
  | 'building'
  /** Its steps are done; layers are compressed, the image is put together, and without a slot: it is read and remembered. */
  | 'exporting'
  /** Its bytes go to registries. */
  | 'pushing'
  /** What was pushed is read and remembered, and its tags are put. */
  | 'tagging';

/** Layers of one platform of an image. */
export interface PlatformLayers {
  /** Normalised: `linux/amd64`. */
  readonly platform: string;
  /** Compressed size of each layer in bytes, from the lowest up. */
  readonly sizes: readonly number[];
}

/** How a build ended. */
export interface Outcome {
  /** Name of the build. */
  readonly build: string;
  /**
   * `retagged`: nothing was built, only tags were put right. `blocked`: a build that it needs failed. A build whose
   * image was re-based is `built`.
   */
  readonly kind: 'built' | 'retagged' | 'unchanged' | 'failed' | 'cancelled' | 'blocked';
  /** Why it was built or skipped; absent: it was never decided on. */
  readonly reason?: Reason;
  /** Of the manifest or index; absent: there is no result, or nothing tells its digest. */
  readonly digest?: Digest;
  /** Size of the image (bytes, compressed, all platforms); absent: not known. */
  readonly sizeBytes?: number;
  /** Normalised: `linux/amd64`; absent: not known. */
  readonly platforms?: readonly string[];
  /** What became of each tag that is pushed; empty: it has none, or it did not come to that. */
  readonly tags: readonly TagResult[];
  /** sha256 (hexadecimal) over its inputs; absent: they cannot be known. */
  readonly key?: string;
  /** How long something was done for it, in milliseconds: all of its phases but `queued`; 0 for what never began. */
  readonly durationMs: number;
  /** How long it was in the phase `queued` (milliseconds); absent: it never had to wait. */
  readonly queuedMs?: number;
  /** Those that are known, also of a build that did not come to its end; absent: buildctl was not called. */
  readonly steps?: { readonly total: number; readonly cached: number };
  /** Of the image, where its manifest was read. */
  readonly layers?: readonly PlatformLayers[];
  /** Size (as `sizeBytes`) of the last result before this one, where it is known. */
  readonly lastSizeBytes?: number;
  /** Where it was up to date and drawn by `--audit`. */
  readonly audit?: AuditResult;
  /** For `failed`. */
  readonly problem?: ProblemJson;
  /** For `blocked`: the build whose failure keeps it from running. */
  readonly blockedBy?: string;
  /** True in a dry run: `built` and `retagged` are what would be done. */
  readonly dryRun?: boolean;
}

/** A node as the plan announces it. */
export interface PlannedNode {
  /** Name of the build. */
  readonly build: string;
  /** `asked`: it was selected. `needed`: only another build needs it. */
  readonly role: 'asked' | 'needed';
  /** 0: it needs no other build; else one more than the highest of those. */
  readonly level: number;
  /** Names of the builds that it needs. */
  readonly needs: readonly string[];
  /** Its tags as written. */
  readonly tags: readonly string[];
  /** Whether its tags are pushed in this run. */
  readonly pushes: boolean;
  /** How long its last build took (milliseconds), as it is remembered; absent: not known. */
  readonly usualMs?: number;
}

/** Files whose changes led to a run. */
export interface ChangedFiles {
  /** Absolute paths, 20 at most; empty: it is not known what changed. */
  readonly files: readonly string[];
  /** How many there are. */
  readonly total: number;
}

/** All events, told apart by their `type`, without number and time; docs/events.md says in which order they come. */
export type EventBody =
  | {
      /** The first event of every run. */
      readonly type: 'run-started';
      /** Names this run. */
      readonly runId: string;
      /** Version of bake-ts. */
      readonly version: string;
      /** What runs it, with its version: `node 24.1.0`. */
      readonly runtime: string;
      /** Files that the builds were read from. */
      readonly files: readonly string[];
      /** Builds that may run at a time: slots. */
      readonly concurrency: number;
      /** Absolute path of the directory of the first file. */
      readonly root?: string;
      /** The words of the command line after the program's name, without sensitive values; absent: called as a library. */
      readonly command?: readonly string[];
      /** Nothing is built and nothing is pushed. */
      readonly dryRun?: boolean;
      /** What led to a run of a watch; absent: nothing that changed. */
      readonly changed?: ChangedFiles;
    }
  | {
      /** What the run is about. */
      readonly type: 'planned';
      /** Each build after what it needs. */
      readonly nodes: readonly PlannedNode[];
    }
  | {
      /** An engine is being looked for or started. */
      readonly type: 'engine-starting';
      /** What is being done, in words. */
      readonly text: string;
    }
  | {
      /** There is an engine. */
      readonly type: 'engine-ready';
      /** As buildctl takes it. */
      readonly address: string;
      /** What led to it, in words: a flag, the environment, builds.yaml, a well-known socket, the embedded engine. */
      readonly source: string;
      /** Path of the buildctl that is used. */
      readonly buildctl: string;
      /** Version of buildkitd; absent where it was not asked: of the embedded engine, and where every result is pushed. */
      readonly version?: string;
    }
  | {
      /** A call failed because the engine went away; builds wait until it is back. */
      readonly type: 'engine-waiting';
      /** As buildctl takes it. */
      readonly address: string;
      /** What was noticed, in words. */
      readonly why: string;
      /** How long it is waited for at most (milliseconds). */
      readonly waitMs: number;
    }
  | {
      /** The wait is over. */
      readonly type: 'engine-waited';
      /** As buildctl takes it. */
      readonly address: string;
      /** How long it was waited for (milliseconds). */
      readonly waitedMs: number;
      /** Whether the engine is back; if not, builds that need it fail. */
      readonly back: boolean;
    }
  | {
      /** An engine of a pool went away, or cannot go on: it gets no builds for a while, and what it was building goes to others. */
      readonly type: 'engine-aside';
      /** Names it: its address, or namespace and name of a pod. */
      readonly address: string;
      /** What was noticed, in words. */
      readonly why: string;
    }
  | {
      /** An engine of a pool that was set aside answers again, and gets builds. */
      readonly type: 'engine-returned';
      /** Names it, as `engine-aside` does. */
      readonly address: string;
    }
  | {
      /** A registry did not answer as it should; the request is sent again after a while. */
      readonly type: 'registry-waiting';
      /** Its host. */
      readonly registry: string;
      /** What was noticed, in words. */
      readonly why: string;
      /** Number of the attempt that failed, from 1. */
      readonly attempt: number;
      /** Milliseconds until the next one. */
      readonly delayMs: number;
    }
  | {
      /** From now on this is done for a build; the phase before is over. */
      readonly type: 'node-phase';
      /** Name of the build. */
      readonly build: string;
      /** What is done from now on. */
      readonly phase: Phase;
      /**
       * Which slot it has during this phase, from 0: always with `building`, with `exporting` and `pushing` while buildctl runs,
       * and with `queued` while the engine is away. No two builds have one at a time. A slow push gives it back, and says so by another `pushing` without it.
       */
      readonly slot?: number;
      /** With `queued`: it waits for the engine to start or to come back. Absent: for something else. */
      readonly waitsFor?: 'engine';
    }
  | {
      /** The inputs of a build are known. */
      readonly type: 'node-keyed';
      /** Name of the build. */
      readonly build: string;
      /** sha256 (hexadecimal) over its inputs; absent: they cannot be known. */
      readonly key?: string;
      /** How many files of its contexts count. */
      readonly files: number;
      /** Their size in bytes. */
      readonly bytes: number;
      /** What cannot be known, in words; not empty: never skipped. */
      readonly untracked: readonly string[];
    }
  | {
      /** It is decided what to do with a build; where that turns out to be impossible, another one follows. */
      readonly type: 'node-decided';
      /** Name of the build. */
      readonly build: string;
      /** What is done with it. */
      readonly decision: DecisionKind;
      /** Why. */
      readonly reason: Reason;
    }
  | {
      /** While what it reads is still being pushed, a build is begun; it is decided on when that is done. */
      readonly type: 'early-started';
      /** Name of the build. */
      readonly build: string;
      /** The builds whose pushes go on. */
      readonly waitsFor: readonly string[];
      /** Why it will be built. */
      readonly reason: Reason;
    }
  | {
      /** What could be done of a build before its turn is done. */
      readonly type: 'early-finished';
      /** Name of the build. */
      readonly build: string;
      /** Steps of the Dockerfile, without FROM: how many were done, and how many of them came from the cache. */
      readonly steps: { readonly total: number; readonly cached: number };
    }
  | {
      /** buildctl was started for a build; once for each attempt. */
      readonly type: 'node-started';
      /** Name of the build. */
      readonly build: string;
      /** Counts from 1. */
      readonly attempt: number;
      /** Its command line, sensitive values hidden. */
      readonly argv: readonly string[];
      /** Which engine of a pool it runs on; absent: there is one. */
      readonly engine?: string;
      /** What it builds of the platforms of the build; absent: all of them. */
      readonly platforms?: readonly string[];
      /** Another call of the same build runs already, for other platforms that another engine has. */
      readonly beside?: true;
    }
  | {
      /** A step of BuildKit changed its state; may come several times for one digest, the last one counts. */
      readonly type: 'vertex';
      /** Name of the build. */
      readonly build: string;
      /** Names the step within its build. */
      readonly digest: string;
      /** As BuildKit prints it: `[build 2/5] COPY src/ src/`. */
      readonly name: string;
      /** What has become of it. */
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
      /** What is transferred, as BuildKit names it. */
      readonly id: string;
      /** Bytes so far; 0 for pushes, of which BuildKit does not say it. */
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
      /** Where it printed it. */
      readonly stream: 'stdout' | 'stderr';
      /** A piece of output as BuildKit sent it: several lines, or part of one. */
      readonly text: string;
    }
  | {
      /** Something is not as it should be, and stops nothing. */
      readonly type: 'warning';
      /** Name of the build; absent: it is about the run. */
      readonly build?: string;
      /** What is not as it should be. */
      readonly problem: ProblemJson;
    }
  | {
      /** An attempt failed for a reason that may pass; another one follows. */
      readonly type: 'retry';
      /** Name of the build. */
      readonly build: string;
      /** Number of the attempt that failed, from 1. */
      readonly attempt: number;
      /** Milliseconds until the next one. */
      readonly delayMs: number;
      /** Why it failed, in words. */
      readonly why: string;
    }
  | {
      /** A call of buildctl gave no sign of progress for a while; said again after twice the time, and so on. */
      readonly type: 'stalled';
      /** Name of the build. */
      readonly build: string;
      /** How long there was no progress (milliseconds). */
      readonly quietMs: number;
      /** What is waited for, in words: a step, a push, a command for a secret, an engine that does not answer. */
      readonly waitsFor: string;
      /** Whether the engine answers a short question. */
      readonly engineAnswers: boolean;
      /** Milliseconds until the call is ended if nothing moves till then; absent: it may take for ever. */
      readonly endsInMs?: number;
    }
  | {
      /** A call that was stalled makes progress again. */
      readonly type: 'resumed';
      /** Name of the build. */
      readonly build: string;
      /** How long there was no progress (milliseconds). */
      readonly quietMs: number;
    }
  | {
      /** A reference of a build is where it should be. */
      readonly type: 'tag';
      /** Name of the build. */
      readonly build: string;
      /** The reference, and what became of it. */
      readonly tag: TagResult;
    }
  | {
      /** A build has ended; where an audit looks at it afterwards, once more, and the last one counts. */
      readonly type: 'node-finished';
      /** Name of the build. */
      readonly build: string;
      /** How it ended. */
      readonly outcome: Outcome;
    }
  | {
      /** Somebody asked the run to stop. Said once; not where the run stops itself. */
      readonly type: 'interrupted';
      /** Name of the system's signal; of an `AbortSignal` its reason, or the name of the error that is its reason. */
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
  /** Every build is as it should be, and the run has no problem of its own. */
  readonly ok: boolean;
  /** It was stopped from outside. */
  readonly cancelled: boolean;
  /** Every build that got that far, in the order of the plan. */
  readonly outcomes: readonly Outcome[];
  /** Problems that belong to the run, not to a build. */
  readonly problems: readonly ProblemJson[];
  /** How long the run took (milliseconds). */
  readonly durationMs: number;
  /**
   * How often `buildctl build` was really started: to build, and for short calls that build nothing (names of the engine's
   * store are looked up where that cannot be listed, given or let go of).
   */
  readonly buildctlCalls: number;
  /** Requests sent to registries by bake-ts itself: reads (HEAD, GET) and writes (PUT, POST, PATCH). */
  readonly registryRequests: { readonly reads: number; readonly writes: number };
  /** Where `--audit` was given. */
  readonly audit?: AuditSummary;
}

/** An event as it travels: numbered, with its time. */
export type BakeEvent = EventBody & {
  /** Counts the events of a run from 1. */
  readonly seq: number;
  /** When it happened (milliseconds since 1970). */
  readonly atMs: number;
};

/**
 * Something that wants to see events as they happen. Where it throws, or gives a promise that is rejected before the run
 * has ended, it gets no more of them, the run is stopped as by its signal, and then rejects with that error.
 */
export type EventSink = (event: BakeEvent) => void;
