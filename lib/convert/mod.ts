/** The way over: bake's JSON and Compose files as builds.yaml, and a first builds.yaml for a repository of Dockerfiles. */
export { type Imported, type ImportOptions, importBuilds } from './import.ts';
export { proposeBuilds } from './propose.ts';
export { isDockerfileName, type Repository, readRepository } from './repository.ts';
