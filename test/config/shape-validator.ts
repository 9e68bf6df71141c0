/** Makes the text of lib/config/shape.generated.ts from the schema, with ajv's standalone generator. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import schema from '../../schemas/builds.schema.json' with { type: 'json' };

/** The whole file. Strict mode and the check of the schema itself are on, so a bad schema throws here. */
export function generateShapeValidator(): string {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    messages: false,
    code: { source: true, esm: true, lines: true },
  });
  const validate = ajv.compile(schema);
  const generate = (typeof standalone === 'function' ? standalone : standalone.default) as (
    instance: unknown,
    compiled: unknown,
  ) => string;
  const code = generate(ajv, validate);
  const name = /export default (\w+);/.exec(code)?.[1];
  if (name === undefined || code.includes('require(') || /^import /m.test(code)) {
    throw new Error('the generated code is not self-contained; avoid minLength, uniqueItems and the like');
  }
  const body = code
    .replace(/^"use strict";\n?/, '')
    .replace(/export const validate = \w+;\n?/, '')
    .replace(/export default \w+;\n?/, '')
    // The schema is imported by validate.ts; descriptions are of no use to the check and the largest part of the text.
    .replaceAll(/"description":"(?:[^"\\]|\\.)*",?/g, '');
  return `// @ts-nocheck Made by ajv from schemas/builds.schema.json (UPDATE_GENERATED=1 with test/config/schema.test.ts).
// biome-ignore-all lint: generated
// biome-ignore-all format: generated
// biome-ignore-all assist: generated

/** One finding of the check, as ajv has it. */
export interface ShapeError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly propertyName?: string;
}

/** Checks plain data against the schema; what is wrong is in \`errors\` until the next call. */
export interface ShapeCheck {
  (data: unknown): boolean;
  errors?: readonly ShapeError[] | null;
}

${body.trim()}

/** See {@link ShapeCheck}. */
export const checkShape: ShapeCheck = ${name} as unknown as ShapeCheck;
`;
}
