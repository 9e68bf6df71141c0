/** The system: processors, programs, files, paths, directory watches. */
export { homeDirectory, homeOf, ownUid } from './account.ts';
export { loadCrypto } from './crypto.ts';
export { directoryFault } from './directory-fault.ts';
export { isExactName } from './exact-name.ts';
export { describeFileFault, fileFaultCode } from './file-fault.ts';
export { findProgram, isExecutable } from './find-program.ts';
export { followInside } from './follow-inside.ts';
export { SAFE_GIT } from './git.ts';
export { findMissing, isPermitted } from './permission.ts';
export { type System, thisSystem, variableName } from './platform.ts';
export { defaultJobs, goArchitecture } from './processors.ts';
export { readNamedFile, readRegularFile, UnreadableFile } from './read-file.ts';
export { isInGitDirectory, isWithin, leadsNowhere, RealPaths, repositoryOf } from './real-path.ts';
export { renameOver, renameOverSync } from './rename.ts';
export {
  definedEnv,
  killPrograms,
  type ProgramCall,
  type ProgramEnd,
  type RunProgram,
  runProgram,
  runProgramSync,
  whyFailed,
} from './run-program.ts';
export { runtimeName } from './runtime.ts';
export { streamProgram } from './stream-program.ts';
export { withoutTracing } from './tracing.ts';
export { type DirectoryListener, WATCHES_TREES, watchDirectory } from './watch-directory.ts';
export { holdPipe, writeFileWhole, writeNamedFile } from './write-file.ts';
