/** bake's rules over HCL and Compose files: from files to targets as `docker buildx bake --print` has them. */
export type * from './definition.ts';
export { formatBake, printBake } from './print.ts';
export type * from './target.ts';
