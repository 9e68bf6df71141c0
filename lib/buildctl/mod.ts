/** One call of buildctl: its command line, its process, its progress and its result. */
export {
  type BuildOutput,
  type BuildRequest,
  buildArgv,
  type Link,
  type LocalSource,
  type LocalSources,
} from './argv.ts';
export {
  type BuildCall,
  type BuildFailure,
  type Built,
  queryWorker,
  readContent,
  runBuild,
  type Worker,
} from './build.ts';
export { MOST_SECRET_BYTES, secretTooLarge } from './command-secrets.ts';
export { type EmptyCall, emptyArgv, emptyStored } from './empty-stored.ts';
export { type Excerpt, spanOfExcerpt } from './excerpt.ts';
export { explainFailure } from './failure.ts';
export { provideForeignFile } from './foreign-file.ts';
export { type LayersOnlyCall, layersOnlyArgv, storeLayersOnly } from './layers-only.ts';
export {
  type LintAnswer,
  type LintCall,
  type LintFinding,
  lintArgv,
  lintDockerfile,
  parseLintText,
} from './lint.ts';
export { ProgressReader, type ProgressSummary } from './progress.ts';
export { stageContext } from './staged-context.ts';
export { lookUpNames, type StoredName } from './stored-names.ts';
export { type Buildctl, childEnvironment } from './tool.ts';
