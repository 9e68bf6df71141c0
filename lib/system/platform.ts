/** Which system this is. What differs between them is asked here, or handed in, so that tests can be on another one. */
import process from 'node:process';

/** Node's word for it, which Deno has too: `linux`, `darwin`, `win32`, … */
export type System = NodeJS.Platform;

/** The system below us. */
export function thisSystem(): System {
  return process.platform;
}
