/** The way over: bake's JSON and Compose files as builds.yaml, and a first builds.yaml for a repository of Dockerfiles. */
export { type Imported, type ImportOptions, importBake } from './bake.ts';
