/** Compares two images: bytes, files layer by layer, config. */

export { type FoldedChanges, foldChanges } from './fold.ts';
export {
  type ConfigChange,
  compareImages,
  type ImageComparison,
  type ImageSource,
  type LayerComparison,
  type LayerSource,
  type Verdict,
} from './image.ts';
export { compareTrees, type FileChange, readLayer, type Tree } from './layer.ts';
export { counts, type DifferenceRules, KNOWN_NOISE, type KnownNoise } from './noise.ts';
