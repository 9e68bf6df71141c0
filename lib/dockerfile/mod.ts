/** What a Dockerfile reads: parsing, stages, images, context paths, arguments; ignore rules. Pure: no file is opened. */
export { cleanPath } from './evaluate.ts';
export * from './facts.ts';
export {
  cleanGoPath,
  compileRules,
  type IgnoreRule,
  type IgnoreRules,
  isIgnored,
  judgePath,
  mayHoldExceptions,
  NO_RULES,
  type ParentMatches,
  parseIgnore,
} from './ignore.ts';
export { inspectDockerfile } from './inspect.ts';
export {
  type Argument,
  type Dockerfile,
  type Heredoc,
  type Instruction,
  isDockerfileFrontend,
  parseDockerfile,
  type StageSource,
} from './parse.ts';
export { contextKey } from './sources.ts';
