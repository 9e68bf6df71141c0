/**
 * A run as a whole: what happened when, for each build. Made from its events and nothing else; the report page, traces,
 * JUnit files and job summaries are made from it. Plain JSON. All times are milliseconds since the run started.
 */
import type {
  ChangedFiles,
  DecisionKind,
  Outcome,
  Phase,
  PlannedNode,
  ProblemJson,
  Reason,
  RunSummary,
} from '../model/mod.ts';

/** A part of the run's time. What was not over when the events ended is taken to end with them. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What was done for a build during a time. */
export interface PhaseSpan extends Span {
  readonly phase: Phase;
  /**
   * The slot that it had, from 0. A push has it until it gives it back, which is known only where another build gets it: a
   * push that goes on then is two spans, the second one without.
   */
  readonly slot?: number;
}

/**
 * A step of BuildKit during a time. BuildKit begins one step several times (an image is looked up, then pulled; exported, then
 * pushed): each time is a span.
 */
export interface StepSpan extends Span {
  readonly digest: string;
  /** As BuildKit prints it. */
  readonly name: string;
  /** `unfinished`: the call of buildctl ended first, or another step's failure stopped it. */
  readonly state: 'done' | 'cached' | 'failed' | 'unfinished';
  /** Which call of buildctl it belongs to, from 1; 0 for one before the build's turn. */
  readonly attempt: number;
  readonly error?: string;
}

/** A time in which something was waited for that should not have taken it. */
export interface WaitSpan extends Span {
  readonly kind: 'retry' | 'stalled' | 'engine' | 'registry';
  /** What was waited for and why. */
  readonly text: string;
}

/** A warning; of a build, or of the run. */
export interface TimelineWarning {
  readonly atMs: number;
  readonly build?: string;
  readonly problem: ProblemJson;
}

/** One build of a run. */
export interface BuildTimeline extends PlannedNode {
  readonly phases: readonly PhaseSpan[];
  /** Its turn: from the first thing that was done for it to its end. Absent: nothing was done for it. */
  readonly time?: Span;
  readonly steps: readonly StepSpan[];
  readonly waits: readonly WaitSpan[];
  /**
   * The engines of a pool that it ran on: for each attempt in turn, those that built it, several where platforms were built
   * apart. Absent: there is one engine, or it was not called.
   */
  readonly engines?: readonly (readonly string[])[];
  /** The last one counts. */
  readonly decision?: { readonly kind: DecisionKind; readonly reason: Reason };
  /** What its inputs are: files, their bytes, and what cannot be known. */
  readonly inputs?: { readonly files: number; readonly bytes: number; readonly untracked: readonly string[] };
  /** Absent: the events ended before it did. */
  readonly outcome?: Outcome;
  /** Whether it is on the critical path. */
  readonly critical: boolean;
  /**
   * How much shorter the run would have been, in milliseconds, if this build had taken no time at all: the plan is replayed
   * with the times that were measured, in as many slots, and without it. Never more than the time that the build took.
   */
  readonly costMs: number;
}

/** A build of the critical path. */
export interface CriticalBuild {
  readonly build: string;
  /**
   * What its beginning waited for, the build before it in the path: `build`, since it needs it; `slot`, since it had the slot.
   * Absent for the first one.
   */
  readonly waitedFor?: 'build' | 'slot';
}

/** A run. */
export interface RunTimeline {
  readonly runId: string;
  readonly version: string;
  readonly runtime: string;
  readonly root?: string;
  readonly command?: readonly string[];
  /** For a round of a watch, the changes that led to it. */
  readonly changed?: ChangedFiles;
  readonly files: readonly string[];
  readonly concurrency: number;
  readonly dryRun: boolean;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  /** As its summary says; without one, until its last event. */
  readonly durationMs: number;
  /** False: the events end before the run did. It goes on, or was killed. */
  readonly finished: boolean;
  /** The signal that stopped it. */
  readonly interruptedBy?: string;
  readonly interruptedAtMs?: number;
  readonly engine?: {
    readonly address: string;
    readonly source: string;
    readonly buildctl: string;
    readonly version?: string;
  };
  /** In the order of the plan. */
  readonly builds: readonly BuildTimeline[];
  /**
   * The chain of builds that the end of the run waited for, in the order of time: the build that ended last, before it the one
   * that it waited for last, and so on.
   */
  readonly criticalPath: readonly CriticalBuild[];
  /** For the engine and registries: what concerns the run as a whole. */
  readonly waits: readonly WaitSpan[];
  readonly warnings: readonly TimelineWarning[];
  readonly summary?: Omit<RunSummary, 'outcomes'>;
}
