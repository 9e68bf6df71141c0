export { buildTimeline, createTimeline, type TimelineMaker } from './maker.ts';
export type * from './timeline.ts';
