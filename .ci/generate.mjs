/**
 * Makes what is generated: lib/config/generated/shape.ts, the check of a builds file's shape, from
 * schemas/builds.schema.json with ajv's standalone generator; and lib/page/generated/app.json, the browser application
 * of the report page, from lib/page/app/.
 *
 *   node .ci/generate.mjs [--check]
 *
 * --check writes nothing and fails where a file is not what would be written.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { generatePage, PAGE_FILE } from './page.mjs';
import { root, say } from './support.mjs';

const FILE = 'lib/config/generated/shape.ts';
const SCHEMA = 'schemas/builds.schema.json';

keep(FILE, SCHEMA, generate(JSON.parse(readFileSync(path.join(root, SCHEMA), 'utf8'))));
keep(PAGE_FILE, 'lib/page/app/', await generatePage());

/** Writes a generated file, or says where it is not what it should be. */
function keep(file, source, made) {
  const target = path.join(root, file);
  if (!process.argv.includes('--check')) {
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, made);
  } else if (!existsSync(target) || readFileSync(target, 'utf8') !== made) {
    say(`${file} is not what ${source} makes it: run node .ci/generate.mjs`);
    process.exitCode = 1;
  }
}

/** A schema in the file is checked by lib/config/schema/, with better words; editors take it from the meta-schema. */
function withoutMetaSchema(schema) {
  const copy = structuredClone(schema);
  const { if: _if, then: _then, ...rest } = copy.$defs.var.properties.schema;
  copy.$defs.var.properties.schema = rest;
  return copy;
}

/** The whole file. Strict mode and the check of the schema itself are on, so a bad schema throws here. */
function generate(schema) {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    messages: false,
    code: { source: true, esm: true, lines: true },
  });
  const code = standalone.default(ajv, ajv.compile(withoutMetaSchema(schema)));
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
  return `// @ts-nocheck Made by .ci/generate.mjs from ${SCHEMA} with ajv.
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
