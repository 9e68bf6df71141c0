/** The interface between runs and audits; audits themselves are in lib/verify. */
import type { AuditSummary, Outcome, Plan, Problem } from '../model/mod.ts';
import type { NodeRun } from './context.ts';

/** A run whose builds are done. Tags that move together have not moved yet. */
export interface DoneRun extends NodeRun {
  readonly plan: Plan;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** What an audit found. */
export interface Audited {
  readonly summary: AuditSummary;
  /** Outcomes of audited builds, which replace those of the run. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Why the audit could not be done. */
  readonly problems: readonly Problem[];
}

/** Inspects the results of a run. Pushes nothing and moves no tags. */
export type Audit = (run: DoneRun) => Promise<Audited>;
