/** Which system this is. What differs between them is read here, or passed in, so that tests can be on another one. */
import process from 'node:process';

/** Node's word for it, which Deno has too: `linux`, `darwin`, `win32`, … */
export type System = NodeJS.Platform;

/** The name of a variable of the environment as the system tells it from others: on Windows its case does not count. */
export function variableName(name: string, system: System = thisSystem()): string {
  return system === 'win32' ? name.toUpperCase() : name;
}

/** The system below us. */
export function thisSystem(): System {
  return process.platform;
}
