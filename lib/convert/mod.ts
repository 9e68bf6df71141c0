/**
 * Migrating: converts bake and Compose files to builds.yaml, and proposes a first builds.yaml for a repository of
 * Dockerfiles.
 */
export { type Beside, lookBeside } from './beside.ts';
export { unclearOf } from './guess.ts';
export { type Imported, type ImportOptions, importBuilds } from './import.ts';
export { candidatesOf, type Proposal, type ProposeOptions, proposeBuilds } from './propose.ts';
export { isDockerfileName, type Repository, readRepository } from './repository.ts';
export { readSource, type Source, type SourceReading } from './source.ts';
export { type FoundSources, findSources, readerIn } from './sources.ts';
