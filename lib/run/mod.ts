/** Running plans: inputs, decisions, builds, publishing. Joins the rooms below into one run. */
export { bake } from './bake.ts';
export { type Decision, decide, type Evidence, type StoreState, type TagState } from './decide.ts';
export { DockerfileLibrary } from './dockerfiles.ts';
export { type PreparedPlan, preparePlan } from './prepare.ts';
export { type Graph, heights, type NodeEnd, runGraph, Semaphore } from './scheduler.ts';
export type { BakeOptions } from './session.ts';
