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
  readonly text: string;
  /** Each changed, missing or unknown thing: `context: src/main.c changed`, `arg VERSION: 1 → 2`. */
  readonly items?: readonly string[];
}

/** What became of one reference. */
export interface TagResult {
  readonly ref: string;
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
  readonly platform: string;
  /** Compressed size of each layer in bytes, from the lowest up. */
  readonly sizes: readonly number[];
}

/** How a build ended. */
export interface Outcome {
  readonly build: string;
  readonly kind: 'built' | 'retagged' | 'unchanged' | 'failed' | 'cancelled' | 'blocked';
  readonly reason?: Reason;
  readonly digest?: Digest;
  readonly sizeBytes?: number;
  readonly platforms?: readonly string[];
  readonly tags: readonly TagResult[];
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
  readonly build: string;
  readonly role: 'asked' | 'needed';
  readonly level: number;
  readonly needs: readonly string[];
  readonly tags: readonly string[];
  readonly pushes: boolean;
  /** How long its last build took (milliseconds), as it is remembered; absent: not known. */
  readonly usualMs?: number;
}

/** Files whose changes led to a run. */
export interface ChangedFiles {
  /** Absolute paths, 20 at most; empty: it is not known what changed. */
  readonly files: readonly string[];
  readonly total: number;
}

/** The union of all events, without the envelope. */
export type EventBody =
  | {
      readonly type: 'run-started';
      readonly runId: string;
      readonly version: string;
      readonly runtime: string;
      readonly files: readonly string[];
      /** Builds that may run at a time: slots. */
      readonly concurrency: number;
      /** Absolute path of the directory of the first file. */
      readonly root?: string;
      /** The words of the command line after the program's name, without sensitive values; absent: called as a library. */
      readonly command?: readonly string[];
      readonly dryRun?: boolean;
      /** What led to a run of a watch; absent: nothing that changed. */
      readonly changed?: ChangedFiles;
    }
  | { readonly type: 'planned'; readonly nodes: readonly PlannedNode[] }
  | { readonly type: 'engine-starting'; readonly text: string }
  | {
      readonly type: 'engine-ready';
      readonly address: string;
      /** What led to it: a flag, the environment, builds.yaml, a well-known socket, the embedded engine. */
      readonly source: string;
      readonly buildctl: string;
      /** Version of buildkitd; absent where it was not asked: of the embedded engine, and where every result is pushed. */
      readonly version?: string;
    }
  | {
      /** A call failed because the engine went away; builds wait until it is back. */
      readonly type: 'engine-waiting';
      readonly address: string;
      /** What was noticed, in words. */
      readonly why: string;
      /** How long it is waited for at most. */
      readonly waitMs: number;
    }
  | {
      /** The wait is over. */
      readonly type: 'engine-waited';
      readonly address: string;
      readonly waitedMs: number;
      /** Whether the engine is back. */
      readonly back: boolean;
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
      readonly build: string;
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
      readonly type: 'node-keyed';
      readonly build: string;
      readonly key?: string;
      readonly files: number;
      readonly bytes: number;
      /** What cannot be known, in words; not empty: never skipped. */
      readonly untracked: readonly string[];
    }
  | {
      readonly type: 'node-decided';
      readonly build: string;
      readonly decision: DecisionKind;
      readonly reason: Reason;
    }
  | {
      /** While what it reads is still being pushed, a build is begun; it is decided on when that is done. */
      readonly type: 'early-started';
      readonly build: string;
      /** The builds whose pushes go on. */
      readonly waitsFor: readonly string[];
      readonly reason: Reason;
    }
  | {
      readonly type: 'early-finished';
      readonly build: string;
      readonly steps: { readonly total: number; readonly cached: number };
    }
  | {
      readonly type: 'node-started';
      readonly build: string;
      readonly attempt: number;
      readonly argv: readonly string[];
    }
  | {
      /** A step of BuildKit changed its state; may come several times for one digest, the last one counts. */
      readonly type: 'vertex';
      readonly build: string;
      readonly digest: string;
      readonly name: string;
      readonly state: 'pending' | 'running' | 'done' | 'cached' | 'failed';
      readonly durationMs?: number;
      readonly error?: string;
    }
  | {
      /** Bytes of a transfer: context, pull, extraction. */
      readonly type: 'transfer';
      readonly build: string;
      readonly vertex: string;
      readonly id: string;
      readonly current: number;
      readonly total?: number;
      readonly done: boolean;
    }
  | {
      readonly type: 'log';
      readonly build: string;
      readonly vertex: string;
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
    }
  | { readonly type: 'warning'; readonly build?: string; readonly problem: ProblemJson }
  | {
      readonly type: 'retry';
      readonly build: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly why: string;
    }
  | {
      /** A call of buildctl gave no sign of progress for a while; said again after twice the time, and so on. */
      readonly type: 'stalled';
      readonly build: string;
      readonly quietMs: number;
      /** What is waited for, in words: a step, a push, a command for a secret, an engine that does not answer. */
      readonly waitsFor: string;
      readonly engineAnswers: boolean;
      /** Milliseconds until the call is ended if nothing moves till then; absent: it may take for ever. */
      readonly endsInMs?: number;
    }
  | {
      /** It moves again. */
      readonly type: 'resumed';
      readonly build: string;
      readonly quietMs: number;
    }
  | { readonly type: 'tag'; readonly build: string; readonly tag: TagResult }
  | { readonly type: 'node-finished'; readonly build: string; readonly outcome: Outcome }
  | { readonly type: 'interrupted'; readonly signal: string }
  | { readonly type: 'run-finished'; readonly summary: RunSummary };

/** Totals at the end of a run. */
export interface RunSummary {
  readonly ok: boolean;
  readonly cancelled: boolean;
  readonly outcomes: readonly Outcome[];
  /** Problems that belong to the run, not to a build. */
  readonly problems: readonly ProblemJson[];
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
export type BakeEvent = EventBody & { readonly seq: number; readonly atMs: number };

/**
 * Something that wants to see events as they happen. Where it throws, or gives a promise that is rejected before the run
 * has ended, it gets no more of them, the run is stopped as by its signal, and then rejects with that error.
 */
export type EventSink = (event: BakeEvent) => void;
