/** The line by which editors find the schema of a builds.yaml. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Io } from './io.ts';

/** The schema in a project that has bake-ts as a dependency. */
const SCHEMA = 'node_modules/bake-ts/schemas/builds.schema.json';

/** Adds that line if the package is installed beside the builds.yaml. Otherwise there is none, because no address works everywhere. */
export function withSchemaLine(yaml: string, target: string, io: Io): string {
  const dir = target === '-' ? io.cwd : path.dirname(path.resolve(io.cwd, target));
  return existsSync(path.join(dir, SCHEMA)) ? `# yaml-language-server: $schema=./${SCHEMA}\n${yaml}` : yaml;
}
