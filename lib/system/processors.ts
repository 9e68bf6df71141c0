/** The processors of this machine: what they are called, and how much may run on them at a time. */
import { availableParallelism } from 'node:os';

/** What Node (and Deno, which takes over its names) calls other than Go does. Of POWER it runs on little endian only. */
const GO_NAMES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
};

/** Go's name of a processor architecture, which images and engines have too, from `os.arch()` or `process.arch`. */
export function goArchitecture(nodeName: string): string {
  return GO_NAMES[nodeName] ?? nodeName;
}

/** Much of a build is waiting: measured best between 2 and 4. */
const JOBS_PER_PROCESSOR = 2;

/** How many builds run at a time where nobody says: two for each processor that we may use. */
export function defaultJobs(): number {
  return JOBS_PER_PROCESSOR * availableParallelism();
}
