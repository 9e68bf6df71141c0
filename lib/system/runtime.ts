/** The JavaScript runtime. */
import process from 'node:process';

/** Name and version of the runtime, as in `run-started`: `node 24.1.0`, `deno 2.9.0`. */
export function runtimeName(): string {
  const { deno, node } = process.versions as Readonly<Record<string, string | undefined>>;
  return deno === undefined ? `node ${node}` : `deno ${deno}`;
}
