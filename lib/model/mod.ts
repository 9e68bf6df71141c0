/** The vocabulary that all packages share: plain records and the pure functions that belong to them. */
export * from './attest.ts';
export type * from './build.ts';
export type * from './event.ts';
export * from './frontend.ts';
export * from './grants.ts';
export type * from './image.ts';
export * from './image-ref.ts';
export type * from './plan.ts';
export * from './platform.ts';
export * from './problem.ts';
export * from './process.ts';
export * from './proxy.ts';
export * from './record.ts';
export * from './result.ts';
export * from './sensitive.ts';
export * from './source.ts';
export * from './unknown.ts';
export * from './worker.ts';
