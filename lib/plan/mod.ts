/** Selection, edges, cycles, order and levels; the plan document. Pure. */
export {
  describeOrigin,
  describePlan,
  type PlanDocument,
  type PlannedBuild,
  type PlannedVariable,
} from './document.ts';
export { type Drawn, drawDot, drawMermaid, drawTree } from './draw.ts';
export { type DockerfileReads, type ImageUse, type PlanRequest, planBuilds } from './graph.ts';
export { findLeftOut, type Selection, selectBuilds } from './select.ts';
