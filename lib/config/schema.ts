/** The JSON Schema of builds.yaml as data. */
import schema from '../../schemas/builds.schema.json' with { type: 'json' };

/** The JSON Schema (2020-12) of builds.yaml, for `bake-ts schema` and editors. */
export const buildsSchema: Readonly<Record<string, unknown>> = schema;
