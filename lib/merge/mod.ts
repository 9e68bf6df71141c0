/** Merging: joins platforms of builds that were built in separate runs into one image with the build's tags. */
export type { PartResult } from './choose.ts';
export { type Merged, type MergedBuild, type MergedTag, type MergeOptions, merge } from './merge.ts';
