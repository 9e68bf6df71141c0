/** Converts evaluated bake targets to builds of bake-ts, key by key, and reports what has no key. */
export { asksOnly, type ConvertedBuild, convertToBuild } from './build.ts';
export { convertOutputs, type OutputSurroundings } from './outputs.ts';
export { resourceOption } from './resources.ts';
export { createEnvironmentCheck } from './surroundings.ts';
