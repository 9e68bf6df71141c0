/**
 * A whole run: what happened when for each build. Made only from its events; the report page, traces, JUnit files and
 * job summaries are made from it. Plain JSON. All times are milliseconds since the run started.
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

/** A span of the run's time. Spans that were open when the events ended, end with them. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** An activity for a build. */
export interface PhaseSpan extends Span {
  readonly phase: Phase;
  /**
   * Its slot, from 0. A push keeps the slot until it returns it, which is visible only when another build gets it: such
   * a push has two spans, the second one without a slot.
   */
  readonly slot?: number;
}

/**
 * One execution of a BuildKit step. BuildKit starts a step several times (an image is resolved, then pulled; exported,
 * then pushed): each is a span.
 */
export interface StepSpan extends Span {
  readonly digest: string;
  /** As BuildKit prints it. */
  readonly name: string;
  /** `unfinished`: the buildctl call ended first, or another step's failure stopped it. */
  readonly state: 'done' | 'cached' | 'failed' | 'unfinished';
  /** Number of the buildctl call, from 1; 0 for one before the build's turn. */
  readonly attempt: number;
  readonly error?: string;
}

/** A wait that should not have taken time. */
export interface WaitSpan extends Span {
  readonly kind: 'retry' | 'stalled' | 'engine' | 'registry';
  /** What was waited for and why. */
  readonly text: string;
}

/** A warning of a build or of the run. */
export interface TimelineWarning {
  readonly atMs: number;
  readonly build?: string;
  readonly problem: ProblemJson;
}

/** One build of a run. */
export interface BuildTimeline extends PlannedNode {
  readonly phases: readonly PhaseSpan[];
  /** Its turn: from its first activity to its end. Absent: it was never active. */
  readonly time?: Span;
  readonly steps: readonly StepSpan[];
  readonly waits: readonly WaitSpan[];
  /**
   * The engines of a pool that it ran on: a list for each attempt, with several engines if platforms were split.
   * Absent: there is only one engine, or no call.
   */
  readonly engines?: readonly (readonly string[])[];
  /** The last decision. */
  readonly decision?: { readonly kind: DecisionKind; readonly reason: Reason };
  /** Its inputs: number of files, their bytes, and what could not be tracked. */
  readonly inputs?: { readonly files: number; readonly bytes: number; readonly untracked: readonly string[] };
  /** Absent: the events ended first. */
  readonly outcome?: Outcome;
  /** Whether it is on the critical path. */
  readonly critical: boolean;
  /**
   * How many milliseconds shorter the run would have been if this build had taken no time: a replay of the plan with
   * the measured times and the same slots. At most the build's own time.
   */
  readonly costMs: number;
}

/** A build of the critical path. */
export interface CriticalBuild {
  readonly build: string;
  /**
   * What it waited for before its start, the previous build in the path: `build`: it depends on it; `slot`: it got its
   * slot. Absent for the first one.
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
  /** From its summary; without one, until its last event. */
  readonly durationMs: number;
  /** False: the events end before the run; it is still running or was killed. */
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
   * The chain of builds that the end of the run waited for, in order of time: it ends with the build that ended last,
   * before which comes the build that this one waited for last, and so on.
   */
  readonly criticalPath: readonly CriticalBuild[];
  /** Waits of the whole run for the engine and registries. */
  readonly waits: readonly WaitSpan[];
  readonly warnings: readonly TimelineWarning[];
  readonly summary?: Omit<RunSummary, 'outcomes'>;
}
