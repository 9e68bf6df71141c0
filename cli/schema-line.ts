/** The line by which editors find the schema of a builds.yaml. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Io } from './io.ts';

/** Where the schema lies in a project that has bake-ts among its packages. */
const SCHEMA = 'node_modules/bake-ts/schemas/builds.schema.json';

/** A builds.yaml with that line where the package is installed beside it, else as it is: no address would hold everywhere. */
export function withSchemaLine(yaml: string, target: string, io: Io): string {
  const dir = target === '-' ? io.cwd : path.dirname(path.resolve(io.cwd, target));
  return existsSync(path.join(dir, SCHEMA)) ? `# yaml-language-server: $schema=./${SCHEMA}\n${yaml}` : yaml;
}
