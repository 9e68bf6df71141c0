export { formatJunit } from './junit.ts';
export { buildTimeline, createTimeline, type TimelineMaker } from './maker.ts';
export { type AttributeValue, type TraceSpan, traceSpans } from './spans.ts';
export type * from './timeline.ts';
export { formatTrace } from './trace.ts';
