/** Merging: the platforms of builds, each built by a run of its own, as one image with the tags of the build. */
export type { PartResult } from './choose.ts';
export { type Merged, type MergedBuild, type MergedTag, type MergeOptions, merge } from './merge.ts';
