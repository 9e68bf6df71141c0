/** The machine below us: programs run to their end, and where they lie. */
export { findProgram, isExecutable } from './find-program.ts';
export {
  definedEnv,
  type ProgramCall,
  type ProgramEnd,
  type RunProgram,
  runProgram,
  runProgramSync,
  whyFailed,
} from './run-program.ts';
