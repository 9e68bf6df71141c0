/** What a Dockerfile reads: parsing, stages, images, context paths, arguments; ignore rules. Pure: opens no files. */
export { type Declared, declaredBy } from './declared.ts';
export * from './facts.ts';
export {
  compileRules,
  type IgnoreRule,
  type IgnoreRules,
  isIgnored,
  judgePath,
  mayHoldExceptions,
  NO_RULES,
  type ParentMatches,
  parseIgnore,
  UNMATCHED,
  type Verdict,
} from './ignore.ts';
export { inspectDockerfile } from './inspect.ts';
export type { Argument, Dockerfile, Heredoc, Instruction, StageSource } from './instruction.ts';
export { optionsOf } from './options.ts';
export { foreignFile, parseDockerfile } from './parse.ts';
export { argumentFilter } from './scope.ts';
export { cleanPath } from './sources.ts';
