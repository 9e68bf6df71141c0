/** The processors of this machine: their names, and how many builds may use them at a time. */
import { availableParallelism } from 'node:os';

/** Architectures whose names in Node (and Deno, which copies them) differ from Go's. On POWER, Node runs only little endian. */
const GO_NAMES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
};

/** Go's name of an architecture, which images and engines use too, from `os.arch()` or `process.arch`. */
export function goArchitecture(nodeName: string): string {
  return GO_NAMES[nodeName] ?? nodeName;
}

/** Builds wait a lot: values between 2 and 4 were measured as best. */
const JOBS_PER_PROCESSOR = 2;

/** Default number of concurrent builds: two for each available processor. */
export function defaultJobs(): number {
  return JOBS_PER_PROCESSOR * availableParallelism();
}
