/** Where an audit joins a run; audits themselves are in lib/verify. */
import type { AuditSummary, Outcome, Plan, Problem } from '../model/mod.ts';
import type { NodeRun } from './context.ts';

/** A run whose builds are done and whose tags, where they move together, have not moved. */
export interface DoneRun extends NodeRun {
  readonly plan: Plan;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** What an audit found. */
export interface Audited {
  readonly summary: AuditSummary;
  /** Outcomes of audited builds, which replace those of the run. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** What kept it from being done at all. */
  readonly problems: readonly Problem[];
}

/** Inspects the results of a run. Pushes and moves nothing. */
export type Audit = (run: DoneRun) => Promise<Audited>;
