/** Kept runs: what happened in the last runs of a project, written while they go on, read afterwards. */
export { logFileOf, runsDirectory } from './place.ts';
export { findRun, type KeptRun, listRuns, readEvents } from './read.ts';
export type { CommitState, KeptBuild, RunResult } from './shapes.ts';
