/** Memory of earlier runs: records by key, the latest inputs of each build, facts of images. */
export {
  type ImageConfigFacts,
  type LastInputs,
  type ParentResult,
  StateStore,
  stateDirectory,
} from './store.ts';
