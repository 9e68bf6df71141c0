/**
 * From a set and a selection to a plan: reads the Dockerfiles that planning needs. Separate from `run`, so that planning
 * loads little.
 */
export { DockerfileLibrary, hintForMissing } from './dockerfiles.ts';
export { findRefused, findRefusedNow } from './grants.ts';
export { findMistakes, mergeMissingContexts, withoutMistakes } from './mistakes.ts';
export { type PreparedPlan, prepareNothing, preparePlan } from './prepare.ts';
export { findUnmatched } from './unmatched.ts';
export { findUnnamed } from './unnamed.ts';
