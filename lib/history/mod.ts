/** Recorded runs: the last runs of a project, written while they run and read afterwards. */
export { BuildLog } from './build-log.ts';
export { followEvents } from './follow.ts';
export { logFileOf, runsDirectory } from './place.ts';
export { findRun, type KeptRun, listRuns, readEvents } from './read.ts';
export { type RecordedRound, RunRecorder } from './recorder.ts';
export { KeptRounds } from './rounds.ts';
export type { CommitState, KeptBuild, KeptResult, RunHead } from './shapes.ts';
export { type BuildTraces, readTraces, SOURCE_NAME } from './traces.ts';
