/** The JSON Schema of builds.yaml as data. */
import schema from '../../schemas/builds.schema.json' with { type: 'json' };

/**
 * The JSON Schema (2020-12) of builds.yaml, for editors; `bake-ts schema` prints it.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 *
 * await writeFile('builds.schema.json', JSON.stringify(buildsSchema, undefined, 2));
 * ```
 */
export const buildsSchema: Readonly<Record<string, unknown>> = schema;
