/** The operating system. Differences are read here, or passed in, so that tests can simulate another system. */
import process from 'node:process';

/** Node's name, which Deno uses too: `linux`, `darwin`, `win32`, … */
export type System = NodeJS.Platform;

/** The canonical name of an environment variable: on Windows names ignore case. */
export function variableName(name: string, system: System = thisSystem()): string {
  return system === 'win32' ? name.toUpperCase() : name;
}

/** The system of this process. */
export function thisSystem(): System {
  return process.platform;
}
