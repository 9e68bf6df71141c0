/** The inputs of a build (what its Dockerfile reads, files, external images, results of other builds) and its key. */
export type { ContextFiles } from './contexts.ts';
export { findSameCopied, type LayerReader, lastInputs } from './copied-files.ts';
export { inspectNode, type NodeFacts } from './dockerfile-facts.ts';
export { ExternalImages, type ImageLookup, taggedImages } from './external-images.ts';
export {
  type ConfigReader,
  type FoundRebase,
  findConfigChange,
  findRebase,
  readDocuments,
} from './find-rebase.ts';
export { ignoreFilesOf, readIgnore } from './ignore-files.ts';
export {
  changesSince,
  computeInputs,
  type NodeInputs,
  touchedSince,
  withCurrentParents,
} from './inputs.ts';
export type { BuildResult, Keying } from './keying.ts';
export { findLayouts, withLayouts } from './layouts.ts';
export { type ChosenProxies, withheldProxies } from './proxies.ts';
export type { RebasedImage } from './rebased-image.ts';
