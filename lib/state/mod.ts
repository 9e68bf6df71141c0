/** State between runs: records by key, the latest inputs of each build, facts about images, tags about to move. */
export {
  type IntendedMove,
  type PublishIntent,
  PublishIntents,
} from './intents.ts';
export {
  forgetBuild,
  forgetProject,
  type KnownProject,
  listKnownBuilds,
  listProjects,
  listResults,
  measureBuild,
  measureProject,
} from './leftovers.ts';
export { projectName } from './project.ts';
export type { SealParts } from './seal.ts';
export type { ImageConfigFacts, LastFigures, LastInputs, LastResult, ParentResult } from './shapes.ts';
export { StateStore, stateDirectory } from './store.ts';
