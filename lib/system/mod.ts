/** The machine below us: its processors, programs run to their end, files written whole. */
export { findProgram, isExecutable } from './find-program.ts';
export { defaultJobs, goArchitecture } from './processors.ts';
export {
  definedEnv,
  type ProgramCall,
  type ProgramEnd,
  type RunProgram,
  runProgram,
  runProgramSync,
  whyFailed,
} from './run-program.ts';
export { writeFileWhole } from './write-file.ts';
