/** Targets of bake as they come out of evaluating, as builds of ours: key by key, and what of them has no key. */
export { asksOnly, type ConvertedBuild, convertToBuild } from './build.ts';
export { convertOutputs, type OutputSurroundings } from './outputs.ts';
export { resourceOption } from './resources.ts';
export { createEnvironmentCheck } from './surroundings.ts';
